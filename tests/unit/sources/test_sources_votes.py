"""Votes against brute force, and what one row can change."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.errors import BudgetError, UsageError
from locum.privacy.budget import Budget
from locum.privacy.ledger import Ledger
from locum.privacy.unit import Unit
from locum.schema.domain import Attribute, Coded, Domain
from locum.sources.federation import SplitSource
from locum.sources.memory import MemorySource
from locum.sources.private import PrivateSource
from locum.sources.votes import nearest_votes

DOMAIN = Domain(
    (
        Attribute("label", "label", 3, False, 2),
        Attribute("many", "many", 100, False),
        Attribute("number", "number", 6, True, 5),
        Attribute("plain", "plain", 4, True),
        Attribute("constant", "constant", 1, False),
    )
)
CODES = st.tuples(*(st.integers(-1, a.size) for a in DOMAIN))
GOOD = st.tuples(*(st.integers(0, a.size - 1) for a in DOMAIN))


def array(rows) -> np.ndarray:
    return np.asfortranarray(np.array(rows, dtype=np.int32).reshape(-1, len(DOMAIN)))


def apart(x, y) -> float:
    """Squared distance, attribute by attribute."""
    total = 0.0
    for a, p, q in zip(DOMAIN, x, y, strict=True):
        p, q = (min(max(int(v), 0), a.size - 1) for v in (p, q))
        if not a.ordered:
            total += float(p != q)
            continue
        top = a.size - 1 - (a.null is not None)
        if (p == a.null) != (q == a.null):
            total += 1.0 + (0.5 - (q if p == a.null else p) / top) ** 2
        elif p != a.null:
            total += ((p - q) / top) ** 2
    return total


@settings(max_examples=60)
@given(st.lists(CODES, max_size=12), st.lists(GOOD, min_size=1, max_size=6))
def test_each_row_votes_for_a_nearest_one(rows, proposed) -> None:
    votes = nearest_votes(array(rows), DOMAIN, array(proposed))
    assert votes.dtype == np.int64 and votes.shape == (len(proposed),) and votes.sum() == len(rows)
    for row in rows:
        alone = nearest_votes(array([row]), DOMAIN, array(proposed))
        distances = [apart(row, p) for p in proposed]
        assert distances[int(np.argmax(alone))] <= min(distances) + 1e-5


@settings(max_examples=40)
@given(st.lists(CODES, min_size=1, max_size=12), st.lists(GOOD, min_size=1, max_size=6))
def test_one_row_changes_one_vote(rows, proposed) -> None:
    """Sensitivity: L1 and L2 are 1 for a row more, and votes of parts add up."""
    with_, without = (nearest_votes(array(r), DOMAIN, array(proposed)) for r in (rows, rows[1:]))
    assert np.abs(with_ - without).sum() == 1 and (with_ >= without).all()


def test_votes_are_paid_for_before_they_are_counted() -> None:
    data = Coded(DOMAIN, array([[0, 1, 2, 3, 0]] * 50))
    ledger = Ledger.test(Budget.zcdp(0.5, 1e-6), Unit(adjacency="replace"), seed=1, accounting="zcdp")
    source = PrivateSource(MemorySource(data), ledger)
    proposed = array([[0, 1, 2, 3, 0], [1, 1, 2, 3, 0]])
    votes = source.votes(proposed, 2.0, purpose="votes")
    assert votes.dtype == np.int64 and abs(int(votes[0]) - 50) < 15
    assert ledger.entries[0].rho == pytest.approx(2 / (2 * 4.0)) and ledger.entries[0].steps == 1
    with pytest.raises(BudgetError):
        source.votes(proposed, 1.0, purpose="too much")
    assert len(ledger.entries) == 1


def test_what_cannot_vote_says_so() -> None:
    data = Coded(DOMAIN, array([[0, 1, 2, 3, 0]] * 5))
    only_counts = PrivateSource(SplitSource([MemorySource(data)]), Ledger.test(seed=1))
    with pytest.raises(UsageError, match="only counts"):
        only_counts.votes(data.codes, 2.0, purpose="votes")
    source = PrivateSource(MemorySource(data), Ledger.test(seed=1))
    for proposed in (data.codes[:0], data.codes[:, :2]):
        with pytest.raises(UsageError, match="do not fit"):
            source.votes(proposed, 2.0, purpose="votes")
    assert not source.ledger.entries
