"""Statements about one column that a rule may join: a level, a frequent number, or being missing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from locum.arrays import BoolArray, FloatArray, IntArray
from locum.control.rules.shapes.sheet import Sheet
from locum.control.where.names import sort_of
from locum.control.where.token import literal, quote

#: Most levels of a column that are looked at, and most statements of a table.
MOST_LEVELS, MOST_ATOMS = 30, 2000
#: Share of rows that makes a number a frequent one, if it is the lowest or highest, and if it is neither.
SPIKE, INNER_SPIKE = 0.03, 0.1
#: A column of numbers with no more values than these is one of codes, each of which counts.
FEW = 10
#: Fewest rows of the trial of which a statement must be true, and false.
LEAST_ROWS = 10


class Sign(StrEnum):
    """On which side of zero a number is."""

    ABOVE = "> 0"
    BELOW = "< 0"
    NOT_BELOW = ">= 0"
    NOT_ABOVE = "<= 0"


@dataclass(frozen=True, slots=True, eq=False)
class Atom:
    """One statement.

    Attributes
    ----------
    column
        What it is about.
    value
        The level or number, None for being missing, a `Sign` for being on one side of zero.
    yes, known
        Rows of the trial in which it is true, and in which it is true or false; shape (n_trial,).
    """

    column: str
    value: object
    yes: BoolArray
    known: BoolArray

    @property
    def text(self) -> str:
        """As it stands in a rule."""
        return statement(self.column, [self.value])


def statement(column: str, values: list[object], *, negated: bool = False) -> str:
    """A statement that a column has one of some values, or none of them; None stands for missing."""
    name = quote(column)
    if values == [None]:
        return f"{name} is {'not ' if negated else ''}null"
    if len(values) == 1 and isinstance(values[0], Sign):
        return f"{name} {values[0]}"
    if len(values) == 1:
        return f"{name} {'!=' if negated else '='} {_value(values[0])}"
    return f"{name} {'not ' if negated else ''}in ({', '.join(_value(v) for v in values)})"


def _value(value: object) -> str:
    if isinstance(value, float) and value == int(value) and abs(value) < 1e15:
        value = int(value)
    return literal(value)


def atoms(sheet: Sheet, alone: Collection[str]) -> list[Atom]:
    """Statements about the columns of a table, the frequent ones first where there are too many.

    Parameters
    ----------
    sheet
        The rows.
    alone
        Columns that are missing together with another one that stands for them: not asked whether missing.
    """
    out: list[Atom] = []
    for column in sheet.schema:
        name, codes = column.name, sheet.codes[column.name]
        there = codes >= 0
        sort = sort_of(column)
        counts = np.bincount(codes[there], minlength=1)
        order = np.argsort(-counts, kind="stable")
        if sort in ("label", "truth"):
            chosen = order[:MOST_LEVELS]
        elif sort == "number":
            chosen = _spikes(np.array(sheet.levels[name], dtype=np.float64), counts, len(codes))
        else:
            chosen = order[:0]
        for code in chosen if len(sheet.levels[name]) > 1 else ():
            if counts[code] >= LEAST_ROWS:
                out.append(Atom(name, sheet.levels[name][code], codes == code, there))
        if sort == "number":
            out += _signs(name, sheet.data[name], there)
        missing = ~there
        if name not in alone and missing.sum() >= LEAST_ROWS and there.sum() >= LEAST_ROWS:
            out.append(Atom(name, None, missing, np.ones(len(codes), bool)))
    return sorted(out, key=lambda a: -int(a.yes.sum()))[:MOST_ATOMS]


def _spikes(values: FloatArray, counts: IntArray, n: int) -> IntArray:
    """Codes of the numbers that are frequent."""
    frequent = counts >= SPIKE * n
    if len(values) > FEW and len(values):
        ends = (values == np.nanmin(values)) | (values == np.nanmax(values))
        frequent &= ends | (counts >= INNER_SPIKE * n)
    return np.flatnonzero(frequent)


def _signs(name: str, data: FloatArray, there: BoolArray) -> list[Atom]:
    """Statements about the sign of a number that has both; zero belongs to the side that it is asked for."""
    with np.errstate(invalid="ignore"):
        above, below = data > 0, data < 0
    if min(above.sum(), below.sum()) < SPIKE * len(data):
        return []
    sides = [(Sign.ABOVE, above), (Sign.BELOW, below)]
    if (there & ~above & ~below).sum() >= LEAST_ROWS:
        sides += [(Sign.NOT_BELOW, there & ~below), (Sign.NOT_ABOVE, there & ~above)]
    return [Atom(name, side, yes, there) for side, yes in sides]
