"""How good predictions are: area under the curve for classes, R2 for numbers; rows can carry weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from locum.evaluation.learn.boosting import Task

FloatArray = npt.NDArray[np.float64]
Weighted = Callable[[FloatArray], float]

#: R2 below this is shown as this: how bad useless predictions are carries no information.
LOWEST_R2 = -1.0


def score_of(task: Task, n_classes: int, truth: FloatArray, prediction: FloatArray) -> float:
    """Area under the ROC curve (mean over classes, one against the rest) or R2."""
    return weighted_score(task, n_classes, truth, prediction)(np.ones(len(truth)))


def floor_of(task: Task) -> float:
    """What predictions without knowledge score."""
    return 0.0 if task == "regression" else 0.5


def weighted_score(task: Task, n_classes: int, truth: FloatArray, prediction: FloatArray) -> Weighted:
    """The score as a function of row weights, shape (n,) -> number; sorting is done once.

    Classes without weight on either side are left out; no class left: 0.5. R2 is cut at `LOWEST_R2`, and 0
    when the truth does not vary.
    """
    if task == "regression":
        return lambda w: _r2(truth, prediction, w)
    if task == "binary":
        return weighted_auc(truth == 1, prediction)
    each = [weighted_auc(truth == k, prediction[:, k]) for k in range(n_classes)]

    def mean(w: FloatArray) -> float:
        areas = [area(w) for k, area in enumerate(each) if 0 < w[truth == k].sum() < w.sum()]
        return float(np.mean(areas)) if areas else 0.5

    return mean


def weighted_auc(positive: npt.NDArray[np.bool_], score: FloatArray) -> Weighted:
    """Area under the ROC curve as a function of row weights, ties counting half; 0.5 without both classes."""
    _, group = np.unique(score, return_inverse=True)
    n_groups = int(group.max(initial=-1)) + 1

    def area(w: FloatArray) -> float:
        up = np.bincount(group, weights=w * positive, minlength=n_groups)
        down = np.bincount(group, weights=w * ~positive, minlength=n_groups)
        total = up.sum() * down.sum()
        below = np.cumsum(down) - down
        return float((up * (below + 0.5 * down)).sum() / total) if total > 0 else 0.5

    return area


def _r2(truth: FloatArray, prediction: FloatArray, w: FloatArray) -> float:
    total = w.sum()
    if total <= 0:
        return 0.0
    # Scaled first, so that squares of huge values do not overflow.
    size = max(float(np.abs(truth).max(initial=0.0)), 1e-300)
    y, p = truth / size, np.clip(prediction / size, -10.0, 10.0)
    mean = (w * y).sum() / total
    spread = (w * (y - mean) ** 2).sum()
    if spread <= 1e-24 * total:
        return 0.0
    return float(max(LOWEST_R2, 1.0 - (w * (y - p) ** 2).sum() / spread))
