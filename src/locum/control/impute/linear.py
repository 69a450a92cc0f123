"""A linear equation for a number, with a ridge that the rows choose; its coefficients can be drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from locum.arrays import FloatArray

#: Ridges that are tried, in units of one row.
RIDGES = np.logspace(-4, 6, 31)


@dataclass(frozen=True, slots=True)
class LinearFit:
    """A fitted equation.

    Attributes
    ----------
    centre
        Means of the features.
    turn, strength
        Eigenvectors of the features' products, and eigenvalues with the ridge added.
    product
        Features times what was foretold, in those directions.
    level
        Mean of what was foretold.
    features
        The rows' features in those directions; shape (n, p).
    residual
        What each row differs by, scaled to the spread of the errors (divided by the root of 1 - leverage).
    ridge, noise
        The ridge, and the standard deviation of the errors.
    freedom
        Rows less the parameters that they had to pay for.
    """

    centre: FloatArray
    turn: FloatArray
    strength: FloatArray
    product: FloatArray
    level: float
    features: FloatArray
    residual: FloatArray
    ridge: float
    noise: float
    freedom: float

    def foretold(self) -> FloatArray:
        """Expected values of the rows that were learned from."""
        return np.asarray(self.level + self.features @ (self.product / self.strength))

    def drawn(self, rng: np.random.Generator) -> tuple[float, FloatArray, float]:
        """Intercept, coefficients and a factor for the residuals, as uncertain as they are.

        The wild bootstrap (Wu 1986): residuals with random signs and sizes are added to what was foretold,
        and the equation is fitted again. Their spread may differ from row to row. What the ridge adds is
        drawn from its normal prior, so that with errors of one size this is the posterior distribution.
        """
        factor = float(np.sqrt(self.freedom / rng.chisquare(self.freedom)))
        noise = factor * rng.standard_normal(len(self.residual)) * self.residual
        prior = np.sqrt(self.ridge) * self.noise * factor * rng.standard_normal(len(self.strength))
        moved = (self.product + noise @ self.features + prior) / self.strength
        weights = self.turn @ moved
        return self.level + float(noise.mean()) - float(self.centre @ weights), weights, factor


def fit_linear(x: FloatArray, y: FloatArray) -> LinearFit:
    """Least squares with the ridge of the largest marginal likelihood (MacKay 1992).

    Parameters
    ----------
    x
        Features, about standardised; shape (n, p).
    y
        What is foretold; shape (n,).
    """
    n = len(y)
    centre, level = x.mean(axis=0), float(y.mean())
    inner, rest = x - centre, y - level
    value, turn = np.linalg.eigh(inner.T @ inner)
    value = np.maximum(value, 0.0)
    features = inner @ turn
    product = features.T @ rest
    ridge = _ridge(value, product, float(rest @ rest), n)
    strength = value + ridge
    gap = rest - features @ (product / strength)
    lever = np.minimum(1 / n + (features**2 / strength).sum(axis=1), 0.9)
    freedom = max(n - 1 - float((value / strength).sum()), 1.0)
    noise = float(np.sqrt((gap**2).sum() / freedom))
    return LinearFit(
        centre, turn, strength, product, level, features, gap / np.sqrt(1 - lever), ridge, noise, freedom
    )


def _ridge(value: FloatArray, product: FloatArray, total: float, n: int) -> float:
    """The ridge under which the rows are most likely, its prior scaled by the errors' variance."""
    if not len(value) or total <= 0:
        return 1.0
    strength = value[:, None] + RIDGES
    # no error is smaller than rounding
    left = np.maximum(total - (product[:, None] ** 2 / strength).sum(axis=0), 1e-12 * total)
    surprise = (n - 1) * np.log(left) + np.log(strength / RIDGES).sum(axis=0)
    return float(RIDGES[surprise.argmin()])
