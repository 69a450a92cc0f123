"""Logistic regression with a ridge, for whoever needs one: a judge, a generator."""

from __future__ import annotations

import numpy as np

from locum.arrays import FloatArray

#: Newton steps at most, and the change of a weight at which they end.
STEPS, SMALL = 25, 1e-8
#: With more weights than this Newton's matrix costs more than the many more steps of a method without one.
MANY, MANY_STEPS = 600, 200


def ridge_logistic(
    x: FloatArray, y: FloatArray, ridge: float | FloatArray, steps: int = STEPS, small: float = SMALL
) -> FloatArray:
    """Weights of a ridge-penalised logistic regression; shape (d,).

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
    By Newton's method at the cost of n d^2 a step; of more than `MANY` weights by L-BFGS (Nocedal, Math.
    Comp. 1980) at n d a step, to the same solution within what the rows can tell.
    """
    if x.shape[1] > MANY:
        return _by_slopes(x, y, ridge)
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


def _by_slopes(x: FloatArray, y: FloatArray, ridge: float | FloatArray) -> FloatArray:
    """The same without second derivatives; features are brought to one scale for the steps."""
    from scipy.optimize import minimize

    scale = 1.0 / np.sqrt(np.maximum((x**2).mean(axis=0), 1e-12))
    scaled = x * scale
    penalty = np.broadcast_to(np.asarray(ridge, dtype=np.float64), scale.shape) * scale**2 / len(y)

    def loss(weights: FloatArray) -> tuple[float, FloatArray]:
        odds = scaled @ weights
        p = 1.0 / (1.0 + np.exp(-np.clip(odds, -30, 30)))
        value = (np.logaddexp(0.0, odds) - y * odds).mean() + 0.5 * (penalty * weights**2).sum()
        return float(value), scaled.T @ (p - y) / len(y) + penalty * weights

    found = minimize(
        loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": MANY_STEPS, "gtol": 1e-6}
    )
    return np.asarray(found.x * scale, dtype=np.float64)
