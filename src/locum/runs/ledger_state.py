"""What the ledger of a run holds now: a release states what was spent on the data by then, not by the fit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from locum.errors import FileFormatError, UsageError
from locum.privacy.ledger import Ledger
from locum.privacy.ledger_file import Head
from locum.privacy.unit import Unit
from locum.runs.files import LEDGER, LEDGER_PATH, PRIVACY
from locum.runs.guarantee import entries_of, mechanisms, statement, totals


def current_document(run: Path, document: Mapping[str, Any], ledger: Path | None = None) -> dict[str, Any]:
    """The account of a run brought up to what its ledger holds now.

    Parameters
    ----------
    run
        The run folder.
    document
        Its ``privacy.json``, from the time of the fit.
    ledger
        The ledger that paid; None takes the one that the run names, or its own.

    Returns
    -------
    The document with the entries, total, statement and head of the ledger as it stands.

    Raises
    ------
    UsageError
        When the ledger is not where the run names it.
    FileFormatError
        When the document does not add up, or the ledger does not go on from it.
    """
    place = str(run / PRIVACY)
    _refuse_sums(document, place)
    found = _ledger_of(run, ledger)
    if document.get("ledger") is not None:
        found.continues(Head.from_json(document["ledger"], place), place)
    recorded, entries = entries_of(document), found.entries
    if tuple(recorded) != entries[: len(recorded)]:
        raise FileFormatError(
            f"the steps that {place} lists are not in the ledger",
            where=str(ledger or run / LEDGER),
            do="name the ledger that the run was paid from with --ledger",
        )
    head = found.head
    added = totals(entries, found.budget.delta)
    return {
        **document,
        "statement": _said(Unit.from_json(document["unit"]), added, place),
        "ledger": None if head is None else head.to_json(),
        "entries": [e.to_json() for e in entries],
        "total": added,
        "mechanisms": mechanisms(entries),
    }


def _ledger_of(run: Path, ledger: Path | None) -> Ledger:
    """The ledger that paid for a run."""
    named, own = run / LEDGER_PATH, run / LEDGER
    if ledger is None:
        ledger = Path(named.read_text(encoding="utf-8").rstrip("\n")) if named.is_file() else own
    found = Ledger.found(ledger)
    if found is None:
        raise UsageError(
            "the ledger that the run was paid from is not there",
            where=str(ledger),
            expected="the file that --ledger named, or that of the run folder",
            do="bring it back, or say with --ledger where it lies now",
        )
    return found


def _refuse_sums(document: Mapping[str, Any], place: str) -> None:
    """Refuse a document whose total or statement is not that of its own entries."""
    added = totals(entries_of(document), float(document["total"]["delta"]))
    if added != document["total"]:
        raise FileFormatError("what was spent does not add up", where=place, do="run again")
    if _said(Unit.from_json(document["unit"]), added, place) != document["statement"]:
        raise FileFormatError("the statement is not that of the ledger", where=place, do="run again")


def _said(unit: Unit, added: Mapping[str, Any], place: str) -> str:
    if added["epsilon"] is None:
        raise FileFormatError("thresholds took all of delta, so that nothing can be stated", where=place)
    return statement(unit, added["epsilon"], added["delta"])
