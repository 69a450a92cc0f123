"""Boosted trees on top of an equation, where rows kept aside say that they find what it misses."""

from __future__ import annotations

import numpy as np

from locum.arrays import FloatArray, IntArray
from locum.control.impute.softmax import chances, surprise

#: Rounds that are tried; rows to learn from at most, and for a trial at least; parts of a cross-validation.
ROUNDS, ROWS, FEW, FOLDS = (10, 20, 40), 3_000, 100, 3
#: Standard errors, and the share, by which trees must be better.
SURE, BETTER = 2.0, 0.01
#: Labels for which trees are tried at most: each has trees of its own.
LABELS = 4


def boost(
    x: np.ndarray, y: FloatArray | IntArray, start: FloatArray, rounds: int, seed: int, labels: int = 0
) -> BoostedTrees:
    """Trees that bring a foretold number, or scores of labels, nearer to what is there.

    Parameters
    ----------
    x
        Features.
    y
        Numbers, or labels from 0.
    start
        What the equation foretells: numbers, or scores of the labels after the first; shape (n, labels - 1).
    rounds, seed
        How many trees (for each label, where there are more than two), and for their ties.
    labels
        Number of labels, 0 for numbers.
    """
    import lightgbm

    n = len(y)
    settings = {
        "objective": "regression" if not labels else "binary" if labels == 2 else "multiclass",
        "num_leaves": 8,
        "min_data_in_leaf": max(5, min(20, n // 20)),
        "learning_rate": 0.2,
        "lambda_l2": 1.0,
        "max_bin": 63,
        "num_threads": 1,
        "force_col_wise": True,
        "deterministic": True,
        "seed": seed,
        "verbose": -1,
    } | ({"num_class": labels} if labels > 2 else {})
    begin = start.ravel() if labels <= 2 else np.column_stack([np.zeros(n), start]).T.ravel()
    data = lightgbm.Dataset(x, y, init_score=begin, params=settings, free_raw_data=True)
    return BoostedTrees(lightgbm.train(settings, data, rounds), labels)


class BoostedTrees:
    """Trees that were fitted by `boost`."""

    def __init__(self, booster: object, labels: int) -> None:
        self._booster, self._labels = booster, labels

    def added(self, x: np.ndarray, rounds: int | None = None) -> FloatArray:
        """What they add to the start: numbers, or scores less that of the first label."""
        raw = self._booster.predict(x, raw_score=True, num_iteration=rounds, num_threads=1)  # type: ignore[attr-defined]
        if not self._labels:
            return np.asarray(raw)
        if self._labels == 2:
            return np.asarray(raw)[:, None]
        return np.asarray(raw[:, 1:] - raw[:, :1])


def choose_rounds(
    x: np.ndarray,
    y: FloatArray | IntArray,
    starts: list[tuple[IntArray, IntArray, FloatArray]],
    seed: int,
    labels: int = 0,
) -> int:
    """How many rounds of trees are better than none on rows kept aside; 0 where none is, surely.

    Parameters
    ----------
    x, y
        Features, and numbers or labels from 0.
    starts
        For each part of the rows: those to learn from, those kept aside, and what the equation that was
        fitted to the former foretells for all rows.
    seed, labels
        As for `boost`.
    """
    losses: list[FloatArray] = []
    for train, test, start in starts:
        trees = boost(x[train], y[train], start[train], ROUNDS[-1], seed, labels)
        tried = [start[test]] + [start[test] + trees.added(x[test], rounds) for rounds in ROUNDS]
        losses.append(np.column_stack([_loss(y[test], found, labels) for found in tried]))
    loss = np.vstack(losses)
    best = int(loss[:, 1:].mean(axis=0).argmin()) + 1
    gain = loss[:, 0] - loss[:, best]
    enough = max(SURE * float(gain.std()) / np.sqrt(len(gain)), BETTER * float(loss[:, 0].mean()))
    return ROUNDS[best - 1] if gain.mean() > enough else 0


def _loss(y: FloatArray | IntArray, found: FloatArray, labels: int) -> FloatArray:
    if not labels:
        return np.asarray((y - found) ** 2)
    return surprise(chances(found), np.asarray(y, dtype=np.int64))
