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
