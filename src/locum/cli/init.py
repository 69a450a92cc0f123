"""``locum init``: propose what each column is, and write it down."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from locum.cli import options
from locum.cli.options import option

#: Proposed rules that are shown; the file holds all of them.
SHOWN = 8


def init(
    data: options.NeededData,
    out: Annotated[
        Path | None, option("--out", help="File to write. Default: locum.toml beside DATA.")
    ] = None,
    target: options.Target = None,
    protected: options.Protected = None,
    force: options.Force = False,
    delimiter: options.Delimiter = None,
    encoding: options.Encoding = None,
    as_json: options.Json = False,
) -> None:
    """Look at a table, show what each column seems to be and which rules it follows, write locum.toml.

    Read the file, change what is wrong, then `locum run DATA` follows it.
    """
    from locum.cli.console import emit, note, say
    from locum.cli.show import show_schema
    from locum.runs.init import propose, write_proposal

    found = propose(
        data, target=target, protected=tuple(protected or ()), delimiter=delimiter, encoding=encoding
    )
    path = write_proposal(found, out or data.parent / "locum.toml", force=force)
    if as_json:
        emit({"command": "init", "config": str(path), **found.to_json()})
        return
    for text in found.notes:
        note(text)
    show_schema(found.schema)
    if found.rules:
        say(f"Rules that the rows seem to follow, as comments in {path}; take the signs off what must hold:")
        for rule in found.rules[:SHOWN]:
            say(f"  {rule.rule if len(rule.rule) <= 80 else rule.rule[:77] + '...'}  ({rule.remark})")
        if len(found.rules) > SHOWN:
            say(f"  and {len(found.rules) - SHOWN} more")
    say(f"Written to {path}. Change what is wrong, then: locum run {data}")
