"""The private source: what it pays, what it says, and that it pays first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from locum.errors import BudgetError, UsageError
from locum.privacy.budget import Budget
from locum.privacy.ledger import Ledger
from locum.privacy.unit import Unit
from locum.schema.domain import Attribute, Coded, Domain
from locum.sources.base import Counts
from locum.sources.cover import cover
from locum.sources.memory import MemorySource
from locum.sources.private import Candidate, PrivateSource

SIZES = {"a": 3, "b": 4, "c": 2}
DOMAIN = Domain(tuple(Attribute(n, n, s, False) for n, s in SIZES.items()))
BUDGET = Budget.approx(1.0, 1e-6)


def rows(n: int = 500, seed: int = 0) -> Coded:
    random = np.random.default_rng(seed)
    return Coded(DOMAIN, np.asfortranarray(random.integers(0, list(SIZES.values()), (n, 3)).astype(np.int32)))


class Counting:
    """A source that remembers being asked."""

    def __init__(self) -> None:
        self.domain, self.asked = DOMAIN, 0
        self._source = MemorySource(rows())

    def marginal(self, attributes: Sequence[str]) -> Counts:
        return self.marginals([attributes])[0]

    def marginals(self, cliques: Sequence[Sequence[str]]) -> list[Counts]:
        self.asked += 1
        return self._source.marginals(cliques)


def candidates(*names: str, weight: int = 1, offset: float = 0.0) -> list[Candidate]:
    return [Candidate((n,), np.zeros(SIZES[n], dtype=np.int64), weight, offset) for n in names]


@pytest.mark.parametrize("accounting", ["gdp", "zcdp"])
@pytest.mark.parametrize("unit", [Unit(), Unit("id", 3), Unit(None, 1, "replace"), Unit("id", 2, "replace")])
def test_each_step_costs_what_the_contract_says(accounting: str, unit: Unit) -> None:
    source = PrivateSource(MemorySource(rows()), Ledger.test(BUDGET, unit, seed=1, accounting=accounting))
    k, replace = unit.rows, unit.adjacency == "replace"
    assert source.sensitivity == pytest.approx(k * (math.sqrt(2) if replace else 1))
    assert source.adjacency == unit.adjacency

    def cost(before: float) -> float:
        return before - source.remaining_rho

    left = source.remaining_rho
    measured = source.measure([("a", "b"), ("c",)], 80.0, purpose="x")
    assert cost(left) == pytest.approx(2 * source.sensitivity**2 / (2 * 80.0**2))
    assert [m.clique for m in measured] == [("a", "b"), ("c",)]
    assert [len(m.counts) for m in measured] == [12, 2]
    left = source.remaining_rho
    source.scores(candidates("a", "b", "c", weight=7), sigma=90.0, purpose="x")
    assert cost(left) == pytest.approx(3 * (k * (2 if replace else 1)) ** 2 / (2 * 90.0**2))
    left = source.remaining_rho
    if accounting == "zcdp":
        source.select(candidates("a", "b"), epsilon=0.05, purpose="x")
        assert cost(left) == pytest.approx(0.05**2 / 8)
    else:
        with pytest.raises(UsageError, match="Gaussian steps only"):
            source.select(candidates("a", "b"), epsilon=0.05, purpose="x")
        assert cost(left) == 0


def test_a_step_that_costs_too_much_touches_nothing() -> None:
    inner = Counting()
    source = PrivateSource(inner, Ledger.memory(BUDGET, accounting="zcdp"))
    with pytest.raises(BudgetError):
        source.measure([("a",)], 1.0, purpose="x")
    with pytest.raises(BudgetError):
        source.scores(candidates("a"), sigma=1.0, purpose="x")
    with pytest.raises(BudgetError):
        source.select(candidates("a"), sigma=1.0, purpose="x")
    with pytest.raises(BudgetError):
        source.select(candidates("a"), epsilon=9.0, purpose="x")
    assert inner.asked == 0
    assert source.ledger.entries == ()


def test_bad_calls_are_neither_paid_nor_touch_the_data() -> None:
    inner = Counting()
    source = PrivateSource(inner, Ledger.memory(BUDGET))
    wrong = Candidate(("a",), np.zeros(4, dtype=np.int64))
    for call in (
        lambda: source.measure([("x",)], 50.0, purpose="x"),
        lambda: source.measure([("a",)], math.nan, purpose="x"),
        lambda: source.measure([("a",)], 0.0, purpose="x"),
        lambda: source.select([], sigma=50.0, purpose="x"),
        lambda: source.select(candidates("a"), purpose="x"),
        lambda: source.select(candidates("a"), sigma=50.0, epsilon=1.0, purpose="x"),
        lambda: source.select([wrong], sigma=50.0, purpose="x"),
        lambda: source.select(candidates("a", weight=0), sigma=50.0, purpose="x"),
        lambda: source.scores(candidates("a", offset=math.inf), sigma=50.0, purpose="x"),
    ):
        with pytest.raises(UsageError):
            call()
    assert source.measure([], 50.0, purpose="x") == []
    assert inner.asked == 0
    assert source.ledger.entries == ()


def test_the_total_is_bought_once_or_public() -> None:
    source = PrivateSource(MemorySource(rows()), Ledger.test(BUDGET, seed=1))
    first = source.total
    assert not isinstance(first, int)
    assert first.clique == ()
    assert abs(int(first.counts[0]) - 500) < 6 * first.sigma
    assert source.total is first
    assert len(source.ledger.entries) == 1
    public = PrivateSource(MemorySource(rows()), Ledger.test(BUDGET, seed=1), total=500)
    assert public.total == 500
    assert public.ledger.entries == ()


@pytest.mark.parametrize("accounting", ["gdp", "zcdp"])
@pytest.mark.statistical
def test_measured_noise_has_its_deviation(accounting: str) -> None:
    """Chi-square of 6,000 residuals, sigma 30; fixed seed, false alarm 1e-6 each of 2."""
    ledger = Ledger.test(Budget.approx(500.0, 1e-6), seed=3, accounting=accounting)
    inner = MemorySource(rows())
    source = PrivateSource(inner, ledger)
    exact = inner.marginal(("a", "b"))
    parts = source.measure([("a", "b")] * 500, 30.0, purpose="x")
    residual = np.concatenate([m.counts - exact for m in parts])
    statistic = float((residual**2).sum() / (900 + 1 / 12))
    assert 1e-6 < stats.chi2.cdf(statistic, len(residual)) < 1 - 1e-6


def test_scores_are_weighted_errors_above_their_offset() -> None:
    ledger = Ledger.test(Budget.approx(500.0, 1e-6), seed=3)
    source = PrivateSource(MemorySource(rows()), ledger)
    exact = [500.0, 500.0 - 20, 3 * (500 - 20.5)]
    given_ = [*candidates("a"), *candidates("b", offset=20.0), *candidates("c", weight=3, offset=20.5)]
    got = source.scores(given_, sigma=0.1, purpose="x")
    np.testing.assert_array_equal(got, exact)
    assert source.select(given_, sigma=0.1, purpose="x") == 2


def test_the_largest_error_is_chosen_by_both_ways() -> None:
    for accounting, how in (("gdp", {"sigma": 1.0}), ("zcdp", {"epsilon": 5.0})):
        ledger = Ledger.test(Budget.approx(200.0, 1e-6), seed=5, accounting=accounting)
        source = PrivateSource(MemorySource(rows()), ledger)
        exact = source._source.marginal(("b",))
        items = [Candidate(("b",), exact), Candidate(("b",), np.zeros(4, dtype=np.int64))]
        assert source.select(items, purpose="x", **how) == 1


@given(st.integers(0, 2), st.integers(0, 3), st.integers(0, 1), st.integers(1, 50))
def test_one_row_changes_scores_by_at_most_the_declared_amount(a: int, b: int, c: int, seed: int) -> None:
    coded = rows(60, seed)
    more = Coded(DOMAIN, np.asfortranarray(np.vstack([coded.codes, [[a, b, c]]]).astype(np.int32)))
    other = more.codes.copy()
    other[0] = (a + 1) % 3, (b + 1) % 4, (c + 1) % 2
    random = np.random.default_rng(seed)
    items = [
        Candidate(q, random.integers(0, 20, math.prod(SIZES[n] for n in q)))
        for r in (1, 2)
        for q in combinations(SIZES, r)
    ]

    def errors(x: Coded) -> np.ndarray:
        return PrivateSource(MemorySource(x), Ledger.test(seed=1))._errors(items)

    assert np.abs(errors(more) - errors(coded)).max() <= Unit().l1
    swapped = Coded(DOMAIN, other)
    assert np.abs(errors(more) - errors(swapped)).max() <= Unit(None, 1, "replace").l1
    for left, right, unit in (
        (more, coded, Unit()),
        (more, swapped, Unit(None, 1, "replace")),
    ):
        tables = zip(MemorySource(left).marginals([q.clique for q in items]),
                     MemorySource(right).marginals([q.clique for q in items]), strict=True)  # fmt: skip
        for one, two in tables:
            assert np.abs(one - two).sum() <= unit.l1
            assert math.sqrt(((one - two) ** 2).sum()) <= unit.l2 + 1e-12


def test_units_are_bounded_before_they_are_counted() -> None:
    coded = rows(100)
    ids = np.repeat(np.arange(-1, 4), 20)
    source = MemorySource(coded, ids, 3)
    assert int(source.marginal(())[0]) == 4 * 3
    with pytest.raises(UsageError, match="one unit id a row"):
        MemorySource(coded, ids[:5])


@given(st.lists(st.sets(st.sampled_from("abcdefg"), max_size=4).map(lambda s: tuple(sorted(s))), max_size=30))
def test_every_table_is_covered_once_and_within_the_limit(cliques: list[tuple[str, ...]]) -> None:
    domain = Domain(
        tuple(Attribute(n, n, s, False) for n, s in zip("abcdefg", (2, 3, 4, 5, 6, 70, 8), strict=True))
    )
    groups = cover(domain, cliques, 100)
    assert sorted(i for _, held in groups for i in held) == list(range(len(cliques)))
    for names, held in groups:
        assert all(set(cliques[i]) <= set(names) for i in held)
        cells = math.prod(domain.project(names).sizes)
        assert cells <= 100 or names in {cliques[i] for i in held}


def test_all_pairs_take_few_passes() -> None:
    domain = Domain(tuple(Attribute(f"c{i}", f"c{i}", 10, False) for i in range(15)))
    assert len(cover(domain, list(combinations(domain.names, 2)), 1 << 15)) <= 30
