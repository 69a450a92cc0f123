"""Where the rows of delimited text begin and end, and the names of their columns."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from locum.data.origin import Dialect
from locum.data.table_area import NOTHING_ASKED, AreaAsked, TableArea, find_area
from locum.errors import DataError

#: Records at the start, and lines at the end, that are looked at.
_FIRST, _LAST = 300, 40
#: Bytes at the end in which those lines are sought.
_TAIL = 1 << 16


@dataclass(frozen=True, slots=True)
class Located:
    """The rows of a text, and what their columns are called.

    Attributes
    ----------
    names
        One name a field.
    start, end
        Where the rows begin and end, in bytes.
    row
        The column of row numbers that has no name in the text, and how it lacks it; as in `Dialect`.
    row_form
        How that column lacks its name; as in `Dialect`.
    spare
        The last column, where its name is empty; it must hold nothing.
    question
        Why the first line might be a row; empty when nothing speaks for that.
    notes
        Sentences for the user.
    """

    names: list[str]
    start: int
    end: int
    row: str = ""
    row_form: str = ""
    spare: str = ""
    question: str = ""
    notes: tuple[str, ...] = ()


def locate(text: bytes, dialect: Dialect, where: str, asked: AreaAsked, names: Sequence[str] = ()) -> Located:
    """Find the rows of a text and the names of its columns.

    Parameters
    ----------
    text, dialect, where
        The text in UTF-8, how it is spelled, and the file for errors.
    asked
        Where the table lies, as far as the user said so.
    names
        The names where no line holds them; c1, c2, ... when there are none.

    Raises
    ------
    DataError
        When the first lines cannot be read, or names are empty, twice, or not as many as fields.
    """
    records, ends = _leading(text, dialect, where, headed=asked.header_rows != 0)
    tail, starts = _trailing(text, dialect)
    found, area = _locate(records, tail, where, asked, names)
    start = ends[area.rows_at - 1] if area.rows_at else 0
    end = starts[-area.footer] if area.footer else len(text)
    return replace(found, start=start, end=max(start, end))


def locate_records(
    records: Sequence[Sequence[str]],
    where: str,
    asked: AreaAsked,
    names: Sequence[str] = (),
    *,
    ask: bool = False,
) -> tuple[Located, int, int]:
    """The same for records at hand, with the first record of a row and the one after the last."""
    head, tail = records[:_FIRST], records[-_LAST:]
    found, area = _locate(head, tail, where, asked, names)
    if found.question:
        refuse_unsure(found, where, ask=ask)
        found, area = _locate(head, tail, where, replace(asked, header_rows=0), names)
        found = replace(found, notes=(*found.notes, taken_for_row(found.names)))
    return found, area.rows_at, len(records) - area.footer


def refuse_unsure(found: Located, where: str, *, ask: bool) -> None:
    """Ask, where there is somebody to ask, whether a first line that looks like a row is one.

    Raises
    ------
    DataError
        That is the question.
    """
    if ask:
        raise DataError(
            f"the first line looks like a row, not like names: {found.question}",
            where=where,
            expected="names of columns, or word that there are none",
            do="say --no-header if it is a row (the columns are then called c1, c2, ...), or --header if it "
            "holds the names (header=False or True in Python, header in [data] of locum.toml)",
        )


def taken_for_row(names: Sequence[str]) -> str:
    """What is said where a first line is taken for a row."""
    return (
        f"The first line looks like a row, so the columns are called c1 to c{len(names)}. If it holds "
        "their names, say so: header=True in Python, --header, or header = true in [data] of locum.toml."
    )


def _locate(
    records: Sequence[Sequence[str]],
    tail: Sequence[Sequence[str]],
    where: str,
    asked: AreaAsked,
    names: Sequence[str],
) -> tuple[Located, TableArea]:
    """Names, question and notes, and the area in records."""
    area = find_area(records, tail, asked)
    if area.rows_at >= len(records) and area.rows_at > 1 and asked != NOTHING_ASKED:
        raise DataError(
            f"there are no rows below line {area.rows_at}",
            where=where,
            expected="fewer lines above the rows",
            do="correct --skip-rows, --header-rows or --units-row",
        )
    found = Located([], 0, 0, question=area.question, notes=area.notes)
    if area.names is None:
        return replace(found, names=_unnamed(records[area.skip :], names, where)), area
    return _named(list(area.names), area, found, where), area


def _named(names: list[str], area: TableArea, found: Located, where: str) -> Located:
    """With the names of a record, and one for row numbers that have none."""
    row, form = "", ""
    if area.short:
        row, form = free_name(names), "absent"
        names = [row, *names]
    elif len(names) > 1 and not names[0].strip() and all(name.strip() for name in names[1:]):
        row, form = free_name(names), "empty"
        names = [row, *names[1:]]
    spare = ""
    if len(names) > 1 and not names[-1].strip() and all(name.strip() for name in names[:-1]):
        spare = free_name(names, "unnamed")
        names = [*names[:-1], spare]
    if not area.question:
        check_names(names, where)
    return replace(found, names=names, row=row, row_form=form, spare=spare)


def free_name(names: Sequence[str], wish: str = "row") -> str:
    """A name that no column has.

    >>> free_name(["a", "row"])
    'row_2'
    """
    tries = (wish if i == 1 else f"{wish}_{i}" for i in range(1, len(names) + 2))
    return next(name for name in tries if name not in names)


def _unnamed(records: Sequence[Sequence[str]], names: Sequence[str], where: str) -> list[str]:
    first = next((record for record in records if any(record)), [""])
    if not names:
        return [f"c{i + 1}" for i in range(len(first))]
    if len(names) != len(first):
        raise DataError(
            f"the first line has {len(first)} fields, and {len(names)} columns are named",
            where=where,
            expected="a name for each field",
            do="correct the names in locum.toml, or name the delimiter with --delimiter",
        )
    return list(names)


def _leading(text: bytes, dialect: Dialect, where: str, *, headed: bool) -> tuple[list[list[str]], list[int]]:
    """The first records, blank ones included, and the byte after each."""
    consumed = 0

    def lines() -> Iterator[str]:
        nonlocal consumed
        start = 0
        for match in re.finditer(rb"\r\n|\n|\r|\Z", text):
            line = text[start : match.end()]
            consumed, start = match.end(), match.end()
            yield line.decode("utf-8")

    records: list[list[str]] = []
    ends: list[int] = []
    try:
        for record in csv.reader(lines(), delimiter=dialect.delimiter, skipinitialspace=dialect.space):
            records.append(record)
            ends.append(consumed)
            if len(records) >= _FIRST:
                break
    except csv.Error as error:
        if not any(map(any, records)):
            raise DataError(
                f"the {'header' if headed else 'first'} line cannot be read",
                where=where,
                do="check the quotes in the first line",
            ) from error
    if not any(map(any, records)):
        raise DataError("the file holds no names and no values", where=where, do="check the delimiter")
    while records and not any(records[-1]) and ends[-1] >= len(text):
        del records[-1], ends[-1]
    return records, ends


def _trailing(text: bytes, dialect: Dialect) -> tuple[list[list[str]], list[int]]:
    """The last records, and where each begins; none where a quote might span lines."""
    begin = max(0, len(text) - _TAIL)
    chunk = text[begin:]
    if begin:
        cut = chunk.find(b"\n") + 1
        begin, chunk = begin + cut, chunk[cut:]
    starts, lines = [], []
    at = 0
    for line in chunk.splitlines(keepends=True):
        starts.append(begin + at)
        lines.append(line.decode("utf-8", errors="replace"))
        at += len(line)
    lines, starts = lines[-_LAST:], starts[-_LAST:]
    if any(line.count('"') % 2 for line in lines):
        return [], []
    try:
        reader = csv.reader(lines, delimiter=dialect.delimiter, skipinitialspace=dialect.space)
        return [list(record) for record in reader], starts
    except csv.Error:
        return [], []


def looks_like_data(names: Sequence[str]) -> bool:
    """Whether all names are numbers, which names seldom are."""
    return all(re.fullmatch(r"\s*[+-]?\d+([.,]\d+)?\s*", name) for name in names)


def check_names(names: Sequence[str], where: str) -> None:
    """Refuse names that are empty, or the same; raises DataError."""
    empty = [i + 1 for i, name in enumerate(names) if not name.strip()]
    if empty:
        places = ", ".join(str(i) for i in empty[:5])
        which = f"column {places} has" if len(empty) == 1 else f"columns {places} have"
        raise DataError(
            f"{which} no name in the header line",
            where=where,
            expected="a name for every column",
            do="name it, or leave out a trailing delimiter when the file is written; if the names stand in "
            "another line, say --skip-rows, or --header-rows 2 where they stand in two",
        )
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(
            f"{len(twice)} column {'name appears' if len(twice) == 1 else 'names appear'} twice",
            where=where,
            examples=[repr(name) for name in twice],
            expected="different names",
            do="rename them in the header line",
        )
