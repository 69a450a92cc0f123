"""Prediction-powered estimates: few real labels, many predictions by a model that synthetic rows trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.errors import UsageError

#: Newton steps of the logistic regression at most, and the step at which it has arrived.
STEPS, ARRIVED = 60, 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class Powered:
    """Estimates of p quantities.

    Attributes
    ----------
    value, error, low, high
        Estimate, standard error and interval; shape (p,).
    weight
        How far the predictions are trusted, from 0 (real labels only) to 1.
    level
        Nominal coverage.
    """

    value: FloatArray
    error: FloatArray
    low: FloatArray
    high: FloatArray
    weight: float
    level: float


def mean(
    y: npt.ArrayLike,
    predicted: npt.ArrayLike,
    predicted_more: npt.ArrayLike,
    *,
    weight: float | None = None,
    level: float = 0.95,
) -> Powered:
    """Mean of y from n labelled real rows and predictions for N more rows of the same population.

    Parameters
    ----------
    y, predicted
        Labels of the n real rows and what the model predicts for them; shape (n,). The model may be as wrong
        as it likes, but must not have seen these rows.
    predicted_more
        Its predictions for N further rows *of the same population*, shape (N,). Rows whose features are
        synthetic are of the same population only as far as the generator is right; then the interval is no
        longer guaranteed.
    weight
        Trust in the predictions, 0-1; None estimates the best one.
    level
        Nominal coverage.

    Raises
    ------
    UsageError
        For shapes that do not match, fewer than two rows on a side, or numbers that are not finite.

    Notes
    -----
    PPI++ (Angelopoulos, Duchi and Zrnic 2023): w mean(f_N) + mean(y - w f_n), standard error
    sqrt(var(w f_N)/N + var(y - w f_n)/n), w = cov(y, f_n)/((1 + n/N) var f) clipped to 0-1. Never much wider
    than the classical interval, since w falls to 0 where predictions are useless. Cost: O(n + N).
    """
    y, f, more = _vectors(y, predicted, predicted_more)
    n, m = len(y), len(more)
    spread = float(np.var(np.concatenate([f, more]), ddof=1))
    if weight is None:
        best = float(np.cov(y, f)[0, 1]) / ((1 + n / m) * spread) if spread > 0 else 0.0
        weight = float(np.clip(best, 0.0, 1.0))
    value = weight * more.mean() + (y - weight * f).mean()
    error = np.sqrt(weight**2 * more.var(ddof=1) / m + (y - weight * f).var(ddof=1) / n)
    return _interval(np.array([value]), np.array([error]), weight, level)


def linear(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    predicted: npt.ArrayLike,
    x_more: npt.ArrayLike,
    predicted_more: npt.ArrayLike,
    *,
    weight: float | None = None,
    level: float = 0.95,
) -> Powered:
    """Coefficients of a linear regression of y on x; see `mean` for the meaning of the parameters.

    `x` has shape (n, p) and `x_more` (N, p); add a column of ones for an intercept. Intervals are of the
    sandwich kind, so the model need not be right. Raises UsageError also when columns of x are collinear.
    """
    return _regress(_linear, x, y, predicted, x_more, predicted_more, weight, level)


def logistic(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    predicted: npt.ArrayLike,
    x_more: npt.ArrayLike,
    predicted_more: npt.ArrayLike,
    *,
    weight: float | None = None,
    level: float = 0.95,
) -> Powered:
    """Coefficients of a logistic regression of y (0 or 1) on x; predictions are probabilities or labels.

    As `linear`. Raises UsageError also when y is not 0 or 1, or the classes can be separated perfectly.
    """
    if not np.isin(np.asarray(y, dtype=np.float64), (0.0, 1.0)).all():
        raise UsageError(
            "labels of a logistic regression must be 0 or 1", where="y", do="code the two classes"
        )
    return _regress(_logit, x, y, predicted, x_more, predicted_more, weight, level)


Link = Callable[[FloatArray], tuple[FloatArray, FloatArray]]


def _linear(eta: FloatArray) -> tuple[FloatArray, FloatArray]:
    return eta, np.ones_like(eta)


def _logit(eta: FloatArray) -> tuple[FloatArray, FloatArray]:
    p = 1 / (1 + np.exp(-np.clip(eta, -500, 500)))
    return p, p * (1 - p)


def _regress(
    link: Link,
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    f: npt.ArrayLike,
    x_more: npt.ArrayLike,
    f_more: npt.ArrayLike,
    weight: float | None,
    level: float,
) -> Powered:
    a, b = (np.asarray(v, dtype=np.float64) for v in (x, x_more))
    label, near, far = _vectors(y, f, f_more)
    if a.ndim != 2 or b.ndim != 2 or a.shape != (len(label), a.shape[1]) or b.shape != (len(far), a.shape[1]):
        raise UsageError(
            f"features have shapes {a.shape} and {b.shape}", where="x", expected="(rows, features)"
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise UsageError("a feature is not a finite number", where="x", do="fill or drop missing values")
    n, m = len(a), len(b)
    start = _solve(link, [(a, label, 1 / n)])
    if weight is None:
        weight = _best_weight(link, start, a, label, near, b, far)
    # The gradient in y is linear, so real and predicted labels of the same rows enter as one.
    parts = [(b, far, weight / m), (a, label, 1 / n), (a, near, -weight / n)]
    theta = _solve(link, parts, start)
    inverse = np.linalg.inv(_hessian(link, theta, parts))
    g_label, g_near, g_far = (_gradients(link, theta, *rows) for rows in ((a, label), (a, near), (b, far)))
    middle = _cov(g_label - weight * g_near) / n + weight**2 * _cov(g_far) / m
    return _interval(theta, np.sqrt(np.diag(inverse @ middle @ inverse)), weight, level)


def _gradients(link: Link, theta: FloatArray, x: FloatArray, y: FloatArray) -> FloatArray:
    return np.asarray(x * (link(x @ theta)[0] - y)[:, None], dtype=np.float64)


Part = tuple[FloatArray, FloatArray, float]


def _hessian(link: Link, theta: FloatArray, parts: list[Part]) -> FloatArray:
    out = np.zeros((len(theta), len(theta)))
    for x, _, w in parts:
        out += w * (x * link(x @ theta)[1][:, None]).T @ x
    return out


def _solve(link: Link, parts: list[Part], start: FloatArray | None = None) -> FloatArray:
    """Where the weighted gradient is zero, by Newton's method."""
    theta = np.zeros(parts[0][0].shape[1]) if start is None else start.copy()
    for _ in range(STEPS):
        slope = sum(
            (w * _gradients(link, theta, x, y).sum(axis=0) for x, y, w in parts), np.zeros_like(theta)
        )
        bend = _hessian(link, theta, parts)
        if np.linalg.cond(bend) > 1e13:
            break
        step = np.linalg.solve(bend, slope)
        theta = theta - step
        if np.abs(step).max() <= ARRIVED * max(1.0, float(np.abs(theta).max())):
            return theta
    raise UsageError(
        "the coefficients cannot be determined",
        where="x",
        expected="features that are not collinear and do not separate the classes perfectly",
        do="drop a feature, or give more labelled rows",
    )


