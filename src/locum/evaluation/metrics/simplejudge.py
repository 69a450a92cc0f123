"""The simple judge: a logistic two-sample test, kept as a footnote because almost anything passes it."""

from __future__ import annotations

import numpy as np

from locum.evaluation.intervals import auc_interval
from locum.evaluation.learn.linear import RIDGE, design
from locum.evaluation.registry import result_of
from locum.evaluation.result import Result
from locum.evaluation.trial import Trial, spread
from locum.logistic import ridge_logistic
from locum.randomness import stream
from locum.wording import in_hundred

#: Rows a side, indicators of levels in all, most of them for one column, and folds.
ROWS, INDICATORS, LEVELS, FOLDS = 3_000, 240, 20, 2
#: Newton steps; the order of the scores does not change after a few.
STEPS = 6


def logistic(trial: Trial) -> list[Result]:
    """Two-sample test with a logistic regression, ``c2st.logistic``: a footnote without a verdict.

    Ranks of ordered columns, indicators of missing values and of the `LEVELS` most frequent levels; ridge
    penalty; 2 folds out of fold. A linear judge sees single columns only: independent columns score
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
    levels = min(LEVELS, max(2, INDICATORS // max(1, sides[0].labels.shape[1])))
    x = np.concatenate([design(side, levels) for side in sides])
    y = np.repeat([0.0, 1.0], n)
    rng = stream(trial.seed, "metrics", "logistic")
    fold = np.concatenate([spread(FOLDS, n, rng), spread(FOLDS, n, rng)])
    score = np.zeros(2 * n)
    for k in range(FOLDS):
        train = fold != k
        score[~train] = x[~train] @ ridge_logistic(x[train], y[train], RIDGE, STEPS)
    value, low, high = auc_interval(score[y == 1], score[y == 0])
    return [
        result_of(
            "c2st.logistic",
            value,
            f"A simple linear judge picks the synthetic row {in_hundred(value)} times in 100. It sees "
            "one column at a time, so even shuffled columns pass it; do not rest anything on this number.",
            low=low,
            high=high,
            detail={"rows_a_side": n},
        )
    ]
