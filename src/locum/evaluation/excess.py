"""How far counts of two tables are apart beyond chance: total variation less that of rows dealt anew."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.evaluation.claim import Claim
from locum.evaluation.intervals import Z95

#: Cells with up to so many rows are summed exactly, larger ones by their normal limit.
EXACT = 40


def excess(scale: str, a: npt.ArrayLike, b: npt.ArrayLike, of: str = "", among: int = 1) -> Claim:
    """Claim that two samples, counted on the same cells, are of different populations.

    Effect: total variation less its mean when all rows are dealt anew to two samples of these sizes, which
    is exact whatever the cells (hypergeometric counts), so many empty cells do no harm as long as the cells
    were not made from one of the samples alone. p-value: gamma law with the mean and variance of that deal,
    which is a little too large where there are few cells. Interval: normal, with the variance of the share
    of rows in cells where `a` has more, which is not smaller than the true one.
    """
    left, right = (np.asarray(x, dtype=np.float64) for x in (a, b))
    n, m = float(left.sum()), float(right.sum())
    if not n or not m:
        return Claim(scale, 0.0, -1.0, 1.0, 1.0, of, among)
    gap = left / n - right / m
    observed = 0.5 * float(np.abs(gap).sum())
    mean, variance = _dealt_anew((left + right)[left + right > 0], n, m)
    effect = observed - mean
    more = gap > 0
    p, q = float(left[more].sum()) / n, float(right[more].sum()) / m
    error = float(np.sqrt(max(p * (1 - p) / n + q * (1 - q) / m, 0.0)))
    # Nothing that was met by chance can be excluded for certain.
    error = max(error, 0.5 / min(n, m))
    return Claim(
        scale, effect, effect - Z95 * error, effect + Z95 * error, _tail(observed, mean, variance), of, among
    )


def _dealt_anew(cells: FloatArray, n: float, m: float) -> tuple[float, float]:
    """Mean and variance of the total variation when all rows are dealt anew; `cells` are counts of both."""
    total = n + m
    unit = 1 / n + 1 / m
    share = cells / total
    spread = np.sqrt(cells * (n / total) * (m / total) * (total - cells) / max(1.0, total - 1)) * unit
    mean, variance = np.sqrt(2 / np.pi) * spread, (1 - 2 / np.pi) * spread**2
    few = cells <= EXACT
    if few.any():
        exact = _exact(int(cells[few].max()), n, m)
        at = cells[few].astype(np.intp)
        mean[few] = exact[0, at] * unit
        variance[few] = exact[1, at] * unit**2
    # Cells share their rows: where one has more, others have less, and absolute gaps go together.
    together = (share * spread / np.sqrt(np.maximum(1 - share, 1e-12))).sum() ** 2 / np.pi
    together -= (share**2 * spread**2 / np.maximum(1 - share, 1e-12)).sum() / np.pi
    return 0.5 * float(mean.sum()), 0.25 * float(variance.sum() + max(together, 0.0))


def _exact(most: int, n: float, m: float) -> FloatArray:
    """Mean and variance of |count - expected| for cells of 0 to `most` rows; shape (2, most + 1)."""
    from scipy.special import gammaln

    size = np.arange(most + 1)[:, None]
    k = np.arange(most + 1)[None]

    def choose(top: npt.ArrayLike, down: npt.ArrayLike) -> FloatArray:
        top, down = np.asarray(top, dtype=np.float64), np.asarray(down, dtype=np.float64)
        ok = (down >= 0) & (down <= top)
        safe = np.where(ok, down, 0.0)
        out = gammaln(top + 1) - gammaln(safe + 1) - gammaln(np.maximum(top - safe, 0.0) + 1)
        return np.asarray(np.where(ok, out, -np.inf))

    chance = np.exp(choose(n, k) + choose(m, size - k) - choose(n + m, size))
    chance = np.where(k <= size, chance, 0.0)
    away = np.abs(k - size * n / (n + m))
    mean = (chance * away).sum(axis=1)
    return np.array([mean, np.maximum((chance * away**2).sum(axis=1) - mean**2, 0.0)])


def _tail(observed: float, mean: float, variance: float) -> float:
    from scipy.special import gammaincc

    if observed <= mean:
        return 1.0 if variance <= 0 else float(gammaincc(mean**2 / variance, observed * mean / variance))
    if variance <= 0 or mean <= 0:
        return 1.0
    return float(gammaincc(mean**2 / variance, observed * mean / variance))
