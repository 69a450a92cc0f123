"""``locum release``: the bundle of a private run that may leave the house."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from locum.cli import options
from locum.cli.options import argument, option


def release(
    run: Annotated[Path, argument(metavar="RUN", help="Folder of a run made with --epsilon.")],
    out: Annotated[Path, option("--out", help="New folder for the bundle.", metavar="BUNDLE")],
    key: Annotated[
        Path | None,
        option(
            "--key",
            help="Ed25519 private key (PEM) to sign with. Default: your own, made when there is none.",
            metavar="FILE",
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Put what may be published into a folder: rows, model, card, quality report, signed certificate.

    Only files that were drawn, fitted or paid for are taken; the report on real rows stays behind.
    """
    from locum.cli.console import emit, say
    from locum.cli.progress import Display
    from locum.runs.release import release as build

    with Display() as display:
        made = build(run, out, key=key, progress=display)
    if as_json:
        emit({"command": "release", **made.to_json()})
        return
    say(f"Privacy: {made.statement}")
    say()
    width = max(len(name) for name in made.files)
    for name, meaning in made.files.items():
        say(f"  {name:<{width}}  {meaning}")
    say()
    for sentence in made.quality:
        say(sentence)
    say()
    word = "a key made just now" if made.new_key else "your key"
    say(f"Signed by {word}, fingerprint {made.key}. Tell receivers the public key {made.public_key}")
    say(f"Next: locum verify {out}")
