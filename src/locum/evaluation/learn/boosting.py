"""Boosted trees as judges and attackers: the one place outside the generators where LightGBM is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray

Task = Literal["binary", "multiclass", "regression"]

#: The defaults of LightGBM, written down. One thread: on tables of this size a second one costs more CPU in
#: waiting than it saves in time, and far more on a busy machine.
SETTINGS: dict[str, Any] = {
    "learning_rate": 0.1,
    "num_leaves": 31,
    "num_threads": 1,
    "deterministic": True,
    "force_col_wise": True,
    "verbose": -1,
}
ROUNDS = 100


@dataclass(frozen=True, slots=True)
class Forest:
    """A fitted boosted-tree model.

    Attributes
    ----------
    booster
        LightGBM's booster, or None when there was only one class or value to learn.
    constant
        What is predicted without a booster; shape (n_classes,) or (1,).
    """

    booster: Any
    constant: FloatArray

    def predict(self, x: FloatArray) -> FloatArray:
        """Probability of class 1 or value, shape (n,); class probabilities (n, n_classes) if multiclass."""
        if self.booster is None:
            if len(self.constant) == 1:
                return np.full(len(x), self.constant[0])
            return np.tile(self.constant, (len(x), 1))
        return np.asarray(self.booster.predict(x, num_threads=1), dtype=np.float64)

    def stages(self, x: FloatArray) -> Iterator[FloatArray]:
        """Class probabilities after each round of a ``multiclass`` model, shape (n, n_classes)."""
        if self.booster is None:
            yield self.predict(x)
            return
        total = np.zeros((len(x), len(self.constant)))
        # One look for the leaves of all trees; asking for the scores round by round takes ten times as long.
        leaves = np.asarray(self.booster.predict(x, pred_leaf=True, num_threads=1), dtype=np.int64)
        leaves = leaves.reshape(len(x), -1, len(self.constant))
        for stage in range(leaves.shape[1]):
            for k in range(len(self.constant)):
                tree = stage * len(self.constant) + k
                own, index = np.unique(leaves[:, stage, k], return_inverse=True)
                values = np.array([self.booster.get_leaf_output(tree, int(leaf)) for leaf in own])
                total[:, k] += values[index]
            odds = np.exp(total - total.max(axis=1, keepdims=True))
            yield odds / odds.sum(axis=1, keepdims=True)

    def gains(self, n_features: int) -> FloatArray:
        """Share of the training gain that each feature brought; all 0 when nothing was learned."""
        if self.booster is None:
            return np.zeros(n_features)
        gain = np.asarray(self.booster.feature_importance("gain"), dtype=np.float64)
        return gain / gain.sum() if gain.sum() > 0 else gain


def grow(
    x: FloatArray,
    y: npt.ArrayLike,
    task: Task,
    *,
    categorical: Sequence[int],
    seed: int,
    n_classes: int = 2,
    rounds: int = ROUNDS,
    leaf: int = 20,
    weight: FloatArray | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Forest:
    """Fit boosted trees with LightGBM's default settings.

    Parameters
    ----------
    x
        Features, shape (n, d), NaN for missing.
    y
        Labels 0 .. n_classes - 1, or finite numbers; shape (n,).
    task, n_classes
        What `y` is; `n_classes` is read for ``multiclass`` only.
    categorical
        Columns of `x` that hold level codes.
    seed
        For LightGBM's own choices.
    rounds, leaf
        Number of boosting rounds, and of rows that a leaf must hold.
    weight
        Weight of each row, above 0; None for equal weights.
    settings
        Of LightGBM, where they are not its defaults.

    Notes
    -----
    A target with one class or value, or without rows, gives a model that predicts it always. Cost: about 5
    CPU-microseconds a row and 15 columns for 100 binary rounds.
    """
    import lightgbm as lgb

    y = np.asarray(y, dtype=np.float64)
    constant = _constant(y, task, n_classes)
    if len(y) < 2 or y.min() == y.max():
        return Forest(None, constant)
    used = {**SETTINGS, **(settings or {}), "objective": task, "seed": seed, "min_data_in_leaf": leaf}
    if task == "multiclass":
        used["num_class"] = n_classes
    data = lgb.Dataset(x, y, weight=weight, categorical_feature=list(categorical), params=used)
    return Forest(lgb.train(used, data, num_boost_round=rounds), constant)


def grow_forest(x: FloatArray, y: npt.ArrayLike, *, trees: int, seed: int) -> Forest:
    """Fit a random forest of fully grown trees for two classes; labels are ordered by their codes.

    Every tree sees a random share of the rows and, at every cut, of the columns, and is grown until its
    leaves are pure: it memorises. Cost: about 0.1 ms a row for 100 trees and 15 columns.
    """
    import lightgbm as lgb

    y = np.asarray(y, dtype=np.float64)
    if len(y) < 2 or y.min() == y.max():
        return Forest(None, _constant(y, "binary", 2))
    # With two classes as 0 and 1, squared loss makes leaves shares; a binary loss would average log odds.
    share = min(1.0, max(1, round(np.sqrt(x.shape[1]))) / x.shape[1])
    settings = {
        **SETTINGS,
        "objective": "regression",
        "seed": seed,
        "boosting": "rf",
        "num_leaves": len(y),
        "min_data_in_leaf": 1,
        "min_sum_hessian_in_leaf": 0.0,
        "bagging_freq": 1,
        "bagging_fraction": 0.9,
        "feature_fraction_bynode": share,
        "boost_from_average": False,
    }
    data = lgb.Dataset(x, y, params=settings)
    return Forest(lgb.train(settings, data, num_boost_round=trees), _constant(y, "binary", 2))


def _constant(y: FloatArray, task: Task, n_classes: int) -> FloatArray:
    if task == "multiclass":
        counts = np.bincount(y.astype(np.int64), minlength=n_classes) if len(y) else np.zeros(n_classes)
        return counts / max(counts.sum(), 1.0) if len(y) else np.full(n_classes, 1.0 / n_classes)
    if not len(y):
        return np.array([0.5 if task == "binary" else 0.0])
    return np.array([float(y.mean())])
