"""Closed forms of what self-consumption does to simple models, to hold simulations against (C2 to C8).

n is always the number of rows per round, t the number of rounds after the first fit on real rows is used.
"""

from __future__ import annotations

import math

import numpy as np

from locum.arrays import FloatArray


def replaced_drift(n: int, rounds: int) -> float:
    """C2. Mean squared drift of the mean with the unbiased variance: ``t / n`` true variances."""
    return rounds / n


def accumulated_drift(n: int) -> float:
    """C3. Limit of the squared drift when rows are kept: ``(pi**2 / 6) / n`` (Gerstgrasser et al. 2024)."""
    return math.pi**2 / 6 / n


def regression_risk(n: int, d: int, rounds: int, *, noise: float = 1.0) -> float:
    """C4. Test error of linear regression after `rounds` relabellings, rows replaced: ``K s2 d/(n-d-1)``.

    `noise` is the standard deviation of the labels; Dohmatob et al. (2024).
    """
    return rounds * noise**2 * d / (n - d - 1)


def accumulated_regression_bound(n: int, d: int, *, noise: float = 1.0) -> float:
    """C4. Bound of the same when rows are kept: ``(pi**2/6) s2 d/(n-d-1)`` (Gerstgrasser et al. 2024)."""
    return math.pi**2 / 6 * noise**2 * d / (n - d - 1)


def zipf(size: int, b: float) -> FloatArray:
    """Shares proportional to ``i**-b`` for i = 1 .. size."""
    weight = np.arange(1, size + 1, dtype=float) ** -b
    out: FloatArray = weight / weight.sum()
    return out


def tail_loss(truth: FloatArray, learned: FloatArray, rows: FloatArray) -> FloatArray:
    """C5. Share of the truth that a learner has never seen after so many rows: ``sum p (1 - q)**T``.

    Parameters
    ----------
    truth, learned
        True shares p, shape (k,), and those q that the rows are drawn from.
    rows
        Numbers of rows T, shape (r,).

    Notes
    -----
    Dohmatob et al. (2024), "A tale of tails": with Zipf shares of exponent b and real rows (q = p) the loss
    falls as ``T**-c`` with c = 1 - 1/b. Where q is cut at rank k it stops near ``k**-(b-1)``; where q is
    what a generator kept of T0 rows, near ``T0**-c``.
    """
    with np.errstate(divide="ignore"):
        logs = np.log1p(-np.minimum(learned, 1.0))
    return np.array([float((truth * np.exp(t * logs)).sum()) for t in rows])


def tail_slope(b: float) -> float:
    """C5. Exponent c = 1 - 1/b with which the loss on real rows of a Zipf law falls."""
    return 1 - 1 / b


def heterozygosity(n: int, rounds: int) -> float:
    """C6. Share of the first diversity (1 - sum p**2) left after rounds of `n` draws: ``(1 - 1/n)**t``."""
    return (1 - 1 / n) ** rounds


def fixation_rounds(n: int, shares: FloatArray) -> float:
    """C6. Mean rounds until one outcome is left, by the diffusion approximation: ``-2 n sum (1-p) log(1-p)``.

    The neutral Wright-Fisher model with n draws; about 2 n for many outcomes (Ewens 2004, ch. 5).
    """
    p = np.asarray(shares, dtype=float)
    p = p[(p > 0) & (p < 1)]
    return float(-2 * n * ((1 - p) * np.log1p(-p)).sum())


def fresh_drift(real: int, synthetic: int, *, variance: float = 1.0) -> float:
    """C7. Stationary squared drift of the mean with fresh real rows in every round.

    ``(f**2/nf + (1-f)**2 s2/ns) / (1 - (1-f)**2)``, f the real share and s2 the loop's `variance`;
    Alemohammad et al. (2024), fresh data loop. Infinite without real rows.
    """
    if real == 0:
        return math.inf
    f = real / (real + synthetic)
    made = (1 - f) ** 2 * variance / synthetic if synthetic else 0.0
    return (f * f / real + made) / (1 - (1 - f) ** 2)


def verification_threshold(keeps_right: float, keeps_wrong: float) -> float:
    """C8. Share of wrong labels below which training on verified labels succeeds: ``1 / (1 + psi/phi)``.

    `keeps_right` (phi) and `keeps_wrong` (psi) are the verifier's chances to let a right and a wrong label
    pass; Feng et al. (2024). 0.5 without a verifier.
    """
    return 0.5 if keeps_right + keeps_wrong == 0 else keeps_right / (keeps_right + keeps_wrong)
