"""Areas, shares and their 95 % intervals: the small statistics that metrics and attacks have in common."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray

Interval = tuple[float, float]

#: Bootstrap repeats.
REPEATS = 200

#: Normal quantile of a two-sided 95 % interval.
Z95 = 1.959963984540054


def auc(positive: npt.ArrayLike, negative: npt.ArrayLike) -> float:
    """Chance that a positive scores above a negative one, ties counting half.

    Infinite scores are allowed, NaN is not. 0.5 when either side is empty. Cost O(n log n).
    """
    value, _ = _placements(positive, negative)
    return value


def auc_interval(positive: npt.ArrayLike, negative: npt.ArrayLike) -> tuple[float, float, float]:
    """Area under the ROC curve with its 95 % interval: (value, low, high).

    The standard error is DeLong's (DeLong et al., Biometrics 1988), but never less than that of Hanley and
    McNeil (Radiology 1982) at an area half a rank away from 0 and 1: DeLong's alone is zero for perfectly
    separated scores. The interval is cut at 0 and 1; with fewer than two scores on a side it is (0, 1).
    """
    value, error = _placements(positive, negative)
    if not np.isfinite(error):
        return value, 0.0, 1.0
    return value, max(0.0, value - Z95 * error), min(1.0, value + Z95 * error)


def auc_error(value: float, n_positive: int, n_negative: int) -> float:
    """Standard error of an area by Hanley and McNeil; infinite with fewer than two scores on a side."""
    m, n = n_positive, n_negative
    if min(m, n) < 2:
        return float("inf")
    a = min(max(value, 0.5 / min(m, n)), 1 - 0.5 / min(m, n))
    q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
    variance = (a * (1 - a) + (m - 1) * (q1 - a * a) + (n - 1) * (q2 - a * a)) / (m * n)
    return float(np.sqrt(max(variance, 0.0)))


def _placements(positive: npt.ArrayLike, negative: npt.ArrayLike) -> tuple[float, float]:
    a = np.sort(np.asarray(positive, dtype=np.float64))
    b = np.sort(np.asarray(negative, dtype=np.float64))
    m, n = len(a), len(b)
    if not m or not n:
        return 0.5, float("inf")
    # Share of negatives below each positive, and of positives above each negative (ties half).
    v10 = (np.searchsorted(b, a, "left") + np.searchsorted(b, a, "right")) / (2.0 * n)
    value = float(v10.mean())
    if min(m, n) < 2:
        return value, float("inf")
    v01 = 1.0 - (np.searchsorted(a, b, "left") + np.searchsorted(a, b, "right")) / (2.0 * m)
    delong = float(np.sqrt(v10.var(ddof=1) / m + v01.var(ddof=1) / n))
    # Scores that are all tied have an area of one half under any sample: Hanley's floor would mislead.
    if a[0] == a[-1] == b[0] == b[-1]:
        return value, 0.0
    extreme = value in (0.0, 1.0) or delong == 0.0
    return value, max(delong, auc_error(value, m, n)) if extreme else delong


def roc_curve(positive: npt.ArrayLike, negative: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Corners of the ROC curve: false-positive rates (ascending, distinct) and true-positive rates."""
    a = np.sort(np.asarray(positive, dtype=np.float64))
    b = np.sort(np.asarray(negative, dtype=np.float64))
    levels = np.unique(np.concatenate([a, b]))[::-1]
    hits = np.concatenate([[0.0], 1.0 - np.searchsorted(a, levels, "left") / len(a)])
    alarms = np.concatenate([[0.0], 1.0 - np.searchsorted(b, levels, "left") / len(b)])
    # Of several corners at one false-positive rate the highest counts; interp wants ascending, unique x.
    last = np.append(np.diff(alarms) > 0, True)
    return alarms[last], hits[last]


def rate_at(positive: npt.ArrayLike, negative: npt.ArrayLike, false_rate: float = 0.01) -> float:
    """True-positive rate at a false-positive rate, the ROC curve interpolated between its corners.

    Tied scores are thus split as a coin would split them, so a score that says nothing gives `false_rate`.
    """
    if not np.size(positive) or not np.size(negative):
        return false_rate
    return float(np.clip(np.interp(false_rate, *roc_curve(positive, negative)), 0.0, 1.0))


def wilson(successes: float, n: int) -> Interval:
    """95 % interval of a share by Wilson's score; (0, 1) when `n` is 0. `successes` may be fractional."""
    if n <= 0:
        return 0.0, 1.0
    p, z2 = successes / n, Z95 * Z95
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * np.sqrt(max(p * (1 - p), 0.0) / n + z2 / (4 * n * n))
    # At 0 and n the ends are exact; rounding must not push them past the share itself.
    low = 0.0 if successes <= 0 else float(centre - half)
    high = 1.0 if successes >= n else float(centre + half)
    return min(max(0.0, low), p), max(min(1.0, high), p)


def bootstrap_statistic(
    n: int, rng: np.random.Generator, statistic: Callable[[FloatArray], FloatArray], repeats: int = REPEATS
) -> FloatArray:
    """`statistic` of row weights (n,) under the bootstrap; shape (repeats, ...)."""
    return np.array(
        [
            statistic(np.bincount(rng.integers(n, size=n), minlength=n).astype(np.float64))
            for _ in range(repeats)
        ]
    )


def middle(draws: FloatArray, value: float) -> tuple[float, float]:
    """95 % interval of bootstrap draws around a value; NaN draws are left out; (value, value) without any."""
    known = draws[~np.isnan(draws)]
    if not len(known):
        return value, value
    low, high = np.quantile(known, [0.025, 0.975])
    return min(float(low), value), max(float(high), value)
