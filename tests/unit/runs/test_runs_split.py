"""The hold-out: every row in one part, the same for the same seed, the training part never empty."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.errors import UsageError
from locum.runs.holdout import keep_together, split


@given(st.integers(1, 3000), st.floats(0, 0.5), st.integers(0, 2**62))
def test_every_row_is_in_exactly_one_part(n_rows, share, seed):
    train, held = split(n_rows, share, seed)
    assert np.array_equal(np.sort(np.concatenate([train, held])), np.arange(n_rows))
    assert len(train) >= 1
    assert len(held) == min(round(share * n_rows), n_rows - 1)
    assert np.all(np.diff(train) > 0)
    assert np.all(np.diff(held) > 0)


def test_the_seed_decides():
    first, again, other = (split(1000, 0.2, seed)[1] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    # Two random fifths share about 40 of 200 rows; sharing 100 has a chance below 1e-20.
    assert len(np.intersect1d(first, other)) < 100


@pytest.mark.parametrize("share", [-0.1, 0.51, 1.0, float("nan"), float("inf")])
def test_shares_that_leave_too_little_are_refused(share):
    with pytest.raises(UsageError, match="hold-out"):
        split(100, share, 0)


@given(st.lists(st.integers(0, 40), min_size=2, max_size=400), st.floats(0, 0.5), st.integers(0, 2**62))
def test_all_rows_of_a_person_are_in_one_part(persons, share, seed):
    train, held = split(len(persons), share, seed, np.array(persons))
    assert np.array_equal(np.sort(np.concatenate([train, held])), np.arange(len(persons)))
    assert not {persons[i] for i in train} & {persons[i] for i in held}
    assert len(train) >= 1
    assert len(held) <= round(share * len(persons))


def test_the_holdout_is_as_large_as_asked_where_persons_are_small():
    persons = np.random.default_rng(0).integers(0, 300, 1000)
    assert len(split(1000, 0.2, 7, persons)[1]) >= 195


@given(st.lists(st.integers(0, 20), min_size=2, max_size=200), st.integers(1, 199), st.integers(0, 2**32))
def test_a_cut_never_goes_through_a_person(persons, cut, seed):
    whose = np.array(persons)
    order = np.random.default_rng(seed).permutation(len(persons))
    together, at = keep_together(order, whose, min(cut, len(persons) - 1))
    assert np.array_equal(np.sort(together), np.arange(len(persons)))
    if len(set(persons)) > 1:
        assert 0 < at < len(persons)
        assert not set(whose[together[:at]]) & set(whose[together[at:]])
