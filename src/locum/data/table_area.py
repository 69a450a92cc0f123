"""Where the table lies in a file of text: below a title, under one or two lines of names, above a footer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from locum.data.missing import says_missing

Record = Sequence[str]

#: Fields that are values and no names: numbers, dates, times, nothing.
VALUE = re.compile(
    r"\s*|\s*[+-]?[\d.,:/ -]*\d[\d.,:/ %-]*(T[\d:.]+Z?)?\s*|\s*[+-]?\d+([.,]\d+)?[eE][+-]?\d+\s*"
)
#: Units as they stand below names or beside numbers.
UNIT = re.compile(
    r"[\[(].{1,20}[\])]|%|‰|[µu]?[smg]|[cmk]?m[²³23]?|[kmµ]?g|[mcd]?[lL]|ha|t|°?[CFK]|deg ?[CF]|min|h"
    r"|[Hh](ou)?rs?|days?|Days?|d|weeks?|months?|[Yy]ears?|yrs?|[kmMG]?Hz|[hkM]?Pa|bar|mmHg|bpm|[kMG]?W|[kM]?Wh|[kM]?J|kcal"
    r"|m?V|m?A|USD|EUR|GBP|CHF|[$€£¥]|[kMc]?m/[shd]|km/h|mph|mg/d?[lL]|m?mol/[lL]|[µu]g/m[3³]|kg/m[2²3³]|g/[lL]"
)
#: What stands beside units below a name that has none.
_NO_UNIT = ("-", "--", "none", "n/a", "NA", "text", "date", "number", "count")
_CLOSING = re.compile(
    r"(sources?|notes?|quelle|footnotes?|generated|created|printed|copyright|data (from|as of))\b.*[:. ].*"
    r"|[©*#].*|\(\d\).+|page \d.*|end of .*",
    re.IGNORECASE,
)
#: Lines below a first line from which what they hold is told for sure.
_ENOUGH = 5
#: Rows and columns that are looked at for what they hold.
_ROWS, _COLUMNS = 200, 200
#: Share of values in a column that is one of numbers or dates.
_TYPED = 0.9


#: Options of `locum.data.read` for a file that locum wrote: one line of names, and all others are rows.
OWN_FORM: Mapping[str, Any] = {"header_rows": 1, "skip_rows": 0, "units_row": False, "footer_rows": 0}


@dataclass(frozen=True, slots=True)
class AreaAsked:
    """Where the user says that the table lies; None where it is to be found.

    Attributes
    ----------
    skip_rows
        Lines above the names.
    header_rows
        Lines that hold names: 0, 1 or 2.
    units_row
        Whether a line with units follows the names.
    footer_rows
        Lines below the last row.
    """

    skip_rows: int | None = None
    header_rows: int | None = None
    units_row: bool | None = None
    footer_rows: int | None = None


#: Nothing is said.
NOTHING_ASKED = AreaAsked()


@dataclass(frozen=True, slots=True)
class TableArea:
    """Where the table lies, in records of the file.

    Attributes
    ----------
    skip, heads, footer
        Records above the names, records of names, and records below the rows.
    units
        Whether a record of units follows the names.
    names
        Name of each field; None where no record holds names.
    short
        Whether the names are one fewer than the fields, as R writes them where rows have names.
    question
        Why the first record might be a row; empty when it is one of names, or the user said so.
    notes
        What is left out, with its place, and how to say otherwise.
    """

    skip: int = 0
    heads: int = 1
    units: bool = False
    footer: int = 0
    names: tuple[str, ...] | None = None
    short: bool = False
    question: str = ""
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def rows_at(self) -> int:
        """The record with which the rows begin."""
        return self.skip + self.heads + self.units


def find_area(records: Sequence[Record], tail: Sequence[Record], asked: AreaAsked) -> TableArea:
    """Find the table among the first and last records of a file, as far as the user has not said it.

    Parameters
    ----------
    records
        The first records, blank ones included.
    tail
        The last records, which may be the same.
    asked
        What the user said.

    Notes
    -----
    A record above the names is one with fewer fields than most, or only one that is not blank. A second
    record of names, or one of units, has words where all that follows are numbers or dates. A record below
    the rows has fewer fields, one field that is not blank, or begins with a word such as Total or Source.
    """
    width = _width(records)
    if width < 2:
        first = next((i for i, r in enumerate(records) if _filled(r)), 0)
        heads = 1 if asked.header_rows is None else asked.header_rows
        skip = first if asked.skip_rows is None else asked.skip_rows
        names = tuple(records[skip]) if heads and len(records) > skip else None
        rows = [r for r in records[skip + 1 :] if len(r) == 1]
        question = _question(records[skip], rows) if names and asked.header_rows is None else ""
        return TableArea(skip, heads, bool(asked.units_row), asked.footer_rows or 0, names, question=question)
    skip = _skipped(records, width) if asked.skip_rows is None else asked.skip_rows
    rest = records[skip:]
    heads, units = _heads(rest, width, asked)
    names = _names(rest, heads, width)
    short = names is not None and len(names) == width - 1
    below = [r for r in rest[heads + units :] if len(r) == width]
    question = _question(rest[0], below) if heads == 1 and asked.header_rows is None and rest else ""
    footer = _footer(tail, below, width) if asked.footer_rows is None else asked.footer_rows
    footer = min(
        footer, max(0, len(records) - skip - heads - units - 1) if len(records) <= len(tail) else footer
    )
    found = TableArea(skip, heads, units, footer, names, short, question)
    return TableArea(skip, heads, units, footer, names, short, question, _notes(found, records, tail, asked))


def _filled(record: Record) -> int:
    """Fields that are not blank."""
    return sum(bool(value.strip()) for value in record)


def _width(records: Sequence[Record]) -> int:
    """Fields of most records."""
    lengths = Counter(len(r) for r in records if _filled(r))
    return max(lengths, key=lambda n: (lengths[n], n), default=0)


def _skipped(records: Sequence[Record], width: int) -> int:
    """Records above the names."""
    for i, record in enumerate(records):
        filled = _filled(record)
        named = _like_names(records[i + 1 : i + 7], width)
        if len(record) == width and (filled > 1 or (filled and (not record[0].strip() or not named))):
            return i
        if len(record) == width - 1 and filled == len(record) and _begins(records[i + 1 :], width):
            return i
    return next((i for i, r in enumerate(records) if _filled(r)), 0)


def _like_names(records: Sequence[Record], width: int) -> bool:
    """Whether the first full record is one of names: several fields, and none of them a value."""
    full = next((r for r in records if len(r) == width and _filled(r) > 1), None)
    return full is not None and not any(VALUE.fullmatch(value) for value in full if value.strip())


def _begins(rest: Sequence[Record], width: int) -> bool:
    """Whether rows with a name of their own in the first field follow at once."""
    rows = [r for r in rest if _filled(r)][:300]
    firsts = [r[0] for r in rows]
    return len(rows) > 1 and all(len(r) == width for r in rows) and len(set(firsts)) == len(firsts)


def _heads(rest: Sequence[Record], width: int, asked: AreaAsked) -> tuple[int, bool]:
    """Records of names, and whether one of units follows."""
    heads = 1 if asked.header_rows is None else asked.header_rows
    units = bool(asked.units_row)
    if asked.header_rows is None and _is_words(rest, 1, width):
        alone = len({name.strip() for name in rest[0]}) == len(rest[0])
        if asked.units_row is not True and _is_units(rest[1]) and alone:
            return 1, asked.units_row is None
        if asked.units_row is not True:
            heads = 2
    if asked.units_row is None and heads and _is_words(rest, heads, width) and _is_units(rest[heads]):
        units = True
    return heads, units


def _is_words(rest: Sequence[Record], at: int, width: int) -> bool:
    """Whether a record has words wherever all records below it have numbers or dates."""
    if len(rest) < at + 3 or len(rest[at]) != width:
        return False
    below = [r for r in rest[at + 1 : at + 1 + _ROWS] if len(r) == width and _filled(r)]
    looked = range(min(width, _COLUMNS))
    typed = [i for i in looked if _typed([r[i] for r in below])]
    words = [i for i in typed if not VALUE.fullmatch(rest[at][i]) and not says_missing(rest[at][i])]
    values = [i for i in typed if rest[at][i].strip() and VALUE.fullmatch(rest[at][i])]
    units = [i for i in words if UNIT.fullmatch(rest[at][i].strip())]
    sure = len(words) >= 2 or len(units) == 1
    names = [rest[0][i] for i in typed if i < len(rest[0])]
    named = bool(names) and not all(VALUE.fullmatch(name) and name.strip() for name in names)
    others = [i for i in looked if i not in typed and rest[at][i].strip()]
    fresh = not any(rest[at][i] == r[i] for i in others for r in below[:200])
    most = len(words) * 2 > len(typed) or len(units) == len(words)
    return sure and not values and named and fresh and most


def _typed(values: Sequence[str]) -> bool:
    some = [value for value in values if value.strip() and not says_missing(value)]
    return len(some) >= 2 and sum(bool(VALUE.fullmatch(v)) for v in some) >= _TYPED * len(some)


def _is_units(record: Record) -> bool:
    some = [value.strip() for value in record if value.strip()]
    units = sum(bool(UNIT.fullmatch(v)) for v in some)
    return units > 0 and units + sum(v in _NO_UNIT for v in some) >= (len(some) + 1) // 2


def _names(rest: Sequence[Record], heads: int, width: int) -> tuple[str, ...] | None:
    """One name a field; of two records of names the upper goes on to the right until the next."""
    if heads == 0 or not rest:
        return None
    if heads == 1:
        return tuple(rest[0])
    lines = [list(r) + [""] * (width - len(r)) for r in rest[:heads]]
    for upper in lines[:-1]:
        blank = any(not name.strip() for name in upper[1:])
        for i in range(1, width):
            if blank and not upper[i].strip():
                upper[i] = upper[i - 1]
    return tuple(
        "_".join(dict.fromkeys(p.strip() for p in parts if p.strip())) for parts in zip(*lines, strict=True)
    )


def _question(first: Record, below: Sequence[Record]) -> str:
    """Why the first record might be a row; empty when it is one of names, or too little is below it."""
    if len(below) < _ENOUGH or len(first) != len(below[0]):
        return ""
    first = first[:_COLUMNS]
    columns = list(zip(*(r[:_COLUMNS] for r in below[:_ROWS]), strict=True))
    typed = [i for i, values in enumerate(columns) if _typed(values)]
    values = [i for i in typed if first[i].strip() and VALUE.fullmatch(first[i])]
    texts = [i for i in range(len(first)) if i not in typed and first[i].strip()]
    again = [i for i in texts if first[i] in columns[i]]
    if len(values) < len([i for i in typed if first[i].strip()]) or not (values or texts):
        return ""
    if values and (not texts or again or len(values) * 2 > len(first)) and not _counts(first, values):
        what = f"{len(values)} of its {len(first)} fields are numbers or dates"
        return f"{what if len(first) > 1 else 'it is a number or date'}, as in the lines below"
    few = [i for i in texts if len(set(columns[i])) * 2 <= len(columns[i])]
    if not typed and again and len(again) * 2 >= len(few):
        return f"{len(again)} of its {len(first)} fields are values of lines below"
    return ""


def _counts(first: Record, at: Sequence[int]) -> bool:
    """Whether the numbers among some names count on, as years or months in a cross table do."""
    found = [first[i].strip() for i in at]
    if not all(re.fullmatch(r"\d{1,6}", text) for text in found):
        return False
    steps = {int(b) - int(a) for a, b in pairwise(found)}
    if len(found) < 3:
        return steps == {1} or (len(found) == 1 and 1800 <= int(found[0]) <= 2200)
    return len(steps) == 1 and min(steps) > 0


def _footer(tail: Sequence[Record], below: Sequence[Record], width: int) -> int:
    """Records below the rows."""
    looked = range(min(width, _COLUMNS))
    typed = {i for i in looked if below and _typed([r[i] for r in below[:_ROWS]])}
    firsts = Counter(r[0].strip() for r in below)
    n, kept = 0, 0
    for i, record in enumerate(reversed(tail), start=1):
        filled = _filled(record)
        start = next((value.strip() for value in record if value.strip()), "")
        closing = bool(_CLOSING.fullmatch(start))
        sums = start.lower().rstrip(": ") in _SUMS and (0 in typed or firsts[start] < 2)
        prose = " " in start or filled * 2 <= width
        strange = not firsts[start] and not VALUE.fullmatch(start)
        odd = filled == 0 or (len(record) != width and (closing or sums or (prose and strange)))
        strange_one = width > 2 and 0 in typed and not VALUE.fullmatch(start)
        lone = filled == 1 and (closing or strange_one)
        if not (odd or lone or sums):
            kept += 1
            break
        if filled:  # blank ones above are part of it, too
            n = i
    blank = next((i for i, r in enumerate(list(reversed(tail))[n:]) if _filled(r)), 0)
    return n + blank if n and (kept or n < len(tail)) else 0


#: First words of a record that adds up those above it.
_SUMS = frozenset(
    {"total", "totals", "grand total", "sum", "summe", "gesamt", "insgesamt", "average", "mean"}
)


def _notes(
    found: TableArea, records: Sequence[Record], tail: Sequence[Record], asked: AreaAsked
) -> tuple[str, ...]:
    """Sentences about what is left out, without a value of it."""
    notes = []
    if found.skip and asked.skip_rows is None and any(_filled(r) for r in records[: found.skip]):
        lines = "Line 1 stands" if found.skip == 1 else f"Lines 1 to {found.skip} stand"
        verb = "is" if found.skip == 1 else "are"
        notes.append(
            f"{lines} above the names of the columns and {verb} not read (--skip-rows {found.skip})."
        )
    if found.heads == 2 and asked.header_rows is None:
        first = found.skip + 1
        notes.append(
            f"Lines {first} and {first + 1} both hold names, which were joined by _ (--header-rows 2; "
            "--header-rows 1 reads the second as a row)."
        )
    if found.units and asked.units_row is None:
        line = found.skip + found.heads + 1
        notes.append(f"Line {line} holds units and is not read (--units-row; --no-units reads it as a row).")
    if found.footer and asked.footer_rows is None and any(_filled(r) for r in tail[-found.footer :]):
        one = found.footer == 1
        lines = "The last line is" if one else f"The last {found.footer} lines are"
        notes.append(
            f"{lines} no {'row' if one else 'rows'} of the table and {'is' if one else 'are'} not read "
            f"(--footer-rows {found.footer}; --footer-rows 0 reads {'it' if one else 'them'})."
        )
    return tuple(notes)
