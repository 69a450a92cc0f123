"""Areas and intervals against brute force and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.evaluation.intervals import auc, auc_error, auc_interval, rate_at, wilson

SCORES = st.lists(st.integers(-4, 4), min_size=1, max_size=30)


@given(SCORES, SCORES)
def test_auc_is_the_chance_of_a_pair_in_order(a: list[int], b: list[int]) -> None:
    pairs = [1.0 if x > y else 0.5 if x == y else 0.0 for x in a for y in b]
    assert auc(a, b) == pytest.approx(np.mean(pairs))
    assert auc(a, b) + auc(b, a) == pytest.approx(1)


@given(SCORES, SCORES)
def test_interval_holds_the_value_within_bounds(a: list[int], b: list[int]) -> None:
    value, low, high = auc_interval(a, b)
    assert 0 <= low <= value <= high <= 1


def test_delong_error_by_brute_force() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.5, 1, 80), rng.normal(0, 1, 50)
    v10 = [np.mean((x > b) + 0.5 * (x == b)) for x in a]
    v01 = [np.mean((a > y) + 0.5 * (a == y)) for y in b]
    error = np.sqrt(np.var(v10, ddof=1) / 80 + np.var(v01, ddof=1) / 50)
    value, low, high = auc_interval(a, b)
    assert high - low == pytest.approx(2 * 1.959964 * error, rel=1e-6)
    assert error == pytest.approx(auc_error(value, 80, 50), rel=0.15)


def test_separated_scores_do_not_give_a_certain_area() -> None:
    value, low, high = auc_interval(np.arange(10) + 100, np.arange(10))
    assert value == high == 1.0
    assert low < 0.99
    assert auc_interval([1.0], [0.0]) == (1.0, 0.0, 1.0)
    assert auc_interval([], [0.0]) == (0.5, 0.0, 1.0)
    assert auc_interval([3.0] * 9, [3.0] * 9) == (0.5, 0.5, 0.5)


def test_infinite_scores_have_a_rank() -> None:
    assert auc([np.inf, 0.0], [-np.inf, 0.0]) == pytest.approx((1 + 1 + 1 + 0.5) / 4)


@pytest.mark.statistical
def test_auc_interval_covers() -> None:
    """Of 400 intervals 95 % should hold the true area; fewer than 91.5 % by chance in 1 of 1,000 runs."""
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(400):
        _, low, high = auc_interval(rng.normal(1, 1, 60), rng.normal(0, 1, 60))
        hits += low <= 0.76025 <= high  # Phi(1 / sqrt 2)
    assert hits >= 366


def test_wilson_matches_the_closed_form() -> None:
    low, high = wilson(8, 10)
    assert (low, high) == pytest.approx((0.490162, 0.943318), abs=1e-5)
    assert wilson(0, 7)[0] == 0.0 and wilson(7, 7)[1] == 1.0
    assert wilson(0, 0) == (0.0, 1.0)


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share(pair: tuple[int, int]) -> None:
    k, n = pair
    low, high = wilson(k, n)
    assert 0 <= low <= k / n <= high <= 1


def test_rate_at_one_percent() -> None:
    negatives = np.arange(1000)
    assert rate_at(negatives + 0.5, negatives, 0.01) == pytest.approx(0.011, abs=0.0011)
    assert rate_at([2000.0] * 30 + [-1.0] * 70, negatives) == pytest.approx(0.3, abs=0.01)
    # A score that says nothing finds what guessing finds, however its ties fall.
    assert rate_at([1.0] * 50, [1.0] * 50) == pytest.approx(0.01)
    assert rate_at([], [1.0]) == 0.01


@given(SCORES, SCORES)
def test_rate_is_a_rate_and_grows(a: list[int], b: list[int]) -> None:
    rates = [rate_at(a, b, f) for f in (0.0, 0.01, 0.3, 1.0)]
    assert all(0 <= r <= 1 for r in rates)
    assert rates == sorted(rates)
    assert rates[-1] == pytest.approx(1)
