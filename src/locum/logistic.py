"""Logistic regression with a ridge, for whoever needs one: a judge, a generator."""

from __future__ import annotations

import numpy as np

from locum.arrays import FloatArray

#: Newton steps at most, and the change of a weight at which they end.
STEPS, SMALL = 25, 1e-8


def ridge_logistic(
    x: FloatArray, y: FloatArray, ridge: float | FloatArray, steps: int = STEPS, small: float = SMALL
) -> FloatArray:
    """Weights of a ridge-penalised logistic regression by Newton's method; shape (d,).

    Parameters
    ----------
    x
        Shape (n, d), with a column of ones if there is to be an intercept.
    y
        0 or 1 for each row.
    ridge
        Penalty of every weight, or of each: where all are above 0 there is one solution, also for rows that
        a line separates.
    steps, small
        Newton steps at most, and the change of a weight that ends them.

    Notes
    -----
    Cost: n d^2 a step.
    """
    weights = np.zeros(x.shape[1])
    penalty = np.broadcast_to(np.asarray(ridge, dtype=np.float64), weights.shape)
    for _ in range(steps):
        p = 1.0 / (1.0 + np.exp(-np.clip(x @ weights, -30, 30)))
        slope = x.T @ (y - p) - penalty * weights
        curve = (x.T * (p * (1 - p))) @ x
        curve[np.diag_indices(len(weights))] += penalty
        step = np.linalg.solve(curve, slope)
        weights = weights + step
        if np.abs(step).max() < small:
            break
    return weights
