"""Logistic regression on features of earlier attributes, by Newton's method with a ridge."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from locum.arrays import FloatArray

#: Newton steps, and the change of a coefficient at which they end.
STEPS, SMALL_CHANGE = 12, 1e-4


def fit_logistic(x: FloatArray, y: FloatArray, penalty: float) -> FloatArray:
    """Coefficients of the columns of `x` and, last, the constant, for the log-odds of ``y == 1``.

    Parameters
    ----------
    x
        Shape (n_rows, n_features).
    y
        0 or 1 for each row.
    penalty
        Ridge per row, on all coefficients but the constant.

    Notes
    -----
    Cost: rows x features squared for each step. The ridge keeps separable rows from running away.
    """
    x = np.hstack([x, np.ones((len(x), 1))])
    share = float(np.clip(y.mean(), 1e-6, 1 - 1e-6))
    beta = np.zeros(x.shape[1])
    beta[-1] = np.log(share / (1 - share))
    ridge = np.full(x.shape[1], penalty)
    ridge[-1] = 1e-9
    for _ in range(STEPS):
        p = expit(x @ beta)
        gradient = x.T @ (p - y) / len(y) + ridge * beta * (ridge > 1e-9)
        curve = (x * np.maximum(p * (1 - p), 1e-6)[:, None]).T @ x / len(y)
        curve[np.diag_indices(len(beta))] += ridge
        step = np.linalg.solve(curve, gradient)
        beta -= step
        if np.abs(step).max() < SMALL_CHANGE:
            break
    return beta
