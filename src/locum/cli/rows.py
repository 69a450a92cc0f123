"""Proposals and rows in files: ``locum init``, ``fit``, ``sample``, ``impute``, ``fair`` and ``plant``."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.cli.console import emit, note, prompt, say, table
from locum.errors import UsageError
from locum.wording import count, shortened, size

if TYPE_CHECKING:
    from locum.runs.plant import PlantedFile
    from locum.schema.column import Column
    from locum.schema.table import Schema

#: Proposed rules that are shown; the file holds all of them.
SHOWN = 8
#: Options of ``init`` that say what a look at the rows would tell otherwise.
_TEMPLATE_ONLY = ("dictionary", "columns", "unit", "one_row_per_person")


def init(
    data: Path,
    out: Path | None = None,
    force: bool = False,
    as_json: bool = False,
    private: bool = False,
    **asked: Any,
) -> None:
    """Propose what each column is, and write it down."""
    from locum.runs.init import propose, write_proposal

    path = out or data.parent / "locum.toml"
    if private:
        init_private(data, path, force=force, as_json=as_json, **asked)
        return
    for name in _TEMPLATE_ONLY:
        if asked.pop(name, None):
            flag = f"--{name.replace('_', '-')}"
            raise UsageError("this means something with --private only", where=flag, do="add --private")
    found = propose(data, **asked)
    path = write_proposal(found, path, force=force)
    if as_json:
        emit({"command": "init", "config": str(path), **found.to_json()})
        return
    for text in found.notes:
        note(text)
    show_schema(found.schema)
    if found.rules:
        say("Rules that the rows follow; every synthetic row will keep those without a row against them:")
        for rule in found.rules[:SHOWN]:
            say(f"  {shortened(rule.rule)}  ({rule.remark})")
        if len(found.rules) > SHOWN:
            say(f"  and {len(found.rules) - SHOWN} more")
    say(f"Written to {path}. Change what is wrong, then: locum run {data}")


def init_private(data: Path, path: Path, *, force: bool, as_json: bool, **asked: Any) -> None:
    """Write a template without opening the data; on a terminal, what is missing is asked for."""
    from locum.runs.init import draft_template
    from locum.runs.out_folder import refuse_existing
    from locum.runs.questions import ask_missing
    from locum.runs.template import path_from, write_draft

    refuse_existing(path, force=force)
    draft, notes = draft_template(data, **asked)
    for text in notes if not as_json else ():
        note(text)
    if sys.stdin.isatty() and not as_json:
        draft = ask_missing(draft, prompt, note)
    missing = write_draft(replace(draft, data=path_from(data, path)), path, force=force)
    if as_json:
        columns = [{"name": n, "kind": getattr(draft.known(n), "kind", None)} for n in draft.names]
        emit({"command": "init", "config": str(path), "columns": columns, "missing": missing, "notes": notes})
        return
    if draft.names:
        table(["column", "kind", "known", "by"], [_known(n, draft.known(n)) for n in draft.names])
    say(f"Written to {path} without opening {data}.")
    if missing:
        say("Still missing, each with a line in the file:")
        for text in missing:
            say(f"  {text}", hang=4)
        say("Fill in what is known without the rows; what nobody knows stays open.")
    say(f"Next: locum check {shlex.quote(str(data))} --epsilon 1")


def _known(name: str, column: Column | None) -> list[str]:
    """What is known of a column, for a line of a table."""
    if column is None:
        return [name, "?", "", ""]
    bounds = column.bounds
    known = [f"{len(column.levels)} levels"] if column.levels is not None else []
    if bounds is not None:
        known.append(
            " ".join(
                f"{'from' if i == 0 else 'to'} {end}"
                for i, end in enumerate((bounds.low, bounds.high))
                if end is not None
            )
        )
    known += [] if column.nullable else ["never missing"]
    return [name, column.kind, ", ".join(known), column.by]


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
    for text in found["notes"]:
        note(f"note: {text}")
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
    rows, files = count(found["rows"], "row"), found["files"]
    if len(files) == 1:
        say(f"{found['sentence']} {rows} written to {out} ({size(found['bytes'])}).")
        return
    say(f"{found['sentence']} {rows} written to each of {files[0]} to {Path(files[-1]).name}.")
    say(found["combine"])


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
