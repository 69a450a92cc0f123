"""Predicates on rows as intervals of whole numbers, so that thousands are counted at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from locum.arrays import Int32Array
from locum.evaluation.learn.cells import level_codes, levels_of, numeric
from locum.schema.column import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa


#: Code of a missing value; of the others the lowest is 0.
MISSING = -1
#: Rows that candidates are tried on, few first, before they are counted in full; candidates of a batch.
FIRST, SIEVE, BATCH = 96, 1024, 1024


@dataclass(frozen=True, slots=True)
class ValueCodes:
    """Every value as a whole number that keeps order among the values of one table.

    Of an ordered column the i-th distinct value is 2i + 1 and what lies between two of them the even number
    between; labels are numbered, unknown ones share a number. So "is at most v", "is at least v", "equals v"
    and "is missing" are intervals of numbers for rows of any table.
    """

    columns: tuple[Column, ...]
    values: tuple[npt.NDArray[np.float64], ...]
    levels: tuple[tuple[str, ...], ...]

    @classmethod
    def learn(cls, columns: Sequence[Column], table: pa.Table) -> ValueCodes:
        """Learn the values of one table."""
        values, levels = [], []
        for c in columns:
            known = np.unique(numeric(table.column(c.name))) if c.ordered else np.empty(0)
            values.append(known[~np.isnan(known)])
            levels.append(() if c.ordered else levels_of(table.column(c.name)))
        return cls(tuple(columns), tuple(values), tuple(levels))

    def codes(self, table: pa.Table) -> Int32Array:
        """Rows as numbers; shape (n_columns, n_rows)."""
        out = np.empty((len(self.columns), table.num_rows), dtype=np.int32)
        for j, c in enumerate(self.columns):
            if c.ordered:
                x, v = numeric(table.column(c.name)), self.values[j]
                out[j] = np.searchsorted(v, x, "left") + np.searchsorted(v, x, "right")
                out[j, np.isnan(x)] = MISSING
            else:
                out[j] = level_codes(table.column(c.name), self.levels[j])
                out[j, out[j] == len(self.levels[j]) + 1] = MISSING
        return out


@dataclass(frozen=True, slots=True)
class Queries:
    """Conjunctions of predicates: row i asks low <= code <= high in each of its columns; shapes (q, k)."""

    columns: npt.NDArray[np.intp]
    low: Int32Array
    high: Int32Array

    def __len__(self) -> int:
        return len(self.columns)

    def take(self, which: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Queries:
        """Some of the queries."""
        return Queries(self.columns[which], self.low[which], self.high[which])


def join(parts: Sequence[Queries]) -> Queries:
    """Several lists of queries as one, without repetitions."""
    every = Queries(*(np.concatenate([getattr(p, f) for p in parts]) for f in ("columns", "low", "high")))
    order = np.argsort(every.columns, axis=1, kind="stable")
    keys = np.concatenate(
        [
            np.take_along_axis(a, order, axis=1).astype(np.int64)
            for a in (every.columns, every.low, every.high)
        ],
        axis=1,
    )
    _, first = np.unique(keys, axis=0, return_index=True)
    return every.take(np.sort(first))


class Counter:
    """Counts the rows of one table that satisfy queries.

    Columns are sorted once; a query then looks only at the rows of its narrowest interval. Cost: one sort a
    column, and per query about 15 microseconds plus 5 ns a row of that interval.
    """

    def __init__(self, codes: Int32Array, rng: np.random.Generator) -> None:
        self.codes = codes
        self.order = np.argsort(codes, axis=1, kind="stable")
        self.sorted = np.take_along_axis(codes, self.order, axis=1)
        n = codes.shape[1]
        self.sieve = codes[:, rng.choice(n, size=min(n, SIEVE), replace=False)]

    def counts(self, queries: Queries) -> npt.NDArray[np.int64]:
        """Rows that satisfy each query; shape (q,)."""
        q, k = queries.columns.shape
        begin, end = self._ends(queries)
        width = end - begin
        if k == 1:
            return width[:, 0]
        out = np.zeros(q, dtype=np.int64)
        for i in np.flatnonzero(width.min(axis=1) > 0):
            out[i] = len(self._fulfil(queries, int(i), begin[i], end[i]))
        return out

    def pairs(self, queries: Queries, most: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Number of a query and of a row that satisfies it, for queries that at most `most` rows satisfy."""
        begin, end = self._ends(queries)
        which: list[npt.NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)]
        found: list[npt.NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)]
        for i in np.flatnonzero((end - begin).min(axis=1) > 0):
            rows = self._fulfil(queries, int(i), begin[i], end[i])
            if len(rows) <= most:
                which.append(np.full(len(rows), i))
                found.append(rows)
        return np.concatenate(which), np.concatenate(found)

    def _ends(self, queries: Queries) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        shape = queries.columns.shape
        begin, end = np.empty(shape, dtype=np.int64), np.empty(shape, dtype=np.int64)
        for j in np.unique(queries.columns):
            at = queries.columns == j
            begin[at] = np.searchsorted(self.sorted[j], queries.low[at], "left")
            end[at] = np.searchsorted(self.sorted[j], queries.high[at], "right")
        return begin, end

    def _fulfil(
        self, queries: Queries, i: int, begin: npt.NDArray[np.int64], end: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        """Rows that satisfy query `i`, from the places of its intervals in the sorted columns."""
        s = int((end - begin).argmin())
        rows = self.order[queries.columns[i, s], begin[s] : end[s]]
        for t in range(queries.columns.shape[1]):
            if t != s and len(rows):
                x = self.codes[queries.columns[i, t]].take(rows)
                rows = rows[(x >= queries.low[i, t]) & (x <= queries.high[i, t])]
        return rows

    def isolating(self, queries: Queries) -> Queries:
        """Those of the queries that exactly one row satisfies."""
        for sieve in (self.sieve[:, :FIRST], self.sieve):
            hits = np.ones((len(queries), sieve.shape[1]), dtype=bool)
            for t in range(queries.columns.shape[1]):
                x = sieve[queries.columns[:, t]]
                hits &= (x >= queries.low[:, t, None]) & (x <= queries.high[:, t, None])
            queries = queries.take(hits.sum(axis=1) < 2)
        return queries.take(self.counts(queries) == 1)
