"""Random requests of all four sorts together, on several generators: met, or refused rightly."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as drawn
from hypothesis import strategies as st

import locum
from locum.codes.derived import DerivedCodebook
from locum.control.drawn_rows import DrawnRows, Infeasible
from locum.control.given import read_given
from locum.control.rules.clause import clauses_of, rule_clauses
from locum.control.targets import read_targets
from locum.control.where.names import Names
from locum.schema.column import Bounds
from locum.synthesizer.table import Synthesizer


def _patients() -> Any:
    """The table of the neighbouring test file."""
    path = Path(__file__).with_name("test_control_sampling.py")
    spec = importlib.util.spec_from_file_location("control_patients", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PATIENTS = _patients()
SCHEMA, REGION, table = PATIENTS.SCHEMA, PATIENTS.REGION, PATIENTS.table
N = 60

WHERE = [
    "age >= 80", "age between 41 and 43", "age is null", "sex = 'M'", "state in ('TX', 'WA')",
    "region = 'west'", "region != 'east'", "begin >= '2021-03-01'", "begin < '2020-01-20'",
    "net > 300", "net between 99.5 and 101.25", "smoker", "not smoker", "packs is not null",
    "age < 20 or sex = 'M'", "finish - begin > 40 days", "age > packs", "age * 2 < net",
    "age = 50", "packs > 30", "age > 70 and age < 30", "age > 500", "sex = 'F' and net < 50",
]  # fmt: skip
RULES = [
    "begin <= finish", "total = net + tax", "if not smoker then packs = 0", "tax < net",
    "unique(begin, age, net)", "packs <= age", "if age < 16 then smoker = false",
    "(sex, smoker) in (('F', true), ('F', false), ('M', false))", "finish - begin <= 30 days",
    "finish < begin",
]  # fmt: skip
TARGETS: list[dict[Any, Any]] = [
    {}, {}, {"sex": "balanced"}, {"sex": {"M": 0.9}}, {"age >= 65": 0.5},
    {"sex": {"F": 0.2, "M": 0.8}, "region": {"west": 0.6}}, {("sex", "smoker"): {("M", True): 0.4}},
]  # fmt: skip


GIVEN: list[dict[str, list[Any]] | None] = [
    None, None, None,
    {"sex": ["F", "M"] * 30},
    {"age": [90, None, 17, 30, 55, 64] * 10, "region": ["west", "south", None, "east", "east", None] * 10},
    {"smoker": [True, False, False] * 20, "id": [f"Q{i}" for i in range(60)]},
    {"state": ["TX", "NY", "CA", "NY", "WA", "MA"] * 10, "net": [45.5, 310.0, 120.25, 99.9, 12.0, 80.0] * 10},
    {"begin": ["2021-03-05", "2020-02-29"] * 30, "packs": [None, 0, 12] * 20},
]  # fmt: skip


def _frame(cells: dict[str, list[Any]] | None) -> pa.Table | None:
    return None if cells is None else pa.table(cells)


@pytest.fixture(scope="module", params=["tree-fast", "independent", "bootstrap", "mst under DP"])
def synth(request: pytest.FixtureRequest) -> Synthesizer:
    if request.param != "mst under DP":
        return Synthesizer(request.param, seed=1).fit_table(table(), SCHEMA)
    from dataclasses import replace

    declared = {
        "age": Bounds(0, 99, "declared"), "net": Bounds(0, 2000, "declared"),
        "tax": Bounds(0, 400, "declared"), "total": Bounds(0, 2400, "declared"),
        "packs": Bounds(0, 40, "declared"), "begin": Bounds("2020-01-01", "2021-12-31", "declared"),
        "finish": Bounds("2020-01-01", "2022-03-31", "declared"),
    }  # fmt: skip
    levels = {"sex": ("F", "M"), "state": tuple(sorted(REGION)), "region": ("east", "south", "west")}
    columns = tuple(
        replace(c, bounds=declared.get(c.name), levels=levels.get(c.name, c.levels)) for c in SCHEMA
    )
    schema = replace(SCHEMA, columns=columns)
    private = {"epsilon": 20.0, "delta": 1e-6, "one_row_per_person": True}
    return locum.fit(table(), schema=schema, synthesizer="mst", seed=1, **private)


@pytest.fixture(scope="module")
def plain(synth: Synthesizer) -> pa.Table:
    """20,000 rows without a request."""
    return synth.draw(20_000, seed=99).table


@drawn(
    st.lists(st.sampled_from(WHERE), max_size=3, unique=True),
    st.sampled_from(GIVEN),
    st.sampled_from(TARGETS),
    st.lists(st.sampled_from(RULES), max_size=3, unique=True),
    st.sampled_from([1.0, 1.0, 0.5]),
    st.integers(0, 1000),
)
@settings(
    max_examples=40,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.differing_executors,
        HealthCheck.too_slow,
    ],
    derandomize=True,
)
def test_random_requests_are_met_or_refused_rightly(
    synth: Synthesizer,
    plain: pa.Table,
    where: list[str],
    cells: dict[str, list[Any]] | None,
    targets: dict[Any, Any],
    rules: list[str],
    temperature: float,
    seed: int,
) -> None:
    """Rows, given cells, rules and shares are as asked; a refusal names what clashes and is checked below."""
    if synth.name == "bootstrap":
        temperature = 1.0
    given = _frame(cells)
    try:
        outcome = synth.draw(N if given is None else None, where=where, given=given, targets=targets or None,
            rules=rules, temperature=temperature, seed=seed,
        )  # fmt: skip
    except Infeasible as error:
        _refused_rightly(error, synth, plain, where, given, targets, rules)
        return
    _met(outcome, synth, where, given, targets, rules)


def _met(
    outcome: DrawnRows, synth: Synthesizer, where: list[str], given: pa.Table | None,
    targets: dict[Any, Any], rules: list[str],
) -> None:  # fmt: skip
    rows, names = outcome.table, Names.of(synth.encoder)
    assert rows.num_rows == N
    assert rows.column_names == list(SCHEMA.names)
    clauses = [c for w in where for c in clauses_of(w, "where", names)] + rule_clauses(rules, names)
    for clause in clauses:
        assert clause.holds(rows).all(), clause.text
        if clause.term.op == "unique":
            keys = rows.select(list(clause.columns)).to_pylist()
            assert len({tuple(k.values()) for k in keys}) == N
    # A private fit learns no dependency, which would be read off rows: there it holds only nearly.
    derived = any(isinstance(book, DerivedCodebook) for book in synth.encoder.books)
    if given is None and derived:
        pairs = zip(*(rows.column(c).to_pylist() for c in ("state", "region")), strict=True)
        assert all(REGION[s] == r for s, r in pairs)
    for name in () if given is None else given.column_names:
        for asked, got in zip(given.column(name).to_pylist(), rows.column(name).to_pylist(), strict=True):
            assert asked is None or str(asked) == str(got)
    for target in read_targets(targets, names):
        for clause, share in zip(target.classes, target.shares, strict=True):
            assert abs(clause.holds(rows).mean() - share) <= 2.01 / N, clause.text
    assert outcome.kl is None if not targets else outcome.kl is not None and outcome.kl >= -1e-9
    if given is None:
        assert len(set(rows.column("id").to_pylist())) == N


def _refused_rightly(
    error: Infeasible, synth: Synthesizer, plain: pa.Table, where: list[str], given: pa.Table | None,
    targets: dict[Any, Any], rules: list[str],
) -> None:  # fmt: skip
    """Of 20,000 rows none fulfils what is proven to clash, and few what was searched for in vain; what given
    rows are said to break they do break."""
    assert error.clash
    assert error.nearest
    assert "\n" not in str(error)
    names = Names.of(synth.encoder)

    def fitting(texts: list[tuple[str, str]], rows: pa.Table) -> int:
        ok = np.ones(rows.num_rows, bool)
        for text, origin in texts:
            parts = rule_clauses(text, names) if origin == "rule" else clauses_of(text, "where", names)
            ok &= np.logical_and.reduce([c.holds(rows) for c in parts])
        return int(ok.sum())

    asked = [(w, "where") for w in where] + [(r, "rule") for r in rules if "unique" not in r]
    said = [(t, "rule" if any(t in r for r in rules) else "where") for t in error.clash if "unique" not in t]
    about_targets = "target" in error.where
    if error.proven and error.where == "given" and given is not None:
        cells = read_given(given, synth)
        broken = [rule_clauses(t, names) if o == "rule" else clauses_of(t, "where", names) for t, o in said]
        for clause in (c for parts in broken for c in parts):
            part = cells.select(list(clause.columns))
            known = np.logical_and.reduce([~np.asarray(c.is_null()) for c in part.itercolumns()])
            assert (known & ~clause.holds(part)).any(), clause.text
        return
    if error.proven and about_targets and given is not None:
        cells = read_given(given, synth)
        target = next(t for t in read_targets(targets, names) if f"target {t.name}" == error.where)
        at = next(i for i, c in enumerate(target.classes) if c.text == error.clash[0])
        assert abs(target.classes[at].holds(cells).mean() - target.shares[at]) >= 1 / N
    elif error.proven and not about_targets:
        assert fitting(said, plain) == 0, error.clash
    elif not targets and given is None and not any("unique" in r for r in rules):
        # Searched for among 40,000 rows at least: what is more frequent than 1 in 1,000 is found there.
        assert fitting(asked, plain) < 20, asked
    elif about_targets and given is None:
        assert targets
