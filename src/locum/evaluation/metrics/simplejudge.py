"""The simple judge: a logistic two-sample test, kept as a footnote because almost anything passes it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.evaluation.intervals import auc_interval
from locum.evaluation.result import Result
from locum.evaluation.sentences import in_hundred
from locum.evaluation.trial import Trial, spread
from locum.randomness import stream

#: Rows a side, indicators of levels in all, most of them for one column, and folds.
ROWS, INDICATORS, LEVELS, FOLDS = 3_000, 240, 20, 2
#: Newton steps; the order of the scores does not change after a few.
STEPS = 6
RIDGE = 1.0


def logistic(trial: Trial) -> list[Result]:
    """Two-sample test with a logistic regression, ``c2st.logistic``: a footnote without a verdict.

    Ranks of ordered columns, indicators of missing values and of the `LEVELS` most frequent levels; ridge
    penalty `RIDGE`; 2 folds out of fold. A linear judge sees single columns only: independent columns score
    0.50 (TabPC's tables: 1.000 on the inverted scale), so the value says nothing about how columns go
    together. It is shown because other tools report it.
    """
    if not trial.columns:
        return []
    view = trial.ranks
    n = min(trial.test.num_rows, trial.synthetic.num_rows, trial.budget(ROWS, 1_000))
    if n < FOLDS:
        return []
    sides = [view.ranks(trial.sample(p, n, "logistic")) for p in ("test", "synthetic")]
    x = np.concatenate([_design(side.ordered, side.labels) for side in sides])
    y = np.repeat([0.0, 1.0], n)
    rng = stream(trial.seed, "metrics", "logistic")
    fold = np.concatenate([spread(FOLDS, n, rng), spread(FOLDS, n, rng)])
    score = np.zeros(2 * n)
    for k in range(FOLDS):
        train = fold != k
        score[~train] = x[~train] @ ridge_logistic(x[train], y[train], steps=STEPS)
    value, low, high = auc_interval(score[y == 1], score[y == 0])
    return [
        Result(
            name="c2st.logistic",
            title="Simple linear judge (footnote)",
            question="faithful",
            value=value,
            low=low,
            high=high,
            direction="target",
            target=0.5,
            sentence=(
                f"A simple linear judge picks the synthetic row {in_hundred(value)} times in 100. It sees "
                "one column at a time, so even shuffled columns pass it; do not rest anything on this number."
            ),
            detail={"rows_a_side": n},
        )
    ]


def _design(ordered: npt.NDArray[np.float32], labels: npt.NDArray[np.unsignedinteger]) -> FloatArray:
    missing = ordered < 0
    blocks = [np.ones((len(ordered), 1)), np.where(missing, 0.0, ordered - 0.5), missing.astype(np.float64)]
    shown = np.arange(min(LEVELS, max(2, INDICATORS // max(1, labels.shape[1]))))
    for j in range(labels.shape[1]):
        blocks.append((labels[:, j, None] == shown).astype(np.float64))
    return np.concatenate(blocks, axis=1)


def ridge_logistic(x: FloatArray, y: FloatArray, ridge: float = RIDGE, steps: int = 25) -> FloatArray:
    """Weights of a ridge-penalised logistic regression by Newton's method; shape (d,).

    Every weight is penalised, the intercept included, so the problem always has one solution. Cost: up to
    `steps` passes of n d^2.
    """
    weights = np.zeros(x.shape[1])
    for _ in range(steps):
        p = 1.0 / (1.0 + np.exp(-np.clip(x @ weights, -30, 30)))
        slope = x.T @ (y - p) - ridge * weights
        curve = (x.T * (p * (1 - p))) @ x + ridge * np.eye(x.shape[1])
        step = np.linalg.solve(curve, slope)
        weights = weights + step
        if np.abs(step).max() < 1e-8:
            break
    return weights