def _best_weight(
    link: Link, theta: FloatArray, a: FloatArray, y: FloatArray, f: FloatArray, b: FloatArray, g: FloatArray
) -> float:
    """PPI++ power tuning: the weight of least total variance, clipped to 0-1."""
    inverse = np.linalg.inv(_hessian(link, theta, [(a, y, 1 / len(a))]))
    gy, gf = _gradients(link, theta, a, y) @ inverse, _gradients(link, theta, a, f) @ inverse
    both = np.concatenate([gf, _gradients(link, theta, b, g) @ inverse])
    cross = float(np.sum((gy - gy.mean(0)) * (gf - gf.mean(0))) / (len(a) - 1))
    own = float(both.var(axis=0, ddof=1).sum())
    return float(np.clip(cross / ((1 + len(a) / len(b)) * own), 0.0, 1.0)) if own > 0 else 0.0


def _cov(rows: FloatArray) -> FloatArray:
    return np.atleast_2d(np.cov(rows, rowvar=False))


def _vectors(*given: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    y, f, more = (np.asarray(v, dtype=np.float64) for v in given)
    if y.ndim != 1 or y.shape != f.shape or more.ndim != 1 or min(len(y), len(more)) < 2:
        raise UsageError(
            f"labels have shape {y.shape}, predictions {f.shape} and {more.shape}",
            where="y",
            expected="one prediction a label and two rows or more on each side",
        )
    if not all(np.isfinite(v).all() for v in (y, f, more)):
        raise UsageError("a label or prediction is not a finite number", where="y", do="drop those rows")
    return y, f, more


def _interval(value: FloatArray, error: FloatArray, weight: float, level: float) -> Powered:
    from scipy.stats import norm

    half = float(norm.ppf((1 + level) / 2)) * error
    return Powered(value, error, value - half, value + half, weight, level)
