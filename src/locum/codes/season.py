"""How days are chosen inside a cell: by weekday, day of the month and month, as often as in the data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from locum.arrays import BoolArray, FloatArray, IntArray
from locum.codes.grid import Grid, spike_tops
from locum.codes.json_fields import Wire
from locum.codes.shapes import fit_shapes
from locum.schema.domain import Codes

#: Days from the first to the last beyond which (about 550 years) draws are even.
MAX_SPAN = 200_000
#: Rows that a factor is shrunk by towards 1, and how unlikely by chance it must be (chi-square per degree).
_SHRINK, _MIN_CHI = 5.0, 3.0
#: Slots without a row stay empty where so many would lie there by chance (never in a million such tables).
_NEVER = 14.0
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
    def fit(cls, days: IntArray, counts: IntArray, grid: Grid) -> tuple[Grid, Season | None]:
        """Compare the rows of each slot with what even draws inside the grid's cells would give.

        Parameters
        ----------
        days, counts
            Distinct days, ascending, and their rows.
        grid
            Their grid.

        Returns
        -------
        The grid, its shapes and repeated days now relative to the season; and the season, None (and the same
        grid) when the span is too long, no cell holds more than a day, or no slot differs from even.
        """
        first, last = int(grid.low[0]), int(grid.high[-1])
        wide_cell = grid.high > grid.low
        if last - first >= MAX_SPAN or not wide_cell.any():
            return grid, None
        span = np.arange(first, last + 1)
        code = grid.encode(span)
        wide = (span >= grid.low[code]) & (span <= grid.high[code]) & wide_cell[code]
        seen = np.zeros(len(span))
        fits = (days >= first) & (days <= last)
        seen[days[fits] - first] = counts[fits]
        seen[~wide] = 0.0
        rows: FloatArray = np.bincount(code, weights=seen, minlength=grid.size).astype(np.float64)
        slots = _slots(span)
        factors = [np.ones(n) for n in _SLOTS]
        for _ in range(2):
            for i, slot in enumerate(slots):
                factors[i][:] = 1.0
                expected = _expected(np.where(wide, _weight(factors, slots), 0.0), code, rows)
                factors[i] = _factor(slot, seen, expected, _SLOTS[i])
        if all((f == 1.0).all() for f in factors):
            return grid, None
        season = cls((factors[0], factors[1], factors[2]))
        expected = _expected(np.where(wide, _weight(factors, slots), 0.0), code, rows)
        return season._reshape(grid, span, seen, expected), season

    def _reshape(self, grid: Grid, span: IntArray, seen: FloatArray, expected: FloatArray) -> Grid:
        """The grid with shapes in terms of the season's mass, and repeated days only beyond the season."""
        at = grid.spike_unit - span[0]
        keep = seen[at] > np.maximum(expected[at] + 5 * np.sqrt(expected[at]), 1.5 * expected[at])
        code = grid.encode(span)
        rows = np.bincount(code, weights=seen, minlength=grid.size)
        spike_code, spike = grid.spike_code[keep], at[keep]
        chance = np.round(seen[spike] / np.maximum(rows[spike_code], 1.0), 4)
        free = seen > 0
        free[spike] = False
        days, codes = span[free], code[free].astype(np.int64)
        total = self._totals(int(span[0]), int(span[-1]))
        low = total[grid.low[codes] - span[0]]
        mass = np.maximum(total[grid.high[codes] - span[0] + 1] - low, 1e-12)
        start = np.clip((total[days - span[0]] - low) / mass, 0.0, 1.0)
        stop = np.clip((total[days - span[0] + 1] - low) / mass, 0.0, 1.0)
        return replace(
            grid,
            shape=fit_shapes(codes, seen[free].astype(np.int64), start, stop, grid.size),
            spike_code=spike_code,
            spike_unit=grid.spike_unit[keep],
            spike_top=spike_tops(spike_code, chance),
        )

    def days(self, low: IntArray, high: IntArray, places: FloatArray, first: int, last: int) -> IntArray:
        """The day at the fraction `places` of the mass between the days `low` and `high`.

        `first` and `last` bound all of them.
        """
        total = self._totals(first, last)
        start, stop = total[low - first], total[high - first + 1]
        found = np.searchsorted(total, start + places * (stop - start), side="right") - 1 + first
        even = low + (places * (high - low + 1)).astype(np.int64)
        days: IntArray = np.where(stop > start, np.clip(found, low, high), even)
        return days

    def _totals(self, first: int, last: int) -> FloatArray:
        """Cumulative mass before each day from `first` to `last`, and after the last."""
        weight = _weight(list(self.factors), _slots(np.arange(first, last + 1)))
        return np.concatenate([[0.0], np.cumsum(weight)])

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


def _expected(weight: FloatArray, code: Codes, rows: FloatArray) -> FloatArray:
    """Rows per day when each cell's rows are spread by weight."""
    mass = np.bincount(code, weights=weight, minlength=len(rows))
    expected: FloatArray = weight * (rows / np.maximum(mass, 1e-12))[code]
    return expected


def _factor(slot: IntArray, seen: FloatArray, expected: FloatArray, size: int) -> FloatArray:
    real = np.bincount(slot, weights=seen, minlength=size)
    even = np.bincount(slot, weights=expected, minlength=size)
    factor = np.ones(size)
    used: BoolArray = even > 1.0
    off = ((real - even) ** 2)[used] / even[used]
    if len(off) > 1 and float(off.sum()) / (len(off) - 1) >= _MIN_CHI:
        factor[used] = np.round((real + _SHRINK) / (even + _SHRINK), 3)[used]
    empty = real == 0
    if even[empty].sum() >= _NEVER:
        factor[empty] = 0.0
    return factor
