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


def mean_risk(
    a: float, n: int, m: int, *, bias: float, real_variance: float = 1.0, synthetic_variance: float = 1.0
) -> float:
    """Expected squared error of the weighted mean of `best_weight` at weight `a`."""
    return (1 - a) ** 2 * real_variance / n + a * a * (bias * bias + synthetic_variance / m)


def mixed_risk(
    a: float, *, real: float, synthetic: float, synthetic_limit: float, exponent: float = 1.0
) -> float:
    """Excess risk of a model trained with weight `a` on synthetic rows, by the scaling law of surrogate data.

    Parameters
    ----------
    a
        Weight of the synthetic rows, 0 to 1.
    real, synthetic
        Excess risks when trained on the real rows alone, on the synthetic rows alone.
    synthetic_limit
        Excess risk on unlimited synthetic rows: what their bias costs.
    exponent
        The exponent b of the law; 1 for means and linear models of fixed size.

    Notes
    -----
    Jain, Montanari and Sasoglu (2024), equation 4:
    ``a**2 R_s(inf) + [a**2 (R_s(m) - R_s(inf))**(1/b) + (1-a)**2 R_r(n)**(1/b)]**b``.
    """
    _need(0 <= a <= 1, "the weight", "a number from 0 to 1")
    _need(synthetic >= synthetic_limit >= 0 and real >= 0, "the risks", "0 <= limit <= synthetic, real >= 0")
    b = exponent
    noise = a * a * (synthetic - synthetic_limit) ** (1 / b) + (1 - a) ** 2 * real ** (1 / b)
    return float(a * a * synthetic_limit + noise**b)


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


def recursive_variance(w: float, k: float) -> float:
    """Stationary variance of the loop of `fresh_weight` at weight `w`, in units of that of n real rows.

    ``(w**2 + (1-w)**2 / k) / (1 - (1-w)**2)``; infinite at w = 0, where nothing holds the loop.
    """
    _need(0 <= w <= 1 and k > 0, "the weight or the ratio", "0 <= w <= 1, k > 0")
    kept = (1 - w) ** 2
    return math.inf if w == 0 else (w * w + kept / k) / (1 - kept)


def _need(condition: bool, what: str, expected: str) -> None:
    if not condition:
        raise UsageError(f"{what} cannot be used", where="weights", expected=expected)
