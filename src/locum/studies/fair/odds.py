"""Equalised odds, all groups and both rates at once: one threshold a group, found with a learner's help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from locum.arrays import FloatArray, IntArray
from locum.studies.fair.relabel import EDGE, move_labels

#: Share of rows misjudged that a gap is worth: to narrow it by .1, .03 more rows may be misjudged, no more.
PRICE = 0.3
#: Times that a model is trained on the labels so far and the thresholds are corrected.
ROUNDS = 6
#: Rows of either class on which a group's rates are checked, at least: a threshold on fewer is a guess.
LEAST_CHECK = 30
#: Further shifts of a group's log odds that are tried in a round.
SHIFTS = np.round(np.linspace(-3.0, 3.0, 121), 3)
#: Lower ends of both rates that are tried, and widths of what all groups must lie in.
TRUE_RATES, FALSE_RATES = np.arange(0.0, 1.0, 0.01), np.arange(0.0, 0.5, 0.005)
WIDTHS = np.arange(0.01, 0.31, 0.01)

#: Trains a model on labels of the rows that are learned from; scores (0-1) of the rows it is checked on.
Learner = Callable[[IntArray], FloatArray]


@dataclass(frozen=True, slots=True)
class OddsCurve:
    """Rates of one group at each shift of `SHIFTS`: shape (n_shifts,); and its rows of either label."""

    true_positive: FloatArray
    false_positive: FloatArray
    positives: int
    negatives: int


@dataclass(frozen=True, slots=True)
class Solution:
    """Shifts of the log odds by group, and what a model trained with them did on rows it was checked on.

    Attributes
    ----------
    shifts
        By group; groups with fewer than `LEAST_CHECK` rows of either class are not in it.
    gap, error
        Largest difference between groups in either rate, and share of rows misjudged, in the round kept.
    gap_before, error_before
        The same of a model trained on the labels as they were.
    """

    shifts: dict[int, float]
    gap: float
    error: float
    gap_before: float
    error_before: float


def solve(
    chance: FloatArray,
    label: IntArray,
    group: IntArray,
    check_label: IntArray,
    check_group: IntArray,
    learner: Learner,
    rng_of: Callable[[], np.random.Generator],
    rounds: int = ROUNDS,
) -> Solution:
    """Thresholds under which a model trained on the moved labels has like error rates in all groups.

    The constrained problem of Agarwal et al. (2018, arXiv 1803.02453): least error subject to both rates
    within a gap for every pair of groups. For cost-sensitive learners its solutions are thresholds by group.
    As there, a learner is called again and again and the constraints are corrected by what it does; unlike
    there, all thresholds of a round are found at once (`jointly`), the gap itself is weighed against error
    (`PRICE`) since not every gap can be had, and one labelling is returned, not a mixture of classifiers,
    because rows can carry only one. The round kept is the one with the least error plus price of the gap.

    Parameters
    ----------
    chance
        P(class 1) of the rows that are learned from, by a model that has not seen their labels; shape (n,).
    label, group
        Of these rows, -1 where unknown.
    check_label, check_group
        The same of the rows that models are checked on.
    learner
        Trains on labels of the n rows, scores the rows checked on.
    rng_of
        A stream that starts anew each time: labels of two rounds then differ by their shifts only.
    rounds
        Times that the learner is called besides the first.
    """
    found = [int(g) for g in np.unique(check_group[check_group >= 0])]
    both = [g for g in found if _fewest(check_label, check_group, g) >= LEAST_CHECK and (group == g).any()]
    shifts = dict.fromkeys(both, 0.0)
    odds = log_odds(learner(label))
    before = best = Solution(shifts, *gap_and_error(odds, check_label, check_group, both), 0.0, 0.0)
    if len(both) < 2:
        return before
    for _ in range(rounds):
        further = joint_thresholds([curve(odds, check_label, check_group, g) for g in both])
        shifts = {g: shifts[g] + s for g, s in zip(both, further, strict=True)}
        odds = log_odds(learner(relabel(chance, label, group, shifts, rng_of())))
        now = Solution(shifts, *gap_and_error(odds, check_label, check_group, both), before.gap, before.error)
        best = min(best, now, key=lambda s: s.error + PRICE * s.gap)
        if not any(further):
            break
    return Solution(best.shifts, best.gap, best.error, before.gap, before.error)


def joint_thresholds(curves: list[OddsCurve]) -> list[float]:
    """One shift a group: least error plus `PRICE` times the width of a box that holds all groups' rates.

    Boxes of every width and place are tried; in each, every group takes the shift nearest to its own best
    one, which is the best within the box as errors rise to both sides of it. A box that some group cannot
    enter is out; the box at no positives at all always holds everybody, at the price of every positive.
    Cost: widths x places x groups, well under a second for ten groups.
    """
    rows = sum(c.positives + c.negatives for c in curves)
    errors = [(c.positives * (1 - c.true_positive) + c.negatives * c.false_positive) / rows for c in curves]
    own = [int((e + 1e-9 * np.abs(SHIFTS)).argmin()) for e in errors]
    best, value = own, np.inf
    floor = sum(float(e.min()) for e in errors)
    for width in WIDTHS:
        if floor + PRICE * width >= value:
            break
        places = [_nearest(c, at, float(width)) for c, at in zip(curves, own, strict=True)]
        total: FloatArray = sum(
            (np.where(p < 0, np.inf, e[p]) for p, e in zip(places, errors, strict=True)),
            np.zeros((len(TRUE_RATES), len(FALSE_RATES))),
        )
        at = int(total.argmin())
        if total.flat[at] + PRICE * width < value:
            value, best = float(total.flat[at] + PRICE * width), [int(p.flat[at]) for p in places]
    return [float(SHIFTS[b]) for b in best]


def _nearest(c: OddsCurve, own: int, width: float) -> IntArray:
    """Of each box the shift inside that is nearest to `own`, -1 if none; shape (true rates, false rates)."""
    first, last = (
        np.maximum.outer(*(np.searchsorted(r, low - 1e-9) for r, low in _sides(c))),
        np.minimum.outer(*(np.searchsorted(r, low + width + 1e-9) - 1 for r, low in _sides(c))),
    )
    return np.where(first > last, -1, np.clip(own, first, np.maximum(first, last))).astype(np.int64)


def _sides(c: OddsCurve) -> tuple[tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]:
    return (c.true_positive, TRUE_RATES), (c.false_positive, FALSE_RATES)


def curve(odds: FloatArray, label: IntArray, group: IntArray, g: int) -> OddsCurve:
    """Rates of group `g` when its log odds are shifted, shape (n_shifts,), rising."""
    parts = [np.sort(odds[(group == g) & (label == y)]) for y in (1, 0)]
    rates = [1 - np.searchsorted(part, -SHIFTS) / len(part) for part in parts]
    return OddsCurve(rates[0], rates[1], len(parts[0]), len(parts[1]))


def gap_and_error(
    odds: FloatArray, label: IntArray, group: IntArray, groups: list[int]
) -> tuple[float, float]:
    """Largest difference of either rate between groups, and share of rows misjudged."""
    inside = np.isin(group, groups) & (label >= 0)
    rates = [
        [float((odds[inside & (group == g) & (label == y)] >= 0).mean()) for g in groups] for y in (1, 0)
    ]
    gap = max((max(r) - min(r) for r in rates if r), default=0.0)
    return gap, float(((odds[inside] >= 0) != label[inside]).mean()) if inside.any() else 0.0


def shift_chances(chance: FloatArray, group: IntArray, shifts: dict[int, float]) -> FloatArray:
    """Chances of class 1 with each group's log odds shifted; groups without a shift keep theirs."""
    odds = log_odds(chance)
    for g, by in shifts.items():
        odds[group == g] += by
    return np.asarray(np.where(np.isin(group, list(shifts)), 1 / (1 + np.exp(-odds)), chance))


def relabel(
    chance: FloatArray, label: IntArray, group: IntArray, shifts: dict[int, float], rng: np.random.Generator
) -> IntArray:
    """Labels moved, as few as can be, so that they follow the shifted chances; -1 stays."""
    new, known = label.copy(), label >= 0
    asked = shift_chances(chance, group, shifts)
    two = [np.column_stack([1 - p[known], p[known]]) for p in (chance, asked)]
    new[known] = move_labels(two[0], two[1], label[known], rng)[0]
    return new


def log_odds(chance: FloatArray) -> FloatArray:
    """Log odds, kept finite."""
    p = np.clip(chance, EDGE, 1 - EDGE)
    return np.asarray(np.log(p / (1 - p)))


def _fewest(label: IntArray, group: IntArray, g: int) -> int:
    """Rows of the rarer class in a group."""
    mine = label[group == g]
    return int(np.bincount(mine[mine >= 0], minlength=2).min())
