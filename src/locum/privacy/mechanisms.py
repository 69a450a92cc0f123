"""The mechanisms themselves. Each takes exact integers and noise that was paid for (`Ledger.spend`)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from locum.arrays import IntArray
from locum.privacy.noise import Noise


def gaussian_counts(counts: IntArray, sigma: float, noise: Noise, *, rounded: bool = True) -> IntArray:
    """Counts plus Gaussian noise; int64, same shape.

    With Euclidean sensitivity D: mu = D / sigma when `rounded`, and rho = D**2 / (2 sigma**2) either way.
    """
    draw = noise.gaussian if rounded else noise.discrete_gaussian
    return counts + draw(sigma, counts.size).reshape(counts.shape)


def laplace_counts(counts: IntArray, scale: float, noise: Noise) -> IntArray:
    """Counts plus discrete Laplace noise; epsilon = (sum of absolute changes) / scale."""
    return counts + noise.discrete_laplace(scale, counts.size).reshape(counts.shape)


def exponential(
    scores: Sequence[int | Fraction], epsilon: float, sensitivity: int | Fraction, noise: Noise
) -> int:
    """An index drawn with probability proportional to ``exp(epsilon score / (2 sensitivity))``.

    Scores, epsilon and sensitivity are exact rationals, and so is the exponent; the draw is within 2**-180 of
    the law. Epsilon-private, rho = epsilon**2 / 8 (bounded range).

    Source: McSherry and Talwar (2007).
    """
    factor = Fraction(epsilon) / (2 * Fraction(sensitivity))
    return noise.choice([factor * Fraction(s) for s in scores])
