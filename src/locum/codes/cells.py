"""Stretches of whole numbers that are cut finer where counts say that many rows lie, and then become codes.

Nothing here sees a row: cells are cut from fixed starting points (octaves, years, declared bounds) by counts
that were published or paid for, so that what comes out may be published too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from locum.arrays import BoolArray, FloatArray, IntArray
from locum.codes.grid import Grid
from locum.codes.lattice import Units
from locum.codes.shapes import SEGMENTS
from locum.schema.domain import Codes

#: Units are kept below this, so that sums of two never overflow.
LIMIT = 2**62
#: Cells of one value in a declared range up to so many values; wider ranges are cut into stretches.
MOST_ATOMS = 64


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """A partition of a stretch of whole numbers, ascending and without gaps.

    Attributes
    ----------
    low, high
        Lowest and highest unit of each cell, both inclusive; int64, shape (n,).
    """

    low: IntArray
    high: IntArray

    @classmethod
    def octaves(cls) -> Cells:
        """Every int64 that counts: 0, and the powers of two on both sides; 125 cells."""
        powers = 2 ** np.arange(62, dtype=np.int64)
        upper = powers * 2 - 1
        zero = np.zeros(1, dtype=np.int64)
        return cls(np.concatenate([-upper[::-1], zero, powers]), np.concatenate([-powers[::-1], zero, upper]))

    @classmethod
    def years(cls, first: int = 1800, last: int = 2199) -> Cells:
        """Days since 1970 from the year 1 to 9999: a cell a year from `first` to `last`, one on each side."""
        starts = np.arange(first - 1970, last - 1970 + 2).astype("datetime64[Y]").astype("datetime64[D]")
        days = np.concatenate([[-719_162], starts.astype(np.int64)])
        return cls(days, np.concatenate([days[1:] - 1, [2_932_896]]))

    @classmethod
    def between(cls, low: int, high: int, parts: int = 16) -> Cells:
        """The numbers from `low` to `high`, both with a cell of their own, as has 0 if it lies between.

        A range of at most `MOST_ATOMS` numbers gets a cell for each, others about `parts` equal stretches.
        """
        if high - low < MOST_ATOMS:
            units = np.arange(low, high + 1, dtype=np.int64)
            return cls(units, units)
        cuts = {low, low + 1, high}
        cuts |= {low + (high - low) * i // parts for i in range(1, parts)}
        if low < 0 < high:
            cuts |= {0, 1}
        starts = np.array(sorted(cuts), dtype=np.int64)
        return cls(starts, np.concatenate([starts[1:] - 1, [high]]))

    @property
    def size(self) -> int:
        """Number of cells."""
        return len(self.low)

    @property
    def single(self) -> BoolArray:
        """Which cells hold one number only."""
        same: BoolArray = self.low == self.high
        return same

    def encode(self, units: Units) -> Codes:
        """Cell of each unit; units beyond the ends go to the outermost cells."""
        return np.searchsorted(self.high[:-1], units, side="left").astype(np.int32)

    def within(self, first: int, last: int) -> Cells:
        """The cells from position `first` to `last`, both inclusive."""
        return Cells(self.low[first : last + 1], self.high[first : last + 1])

    def split(self, heavy: BoolArray, parts: int) -> tuple[Cells, IntArray]:
        """Cut each `heavy` cell into at most `parts` equal pieces.

        Returns
        -------
        The new cells, and for each of them the position of the cell that it was cut from.
        """
        low: list[int] = []
        origin: list[int] = []
        for i, (a, b) in enumerate(zip(self.low.tolist(), self.high.tolist(), strict=True)):
            n = min(parts, b - a + 1) if heavy[i] else 1
            low += [a + (b - a + 1) * j // n for j in range(n)]
            origin += [i] * n
        starts = np.array(low, dtype=np.int64)
        ends = np.concatenate([starts[1:] - 1, self.high[-1:]])
        return Cells(starts, ends), np.array(origin, dtype=np.int64)

    def to_grid(
        self,
        mass: FloatArray | None = None,
        *,
        most: int = 64,
        least: float = 0.0,
        alone: float = np.inf,
    ) -> Grid:
        """Codes of these cells: neighbours are joined until about `most` codes of like mass are left.

        Parameters
        ----------
        mass
            Rows of each cell as far as known (noise may make some negative); None when nothing is known,
            then no cells are joined.
        most
            About how many codes to leave.
        least
            Rows that a joined code should hold.
        alone
            A cell of one number with more rows than this keeps a code of its own.

        Notes
        -----
        Inside a joined code draws follow the mass of its cells; inside a cell they are even, over a cell
        that spans more than two octaves even on a log scale. The first and last cell are never joined when
        they hold one number: they are the codes of everything beyond a declared bound.
        """
        if mass is None:
            group = np.arange(self.size)
            mass = np.ones(self.size)
        else:
            mass = np.maximum(mass, 0.0)
            kept = self.single & (mass > alone)
            kept[[0, -1]] |= self.single[[0, -1]]
            target = mass[~kept].sum() / max(1, most - int(kept.sum()))
            group = _join(mass, kept, max(target, least, 1e-6))
        first = np.flatnonzero(np.concatenate([[True], group[1:] != group[:-1]]))
        last = np.concatenate([first[1:], [len(group)]]) - 1
        low, high = self.low[first], self.high[last]
        shape = np.array(
            [self._shape(a, b, mass) for a, b in zip(first.tolist(), last.tolist(), strict=True)]
        )
        rows = np.bincount(group, weights=mass)
        share = np.round((rows + 1e-9) / (rows + 1e-9).sum(), 6)
        none = np.zeros(0, dtype=np.int64)
        return Grid(
            low == high, low, high, high[:-1], shape, none, none, np.zeros(0), None, np.minimum(share, 1.0)
        )

    def _shape(self, first: int, last: int, mass: FloatArray) -> FloatArray:
        """Quantiles 0, 1/8, ..., 1 of a joined code, as fractions of its width; shape (9,)."""
        goal = np.arange(SEGMENTS + 1) / SEGMENTS
        low, high = int(self.low[first]), int(self.high[last])
        if first == last:
            near, far = sorted((abs(low), abs(high)))
            if low == high or low * high <= 0 or far <= 4 * near:
                return goal
            ends = np.log([near, far + 1.0])
            steps = np.exp(ends[0] + (ends[1] - ends[0]) * goal)
            places = (steps - near) / (far + 1.0 - near)
            log_even: FloatArray = places if low > 0 else 1.0 - places[::-1]
            return _knots(log_even)
        stops = (self.high[first : last + 1] - low + 1).astype(np.float64) / float(high - low + 1)
        weights = mass[first : last + 1] + 1e-9
        total = np.concatenate([[0.0], np.cumsum(weights) / weights.sum()])
        return _knots(np.interp(goal, total, np.concatenate([[0.0], stops])))


def _join(mass: FloatArray, kept: BoolArray, target: float) -> IntArray:
    """Group number of each cell: kept cells alone, stretches between them in groups of about `target`."""
    group = np.zeros(len(mass), dtype=np.int64)
    at, filled = -1, np.inf
    for i, (rows, alone) in enumerate(zip(mass.tolist(), kept.tolist(), strict=True)):
        # joining goes on while the group comes closer to the target by it
        if alone or filled + rows / 2 >= target:
            at, filled = at + 1, 0.0
        group[i] = at
        filled = np.inf if alone else filled + rows
    return group


def _knots(places: FloatArray) -> FloatArray:
    knots = np.round(np.clip(places, 0.0, 1.0), 6)
    knots[0], knots[-1] = 0.0, 1.0
    return np.maximum.accumulate(knots)
