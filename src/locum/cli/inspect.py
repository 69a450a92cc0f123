"""``locum inspect``: what a model file or a run folder holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from locum.cli import options
from locum.cli.options import argument


def inspect(
    file: Annotated[Path, argument(metavar="FILE", help="Model file (*.locum) or run folder.")],
    as_json: options.Json = False,
) -> None:
    """Show what a model file or run folder holds, without loading the model.

    Works on files from strangers too: nothing in them is run.
    """
    from locum.cli.console import emit, say, table
    from locum.runs.inspect import inspect_path

    found = inspect_path(file)
    if as_json:
        emit({"command": "inspect", **found.to_json()})
        return
    say(found.title, "bold")
    table(["what", "value"], [[name, text] for name, text in found.facts.items()])
    if found.members:
        table(["file", "size"], [[name, text] for name, text in found.members.items()], right=[1])
    for question, sentence in found.sentences:
        say(question, "bold")
        say(f"  {sentence}", hang=2)
