"""Intervals of differences between scores: inside what the measure allows, and right as often as they say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.studies.mix.contrast import corrected_difference
from locum.studies.scarce.interval import bounded_difference, range_of

SCORE = st.floats(0.0, 1.0)


@given(st.lists(st.tuples(SCORE, SCORE), min_size=2, max_size=20), st.sampled_from([0.5, 0.95, 0.999]))
def test_no_interval_leaves_the_range_of_the_measure(pairs: list[tuple[float, float]], level: float) -> None:
    for task in ("binary", "regression"):
        low, high = range_of(task)
        one, base = (low + (high - low) * np.array(side) for side in zip(*pairs, strict=True))
        found = bounded_difference(one, base, 0.25, level=level, bounds=(low, high))
        start = base.mean()
        assert found.low <= found.value <= found.high
        assert low - 1e-9 <= start + found.low and start + found.high <= high + 1e-9
        assert found.value == pytest.approx((one - base).mean())
        assert math.isinf(found.detectable) or found.detectable <= high - start + 1e-9


def test_few_noisy_splits_near_the_top_would_leave_it_without_angles() -> None:
    one, base = np.array([1.0, 0.7, 1.0, 0.9, 1.0]), np.array([0.9, 1.0, 0.8, 1.0, 0.9])
    plain = corrected_difference(one - base, 0.25, level=0.99)
    found = bounded_difference(one, base, 0.25, level=0.99, bounds=(0.0, 1.0))
    assert base.mean() + plain.high > 1 >= base.mean() + found.high
    assert found.detectable == math.inf


def test_in_the_middle_of_the_range_it_is_the_usual_interval() -> None:
    rng = np.random.default_rng(0)
    base = 0.5 + 0.02 * rng.normal(size=20)
    one = base + 0.01 + 0.01 * rng.normal(size=20)
    plain = corrected_difference(one - base, 0.25)
    found = bounded_difference(one, base, 0.25, level=0.95, bounds=(0.0, 1.0))
    assert (found.low, found.high) == pytest.approx((plain.low, plain.high), abs=2e-4)
    assert found.detectable == pytest.approx(plain.detectable, abs=2e-4)


@pytest.mark.statistical
def test_it_holds_the_true_difference_as_often_as_it_says() -> None:
    """AUC-like shares near 1 from 40 draws each; 2,000 tables, so that 95 % miss .935-.98 once in 1,000."""
    rng = np.random.default_rng(5)
    held = []
    for _ in range(2_000):
        one, base = (rng.binomial(40, p, 10) / 40 for p in (0.96, 0.93))
        found = bounded_difference(one, base, 0.0, level=0.95, bounds=(0.0, 1.0))
        held.append(found.low <= 0.03 <= found.high)
    assert 0.935 < np.mean(held) < 0.98


def test_splits_without_a_score_are_left_out_and_hardly_any_tell_nothing() -> None:
    one, base = np.array([0.8, np.nan, 0.7, 0.9]), np.array([0.7, 0.6, np.nan, 0.7])
    found = bounded_difference(one, base, 0.25, level=0.95, bounds=(0.0, 1.0))
    assert found.value == pytest.approx(0.15)
    nothing = bounded_difference(one[:3], base[:3], 0.25, level=0.95, bounds=(0.0, 1.0))
    assert (nothing.low, nothing.high, nothing.detectable) == (-1.0, 1.0, math.inf)
