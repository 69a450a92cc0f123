"""Columns as blocks of numbers for linear algebra: indicators of levels or bins, value, normal score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from locum.arrays import FloatArray, IntArray
from locum.data.distinct import as_numbers, flat
from locum.schema.column import Column
from locum.schema.table import Schema

Matrix = npt.NDArray[np.float32]

#: Indicators in all, about; and the most for one column of ordered values, and of labels.
TOTAL, BINS, LEVELS = 1_200, 20, 48
#: Standardised value and normal score, which ordered columns have before their indicators.
LEAD = 2


@dataclass(frozen=True, slots=True)
class IndicatorBlock:
    """One column as numbers.

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
    cells
        Indicator of each value: its own, or one that neighbours (rare labels) share; shape (n_values,).
    number
        The values as numbers; None for labels.
    features
        Standardised features of each value; shape (n_values, width).
    mean, scale
        Of each feature over the rows, before standardising; shape (width,).
    place
        Columns of the whole matrix that are this block's.
    """

    name: str
    values: pa.Array
    counts: IntArray
    codes: IntArray
    cells: IntArray
    number: FloatArray | None
    features: Matrix
    mean: FloatArray
    scale: FloatArray
    place: slice

    @property
    def lead(self) -> int:
        """Features before the indicators."""
        return 0 if self.number is None else LEAD

    def shares(self, x: Matrix) -> FloatArray:
        """Indicators of rows of the block, back in the unit of probabilities; shape (n, n_cells)."""
        lead = self.lead
        return np.asarray(x[:, lead:] * self.scale[lead:] + self.mean[lead:])


def blocks_of(table: pa.Table, schema: Schema) -> tuple[IndicatorBlock, ...]:
    """Blocks of all columns that have levels or numbers and at least one value.

    Columns that are made afresh (ids, texts) have none. A column with many values shares indicators among
    neighbours, so that all columns together have about `TOTAL`, but 4 to 6 for each column at least.
    """
    columns = [c for c in schema if c.name in table.column_names and not c.regenerated]
    columns = [c for c in columns if table.column(c.name).null_count < table.num_rows]
    each, at, out = TOTAL // max(len(columns), 1), 0, []
    for column in columns:
        block = _block(column, flat(table.column(column.name)), each, at)
        at = block.place.stop
        out.append(block)
    return tuple(out)


def matrix(blocks: Sequence[IndicatorBlock], rows: IntArray) -> Matrix:
    """Standardised features of some rows, 0 (the mean) where missing; shape (n, width of all blocks)."""
    out = np.zeros((len(rows), blocks[-1].place.stop), dtype=np.float32)
    for block in blocks:
        codes = block.codes[rows]
        seen = codes >= 0
        out[seen, block.place] = block.features[codes[seen]]
    return out


def _block(column: Column, values: pa.Array, each: int, at: int) -> IndicatorBlock:
    held = values.dictionary_encode()
    distinct, codes = held.dictionary, np.asarray(pc.fill_null(held.indices, -1)).astype(np.int64)
    number = np.asarray(as_numbers(distinct)).astype(np.float64) if column.ordered else None
    counts = np.bincount(codes[codes >= 0], minlength=len(distinct))
    order = np.argsort(number if number is not None else -counts, kind="stable")
    place = np.empty(len(order) + 1, dtype=np.int64)
    place[order], place[-1] = np.arange(len(order)), -1
    codes, counts, distinct = place[codes], counts[order], distinct.take(pa.array(order))
    if number is None:
        cells = np.minimum(np.arange(len(counts)), max(4, min(each, LEVELS)) - 1)
        raw = np.eye(cells[-1] + 1)[cells]
    else:
        number = number[order]
        cells = _bins(counts, max(2, min(each - LEAD, BINS)))
        raw = np.column_stack([number, _scores(counts), np.eye(cells[-1] + 1)[cells]])
    weight = counts / counts.sum()
    mean = weight @ raw
    scale = np.sqrt(weight @ (raw - mean) ** 2)
    scale[~(scale > 1e-12 * np.abs(mean))] = 1.0
    features = ((raw - mean) / scale).astype(np.float32)
    where = slice(at, at + raw.shape[1])
    return IndicatorBlock(column.name, distinct, counts, codes, cells, number, features, mean, scale, where)


def _ranks(counts: IntArray) -> FloatArray:
    """Middle of each value's share of the rows, 0-1."""
    return np.asarray((np.cumsum(counts) - counts / 2) / counts.sum())


def _bins(counts: IntArray, most: int) -> IntArray:
    """Bin of each value in order: its own when there are few, else of about equal numbers of rows."""
    if len(counts) <= most + 4:
        return np.arange(len(counts))
    return np.unique((_ranks(counts) * most).astype(np.int64), return_inverse=True)[1].astype(np.int64)


def _scores(counts: IntArray) -> FloatArray:
    from scipy.special import ndtri

    return np.asarray(ndtri(_ranks(counts)))
