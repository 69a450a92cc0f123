"""Proposals and rows in files: ``locum init``, ``fit``, ``sample``, ``impute``, ``fair`` and ``plant``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.cli.console import emit, note, say, table
from locum.wording import count, size

if TYPE_CHECKING:
    from locum.runs.plant import PlantedFile
    from locum.schema.table import Schema

#: Proposed rules that are shown; the file holds all of them.
SHOWN = 8


def init(
    data: Path, out: Path | None = None, force: bool = False, as_json: bool = False, **asked: Any
) -> None:
    """Propose what each column is, and write it down."""
    from locum.runs.init import propose, write_proposal

    found = propose(data, **asked)
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


def show_schema(schema: Schema) -> None:
    """What each column seems to be, and why."""
    table(
        ["column", "kind", "sure", "why"],
        [[c.name, c.kind, f"{100 * c.confidence:.0f} %", c.reason] for c in schema],
        right=[2],
    )
    for dependency in schema.dependencies:
        say(f"Each {dependency.determinant} goes with one {dependency.dependent}; this will be kept exactly.")


def fit(data: Path, model: Path, force: bool = False, as_json: bool = False, **asked: Any) -> None:
    """Learn a generator from a table and keep it as a file."""
    from locum.cli.progress import Display
    from locum.runs.fit import fit_file

    with Display() as display:
        found = fit_file(data, model, force=force, progress=display, **asked)
    _warn(found)
    if as_json:
        emit({"command": "fit", **found})
        return
    say(
        f"{found['synthesizer']} learned {count(found['rows'], 'row')} "
        f"x {count(found['columns'], 'column')}; "
        f"written to {model} ({size(found['bytes'])}). "
        + (found.get("guarantee") or "Treat it like the real data; no guarantee of privacy was made.")
    )
    say(f"Next: locum sample {model} --rows 1000 --out rows.csv")


def sample(found: Mapping[str, Any], out: Path) -> None:
    """Show what was drawn."""
    _warn(found)
    if "sentence" in found:
        say(found["sentence"])
    rows = count(found["rows"], "synthetic row")
    say(f"{rows} written to {out} ({size(found['bytes'])}, seed {found['seed']}).")


def impute(found: Mapping[str, Any], out: Path) -> None:
    """Show what was filled."""
    _warn(found)
    say(f"{found['sentence']} {count(found['rows'], 'row')} written to {out} ({size(found['bytes'])}).")


def fair(found: Mapping[str, Any], out: Path, page: Path | None) -> None:
    """Show what the repair did."""
    _warn(found)
    for text in (found["sentence"], *found["notes"]):
        say(text)
    say(f"{count(found['rows'], 'row')} written to {out} ({size(found['bytes'])}).")
    if page is not None:
        say(f"Report: {page}")


def _warn(found: Mapping[str, Any]) -> None:
    if found["warning"]:
        note(f"warning: {found['warning']}", style="yellow")


def plant(found: PlantedFile, out: Path, keys: Path, copies: int) -> None:
    """Show what was planted, and what to do next."""
    say(f"Planted {found.planted} canaries ({copies} each) in {out}; their key is {keys}.")
    say(f"Next: make rows from {out}, then locum evaluate --real {out} ... --canaries {keys}")
