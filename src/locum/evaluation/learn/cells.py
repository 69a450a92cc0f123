"""Columns cut into cells: the coarse, shared grid on which tables are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from locum.arrays import BoolArray, FloatArray
from locum.schema.column import Column
from locum.schema.domain import Codes

if TYPE_CHECKING:
    import pyarrow as pa


#: Ordered columns are cut at each of these steps of the train distribution (every 5 %).
STEPS = 20


@dataclass(frozen=True, slots=True)
class Cut:
    """How one column is cut.

    Ordered columns: cell 0 lies below the first edge, cell i from edge i-1 (inclusive) to edge i. Categories:
    one cell a level, then one for all levels that train does not know. The last cell is the missing one.

    Attributes
    ----------
    name, kind, ordered
        As in the schema; `ordered` says which of the two fields below is in use.
    edges
        Ascending, finite or infinite; of a datetime microseconds, of a date days since 1970, of a duration
        microseconds.
    levels
        Texts of the levels, most frequent in train first.
    """

    name: str
    kind: str
    ordered: bool
    edges: FloatArray
    levels: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Number of cells, those for unseen levels and for missing values included."""
        return (len(self.edges) if self.ordered else len(self.levels)) + 2

    @property
    def null(self) -> int:
        """The cell of missing values."""
        return self.size - 1

    def codes(self, values: pa.ChunkedArray) -> Codes:
        """Cell of each value; shape (n_rows,)."""
        if self.ordered:
            numbers = numeric(values)
            codes = np.searchsorted(self.edges, numbers, side="right").astype(np.int32)
            codes[np.isnan(numbers)] = self.null
            return codes
        return level_codes(values, self.levels)


def cut(column: Column, train: pa.ChunkedArray) -> Cut:
    """The cut of one column, learned from its train values.

    Ordered columns are cut at the distinct 5 % quantiles, so a value that makes up more than 5 % of the rows
    (a spike) starts a cell, and ends it: what lies above it, up to the next quantile, is another cell. Else a
    column of mostly zeros would be one cell, and near-zeros could not be told from it. A column with at most
    `STEPS` distinct values is cut at each of them.
    """
    if not column.ordered:
        return Cut(column.name, column.kind, False, np.empty(0), levels_of(train))
    numbers = numeric(train)
    known = numbers[~np.isnan(numbers)]
    edges = quantile_edges(known)
    return Cut(column.name, column.kind, True, np.union1d(edges, _above_spikes(column, known, edges)))


def _above_spikes(column: Column, values: FloatArray, edges: FloatArray) -> list[float]:
    """An edge right above each value that makes up a step or more and shares its cell with larger values."""
    found: list[float] = []
    for edge, following in zip(edges, np.append(edges, np.inf)[1:], strict=True):
        larger = values[(values > edge) & (values < following)]
        if not np.isfinite(edge) or not len(larger) or np.mean(values == edge) < 1 / STEPS:
            continue
        above = float(larger.min())
        if column.kind != "number":
            gap = 1.0
        elif column.decimals is not None:
            gap = 10.0**-column.decimals
        else:
            gap = (above - edge) / 1000
        found.append(float(min(max(edge + gap, np.nextafter(edge, np.inf)), above)))
    return found


def quantile_edges(values: FloatArray, steps: int = STEPS) -> FloatArray:
    """Distinct quantiles at 1/steps, 2/steps ... of `values`, by linear interpolation; infinities allowed."""
    if not len(values):
        return np.empty(0)
    ordered = np.sort(values)
    at = np.linspace(0, 1, steps + 1)[1:-1] * (len(ordered) - 1)
    low, high = ordered[np.floor(at).astype(int)], ordered[np.ceil(at).astype(int)]
    share = at - np.floor(at)
    with np.errstate(invalid="ignore"):
        between = low * (1 - share) + high * share
    # Between infinities (or equal values) there is nothing to interpolate.
    edges = np.where((low == high) | np.isnan(between), high, between)
    return np.unique(edges)


def numeric(values: pa.ChunkedArray) -> FloatArray:
    """Values of an ordered column as float64, missing as NaN; times in their own unit since 1970."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type
    if pa.types.is_date32(kind):
        values = pc.cast(values, pa.int32())
    elif pa.types.is_temporal(kind):
        values = pc.cast(values, pa.int64())
    numbers = pc.cast(values, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return np.array(numbers, dtype=np.float64)


def from_numeric(numbers: FloatArray, like: pa.DataType, missing: BoolArray | None = None) -> pa.Array:
    """Numbers as `numeric` gives them as values of a column of that type; all but floats are rounded."""
    import pyarrow as pa

    if pa.types.is_floating(like):
        return pa.array(numbers, mask=missing)
    # Floats next to 2**63 round up to it: stay one step inside.
    whole = np.clip(np.round(numbers), -(2.0**63), np.nextafter(2.0**63, 0)).astype(np.int64)
    return pa.array(whole.astype(np.int32) if pa.types.is_date32(like) else whole, mask=missing).cast(like)


def texts(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Values of a column of labels as Arrow strings; booleans become ``true`` and ``false``."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return values if values.type == pa.string() else pc.cast(values, pa.string())


def levels_of(values: pa.ChunkedArray) -> tuple[str, ...]:
    """Distinct texts, most frequent first, equally frequent ones in text order; missing left out."""
    import pyarrow.compute as pc

    counts = pc.value_counts(texts(values).drop_null())
    names, numbers = counts.field("values").to_pylist(), counts.field("counts").to_pylist()
    return tuple(name for _, name in sorted(zip([-k for k in numbers], names, strict=True)))


def level_codes(values: pa.ChunkedArray, levels: tuple[str, ...]) -> Codes:
    """Position of each text in `levels`; ``len(levels)`` when it is not there, one more when missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    at = pc.index_in(texts(values), value_set=pa.array(levels, pa.string()), skip_nulls=True)
    codes = np.array(pc.fill_null(at, len(levels)).to_numpy(), dtype=np.int32)
    codes[np.asarray(pc.is_null(values).to_numpy(), dtype=bool)] = len(levels) + 1
    return codes


def codes_of(cuts: Sequence[Cut], table: pa.Table) -> Codes:
    """Rows as cells; shape (n_rows, n_columns), column-major."""
    out = np.empty((table.num_rows, len(cuts)), dtype=np.int32, order="F")
    for j, c in enumerate(cuts):
        out[:, j] = c.codes(table.column(c.name))
    return out
