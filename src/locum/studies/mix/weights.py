"""How much weight synthetic rows deserve beside real ones: the laws that theory gives."""

from __future__ import annotations

import math

from locum.errors import UsageError


def best_weight(
    n: int, m: int, *, bias: float, real_variance: float = 1.0, synthetic_variance: float = 1.0
) -> float:
    """Weight of the synthetic rows that gives the smallest squared error of a mean.

    The estimate is ``(1 - a) mean(real) + a mean(synthetic)`` from `n` real rows and `m` synthetic ones whose
    mean is off by `bias`.

    Parameters
    ----------
    n, m
        Numbers of real and synthetic rows, at least 1.
    bias
        Difference between the synthetic and the real mean.
    real_variance, synthetic_variance
        Variances of one row.

    Returns
    -------
    float
        a in [0, 1): 0.5 for equally many unbiased rows of the same variance.

    Notes
    -----
    Surrogate risk minimisation, Jain, Montanari and Sasoglu (2024), exact case b = 1:
    ``a = (s2/n) / (bias**2 + ss2/m + s2/n)``. Pooling all rows corresponds to a = m / (n + m) and is right
    only without bias.
    """
    _need(n >= 1 and m >= 1, "the numbers of rows", "at least 1")
    _need(real_variance >= 0 and synthetic_variance >= 0, "the variances", "at least 0")
    own = real_variance / n
    other = bias * bias + synthetic_variance / m
    return own / (own + other) if own + other > 0 else 0.5


def fresh_weight(k: float) -> float:
    """Weight of the fresh real rows that keeps a recursive loop best: the golden-ratio law.

    Each round learns from n fresh real rows, with this weight, and k n rows of the round before.

    Parameters
    ----------
    k
        Synthetic rows per real row, above 0. k = 1 gives 0.618, the inverse of the golden ratio.

    Notes
    -----
    He, Xu and Cheng (JRSS-B): ``w = (sqrt(1 + 4 k) - 1) / (2 k)``. The stationary variance, in units of that
    of n real rows, is then w itself.
    """
    _need(k > 0, "the ratio of synthetic to real rows", "above 0")
    return (math.sqrt(1 + 4 * k) - 1) / (2 * k)


def _need(condition: bool, what: str, expected: str) -> None:
    if not condition:
        raise UsageError(f"{what} cannot be used", where="weights", expected=expected)
