"""AIM, MST and one-shot: what they spend, honour, refuse and learn."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from locum.errors import BudgetError, FeasibilityError, FileFormatError, UsageError
from locum.models import registry
from locum.models.base import ModelState
from locum.models.marginal.aim import AimModel
from locum.models.marginal.coarse import Coarsening
from locum.models.marginal.mst import MstModel
from locum.models.marginal.workload import MarginalWorkload
from locum.models.structural_zeros import Impossible
from locum.privacy.budget import Budget
from locum.privacy.ledger import Ledger
from locum.privacy.unit import Unit
from locum.schema.domain import Attribute, Coded, Domain
from locum.sources.memory import MemorySource
from locum.sources.private import PrivateSource

NAMES = ("aim", "mst", "swift")
SIZES = (6, 5, 4, 2, 1)
N = 4000


def table(seed: int = 0, n: int = N, sizes=SIZES) -> Coded:
    """A chain: each column is its neighbour, blurred."""
    rng = np.random.default_rng(seed)
    hidden = rng.random(n)
    columns = []
    for size in sizes:
        hidden = np.clip(hidden + rng.normal(0, 0.08, n), 0, 0.999)
        columns.append((hidden * size).astype(np.int32))
    domain = Domain(tuple(Attribute(f"c{i}", f"c{i}", s, False) for i, s in enumerate(sizes)))
    return Coded(domain, np.asfortranarray(np.stack(columns, axis=1)))


def source(data: Coded, epsilon: float = 1.0, *, seed: int | None = 1, **options) -> PrivateSource:
    budget = Budget.approx(epsilon, 1e-6)
    made = Ledger.memory(budget, **options) if seed is None else Ledger.test(budget, seed=seed, **options)
    return PrivateSource(MemorySource(data), made)


def error(data: Coded, rows: np.ndarray) -> float:
    """Mean L1 distance of shares over pairs."""
    found = []
    for a, b in itertools.combinations(range(len(data.domain)), 2):
        tables = []
        for codes in (data.codes, rows):
            t = np.zeros((data.domain.sizes[a], data.domain.sizes[b]))
            np.add.at(t, (codes[:, a], codes[:, b]), 1 / len(codes))
            tables.append(t)
        found.append(np.abs(tables[0] - tables[1]).sum())
    return float(np.mean(found))


@pytest.mark.parametrize("name", NAMES)
def test_they_learn_what_goes_together(name: str) -> None:
    """Fixed seeds. Independent columns are 0.57 away; each model keeps under a third of that."""
    data = table()
    model = registry.create(name).fit_source(source(data, 2.0), seed=1)
    independent = np.stack([np.random.default_rng(i).permutation(c) for i, c in enumerate(data.codes.T)], 1)
    assert error(data, model.sample(N, seed=2)) < error(data, independent) / 3
    assert model._total == pytest.approx(N, rel=0.05)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("unit", [Unit(), Unit("id", 3), Unit(adjacency="replace")])
def test_they_spend_what_there_is_and_no_more(name: str, unit: Unit) -> None:
    private = source(table(), unit=unit, seed=None)
    before = private.remaining_rho
    registry.create(name).fit_source(private, seed=1)
    assert 0 <= private.remaining_rho < 1e-6 * before
    assert {e.mechanism for e in private.ledger.entries} <= {"gaussian", "gaussian-scores"}


def test_the_papers_version_uses_the_exponential_mechanism() -> None:
    private = source(table(), 3.0, accounting="zcdp")
    model = AimModel(selection="exponential").fit_source(private, seed=1)
    kinds = [e.mechanism for e in private.ledger.entries]
    assert kinds.count("exponential") >= 4 and "gaussian-scores" not in kinds
    assert private.remaining_rho < 1e-6 and error(table(), model.sample(N, seed=1)) < 0.25


@pytest.mark.parametrize("name", NAMES)
def test_nothing_left_is_refused_and_nothing_is_touched(name: str) -> None:
    private = source(table())
    while private.remaining_rho > 0:
        private.measure([()], private.sensitivity / np.sqrt(2 * private.remaining_rho), purpose="all")
    spent = len(private.ledger.entries)
    with pytest.raises(BudgetError):
        registry.create(name).fit_source(private, seed=1)
    assert len(private.ledger.entries) == spent


@pytest.mark.parametrize("name", NAMES)
def test_what_is_known_to_be_impossible_never_comes(name: str) -> None:
    rng = np.random.default_rng(0)
    data = table()
    decided = rng.integers(0, 4, 6)
    mask = np.zeros((2, 5), dtype=bool)
    mask[1, :2] = True
    undecided = np.arange(4) != np.asarray(decided)[:, None]
    rules = (
        Impossible(("c0", "c2"), undecided),
        Impossible(("c3", "c1"), mask),
    )
    model = registry.create(name, zeros=rules).fit_source(source(data), seed=1)
    rows = model.sample(20_000, seed=3)
    assert (rows[:, 2] == decided[rows[:, 0]]).all()
    assert not ((rows[:, 3] == 1) & (rows[:, 1] < 2)).any()
    assert len(np.unique(rows[:, 0])) > 3
    again = registry.get(name).from_state(model.state(), data.domain)
    np.testing.assert_array_equal(again.sample(500, seed=5), model.sample(500, seed=5))
    assert np.isneginf(again.log_prob(np.array([[0, 0, (decided[0] + 1) % 4, 0, 0]], dtype=np.int32))).all()


def test_rules_that_cannot_be() -> None:
    data = table()
    for rule in (
        Impossible(("nobody",), np.zeros(2)),
        Impossible(("c0", "c0"), np.zeros((6, 6))),
        Impossible(("c0",), np.zeros(5)),
    ):
        with pytest.raises(UsageError):
            MstModel(zeros=(rule,)).fit(data, seed=1)
    with pytest.raises(UsageError, match="no row is possible"):
        MstModel(zeros=(Impossible(("c0",), np.ones(6)),)).fit(data, seed=1)


def test_a_domain_too_large_is_refused_with_the_columns_to_coarsen() -> None:
    data = table(n=50, sizes=(200_000, 3, 2))
    with pytest.raises(FeasibilityError, match="Coarsen c0"):
        AimModel(max_model_mb=0.0001).fit(data, seed=1)


def test_rare_codes_are_put_together_in_large_columns() -> None:
    sizes = (600, 3)
    rng = np.random.default_rng(0)
    codes = np.stack(
        [np.where(rng.random(5000) < 0.9, rng.integers(0, 5, 5000), 77), rng.integers(0, 3, 5000)], 1
    )
    domain = Domain(tuple(Attribute(f"c{i}", f"c{i}", s, False) for i, s in enumerate(sizes)))
    model = MstModel().fit(Coded(domain, np.asfortranarray(codes.astype(np.int32))), seed=1)
    assert 6 <= model._coarsening.sizes[0] < 40 and model._coarsening.sizes[1] == 3
    rows = model.sample(5000, seed=1)
    assert np.isin(rows[:, 0], [0, 1, 2, 3, 4, 77]).mean() > 0.9
    everything = np.array(list(itertools.product(range(600), range(3))), dtype=np.int32)
    assert np.exp(model.log_prob(everything)).sum() == pytest.approx(1)


def test_coarsening_adds_up_and_spreads_evenly() -> None:
    groups = Coarsening((np.array([0, 1, 1, 2], np.int32), np.arange(2, dtype=np.int32)))
    flat = np.arange(8.0)
    summed = groups.sum_groups(flat, (0, 1)).reshape(3, 2)
    np.testing.assert_array_equal(summed, [[0, 1], [6, 8], [6, 7]])
    np.testing.assert_array_equal(groups.cells((0, 1)).reshape(3, 2), [[1, 1], [2, 2], [1, 1]])
    np.testing.assert_array_equal(
        groups.spread(summed.reshape(-1), (0, 1)).reshape(4, 2), [[0, 1], [3, 4], [3, 4], [6, 7]]
    )
    rows = groups.refine(np.array([[1, 0]] * 11 + [[2, 1]], dtype=np.int32), np.random.default_rng(0))
    assert sorted(np.bincount(rows[:11, 0], minlength=3)[1:].tolist()) == [5, 6] and rows[11].tolist() == [
        3,
        1,
    ]
    np.testing.assert_allclose(np.exp(groups.log_share(np.array([[0, 0], [2, 1]], dtype=np.int32))), [1, 0.5])


def test_workload_weights_are_those_of_aim() -> None:
    weights = MarginalWorkload.of((2, 3, 4, 5, 1)).weights
    assert {c for c in weights if len(c) == 3} == {(0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3)}
    # every attribute lies in equally many triples: weights go with the number of attributes
    assert {len(c): w for c, w in weights.items()} == {1: 8, 2: 16, 3: 24}
    towards = MarginalWorkload.of((2, 3, 4, 5), target=0).weights
    assert towards[(0, 1)] > towards[(1, 2)]
    assert all(len(c) <= 2 for c in MarginalWorkload.of([2] * 30).weights)


def test_settings_that_make_no_sense() -> None:
    for wrong in ({"max_model_mb": 0}, {"degree": 4}, {"selection": "best"}):
        with pytest.raises(UsageError):
            AimModel(**wrong)
    with pytest.raises(UsageError, match="no attribute"):
        AimModel(target="nobody").fit(table(), seed=1)


def test_a_file_that_asks_for_a_gigantic_tree_is_refused() -> None:
    d = 40
    domain = Domain(tuple(Attribute(f"c{i}", f"c{i}", 3, False) for i in range(d)))
    pairs = list(itertools.combinations(range(d), 2))
    state = ModelState(
        {"total": 10.0},
        {
            "groups": np.tile(np.arange(3, dtype=np.int32), d),
            "order": np.arange(d, dtype=np.int32),
            "cliques": np.array(pairs, dtype=np.int32).reshape(-1),
            "lengths": np.full(len(pairs), 2, dtype=np.int32),
            "weights": np.zeros(9 * len(pairs)),
            "impossible": np.zeros(9 * len(pairs), dtype=bool),
        },
    )
    with pytest.raises(FileFormatError, match="absurdly large"):
        MstModel.from_state(state, domain)
