"""``locum verify``: check a release that came from somebody else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from locum.cli import options
from locum.cli.options import argument, option


def verify(
    bundle: Annotated[Path, argument(metavar="BUNDLE", help="Folder made by `locum release`.")],
    key: Annotated[
        str | None,
        option(
            "--key", help="Public key that must have signed: 64 hexadecimal digits, or a file.", metavar="KEY"
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Check hashes, signature and the sum of what was spent; exit code 1 when anything is wrong.

    No private data is needed. That the computation was run as claimed cannot be checked from outside.
    """
    from locum.cli.console import emit, say
    from locum.files.signature import public_key
    from locum.runs.verify import verify as check

    found = check(bundle, key=None if key is None else public_key(key))
    if as_json:
        emit({"command": "verify", **found.to_json()})
    elif found.passed:
        say("In order.", style="green")
        say(f"Privacy: {found.statement}")
        if found.epsilon is not None:
            say(f"Epsilon added up twice: {found.epsilon[0]:.6g} and {found.epsilon[1]:.6g}.")
        say(f"{len(found.files)} files and the certificate are unchanged since they were signed.")
        word = "the key you expect" if found.known_key else "a key that you should compare with the sender's"
        say(f"Signed by {word}, fingerprint {found.key}.")
        say("Not proven, but assumed:")
        for text in found.assumptions:
            say(f"- {text}")
    else:
        say("NOT in order.", style="bold red")
        for text in found.failures:
            say(f"- {text}")
    if not found.passed:
        raise typer.Exit(1)
