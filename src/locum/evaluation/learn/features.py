"""Rows as numbers: a matrix for boosted trees, and ranks for distances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.evaluation.learn.cells import level_codes, levels_of, numeric
from locum.schema.column import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa


#: Infinite values are moved here for the trees, which bin by value and cannot bin infinity.
FAR = 1e38
#: Rank of a missing value: half the range away from the lowest one (as in the note's evaluator).
MISSING_RANK = -0.5


@dataclass(frozen=True, slots=True)
class FeatureView:
    """How rows become a float64 matrix for boosted trees, the same way for every table.

    Levels are those of the real rows; a level that they do not have becomes missing, a missing label is a
    level of its own. So no dtype or formatting of one side can give it away, only values can.

    Attributes
    ----------
    names
        Columns in order.
    categorical
        Positions of the columns that hold level codes.
    levels
        Levels per column, None for ordered ones.
    """

    names: tuple[str, ...]
    levels: tuple[tuple[str, ...] | None, ...]

    @classmethod
    def learn(cls, columns: Sequence[Column], real: pa.Table) -> FeatureView:
        """Learn the levels from real rows (train and hold-out together)."""
        levels = tuple(None if c.ordered else levels_of(real.column(c.name)) for c in columns)
        return cls(tuple(c.name for c in columns), levels)

    @property
    def categorical(self) -> tuple[int, ...]:
        """Positions of the columns that hold level codes."""
        return tuple(i for i, levels in enumerate(self.levels) if levels is not None)

    def matrix(self, table: pa.Table) -> FloatArray:
        """Rows as numbers, NaN for missing; shape (n_rows, n_columns), C order."""
        out = np.empty((table.num_rows, len(self.names)))
        for j, (name, levels) in enumerate(zip(self.names, self.levels, strict=True)):
            values = table.column(name)
            if levels is None:
                out[:, j] = np.clip(numeric(values), -FAR, FAR)
            else:
                codes = level_codes(values, levels).astype(np.float64)
                codes[codes == len(levels)] = np.nan
                out[:, j] = codes
        return out


@dataclass(frozen=True, slots=True)
class Ranks:
    """Rows as ranks (ordered columns) and labels (the rest), for distances.

    Attributes
    ----------
    ordered
        float32, shape (n_rows, n_ordered): mid-rank among the known values, 0 to 1; missing -0.5.
    labels
        uint8 or uint16, shape (n_rows, n_labels): level codes.
    """

    ordered: npt.NDArray[np.float32]
    labels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.ordered)

    def take(self, rows: npt.NDArray[np.intp]) -> Ranks:
        """Some of the rows, in the order given."""
        return Ranks(self.ordered[rows], self.labels[rows])


@dataclass(frozen=True, slots=True)
class RankView:
    """How rows become ranks: the sorted values and the levels of each column among some known rows."""

    columns: tuple[Column, ...]
    sorted_values: tuple[FloatArray, ...]
    levels: tuple[tuple[str, ...], ...]

    @classmethod
    def learn(cls, columns: Sequence[Column], known: pa.Table) -> RankView:
        """Learn sorted values and levels from rows; from all that are compared, or none of them.

        Rows of one side alone would be told apart from the others by their ranks.
        """
        values, levels = [], []
        for c in columns:
            if c.ordered:
                numbers = numeric(known.column(c.name))
                values.append(np.sort(numbers[~np.isnan(numbers)]))
            else:
                # 65,534 levels are kept apart; rarer ones share the cell of unseen levels.
                levels.append(levels_of(known.column(c.name))[: 2**16 - 2])
        return cls(tuple(columns), tuple(values), tuple(levels))

    def ranks(self, table: pa.Table) -> Ranks:
        """Rows of `table` as ranks and labels."""
        n = table.num_rows
        ordered = np.empty((n, len(self.sorted_values)), dtype=np.float32)
        wide = any(len(levels) > 2**8 - 2 for levels in self.levels)
        labels = np.empty((n, len(self.levels)), dtype=np.uint16 if wide else np.uint8)
        i = j = 0
        for c in self.columns:
            values = table.column(c.name)
            if c.ordered:
                ordered[:, i] = _midranks(self.sorted_values[i], numeric(values))
                i += 1
            else:
                labels[:, j] = level_codes(values, self.levels[j])
                j += 1
        return Ranks(ordered, labels)


def _midranks(known: FloatArray, values: FloatArray) -> FloatArray:
    if not len(known):
        return np.where(np.isnan(values), MISSING_RANK, 0.5)
    ranks = np.searchsorted(known, values, "left") + np.searchsorted(known, values, "right")
    return np.where(np.isnan(values), MISSING_RANK, ranks / (2.0 * len(known)))
