"""What drawn values of an ordered column may be: its grid, its limits, or values that occur."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from locum.arrays import BoolArray, FloatArray, IntArray
from locum.control.impute.column_values import END, ColumnValues, far_out, near_values, normal_scores
from locum.schema.column import Column

#: ``grid``: any value on the column's grid within its limits; ``near``: the value that occurs nearest to what
#: was drawn; ``donor``: the value of a row like it.
Manner = Literal["grid", "near", "donor"]

#: A value in this share of rows is a heap; so many different values, at most, are a scale.
HEAP, SCALE = 0.1, 15
#: Share of different values among the rows from which on a column is taken for a continuous one.
CONTINUOUS = 0.5
#: An end is soft if at most a share `END` of rows, less one, lies in this part of the range beside it.
EDGE = 0.05
#: Rows, and share of them, up to which values far out are taken for slips, which no other cell is given.
SLIPS, SLIP_SHARE = 3, 0.01


@dataclass(frozen=True, slots=True)
class DrawnForm:
    """How drawn values of a column look.

    Attributes
    ----------
    manner
        As `Manner`.
    step, origin
        Values are `origin` plus a whole number of `step`; a step of 0 allows any.
    decimals
        Digits after the point that drawn values are rounded to; None for all.
    low, high
        Limits of drawn values.
    number, score
        Values that occur, in order, and their normal scores.
    """

    manner: Manner
    step: float
    origin: float
    decimals: int | None
    low: float
    high: float
    number: FloatArray
    score: FloatArray

    def foretold(self, values: FloatArray) -> FloatArray:
        """What equations foretell: values, or their normal scores where only an order of rows is needed."""
        return np.interp(values, self.number, self.score) if self.manner == "donor" else values

    def allows(self, drawn: FloatArray) -> BoolArray:
        """Which drawn values lie within the limits."""
        return np.asarray((drawn >= self.low) & (drawn <= self.high))

    def snapped(self, drawn: FloatArray) -> FloatArray:
        """The nearest values that the column may hold."""
        if self.manner != "grid":
            return self.number[self.nearest(drawn)]
        if not self.step:
            return np.clip(drawn, self.low, self.high)
        first = np.ceil((self.low - self.origin) / self.step - 1e-6)
        last = np.floor((self.high - self.origin) / self.step + 1e-6)
        place = np.clip(np.rint((drawn - self.origin) / self.step), first, last)
        found = self.origin + place * self.step
        return np.asarray(found if self.decimals is None else np.round(found, self.decimals))

    def nearest(self, drawn: FloatArray) -> IntArray:
        """Places of the values that occur nearest to drawn ones."""
        right = np.clip(np.searchsorted(self.number, drawn), 1, max(len(self.number) - 1, 1))
        right = np.minimum(right, len(self.number) - 1)
        left = np.maximum(right - 1, 0)
        return np.where(drawn - self.number[left] <= self.number[right] - drawn, left, right)


def number_form(held: ColumnValues, column: Column, *, fixed: bool) -> DrawnForm:
    """The form of a column's values.

    Parameters
    ----------
    held
        Its values.
    column
        What the schema says: kind, decimals, declared bounds.
    fixed
        Whether only values that occur will do, since other columns follow from it.
    """
    number, rows = held.number, int(held.counts.sum())
    assert number is not None
    score = normal_scores(held.counts)
    manner: Manner = "grid"
    if fixed or len(number) <= SCALE or held.counts.max() >= HEAP * rows or number[-1] - number[0] == 0:
        manner = "donor"
    elif len(number) < CONTINUOUS * rows:
        manner = "near"
    far = far_out(number, held.counts)
    if far:  # equations see its order of rows only
        manner = "donor"
    if manner == "grid" and not _plain(held, column):
        manner = "donor"
    if manner != "grid":
        low, high = _without_slips(number, held.counts) if far else (-np.inf, np.inf)
        return DrawnForm(manner, 0.0, 0.0, None, low, high, number, score)
    step, origin = _grid(number, column)
    low, high = _limits(number, held.counts)
    return DrawnForm(manner, step, origin, column.decimals if step else None, low, high, number, score)


def _without_slips(number: FloatArray, counts: IntArray) -> tuple[float, float]:
    """Limits without values far out that hardly a row has: slips of the pen are not handed on."""
    near = near_values(number, counts)
    beyond = counts.sum() - counts[near].sum()
    if beyond > max(SLIPS, SLIP_SHARE * counts.sum()):
        return -np.inf, np.inf
    return float(number[near][0]), float(number[near][-1])


def _plain(held: ColumnValues, column: Column) -> bool:
    """Whether doubles hold the values exactly, and all of them are finite."""
    number = held.number
    assert number is not None
    if column.kind == "number":
        values = np.asarray(held.values, dtype=np.float64)
        return bool(np.isfinite(values).all() and np.abs(number).max() < 1e100)
    return bool(np.abs(number).max() < 2**52)


def _grid(number: FloatArray, column: Column) -> tuple[float, float]:
    """Largest step that all values are apart by multiples of, and a value to count from."""
    if column.kind == "number":
        if column.decimals is None or np.abs(number).max() * 10.0**column.decimals > 2**52:
            return 0.0, 0.0
        whole = np.rint(number * 10.0**column.decimals).astype(np.int64)
    else:
        whole = number.astype(np.int64)
    step = int(np.gcd.reduce(np.diff(whole)))
    unit = 10.0**column.decimals if column.kind == "number" and column.decimals else 1.0
    if column.kind == "number" and step == 1:
        return 1 / unit, 0.0
    return step / unit, float(whole[0]) / unit


def _limits(number: FloatArray, counts: IntArray) -> tuple[float, float]:
    """Where drawn values end: at the least or greatest that occurs, unless rows grow rare towards it.

    Beyond a soft end half the range is allowed, but no other sign than occurs.
    """
    width, rows = number[-1] - number[0], counts.sum()
    low, high = float(number[0]), float(number[-1])
    if (counts[number <= low + EDGE * width].sum() - 1) <= END * rows:
        low = max(low - width / 2, 0.0) if low >= 0 else low - width / 2
    if (counts[number >= float(number[-1]) - EDGE * width].sum() - 1) <= END * rows:
        high = min(high + width / 2, 0.0) if high <= 0 else high + width / 2
    return low, high
