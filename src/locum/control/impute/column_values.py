"""What a column holds: its different values, how often each occurs, and which row has which."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.arrays import FloatArray, IntArray
from locum.data.distinct import as_numbers, flat
from locum.schema.column import Column
from locum.schema.table import Schema

#: A column whose range is so many times that of its middle (all rows but `END` on either side) has values so
#: far out that they would decide every equation; so has one with values that lie `APART` times as far from
#: the median as the next ones, if its range is `LONE` times that of all rows but `SIDE` on either side.
FAR_OUT, END, LONE, SIDE, APART = 15.0, 0.02, 8.0, 0.1, 5.0


@dataclass(frozen=True, slots=True)
class ColumnValues:
    """The values of one column.

    Attributes
    ----------
    name
        The column's.
    values
        Distinct values that occur: in order, or labels with the most frequent first.
    counts
        How often each does.
    codes
        Place of each row's value among them, -1 where missing; shape (n_rows,).
    number
        The values as finite numbers, infinite ones as the largest or least that is not; None for labels.
    """

    name: str
    values: pa.Array
    counts: IntArray
    codes: IntArray
    number: FloatArray | None

    @property
    def missing(self) -> IntArray:
        """Rows without a value."""
        return np.flatnonzero(self.codes < 0)


def learnable(table: pa.Table, schema: Schema) -> list[Column]:
    """Columns that have levels or numbers and at least one value; those made afresh (ids, texts) are out."""
    columns = [c for c in schema if c.name in table.column_names and not c.regenerated]
    return [c for c in columns if table.column(c.name).null_count < table.num_rows]


def values_of(table: pa.Table, column: Column) -> ColumnValues:
    """The values of a column of a canonical table."""
    held = flat(table.column(column.name)).dictionary_encode()
    distinct, codes = held.dictionary, np.asarray(pc.fill_null(held.indices, -1)).astype(np.int64)
    number = np.asarray(as_numbers(distinct)).astype(np.float64) if column.ordered else None
    counts = np.bincount(codes[codes >= 0], minlength=len(distinct))
    order = np.argsort(number if number is not None else -counts, kind="stable")
    place = np.empty(len(order) + 1, dtype=np.int64)
    place[order], place[-1] = np.arange(len(order)), -1
    taken = distinct.take(pa.array(order))
    ordered = None if number is None else _finite(number[order])
    return ColumnValues(column.name, taken, counts[order], place[codes], ordered)


def normal_scores(counts: IntArray) -> FloatArray:
    """Normal score of each value in order, from the middle of its share of the rows."""
    from scipy.special import ndtri

    return np.asarray(ndtri(shares_below(counts)))


def shares_below(counts: IntArray) -> FloatArray:
    """Middle of each value's share of the rows, 0-1, values in order."""
    return np.asarray((np.cumsum(counts) - counts / 2) / counts.sum())


def far_out(number: FloatArray, counts: IntArray) -> bool:
    """Whether a few values, in order with their counts, lie far from all others."""
    inner, outer = (_ends(number, counts, share) for share in (SIDE, END))
    if number[-1] - number[0] > FAR_OUT * (outer[1] - outer[0]) > 0:
        return True
    near = near_values(number, counts)
    lone = near.stop - near.start < len(number)
    return lone and bool(number[-1] - number[0] > LONE * (inner[1] - inner[0]) > 0)


def near_values(number: FloatArray, counts: IntArray) -> slice:
    """Places of the values, in order, that no wide gap parts from the middle ones."""
    low, high = _ends(number, counts, SIDE)
    width, middle = high - low, float(_ends(number, counts, 0.5)[0])
    if not width > 0:
        return slice(0, len(number))
    away = np.maximum(np.abs(number - middle), width)
    up = np.flatnonzero((away[1:] > APART * away[:-1]) & (number[1:] > middle))
    down = np.flatnonzero((away[:-1] > APART * away[1:]) & (number[:-1] < middle))
    return slice(int(down[-1]) + 1 if len(down) else 0, int(up[0]) + 1 if len(up) else len(number))


def _ends(number: FloatArray, counts: IntArray, share: float) -> FloatArray:
    """The values below and above which a share of the rows lies."""
    total = np.cumsum(counts)
    return np.asarray(number[np.searchsorted(total, np.array([share, 1.0 - share]) * total[-1])])


def _finite(number: FloatArray) -> FloatArray:
    known = number[np.isfinite(number)]
    return np.clip(number, known.min(), known.max()) if len(known) else np.zeros(len(number))
