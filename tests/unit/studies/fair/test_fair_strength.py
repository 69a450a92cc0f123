"""Strength chosen by its price: foretold losses are those that models of the repaired rows have."""

from __future__ import annotations

import numpy as np

from locum.studies.fair.strength import STRENGTHS, losses, strongest


def score_rows(apart, n=8000, seed=0):
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 2, n)
    odds = rng.normal(-1.2 + apart * group, 1.5)
    p = 1 / (1 + np.exp(-odds))
    return np.column_stack([1 - p, p]), (rng.random(n) < p).astype(np.int64), group


def test_groups_that_do_not_differ_cost_nothing_and_others_the_more_the_further():
    alike = losses(*score_rows(0.0), 1)
    assert abs(alike[-1][1]) < 0.002
    some = losses(*score_rows(1.2), 1)
    assert [t for t, _ in some] == list(STRENGTHS)
    values = [v for _, v in some]
    assert values[0] > 0.0
    assert (np.diff(values) > -1e-4).all()
    assert values[-1] > 0.02 > alike[-1][1]


def test_the_loss_at_full_strength_is_that_of_ranks_within_groups():
    chance, label, group = score_rows(1.2)
    rank = np.empty(len(label))
    for g in (0, 1):
        rows = np.flatnonzero(group == g)
        rank[rows[np.argsort(chance[rows, 1])]] = np.arange(len(rows)) / len(rows)

    def area(score):
        order = np.argsort(np.argsort(score))[label == 1]
        n = (label == 1).sum()
        return (order.sum() - n * (n - 1) / 2) / (n * (len(label) - n))

    foretold = losses(chance, label, group, 1)[-1][1]
    assert abs(foretold - (area(chance[:, 1]) - area(rank))) < 0.003


def test_the_strength_taken_is_the_last_before_the_cost_is_passed():
    found = ((0.0, 0.01), (0.5, 0.02), (1.0, 0.015))
    assert strongest(found, 0.005) == 0
    assert strongest(found, 0.016) == 0
    assert strongest(found, 0.02) == 1


def test_rows_without_label_or_group_do_not_count():
    chance, label, group = score_rows(1.0, n=2000)
    more = [np.concatenate([a, a[:50]]) for a in (chance, label, group)]
    more[1][2000:] = -1
    assert losses(*more, 1) == losses(chance, label, group, 1)
