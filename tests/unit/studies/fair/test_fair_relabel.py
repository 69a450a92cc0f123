"""New labels: parity by construction, as few moves as can be, reweighing exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.arrays import largest_remainders
from locum.studies.fair.relabel import choose_rows, even_shares, map_quantiles, move_labels, reweigh


@pytest.mark.parametrize("classes", [2, 3])
def test_mapped_chances_have_one_mean_and_keep_the_order_within_a_group(classes):
    rng = np.random.default_rng(0)
    group = rng.integers(0, 3, 3000)
    chance = rng.dirichlet(np.ones(classes), 3000)
    chance[:, 1] += group
    chance /= chance.sum(axis=1, keepdims=True)
    out = map_quantiles(chance, group)
    means = np.array([out[group == g].mean(axis=0) for g in range(3)])
    assert np.abs(means - chance.mean(axis=0)).max() < 1e-6
    assert np.allclose(out.sum(axis=1), 1)
    if classes == 2:
        for g in range(3):
            order = np.argsort(chance[group == g, 1])
            assert (np.diff(out[group == g, 1][order]) > -1e-9).all()


def test_groups_without_a_number_are_left_alone():
    chance = np.array([[0.2, 0.8]] * 4)
    assert (map_quantiles(chance, np.full(4, -1)) == chance).all()


@pytest.mark.statistical
def test_moved_labels_follow_the_asked_chances_and_move_no_more_than_the_total_variation():
    """Labels drawn from `chance`: 40,000 draws, tolerances of 5 standard errors (false alarm below 1e-5)."""
    rng = np.random.default_rng(1)
    chance = np.tile([0.5, 0.3, 0.2], (40_000, 1))
    asked = np.tile([0.3, 0.3, 0.4], (40_000, 1))
    label = rng.choice(3, size=40_000, p=chance[0])
    new, final = move_labels(chance, asked, label, rng)
    assert np.abs(np.bincount(new) / 40_000 - asked[0]).max() < 5 * 0.0025
    assert abs((new != label).mean() - 0.2) < 5 * 0.002
    assert np.allclose(final.sum(axis=1), 1)


@settings(max_examples=50)
@given(st.integers(1, 60), st.integers(2, 4), st.integers(0, 10_000))
def test_evened_counts_are_the_asked_ones_up_to_rounding(n, classes, seed):
    rng = np.random.default_rng(seed)
    label, group = rng.integers(0, classes, n), rng.integers(-1, 3, n)
    wanted = rng.dirichlet(np.ones(classes))
    out = even_shares(label, rng.dirichlet(np.ones(classes), n), group, wanted, rng)
    assert (out[group < 0] == label[group < 0]).all()
    for g in np.unique(group[group >= 0]):
        rows = group == g
        assert (np.bincount(out[rows], minlength=classes) == largest_remainders(wanted * rows.sum())).all()


def test_reweighing_makes_label_and_group_independent_exactly():
    rng = np.random.default_rng(2)
    group = rng.integers(0, 4, 500)
    label = (rng.random(500) < 0.1 + 0.2 * group).astype(np.int64)
    weight = reweigh(label, group, 2)
    rates = [np.average(label[group == g], weights=weight[group == g]) for g in range(4)]
    assert np.ptp(rates) < 1e-9
    assert abs(weight.sum() - 500) < 1e-9


def test_redrawn_rows_have_equal_rates_and_the_pool_s_group_shares():
    rng = np.random.default_rng(3)
    group = rng.integers(0, 2, 3000)
    label = (rng.random(3000) < 0.1 + 0.3 * group).astype(np.int64)
    rows = choose_rows(label, group, 2, 1000, rng)
    assert len(rows) == 1000
    rates = [label[rows][group[rows] == g].mean() for g in (0, 1)]
    assert abs(rates[0] - rates[1]) < 0.003
    assert abs(group[rows].mean() - group.mean()) < 0.002
    assert len(np.unique(rows)) == 1000
