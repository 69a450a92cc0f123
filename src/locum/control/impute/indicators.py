"""Columns as blocks of numbers for linear algebra: indicators of levels or bins, value, normal score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from locum.arrays import FloatArray, IntArray
from locum.control.impute.column_values import (
    ColumnValues,
    learnable,
    normal_scores,
    shares_below,
    values_of,
)
from locum.schema.table import Schema

Matrix = npt.NDArray[np.float32]

#: Indicators in all, about; and the most for one column of ordered values, and of labels.
TOTAL, BINS, LEVELS = 1_200, 20, 48
#: Standardised value and normal score, which ordered columns have before their indicators.
LEAD = 2


@dataclass(frozen=True, slots=True)
class IndicatorBlock(ColumnValues):
    """One column as numbers, beside its values.

    Attributes
    ----------
    cells
        Indicator of each value: its own, or one that neighbours (rare labels) share; shape (n_values,).
    features
        Standardised features of each value; shape (n_values, width).
    mean, scale
        Of each feature over the rows, before standardising; shape (width,).
    place
        Columns of the whole matrix that are this block's.
    """

    cells: IntArray
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
    columns = learnable(table, schema)
    each, at, out = TOTAL // max(len(columns), 1), 0, []
    for column in columns:
        block = _block(values_of(table, column), each, at)
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


def _block(held: ColumnValues, each: int, at: int) -> IndicatorBlock:
    counts, number = held.counts, held.number
    if number is None:
        cells = np.minimum(np.arange(len(counts)), max(4, min(each, LEVELS)) - 1)
        raw = np.eye(cells[-1] + 1)[cells]
    else:
        cells = _bins(counts, max(2, min(each - LEAD, BINS)))
        raw = np.column_stack([number, normal_scores(counts), np.eye(cells[-1] + 1)[cells]])
    weight = counts / counts.sum()
    mean = weight @ raw
    scale = np.sqrt(weight @ (raw - mean) ** 2)
    scale[~(scale > 1e-12 * np.abs(mean))] = 1.0
    features = ((raw - mean) / scale).astype(np.float32)
    where = slice(at, at + raw.shape[1])
    return IndicatorBlock(
        held.name, held.values, counts, held.codes, number, cells, features, mean, scale, where
    )


def _bins(counts: IntArray, most: int) -> IntArray:
    """Bin of each value in order: its own when there are few, else of about equal numbers of rows."""
    if len(counts) <= most + 4:
        return np.arange(len(counts))
    return np.unique((shares_below(counts) * most).astype(np.int64), return_inverse=True)[1].astype(np.int64)
