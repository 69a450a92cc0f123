"""A linear judge: ranks and indicators of levels, weighed by ridge-penalised logistic regression."""

from __future__ import annotations

import numpy as np

from locum.arrays import FloatArray
from locum.evaluation.learn.features import Ranks

RIDGE = 1.0


def design(rows: Ranks, levels: int) -> FloatArray:
    """Rows as a matrix: intercept, ranks, missing values, indicators of the `levels` most frequent levels."""
    missing = rows.ordered < 0
    shown = np.arange(levels)
    labels = [(rows.labels[:, j, None] == shown) for j in range(rows.labels.shape[1])]
    blocks = [np.ones((len(rows), 1)), np.where(missing, 0.0, rows.ordered - 0.5), missing, *labels]
    return np.concatenate([np.asarray(b, dtype=np.float64) for b in blocks], axis=1)
