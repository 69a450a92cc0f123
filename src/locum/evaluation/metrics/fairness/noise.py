"""What a gap between groups is worth where groups are small: the share of it that chance makes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.evaluation.metrics.fairness.rates import GroupCounts, difference, worst_of

#: Draws of every group's counts for each true gap that is tried; true gaps tried.
DRAWS, STEPS = 400, 48


@dataclass(frozen=True, slots=True)
class Beyond:
    """A measured gap, and the true gap behind it.

    Attributes
    ----------
    value, low, high
        True gap under which the measured one is the middle of what would be measured; the smallest under
        which it is not among the largest 2.5 %; the largest that any pair of groups leaves open at 97.5 %.
    by_chance, chance_high
        Middle and 95 % point of the gap that is measured when groups' true rates are all alike.
    """

    value: float
    low: float
    high: float
    by_chance: float
    chance_high: float


#: Rates in which groups are compared, by parity.
RATES = {
    "demographic_parity": ("selection_rate",),
    "equalized_odds": ("true_positive_rate", "false_positive_rate"),
    "equal_opportunity": ("true_positive_rate",),
}


def beyond_chance(table: GroupCounts, parity: str, rng: np.random.Generator) -> Beyond:
    """The true gap behind a largest difference of rates, by inversion of what would be measured.

    A largest difference is above the true one on average, the more so the more and the smaller the groups:
    equal groups never show 0. Here the measured rates are drawn together or apart by a common factor, counts
    are drawn again (binomial, as many rows in each group as there are), and the factor is sought under which
    the middle of the drawn largest differences is the measured one: 0 when equal groups would show as much.
    The same with the 97.5 % point gives the lower end. The upper end is the largest upper 97.5 % limit of a
    difference between two groups: whichever pair is truly furthest apart, its own limit covers it.

    Parameters
    ----------
    table
        Counts by group.
    parity
        One of `RATES`.
    rng
        For the draws.

    Notes
    -----
    For value and lower end the pattern of the rates is taken as measured; only its size is estimated.
    All numbers NaN with fewer than two groups that have rows. Cost: `STEPS` x `DRAWS` binomial
    draws a group and rate.
    """
    parts = []
    for name in RATES[parity]:
        rate, rows = getattr(table, name), _rows(table, name)
        known = ~np.isnan(rate)
        parts.append((rate[known], rows[known].astype(np.int64)))
    measured = worst_of(difference(parts[0][0]), difference(parts[-1][0]))
    if np.isnan(measured):
        return Beyond(*[float("nan")] * 5)
    equal = _draw(parts, 0.0, rng)
    top = measured + 2 * float(np.quantile(equal, 0.975)) + 1e-9
    tried = np.linspace(0.0, top, STEPS)
    draws = [_draw(parts, t / measured if measured > 0 else 0.0, rng) for t in tried]
    below = np.array([(d <= measured + 1e-12).mean() for d in draws])
    above = np.array([(d >= measured - 1e-12).mean() for d in draws])
    return Beyond(
        float(tried[below >= 0.5].max(initial=0.0)),
        float(tried[above > 0.025].min(initial=top)),
        max(_upper(rate, rows) for rate, rows in parts),
        float(np.median(equal)),
        float(np.quantile(equal, 0.95)),
    )


def _upper(rate: FloatArray, rows: npt.NDArray[np.int64]) -> float:
    """Largest upper 97.5 % limit of the difference of two rates (Wald, with a pseudo-row of either kind)."""
    smooth = (rate * rows + 1) / (rows + 2)
    square = smooth * (1 - smooth) / (rows + 2)
    apart = np.abs(rate[:, None] - rate) + 1.96 * np.sqrt(square[:, None] + square)
    np.fill_diagonal(apart, 0.0)
    return float(apart.max())


def _rows(table: GroupCounts, name: str) -> FloatArray:
    """Rows that a rate is a share of, by group."""
    if name == "selection_rate":
        return table.rows
    return np.asarray(table.cells[:, 1 if name == "true_positive_rate" else 0].sum(axis=1))


def _draw(
    parts: list[tuple[FloatArray, npt.NDArray[np.int64]]], factor: float, rng: np.random.Generator
) -> FloatArray:
    """Largest differences of redrawn rates, their distances from the common mean scaled; shape (DRAWS,)."""
    widest = np.zeros(DRAWS)
    for rate, rows in parts:
        middle = (rate * rows).sum() / max(1, rows.sum())
        p = np.clip(middle + factor * (rate - middle), 0.0, 1.0)
        drawn = rng.binomial(rows, p, size=(DRAWS, len(rows))) / np.maximum(rows, 1)
        widest = np.maximum(widest, np.ptp(drawn, axis=1))
    return widest
