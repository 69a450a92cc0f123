"""Rows for distances in the manner of Gower: numbers over their range, labels equal or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from locum.evaluation.learn.cells import level_codes, levels_of, numeric
from locum.schema.column import Column

if TYPE_CHECKING:
    import pyarrow as pa

Distances = npt.NDArray[np.float32]

#: A missing number: at least one range away from all others, and equal to itself.
MISSING = -1.0
#: Distances held at a time.
HELD = 1_000_000


@dataclass(frozen=True, slots=True)
class GowerView:
    """Ranges and levels of each column, learned from the rows that the attacker holds."""

    columns: tuple[Column, ...]
    ranges: tuple[tuple[float, float], ...]
    levels: tuple[tuple[str, ...], ...]

    @classmethod
    def learn(cls, columns: Sequence[Column], table: pa.Table) -> GowerView:
        """Learn from one table."""
        ranges, levels = [], []
        for c in columns:
            x = numeric(table.column(c.name)) if c.ordered else np.empty(0)
            x = x[np.isfinite(x)]
            ranges.append((float(x.min()), float(x.max())) if len(x) else (0.0, 0.0))
            levels.append(() if c.ordered else levels_of(table.column(c.name)))
        return cls(tuple(columns), tuple(ranges), tuple(levels))

    def rows(self, table: pa.Table) -> npt.NDArray[np.float32]:
        """Rows as numbers in float32; shape (n_columns, n_rows). Labels are codes, exact to 2**24."""
        out = np.empty((len(self.columns), table.num_rows), dtype=np.float32)
        for j, c in enumerate(self.columns):
            if c.ordered:
                low, high = self.ranges[j]
                x = np.clip(numeric(table.column(c.name)), low, high)
                # Halved first: the range of huge values overflows.
                width = high / 2 - low / 2
                out[j] = np.where(np.isnan(x), MISSING, (x / 2 - low / 2) / (width if width > 0 else 1.0))
            else:
                out[j] = level_codes(table.column(c.name), self.levels[j])
        return out

    def one(
        self, j: int, queries: npt.NDArray[np.float32], rows: npt.NDArray[np.float32], step: Distances
    ) -> Distances:
        """Distance in column `j` alone; shape (n_queries, n_rows), written into `step`."""
        if self.columns[j].ordered:
            np.subtract(queries[j, :, None], rows[j, None], out=step)
            return np.abs(step, out=step)
        return np.not_equal(queries[j, :, None], rows[j, None], out=step)

    def blocks(
        self, queries: npt.NDArray[np.float32], rows: npt.NDArray[np.float32], chosen: Sequence[int]
    ) -> Iterator[tuple[slice, Distances, Distances]]:
        """Distances over the chosen columns, some queries at a time: their place, distances, and a scrap."""
        size = max(1, HELD // max(1, rows.shape[1]))
        for start in range(0, queries.shape[1], size):
            at = slice(start, min(start + size, queries.shape[1]))
            some = queries[:, at]
            total = np.zeros((some.shape[1], rows.shape[1]), dtype=np.float32)
            step = np.empty_like(total)
            for j in chosen:
                total += self.one(j, some, rows, step)
            yield at, total, step
