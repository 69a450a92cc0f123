"""How much chance in the rows that a model learns from moves its score."""

from __future__ import annotations

import numpy as np

from locum.arrays import FloatArray
from locum.evaluation.intervals import Z95
from locum.evaluation.scores import score_of
from locum.evaluation.target import TargetColumn, learn
from locum.evaluation.trial import Trial
from locum.randomness import child_seed, stream

#: With more rows than this so many parts of so many rows are taken, else they are halved so many times.
MANY, PARTS, PART, HALVINGS = 6_000, 5, 2_000, 4
#: Test rows that the models of parts are asked.
ASKED = 3_000
#: The 97.5 % point of Student's law with four degrees of freedom, which either way gives.
STUDENT = 2.776
#: With fewer rows than this a half teaches nothing, so nothing is known of its chance.
LEAST = 40


def training_error(
    trial: Trial, target: TargetColumn, x: FloatArray, y: FloatArray, asked: FloatArray, truth: FloatArray
) -> float:
    """Standard error that the choice of the rows to learn from gives a model's score; 0 with too few rows.

    Models learn from disjoint parts of the real rows (`x`, `y`) and are asked the same test rows. Scores of
    models of a k-th of the rows have about k times the variance of those of all rows; small tables are only
    halved, again and again, for small parts would teach too little. Widened so that 1.96 of it cover as much
    as Student's law asks. Cost: one fit of `PARTS` times `PART` rows, or four of few rows.
    """
    n = len(y)
    if n < LEAST:
        return 0.0
    asked, truth = asked[:ASKED], truth[:ASKED]
    parts, times = (PARTS, 1) if n > MANY else (2, HALVINGS)
    size = min(PART, n // parts) if n > MANY else n // 2
    rng = stream(trial.seed, "metrics", "training draw", target.column)
    variances = []
    for again in range(times):
        scores = []
        order = rng.permutation(n)
        for k in range(parts):
            part = order[k * size : (k + 1) * size]
            seed = child_seed(trial.seed, "utility", target.column, "part", again, k)
            guess = learn(trial, target, x[part], y[part], asked, seed=seed)
            scores.append(score_of(target.task, target.n_classes, truth, guess))
        variances.append(np.var(scores, ddof=1))
    return float(np.sqrt(np.mean(variances) * size / n) * STUDENT / Z95)
