"""The gap beyond chance: 0 where groups are alike, the true one where they are not, both with interval."""

from __future__ import annotations

import numpy as np
import pytest

from locum.evaluation.metrics.fairness.noise import beyond_chance
from locum.evaluation.metrics.fairness.rates import PARITIES, GroupCounts

ROWS = np.array([[4000, 1000], [300, 80], [120, 60], [90, 50]])


def drawn(true_positive, false_positive, rng):
    """Counts of four groups with these rates."""
    cells = np.zeros((4, 2, 2))
    for y, rate in ((0, false_positive), (1, true_positive)):
        cells[:, y, 1] = rng.binomial(ROWS[:, y], rate)
        cells[:, y, 0] = ROWS[:, y] - cells[:, y, 1]
    return GroupCounts(cells, np.zeros((3, 4, 10)))


@pytest.mark.statistical
@pytest.mark.parametrize("gap", [0.0, 0.25])
def test_the_gap_beyond_chance_is_nearer_to_the_true_one_and_its_interval_covers_it(gap):
    """100 tables. Measured gaps of equal groups are about .09; beyond chance half of them are 0 (binomial, at
    least 35 of 100: false alarm .2 %). Coverage of 95 % intervals: at least 88 of 100 (false alarm .4 %).
    """
    rng = np.random.default_rng(0)
    raw, told, covered = [], [], 0
    for _ in range(100):
        table = drawn(np.array([0.6, 0.6, 0.6 - gap, 0.6]), np.full(4, 0.1), rng)
        found = beyond_chance(table, "equalized_odds", rng)
        raw.append(PARITIES["equalized_odds"](table) - gap)
        told.append(found.value - gap)
        covered += found.low <= gap <= found.high
    assert abs(np.mean(told)) < 0.75 * abs(np.mean(raw))
    assert gap > 0 or (np.mean(raw) > 0.05 and np.mean(np.array(told) == 0) >= 0.35)
    assert covered >= 88


def test_large_groups_leave_the_measured_gap_as_it_is():
    cells = np.array(
        [[[60_000, 40_000], [20_000, 80_000]], [[70_000, 30_000], [40_000, 60_000]]], dtype=float
    )
    found = beyond_chance(
        GroupCounts(cells, np.zeros((3, 2, 10))), "equalized_odds", np.random.default_rng(1)
    )
    assert abs(found.value - 0.2) < 0.01
    assert 0.18 < found.low <= found.value <= found.high < 0.22
    assert found.by_chance < 0.01


def test_fewer_than_two_groups_have_no_gap():
    one = GroupCounts(np.ones((1, 2, 2)), np.zeros((3, 1, 10)))
    assert np.isnan(beyond_chance(one, "demographic_parity", np.random.default_rng(2)).value)
