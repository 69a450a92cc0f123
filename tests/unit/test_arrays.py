"""Whole numbers by largest remainders, against Hamilton's rule spelt out with fractions; Kish's size."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.arrays import effective_size, largest_remainders


def test_the_example_of_the_rule() -> None:
    # 10 seats for 47, 16, 15.8, 12, 6.1 and 3.1 votes of 100: quotas 4.7, 1.6, 1.58, 1.2, .61, .31.
    assert largest_remainders(np.array([4.7, 1.6, 1.58, 1.2, 0.61, 0.31])).tolist() == [5, 2, 1, 1, 1, 0]
    assert largest_remainders(np.array([0.5, 0.5, 1.0])).tolist() == [1, 0, 1]
    assert largest_remainders(np.array([[0.6, 0.9], [0.5, 2.0]])).tolist() == [[1, 1], [0, 2]]


@given(st.lists(st.integers(0, 50), min_size=1, max_size=8).filter(any), st.integers(0, 200))
def test_parts_sum_and_are_next_to_their_shares(votes: list[int], seats: int) -> None:
    got = largest_remainders(seats * np.array(votes) / sum(votes)).tolist()
    quotas = [Fraction(v * seats, sum(votes)) for v in votes]
    assert sum(got) == seats
    floors = [q.numerator // q.denominator for q in quotas]
    up = [i for i, (g, f) in enumerate(zip(got, floors, strict=True)) if g == f + 1]
    assert all(g in (f, f + 1) for g, f in zip(got, floors, strict=True))
    rest = [q - f for q, f in zip(quotas, floors, strict=True)]
    stay = [rest[i] for i in range(len(votes)) if i not in up]
    assert not up or not stay or min(rest[i] for i in up) >= max(stay)


def test_effective_size_of_equal_and_of_unequal_weights() -> None:
    assert effective_size(np.full(7, 0.3)) == pytest.approx(7)
    assert effective_size(np.array([1.0, 1.0, 2.0])) == pytest.approx(16 / 6)
    assert effective_size(np.array([1.0, 0.0, 0.0])) == 1
