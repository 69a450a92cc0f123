"""Declared dependencies of private tables: they hold in every row, and rest on noisy counts alone."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from locum.codes.derived import DerivedCodebook
from locum.codes.public_codebooks import declared_book
from locum.data.read import read
from locum.privacy.budget import Budget
from locum.privacy.ledger import Ledger
from locum.schema.column import Bounds, Column
from locum.schema.table import Dependency, Schema
from locum.sources import lookups
from locum.sources.base import Source
from locum.sources.lookups import can_look_up, find_lookups
from locum.sources.private import PrivateSource
from locum.sources.rows import MemoryRows
from locum.synthesizer.private import PrivateFit, fit_private

REGION = {"Ulm": "south", "Bonn": "west", "Kiel": "north", "Jena": "east"}
TOWN = Column("town", "category", levels=tuple(sorted(REGION)))
SIDE = Column("region", "category", levels=("east", "north", "south", "west"))
COAST = Column("coast", "boolean")
SCHEMA = Schema((TOWN, SIDE, COAST), name="v", dependencies=(Dependency("town", "region"),))


def people(n: int = 2_000, seed: int = 0, wrong: float = 0.0) -> pa.Table:
    """Towns, their regions (some of them wrong), and whether they lie at the coast; some towns missing."""
    rng = np.random.default_rng(seed)
    towns = rng.choice(sorted(REGION), n, p=[0.1, 0.2, 0.3, 0.4])
    told = [REGION[t] if rng.random() >= wrong else "west" for t in towns]
    held = [None if rng.random() < 0.02 else str(t) for t in towns]
    return pa.table({"town": held, "region": told, "coast": [t == "Kiel" for t in towns]})


def fitted(
    table: pa.Table, schema: Schema, synthesizer: str = "mst", epsilon: float = 4.0
) -> tuple[PrivateFit, Ledger]:
    ledger = Ledger.test(Budget.approx(epsilon, 1e-6), seed=2, reserve=0.1)
    return fit_private(read(table), ledger, schema=schema, synthesizer=synthesizer, seed=1), ledger


def found_in(
    table: pa.Table, schema: Schema = SCHEMA, *, rho: float = 0.05, seen: list[Source] | None = None
) -> tuple[dict[str, DerivedCodebook], Ledger]:
    """Look-ups of a table; what is counted goes into `seen`, and is what is there in its place."""
    ledger, kept = Ledger.test(Budget.approx(4.0, 1e-6), seed=3), [] if seen is None else seen

    def guard(source: Source) -> PrivateSource:
        if not kept or seen is None:
            kept.append(source)
        return PrivateSource(kept[-1], ledger)

    rows = MemoryRows.of_raw(read(table)).canonical(schema)
    books = {column.name: declared_book(column) for column in schema}
    return find_lookups(rows, schema, books, guard, rho), ledger


@pytest.mark.parametrize("synthesizer", ["independent", "mst", "aim"])
@pytest.mark.parametrize("levels", ["declared", "bought"])
def test_a_declared_dependency_holds_in_every_row(synthesizer: str, levels: str) -> None:
    """Though one region in ten is wrong in the rows, so that no model would keep it by itself."""
    schema = SCHEMA
    if levels == "bought":
        columns = (Column("town", "category"), Column("region", "category"), COAST)
        schema = Schema(columns, name="v", dependencies=SCHEMA.dependencies)
    fit, _ = fitted(people(wrong=0.1), schema, synthesizer)
    made = fit.synthesizer.sample(4_000, seed=5).to_pylist()
    towns = [row for row in made if row["town"]]
    assert len(towns) > 3_500 and {row["town"] for row in towns} >= set(REGION)
    assert {row["region"] for row in towns if row["town"] in REGION} == set(REGION.values())
    assert all(row["region"] == REGION[row["town"]] for row in towns if row["town"] in REGION)


def test_without_the_declaration_it_does_not_hold() -> None:
    """A negative control of the test above."""
    fit, _ = fitted(people(wrong=0.1), Schema(SCHEMA.columns, name="v"), "independent")
    made = fit.synthesizer.sample(2_000, seed=5).to_pylist()
    assert any(row["region"] != REGION.get(row["town"]) for row in made if row["town"])


def test_truth_values_are_looked_up_as_labels_are() -> None:
    schema = Schema(SCHEMA.columns, name="v", dependencies=(Dependency("town", "coast"),))
    fit, _ = fitted(people(), schema, "independent")
    made = fit.synthesizer.sample(1_000, seed=5).to_pylist()
    assert {row["coast"] for row in made if row["town"] == "Kiel"} == {True}
    assert {row["coast"] for row in made if row["town"] == "Ulm"} == {False}


def test_what_depends_on_what_depends_holds_too() -> None:
    chain = (Dependency("town", "region"), Dependency("region", "coast"))
    fit, _ = fitted(people(), Schema(SCHEMA.columns, name="v", dependencies=chain), "independent")
    made = fit.synthesizer.sample(1_000, seed=5).to_pylist()
    pairs = {(row["town"], row["region"], row["coast"]) for row in made if row["town"]}
    assert pairs == {(t, r, t == "Kiel") for t, r in REGION.items()}


def test_each_look_up_is_paid_for_once_and_named() -> None:
    both = (Dependency("town", "region"), Dependency("town", "coast"))
    fit, ledger = fitted(people(), Schema(SCHEMA.columns, name="v", dependencies=both))
    bought = [e for e in ledger.entries if e.purpose == "which values go together"]
    assert [set(e.columns[0]) for e in bought] == [{"town", "region"}, {"town", "coast"}]
    assert all(e.rho > 0 and e.sensitivity == 1.0 for e in bought)
    assert fit.domain.spent == pytest.approx(0.12, abs=1e-3)


def test_nothing_but_the_noisy_counts_is_used() -> None:
    """With other rows behind the same counts the look-up is the same; with counts of theirs it is another."""
    counted: list[Source] = []
    first, _ = found_in(people(), seen=counted)
    other = people(50, seed=9, wrong=1.0)
    again, ledger = found_in(other, seen=counted)
    assert _as_dict(first["region"]) == _as_dict(again["region"]) == REGION
    assert len(counted) == 1 and len(ledger.entries) == 1
    assert _as_dict(found_in(other)[0]["region"]) != REGION


def _as_dict(book: DerivedCodebook) -> dict[Any, Any]:
    return dict(zip(book.keys.to_pylist(), book.values.to_pylist(), strict=True))


def test_one_person_does_not_decide_a_pair() -> None:
    """A town that one person lives in gets the usual region, and not that person's; 40 seeds of noise.

    One region more than towns is declared, so that no pairing of one with one helps out.
    """
    side = Column("region", "category", levels=("east", "north", "south", "west", "abroad"))
    schema = Schema((TOWN, side, COAST), name="v", dependencies=SCHEMA.dependencies)
    table = people(1_000).filter(pa.compute.not_equal(people(1_000)["town"], "Jena"))
    usual = Counter(table["region"].to_pylist()).most_common(1)[0][0]
    one = pa.concat_tables([table, pa.table({"town": ["Jena"], "region": ["north"], "coast": [False]})])
    found = []
    for seed in range(40):
        ledger = Ledger.test(Budget.approx(4.0, 1e-6), seed=seed)
        rows = MemoryRows.of_raw(read(one)).canonical(schema)
        books = {column.name: declared_book(column) for column in schema}
        book = find_lookups(rows, schema, books, lambda s, paid=ledger: PrivateSource(s, paid), 0.01)[
            "region"
        ]
        found.append(_as_dict(book)["Jena"])
        assert book.default.to_pylist() == [usual]
        assert _as_dict(book)["Ulm"] == "south"
    assert Counter(found).most_common(1)[0][0] == usual
    assert found.count("north") < 10


def test_as_many_labels_as_labels_are_paired_one_with_one() -> None:
    """The region of a town that noise hides is the one that no other town has, and is called a guess."""
    table = people(1_000).filter(pa.compute.not_equal(people(1_000)["town"], "Jena"))
    for seed in range(20):
        ledger = Ledger.test(Budget.approx(4.0, 1e-6), seed=seed)
        rows = MemoryRows.of_raw(read(table)).canonical(SCHEMA)
        books = {column.name: declared_book(column) for column in SCHEMA}
        hidden: dict[str, tuple[str, int, int]] = {}
        guard = lambda s, paid=ledger: PrivateSource(s, paid)  # noqa: E731
        book = find_lookups(rows, SCHEMA, books, guard, 0.01, hidden)["region"]
        assert _as_dict(book) == REGION
        assert hidden["region"][0] == "town" and hidden["region"][2] == 4
    assert hidden["region"][1] == 1


def test_counts_refute_a_pairing_of_one_with_one() -> None:
    """Two towns of one region keep it, though as many regions as towns are declared."""
    rng = np.random.default_rng(1)
    towns = rng.choice(sorted(REGION), 2_000)
    where = REGION | {"Bonn": "south"}
    table = pa.table(
        {"town": towns, "region": [where[t] for t in towns], "coast": [t == "Kiel" for t in towns]}
    )
    assert _as_dict(found_in(table)[0]["region"]) == where


def test_tables_that_are_too_large_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookups, "MOST_PAIRS", 15)
    found, ledger = found_in(people())
    assert found == {} and not ledger.entries
    fit, paid = fitted(people(wrong=0.1), SCHEMA, "independent")
    assert all(e.purpose != "which values go together" for e in paid.entries)
    made = fit.synthesizer.sample(500, seed=5)
    assert made["region"].null_count < 500
    monkeypatch.setattr(lookups, "MOST_PAIRS", 16)
    assert set(found_in(people())[0]) == {"region"}


def test_only_labels_are_looked_up() -> None:
    schema = Schema(
        (TOWN, Column("age", "integer", bounds=Bounds(0, 60, "declared")), COAST),
        dependencies=(Dependency("town", "age"), Dependency("age", "coast")),
    )
    assert not any(can_look_up(schema, d) for d in schema.dependencies)
    assert can_look_up(SCHEMA, SCHEMA.dependencies[0])
    table = people().append_column("age", pa.array([7] * 2_000))
    found, ledger = found_in(table, schema)
    assert found == {} and not ledger.entries


def test_a_column_of_which_nothing_was_found_has_no_look_up() -> None:
    columns = (Column("town", "category"), Column("region", "category"))
    schema = Schema(columns, name="v", dependencies=SCHEMA.dependencies)
    table = pa.table({"town": ["a", "b", "c"], "region": ["x", "y", "z"]})
    fit, ledger = fitted(table, schema, "independent", epsilon=0.5)
    assert set(fit.domain.origins.values()) == {"nothing found"}
    assert fit.synthesizer.sample(20, seed=1).column("region").null_count == 20
    assert all(e.purpose != "which values go together" for e in ledger.entries)
