"""Fitting under a guarantee: what is spent, what is refused, and what never shows."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

import locum
from locum.data.origin import Raw
from locum.data.read import read
from locum.errors import BudgetError, DataError, FeasibilityError, LeakError, UsageError
from locum.models import registry
from locum.models.choice import choose, refuse_large
from locum.models.independent import IndependentModel
from locum.privacy.budget import MAX_EPSILON, Budget
from locum.privacy.ledger import Ledger
from locum.privacy.unit import Unit
from locum.runs.budget import accounting_of
from locum.schema.column import Bounds, Column
from locum.schema.table import Schema
from locum.synthesizer.private import fit_private, is_private, private_class
from locum.synthesizer.table import Synthesizer

DECLARED = Schema(
    (
        Column("age", "integer", bounds=Bounds(18, 60, "declared")),
        Column("town", "category", levels=("Bonn", "Ulm")),
    ),
    name="people",
)


def table(n: int = 3000, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table({"age": rng.integers(18, 61, n), "town": rng.choice(["Ulm", "Bonn"], n, p=[0.8, 0.2])})


def raw_of(rows: pa.Table) -> Raw:
    return read(rows)


def ledger_of(epsilon: float = 4.0, **options: object) -> Ledger:
    return Ledger.memory(Budget.approx(epsilon, 1e-6), reserve=0.1, **options)


def test_the_whole_budget_and_no_more_is_spent():
    ledger = ledger_of(1.0)
    fit = fit_private(raw_of(table()), ledger, schema=DECLARED, synthesizer="independent")
    assert ledger.total.epsilon(1e-6) <= 1.0
    assert ledger.total.epsilon(1e-6) > 0.97
    assert fit.domain.origins == {"age": "declared", "town": "declared"}
    assert fit.domain.spent == pytest.approx(0.0, abs=1e-9)
    assert [e.purpose for e in ledger.entries] == ["number of rows", "single columns"]


def test_the_model_is_near_the_data_and_an_ordinary_synthesizer(tmp_path):
    fit = fit_private(raw_of(table()), ledger_of(), schema=DECLARED, synthesizer="independent", seed=3)
    fit.synthesizer.save(tmp_path / "m.locum")
    again = Synthesizer.load(tmp_path / "m.locum")
    made = again.sample(4000, seed=1)
    town = made.column("town").to_pylist()
    assert 0.75 < town.count("Ulm") / 4000 < 0.85
    assert made.schema.field("age").type == pa.int64()


def test_the_number_of_rows_is_noisy_everywhere():
    """Adversarial fixture: exact n. With sigma about 20 four equal numbers have a chance below 1e-4."""
    seen = set()
    for _ in range(4):
        fit = fit_private(raw_of(table(2000)), ledger_of(1.0), schema=DECLARED, synthesizer="independent")
        seen.add(fit.n_rows)
        assert fit.synthesizer.n_rows == fit.n_rows
    assert seen != {2000}


def test_of_each_unit_only_k_rows_count_and_rows_of_nobody_none():
    rows = pa.table(
        {"who": ["a"] * 5000 + [None] * 5000 + [f"p{i}" for i in range(1000)], "x": ["u"] * 11000}
    )
    ledger = Ledger.test(Budget.approx(8.0, 1e-6), Unit("who", 2), seed=1, reserve=0.1)
    fit = fit_private(raw_of(rows), ledger, synthesizer="independent")
    assert abs(fit.n_rows - 1002) < 150
    assert fit.domain.schema["who"].kind == "id"
    assert all(e.sensitivity == 2.0 for e in ledger.entries)


def test_a_bound_taken_from_the_data_is_refused_before_anything_is_spent():
    ledger = ledger_of()
    schema = Schema((Column("age", "integer", bounds=Bounds(18, 60)), Column("town", "category")))
    with pytest.raises(LeakError, match="age"):
        locum.fit(table(), epsilon=1, schema=schema)
    with pytest.raises(LeakError):
        fit_private(raw_of(table()), ledger, schema=schema)
    assert all(e.purpose == "number of rows" for e in ledger.entries)


@pytest.mark.parametrize("epsilon", [0, -1, float("inf"), float("nan"), "1e-", "", "x", 10**9])
def test_an_epsilon_that_cannot_be_is_refused(epsilon):
    with pytest.raises(UsageError, match="epsilon"):
        locum.fit(table(50), epsilon=epsilon, schema=DECLARED)


def test_a_delta_that_gives_rows_away_is_refused():
    with pytest.raises(UsageError, match="delta"):
        locum.fit(table(3000), epsilon=1, delta=0.01, schema=DECLARED, synthesizer="independent")


def test_generators_that_look_at_rows_are_refused():
    for name in ("tree", "bootstrap"):
        with pytest.raises(UsageError, match="single rows"):
            private_class(name)


def test_a_spent_budget_refuses_and_touches_nothing(tmp_path):
    path = tmp_path / "people.ledger"
    options = {"epsilon": 1, "schema": DECLARED, "synthesizer": "independent", "ledger": path}
    locum.fit(table(), **options)
    lines = path.read_text().splitlines()
    with pytest.raises(BudgetError):
        locum.fit(table(), **options)
    assert path.read_text().splitlines() == lines


def test_a_budget_that_ends_in_the_middle_releases_what_was_paid_for(monkeypatch):
    """A model that asks for more than there is, after having measured every column."""

    class Greedy(IndependentModel):
        name = "greedy"

        def fit_source(self, source, *, seed, progress, public=None):
            rho = source.remaining_rho
            sigma = float(source.sensitivity * np.sqrt(len(source.domain) / (2 * rho * 0.9)))
            source.measure([(n,) for n in source.domain.names], sigma, purpose="single columns")
            source.measure([source.domain.names], sigma, purpose="everything")
            raise AssertionError("the ledger let a step through that cannot be paid")

    monkeypatch.setattr(registry.GeneratorEntry, "model", property(lambda self: Greedy))
    monkeypatch.setattr(registry, "_added", {"greedy": registry.GeneratorEntry("x:Greedy", "Greedy.")})
    ledger = ledger_of(1.0)
    fit = fit_private(raw_of(table()), ledger, schema=DECLARED, synthesizer="greedy")
    assert "budget ended" in fit.stopped
    assert fit.synthesizer.name == "independent"
    assert [e.purpose for e in ledger.entries] == ["number of rows", "single columns"]
    town = fit.synthesizer.sample(2000, seed=1).column("town").to_pylist()
    assert 0.7 < town.count("Ulm") / 2000 < 0.9


def test_a_public_table_with_other_columns_is_refused_by_name():
    public = pa.table({"age": [20, 30], "city": ["Ulm", "Bonn"]})
    with pytest.raises(DataError) as caught:
        locum.fit(table(), epsilon=1, public=public, columns=["age", "town"])
    assert "town" in caught.value.message and "city" in caught.value.message


def test_a_public_table_gives_kinds_and_codes_for_free():
    ledger = ledger_of(1.0)
    fit = fit_private(raw_of(table()), ledger, public=raw_of(table(500, seed=9)), synthesizer="independent")
    assert set(fit.domain.origins.values()) == {"public"}
    assert not any("levels" in e.purpose or "ranges" in e.purpose for e in ledger.entries)
    assert any("public table" in a for a in fit.domain.assumptions)


def test_values_outside_declared_bounds_are_drawn_in_and_raise_nothing():
    rows = pa.table({"age": [-10, 500, 30] * 500, "town": ["Ulm", "Paris", "Bonn"] * 500})
    fit = fit_private(raw_of(rows), ledger_of(), schema=DECLARED, synthesizer="independent")
    made = fit.synthesizer.sample(1000, seed=1)
    ages = made.column("age").drop_null().to_numpy()
    assert ages.min() >= 18 and ages.max() <= 60
    assert "Paris" not in made.column("town").to_pylist()


def test_a_domain_that_is_too_large_is_refused_with_the_columns_to_coarsen():
    levels = tuple(f"v{i}" for i in range(3000))
    schema = Schema((Column("a", "category", levels=levels), Column("b", "category", levels=levels)))
    rows = pa.table({"a": ["v1"] * 100, "b": ["v2"] * 100})
    with pytest.raises(FeasibilityError, match="Coarsen a, b"):
        fit_private(raw_of(rows), ledger_of(), schema=schema)


def test_the_choice_follows_from_public_facts():
    fit = fit_private(raw_of(table()), ledger_of(), schema=DECLARED, synthesizer="independent")
    domain = fit.domain.encoder.domain
    assert choose(domain, public=False, epsilon=1.0) == choose(domain, public=False, epsilon=1.0)
    assert choose(domain, public=False, epsilon=1.0).why
    refuse_large(domain)


def test_the_choice_is_told_with_what_this_run_may_spend():
    """And not with the total of a ledger that serves many runs."""
    fit = fit_private(raw_of(table()), ledger_of(4.0, limit=Budget.approx(1.0, 1e-6)), schema=DECLARED)
    assert "epsilon 1," in fit.choice.why


def test_test_mode_repeats_itself_and_says_that_it_is_not_private():
    def once() -> tuple[bytes, str]:
        ledger = Ledger.test(Budget.approx(1.0, 1e-6), seed=4, reserve=0.1)
        fit = fit_private(raw_of(table()), ledger, synthesizer="independent", seed=2)
        return json.dumps(fit.synthesizer.encoder.to_json()).encode() + bytes(
            str(fit.n_rows), "ascii"
        ), ledger.stamp

    first, stamp = once()
    assert (first, stamp) == once()
    assert "NOT PRIVATE" in stamp


def test_combinations_that_are_impossible_never_come_out():
    ledger = ledger_of(1.0)
    rule = {"age": (18, 25), "town": ["Bonn"]}
    fit = fit_private(raw_of(table()), ledger, schema=DECLARED, synthesizer="mst", impossible=[rule])
    made = fit.synthesizer.sample(5000, seed=1).to_pylist()
    young = [r for r in made if r["age"] is not None and r["age"] <= 25]
    assert young and not [r for r in young if r["town"] == "Bonn"]
    with pytest.raises(UsageError, match="no column"):
        fit_private(raw_of(table()), ledger_of(), schema=DECLARED, synthesizer="mst", impossible=[{"x": [1]}])
    with pytest.raises(UsageError, match="cannot honour"):
        fit_private(
            raw_of(table()), ledger_of(), schema=DECLARED, synthesizer="independent", impossible=[rule]
        )


def test_auto_spends_all_of_one_epsilon_with_relations():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 4, 4000)
    rows = pa.table({"a": [f"a{v}" for v in a], "b": [f"b{(v + (rng.random() < 0.1)) % 4}" for v in a]})
    ledger = ledger_of(2.0)
    fit = fit_private(raw_of(rows), ledger, target="b")
    assert fit.choice.name == "aim" and fit.choice.why
    assert 1.9 < ledger.total.epsilon(1e-6) <= 2.0
    made = fit.synthesizer.sample(4000, seed=1)
    same = np.mean(
        [
            bool(x and y and x[1] == y[1])
            for x, y in zip(*[made.column(c).to_pylist() for c in "ab"], strict=True)
        ]
    )
    assert same > 0.8


@pytest.mark.parametrize("epsilon", [10.0, MAX_EPSILON])
@pytest.mark.parametrize("name", [n for n in registry.names() if is_private(n)])
def test_every_generator_works_up_to_the_largest_epsilon(name: str, epsilon: float) -> None:
    """On a domain of 1,000,000 cells: slack, which large epsilons blow up, still fits into delta."""
    rng = np.random.default_rng(5)
    levels = tuple("abcdefghij")
    wide = pa.table({f"c{i}": rng.choice(levels, 500, p=rng.dirichlet(np.ones(10))) for i in range(6)})
    schema = Schema(tuple(Column(c, "category", levels=levels) for c in wide.column_names))
    ledger = ledger_of(epsilon, accounting=accounting_of(name, {}))
    public = {"public": raw_of(wide)} if registry.create(name).needs_public else {}
    fit_private(raw_of(wide), ledger, schema=schema, synthesizer=name, **public)
    ledger.close()
    assert 0.99 * epsilon < ledger.total.epsilon(1e-6) <= epsilon


def test_levels_are_bought_at_the_largest_epsilon() -> None:
    """Discovery books its slack for 2**32 labels a column, the largest there is."""
    ledger = ledger_of(MAX_EPSILON)
    fit = fit_private(raw_of(table()), ledger, synthesizer="independent")
    assert fit.domain.origins["town"] == "bought"
    assert ledger.total.epsilon(1e-6) <= MAX_EPSILON
    tiny = Ledger.memory(Budget.approx(MAX_EPSILON, 1e-12), reserve=0.1)
    fit_private(raw_of(table()), tiny, synthesizer="independent")
