"""How far counts of two tables are apart beyond chance: total variation less that of rows dealt anew."""

from __future__ import annotations

from collections.abc import Callable

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
    """Mean and variance of the total variation when all rows are dealt anew; `cells` are counts of both.

    The mean is that of hypergeometric counts, cell by cell. For the variance counts of large cells are taken
    for normal and correlated as theirs are (to the second order), those of small cells for binomial and
    independent, given that all add up: the variance of a sum of f(X) given the sum of X is that of f less
    what follows linearly from X (Holst, Annals of Statistics 1981).
    """
    total, share = n + m, n / (n + m)
    few = cells <= EXACT
    at = cells[few].astype(np.intp)
    most = int(at.max(initial=0))
    spread = cells * share * (1 - share)
    deviation = np.sqrt(spread * (total - cells) / max(1.0, total - 1))
    mean = np.sqrt(2 / np.pi) * deviation
    mean[few] = _exact(most, _hypergeometric(n, m))[0, at]
    _, variance, linear = _exact(most, _binomial(share))[:, at]
    large = cells[~few] / total
    together = deviation[~few] * large / np.maximum(1 - large, 1e-12)
    left = float(variance.sum()) - float(linear.sum()) ** 2 / max(float(spread.sum()), 1e-12)
    left += (1 - 2 / np.pi) * float((deviation[~few] ** 2).sum())
    left += (float(together.sum()) ** 2 - float((together**2).sum())) / np.pi
    unit = 0.5 * (1 / n + 1 / m)
    return unit * float(mean.sum()), unit**2 * max(left, 0.0)


Law = Callable[[FloatArray, FloatArray], FloatArray]


def _exact(most: int, law: Law) -> FloatArray:
    """Mean and variance of the size of a count's gap to its mean, and covariance of size and gap.

    For cells of 0 to `most` rows; shape (3, most + 1).
    """
    size = np.arange(most + 1.0)[:, None]
    k = np.arange(most + 1.0)[None]
    chance = np.where(k <= size, np.exp(law(size, np.minimum(k, size))), 0.0)
    gap = k - (chance * k).sum(axis=1, keepdims=True)
    mean = (chance * np.abs(gap)).sum(axis=1)
    variance = np.maximum((chance * gap**2).sum(axis=1) - mean**2, 0.0)
    return np.array([mean, variance, (chance * np.abs(gap) * gap).sum(axis=1)])


def _choose(top: npt.ArrayLike, down: npt.ArrayLike) -> FloatArray:
    """Log of the binomial coefficient; minus infinity where there is none."""
    from scipy.special import gammaln

    top, down = np.broadcast_arrays(np.asarray(top, dtype=float), np.asarray(down, dtype=float))
    ok = (down >= 0) & (down <= top)
    safe = np.where(ok, down, 0.0)
    out = gammaln(top + 1) - gammaln(safe + 1) - gammaln(np.maximum(top - safe, 0.0) + 1)
    return np.asarray(np.where(ok, out, -np.inf))


def _hypergeometric(n: float, m: float) -> Law:
    return lambda size, k: _choose(n, k) + _choose(m, size - k) - _choose(n + m, size)


def _binomial(share: float) -> Law:
    return lambda size, k: _choose(size, k) + k * np.log(share) + (size - k) * np.log1p(-share)


def _tail(observed: float, mean: float, variance: float) -> float:
    from scipy.special import gammaincc

    if observed <= mean:
        return 1.0 if variance <= 0 else float(gammaincc(mean**2 / variance, observed * mean / variance))
    if variance <= 0 or mean <= 0:
        return 1.0
    return float(gammaincc(mean**2 / variance, observed * mean / variance))
