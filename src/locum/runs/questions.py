"""What is asked of whoever writes a template at a terminal: a question a fact; Enter leaves it open."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from locum.data.dictionaries.entry import DictionaryEntry, settled
from locum.data.dictionaries.words import kind_of, levels_of, range_of, yes_or_no
from locum.errors import LocumError, UsageError
from locum.runs.template import Draft, MissingFact, kinds_in_words
from locum.schema.column import Bounds, Column, Kind

#: Puts a question and gives the answer; an empty one leaves the fact open.
Ask = Callable[[str], str]
#: Says a sentence.
Tell = Callable[[str], None]

_T = TypeVar("_T")


def ask_missing(draft: Draft, ask: Ask, tell: Tell) -> Draft:
    """The draft with what was answered: names, then of each column its kind, levels or bounds, then the unit.

    An answer that cannot be is told and asked again.
    """
    if not draft.names:
        names = _answer(
            "Names of the columns in the order of the data, parted by commas", ask, tell, split_names
        )
        draft = replace(draft, names=names or ())
    for name in draft.names:
        for _ in range(2):  # the kind, and then what that kind needs
            gap = next((gap for gap in draft.gaps() if gap.column == name), None)
            column = None if gap is None else _column(draft, gap, ask, tell)
            if column is None:
                break
            draft = draft.with_column(column)
    if draft.names and any(gap.fact == "unit" for gap in draft.gaps()):
        draft = _with_unit(draft, ask, tell)
    return draft


def split_names(text: str) -> tuple[str, ...]:
    """Names parted by commas; one with a comma in it stands in double quotes.

    Raises
    ------
    UsageError
        When a name is empty or there twice.
    """
    try:
        names = tuple(name.strip() for name in next(csv.reader([text], skipinitialspace=True), []))
    except csv.Error:
        names = ()
    if not names or not all(names) or len(set(names)) < len(names):
        raise UsageError(
            "the names are empty, or one is there twice", where="columns", expected="such as age,sex,town"
        )
    return names


def _column(draft: Draft, gap: MissingFact, ask: Ask, tell: Tell) -> Column | None:
    """The column with the fact that was missing; None where it stays open."""
    name, known = gap.column, draft.known(gap.column)
    if known is None:
        return _answer(
            f"Kind of {name} ({kinds_in_words()})", ask, tell, lambda text: Column(name, _kind(text))
        )
    where = f"{draft.table}.{name}"
    if gap.fact == "levels":
        asked = f"Every label that {name} may have, parted by |, ; or commas"
        levels = _answer(
            asked, ask, tell, lambda text: settled(DictionaryEntry(name, levels=levels_of(text)), where)
        )
        by = f"{known.by} (levels: whoever wrote this file)" if known.by else ""
        return None if levels is None else replace(known, levels=levels.levels, by=by)
    example = "2000-01-01 to 2030-12-31" if known.kind in ("date", "datetime") else "0 to 110"
    seconds = ", in seconds" if known.kind == "duration" else ""
    asked = f"Lowest and highest possible value of {name}{seconds} (such as {example})"

    def bounds(text: str) -> Column:
        ends = range_of(text)
        if ends is None:
            raise UsageError("this is no range", where=where, expected=f"such as {example}")
        found = settled(DictionaryEntry(name, known.kind, low=ends[0], high=ends[1]), where)
        return replace(known, bounds=Bounds(found.low, found.high, "declared"))

    return _answer(asked, ask, tell, bounds)


def _with_unit(draft: Draft, ask: Ask, tell: Tell) -> Draft:
    """The draft with whose rows they are, where that is answered."""
    asked = "Column that says whose row it is, if a person can have several rows (or: no, if none has)"

    def unit(text: str) -> Draft:
        if text not in draft.names and yes_or_no(text) is False:
            return replace(draft, one_row_per_person=True)
        return replace(draft, unit=text)

    return _answer(asked, ask, tell, unit) or draft


def _answer(question: str, ask: Ask, tell: Tell, read: Callable[[str], _T]) -> _T | None:
    """What an answer means; asked again while it means nothing."""
    while True:
        text = ask(f"{question} [Enter leaves it open]: ").strip()
        if not text:
            return None
        try:
            return read(text)
        except LocumError as error:
            tell(error.message)


def _kind(text: str) -> Kind:
    kind, _ = kind_of(text)
    if kind is None:
        raise UsageError(f"there is no kind {text!r}", where="kind", expected=f"one of {kinds_in_words()}")
    return kind
