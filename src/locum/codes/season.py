"""How days are chosen inside a cell: by weekday, day of the month and month, as often as in the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from locum.codes.codebook import BoolArray, FloatArray, IntArray
from locum.codes.grid import Grid
from locum.codes.wire import Wire

#: Days from the first to the last beyond which (about 550 years) draws are even.
MAX_SPAN = 200_000
#: Rows that a factor is shrunk by towards 1, and how unlikely by chance it must be (chi-square per degree).
_SHRINK, _MIN_CHI = 5.0, 3.0
#: Slots of the three patterns: Monday to Sunday; day 1 to 31 and "last of the month"; January to December.
_SLOTS = (7, 32, 12)


@dataclass(frozen=True, slots=True, eq=False)
class Season:
    """Relative frequency of days by weekday (7), day of the month (31 and last), and month (12); 1 is even.

    Attributes
    ----------
    factors
        Three arrays, of 7, 32 and 12 numbers.
    """

    factors: tuple[FloatArray, FloatArray, FloatArray]

    @classmethod
    def fit(cls, days: IntArray, counts: IntArray, grid: Grid) -> Season | None:
        """Compare the rows of each slot with what even draws inside the grid's cells would give.

        Returns None when the span is too long, no cell holds more than a day, or no slot differs from even.
        """
        low, high = int(grid.low[0]), int(grid.high[-1])
        if high - low >= MAX_SPAN or bool((grid.low == grid.high).all()):
            return None
        span = np.arange(low, high + 1)
        code = grid.encode(span)
        inside = (span >= grid.low[code]) & (span <= grid.high[code])
        wide = inside & (grid.high > grid.low)[code]
        seen = np.zeros(len(span))
        fits = (days >= low) & (days <= high)
        seen[days[fits] - low] = counts[fits]
        seen[~wide] = 0.0
        rows = np.bincount(code, weights=seen, minlength=grid.size)
        slots = _slots(span)
        factors = [np.ones(n) for n in _SLOTS]
        for _ in range(2):
            for i, slot in enumerate(slots):
                factors[i][:] = 1.0
                weight = np.where(wide, _weight(factors, slots), 0.0)
                mass = np.bincount(code, weights=weight, minlength=grid.size)
                expected = weight * (rows / np.maximum(mass, 1e-12))[code]
                factors[i] = _factor(slot, seen, expected, _SLOTS[i])
        if all((f == 1.0).all() for f in factors):
            return None
        return cls((factors[0], factors[1], factors[2]))

    def days(self, low: IntArray, high: IntArray, places: FloatArray, first: int, last: int) -> IntArray:
        """The day at the fraction `places` of the mass between the days `low` and `high`.

        `first` and `last` bound all of them.
        """
        weight = _weight(list(self.factors), _slots(np.arange(first, last + 1)))
        total = np.concatenate([[0.0], np.cumsum(weight)])
        start, stop = total[low - first], total[high - first + 1]
        found = np.searchsorted(total, start + places * (stop - start), side="right") - 1 + first
        even = low + (places * (high - low + 1)).astype(np.int64)
        days: IntArray = np.where(stop > start, np.clip(found, low, high), even)
        return days

    def to_json(self) -> dict[str, Any]:
        """JSON-ready state."""
        weekday, day, month = self.factors
        return {"weekday": weekday.tolist(), "day": day.tolist(), "month": month.tolist()}

    @classmethod
    def from_json(cls, wire: Wire) -> Season:
        """Read back what `to_json` gave; FileFormatError on anything else."""
        names = ("weekday", "day", "month")
        a, b, c = (wire.numbers(n, length=k, low=0.0, high=1e6) for n, k in zip(names, _SLOTS, strict=True))
        return cls((a, b, c))


def _slots(days: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Weekday (Monday 0), day of the month from 0 (31 for the last), month from 0."""
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    day = (dates - months).astype(np.int64)
    is_last = (dates + 1).astype("datetime64[M]") != months
    return (days + 3) % 7, np.where(is_last, 31, day), months.astype(np.int64) % 12


def _weight(factors: list[FloatArray], slots: tuple[IntArray, ...]) -> FloatArray:
    weight = np.ones(len(slots[0]))
    for factor, slot in zip(factors, slots, strict=True):
        weight *= factor[slot]
    return weight


def _factor(slot: IntArray, seen: FloatArray, expected: FloatArray, size: int) -> FloatArray:
    real = np.bincount(slot, weights=seen, minlength=size)
    even = np.bincount(slot, weights=expected, minlength=size)
    used: BoolArray = even > 1.0
    if int(used.sum()) < 2:
        return np.ones(size)
    chi = float((((real - even) ** 2)[used] / even[used]).sum()) / (int(used.sum()) - 1)
    if chi < _MIN_CHI:
        return np.ones(size)
    factor = (real + _SHRINK) / (even + _SHRINK)
    factor[(real == 0) & (even >= 50)] = 0.0
    rounded: FloatArray = np.round(np.where(used, factor, 1.0), 3).astype(np.float64)
    return rounded
