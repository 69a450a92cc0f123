"""What columns tell about a cell of another: a matrix of standardised numbers that follows what is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from locum.arrays import BoolArray, FloatArray, IntArray
from locum.control.impute.column_values import ColumnValues, far_out, normal_scores

#: Indicators of labels in all, about; the most and least for one column; rows that a label needs for its own.
TOTAL, MOST, LEAST, SUPPORT = 300, 24, 3, 5


@dataclass(frozen=True, slots=True)
class FeatureCoding:
    """How the values of one column become features.

    Attributes
    ----------
    place
        Columns of the matrix that are this column's.
    number, score
        The distinct values in order and their normal scores; None for labels.
    cells
        Indicator of each label, -1 for the most frequent one, which has none; None for ordered columns.
    mean, scale
        Of the features, before standardising.
    """

    place: slice
    number: FloatArray | None
    score: FloatArray | None
    cells: IntArray | None
    mean: FloatArray
    scale: FloatArray

    def features(self, values: FloatArray | IntArray) -> npt.NDArray[np.float32]:
        """Standardised features of numbers, or of codes of labels; shape (n, width)."""
        if self.cells is not None:
            cell = self.cells[values.astype(np.int64)]
            raw = (cell[:, None] == np.arange(len(self.mean))).astype(np.float64)
        else:
            assert self.number is not None and self.score is not None
            score = np.interp(values, self.number, self.score)
            raw = np.column_stack([values, score])
        return np.asarray((raw - self.mean) / self.scale, dtype=np.float32)


class Predictors:
    """The matrix of all columns' features; rows of missing cells hold what was drawn last.

    Attributes
    ----------
    x
        Standardised features; shape (n_rows, width).
    base
        Those with which a linear equation begins: values of ordered columns (with normal scores where some
        lie far out) and indicators of labels.
    owner
        Place of the column that each feature belongs to.
    label
        Which features are indicators of labels.
    """

    def __init__(self, columns: Sequence[ColumnValues]) -> None:
        labels = sum(c.number is None for c in columns)
        each = min(MOST, max(LEAST, TOTAL // max(labels, 1)))
        codings: list[FeatureCoding] = []
        for column in columns:
            codings.append(_coding(column, each, codings[-1].place.stop if codings else 0))
        self.codings = tuple(codings)
        width = codings[-1].place.stop
        self.base: BoolArray = np.ones(width, dtype=np.bool_)
        self.owner: IntArray = np.zeros(width, dtype=np.int64)
        self.label: BoolArray = np.zeros(width, dtype=np.bool_)
        for j, coding in enumerate(codings):
            self.owner[coding.place] = j
            if coding.cells is None:
                # Where values lie far out, the order of rows tells what the values do not.
                far = far_out(columns[j].number, columns[j].counts)  # type: ignore[arg-type]
                self.base[coding.place.start + 1 : coding.place.stop] = far
            else:
                self.label[coding.place] = True
        self.x = np.zeros((len(columns[0].codes), width), dtype=np.float32)
        for j, column in enumerate(columns):
            seen = np.flatnonzero(column.codes >= 0)
            codes = column.codes[seen]
            self.put(j, seen, codes if column.number is None else column.number[codes])

    def put(self, j: int, rows: IntArray, values: FloatArray | IntArray) -> None:
        """Set what column `j` holds in some rows: numbers, or codes of labels."""
        coding = self.codings[j]
        self.x[rows, coding.place] = coding.features(values)

    def linear(self, j: int) -> IntArray:
        """The features with which an equation for column `j` begins: the base ones of all other columns."""
        return np.flatnonzero(self.base & (self.owner != j))


def _coding(column: ColumnValues, each: int, at: int) -> FeatureCoding:
    weight = column.counts / column.counts.sum()
    number, score, cells = None, None, None
    if column.number is None:
        kept = max(1, min(each, int((column.counts >= SUPPORT).sum()) - 1, len(column.counts) - 1))
        cells = np.where(np.arange(len(weight)) <= kept, np.arange(len(weight)) - 1, -1)
        raw = (cells[:, None] == np.arange(kept)).astype(np.float64)
    else:
        number, score = column.number, normal_scores(column.counts)
        raw = np.column_stack([number, score])
    mean = weight @ raw
    size = np.maximum(np.abs(raw - mean).max(axis=0), 1e-300)  # squares of huge numbers would overflow
    scale = size * np.sqrt(weight @ ((raw - mean) / size) ** 2)
    scale[~(scale > 1e-12 * np.abs(mean))] = np.inf  # a feature that never changes is 0
    place = slice(at, at + raw.shape[1])
    return FeatureCoding(place, number, score, cells, mean, scale)
