"""Rates by group and how far they lie apart: demographic parity, odds, opportunity, calibration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from locum.arrays import FloatArray, Int32Array

#: Bins of the score in which calibration is measured.
BINS = 10


@dataclass(frozen=True, slots=True)
class GroupCounts:
    """Weighted counts by group; everything below is a function of them.

    Attributes
    ----------
    cells
        Rows by group, truth (0, 1) and prediction (0, 1); shape (n_groups, 2, 2).
    bins
        Rows, sum of scores and sum of truths by group and score bin; shape (3, n_groups, BINS).
    """

    cells: FloatArray
    bins: FloatArray

    @property
    def rows(self) -> FloatArray:
        """Rows of each group."""
        return np.asarray(self.cells.sum(axis=(1, 2)))

    @property
    def base_rate(self) -> FloatArray:
        """P(truth = 1) by group, NaN without rows."""
        return _over(self.cells[:, 1].sum(axis=1), self.rows)

    @property
    def selection_rate(self) -> FloatArray:
        """P(prediction = 1) by group, NaN without rows."""
        return _over(self.cells[:, :, 1].sum(axis=1), self.rows)

    @property
    def true_positive_rate(self) -> FloatArray:
        """P(prediction = 1 | truth = 1) by group, NaN without such rows."""
        return _over(self.cells[:, 1, 1], self.cells[:, 1].sum(axis=1))

    @property
    def false_positive_rate(self) -> FloatArray:
        """P(prediction = 1 | truth = 0) by group, NaN without such rows."""
        return _over(self.cells[:, 0, 1], self.cells[:, 0].sum(axis=1))

    @property
    def accuracy(self) -> FloatArray:
        """P(prediction = truth) by group."""
        return _over(self.cells[:, 0, 0] + self.cells[:, 1, 1], self.rows)

    @property
    def calibration_error(self) -> FloatArray:
        """Mean distance of score and truth over `BINS` score bins, weighted by rows; by group."""
        gap = np.abs(self.bins[1] - self.bins[2]).sum(axis=1)
        return _over(gap, self.bins[0].sum(axis=1))


def _over(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray(np.divide(a, b, out=np.full(np.shape(a), np.nan), where=b > 0))


def count(
    group: Int32Array, n_groups: int, truth: FloatArray, score: FloatArray, weight: FloatArray | None = None
) -> GroupCounts:
    """Count rows by group; those of no group (code `n_groups`) are left out. Prediction: score of 0.5 up."""
    ok = group < n_groups
    g, y, s = group[ok].astype(np.int64), truth[ok].astype(np.int64), score[ok]
    w = np.ones(len(g)) if weight is None else weight[ok]
    key = g * 4 + y * 2 + (s >= 0.5)
    cells = np.bincount(key, weights=w, minlength=4 * n_groups).astype(np.float64)
    place = g * BINS + np.clip((s * BINS).astype(np.int64), 0, BINS - 1)
    bins = np.array(
        [np.bincount(place, weights=v, minlength=BINS * n_groups) for v in (w, w * s, w * y)]
    ).reshape(3, n_groups, BINS)
    return GroupCounts(cells.reshape(n_groups, 2, 2), bins)


def difference(rates: FloatArray) -> float:
    """Largest less smallest rate; NaN with fewer than two known rates."""
    known = rates[~np.isnan(rates)]
    return float(known.max() - known.min()) if len(known) > 1 else float("nan")


def ratio(rates: FloatArray) -> float:
    """Smallest over largest rate; 1 when all are 0, NaN with fewer than two known rates."""
    known = rates[~np.isnan(rates)]
    if len(known) < 2:
        return float("nan")
    return float(known.min() / known.max()) if known.max() > 0 else 1.0


def worst_of(a: float, b: float) -> float:
    """The larger of two differences, or the one that is known."""
    known = [v for v in (a, b) if not np.isnan(v)]
    return max(known) if known else float("nan")


#: The parities: name, and the function of the counts. 0 when groups are treated alike, but for the ratio: 1.
PARITIES: Mapping[str, Callable[[GroupCounts], float]] = MappingProxyType(
    {
        "demographic_parity": lambda t: difference(t.selection_rate),
        "demographic_parity_ratio": lambda t: ratio(t.selection_rate),
        "equalized_odds": lambda t: worst_of(
            difference(t.true_positive_rate), difference(t.false_positive_rate)
        ),
        "equal_opportunity": lambda t: difference(t.true_positive_rate),
        "calibration": lambda t: difference(t.calibration_error),
    }
)
