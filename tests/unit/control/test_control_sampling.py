"""Requests on a small table: everything asked holds in every row, or the refusal is right."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from locum.control.drawn_rows import Infeasible
from locum.control.impute.with_model import impute
from locum.control.rules.clause import clauses_of, rule_clauses
from locum.control.where.names import Names
from locum.errors import LocumError, UsageError
from locum.schema.column import Column
from locum.schema.table import Dependency, Schema
from locum.synthesizer.table import Synthesizer

SCHEMA = Schema(
    (
        Column("id", "id", nullable=False),
        Column("age", "integer"),
        Column("sex", "category", nullable=False),
        Column("state", "category", nullable=False),
        Column("region", "category", nullable=False),
        Column("begin", "date"),
        Column("finish", "date"),
        Column("net", "number", decimals=2),
        Column("tax", "number", decimals=2),
        Column("total", "number", decimals=2),
        Column("smoker", "boolean"),
        Column("packs", "integer"),
    ),
    dependencies=(Dependency("state", "region"),),
    name="patients",
)
REGION = {"NY": "east", "MA": "east", "CA": "west", "WA": "west", "TX": "south"}


def table(n: int = 3000, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    age = rng.integers(0, 100, n)
    sex = rng.choice(["F", "M"], n, p=[0.7, 0.3])
    state = rng.choice(list(REGION), n, p=[0.4, 0.2, 0.2, 0.1, 0.1])
    smoker = rng.random(n) < np.where(age > 15, 0.3, 0.0)
    packs = np.where(smoker, rng.integers(1, 40, n), 0)
    begin = np.datetime64("2020-01-01") + rng.integers(0, 700, n)
    finish = begin + rng.integers(0, 60, n)
    net = np.round(rng.gamma(2, 100, n), 2)
    tax = np.round(net * 0.2, 2)
    missing = rng.random(n) < 0.1
    return pa.table(
        {
            "id": [f"P{i:06d}" for i in range(n)],
            "age": pa.array(age, mask=rng.random(n) < 0.05),
            "sex": sex.astype(object),
            "state": state.astype(object),
            "region": [REGION[s] for s in state],
            "begin": pa.array(begin.astype("datetime64[D]")),
            "finish": pa.array(finish.astype("datetime64[D]"), mask=missing),
            "net": net,
            "tax": tax,
            "total": np.round(net + tax, 2),
            "smoker": smoker,
            "packs": pa.array(packs, mask=~smoker & (rng.random(n) < 0.5)),
        }
    )


@pytest.fixture(scope="module", params=["tree-fast", "bootstrap", "independent"])
def synth(request: pytest.FixtureRequest) -> Synthesizer:
    return Synthesizer(request.param, seed=1).fit_table(table(), SCHEMA)


@pytest.fixture(scope="module")
def tree() -> Synthesizer:
    return Synthesizer("tree-fast", seed=1).fit_table(table(), SCHEMA)


def _holds(synth: Synthesizer, rows: pa.Table, where: list[str], rules: list[str]) -> None:
    names = Names.of(synth.encoder)
    clauses = [c for w in where for c in clauses_of(w, "where", names)] + rule_clauses(rules, names)
    for clause in clauses:
        assert clause.holds(rows).all(), clause.text
        if clause.term.op == "unique":
            keys = rows.select(list(clause.columns)).to_pylist()
            assert len({tuple(k.values()) for k in keys}) == rows.num_rows


def test_every_model_meets_a_request(synth: Synthesizer) -> None:
    where, rules = ["age >= 60 and smoker", "net > 100"], ["begin <= finish", "total = net + tax"]
    outcome = synth.draw(300, where=where, rules=rules, seed=1)
    assert outcome.table.num_rows == 300
    _holds(synth, outcome.table, where, rules)
    assert 0 < outcome.probability < 1
    again = synth.draw(300, where=where, rules=rules, seed=1)
    assert again.table.equals(outcome.table)


@pytest.mark.statistical
def test_the_stated_probability_is_that_of_the_model(tree: Synthesizer) -> None:
    """Within 5 standard errors of the share among 40,000 plain rows (false alarms below 1e-5)."""
    text = "age >= 70 and smoker and region = 'west'"
    rows = tree.draw(40_000, seed=3).table
    share = float(
        np.logical_and.reduce(
            [c.holds(rows) for c in clauses_of(text, "where", Names.of(tree.encoder))]
        ).mean()
    )
    said = tree.draw(3000, where=text, seed=1).probability
    assert abs(said - share) < 5 * np.sqrt(share / 40_000) + 0.05 * share


@pytest.mark.statistical
def test_conditions_keep_the_conditional_distribution_of_the_other_columns(tree: Synthesizer) -> None:
    """Guided rows against plain rows that happen to fit: shares of a label within 5 standard errors."""
    rows = tree.draw(60_000, seed=4).table
    text = "age between 60 and 64"
    fits = [c.holds(rows) for c in clauses_of(text, "where", Names.of(tree.encoder))]
    plain = rows.filter(pa.array(np.logical_and.reduce(fits)))
    guided = tree.draw(4000, where=text, seed=2).table
    for column in ("sex", "state", "smoker"):
        for level in set(plain.column(column).to_pylist()):
            a = np.mean([v == level for v in plain.column(column).to_pylist()])
            b = np.mean([v == level for v in guided.column(column).to_pylist()])
            assert abs(a - b) < 5 * np.sqrt(0.25 / plain.num_rows + 0.25 / 4000) + 0.02


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"where": "age > 500"}, "age >= 9"),
        ({"where": "age > 70 and age < 30"}, "cannot hold together"),
        ({"where": "begin > '2030-01-01'"}, "begin >= '2021-"),
        ({"where": "state = 'NY' and region = 'west'"}, "cannot hold together"),
        (
            {"where": "finish is not null", "rules": ["begin < finish", "finish < begin"]},
            "cannot hold together",
        ),
        ({"rules": "unique(state)"}, "at most"),
    ],
)
def test_what_cannot_be_is_refused_with_the_clash_and_the_nearest(
    tree: Synthesizer, request_: dict[str, Any], words: str
) -> None:
    with pytest.raises(Infeasible) as caught:
        tree.draw(50, seed=0, **request_)
    assert words in str(caught.value)
    assert caught.value.clash
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"targets": {"state": {"NX": 0.5}}}, "'NY'"),
        ({"targets": {"state": {"NY": 0.5, "CA": 0.7}}}, "sum to 1.2"),
        ({"targets": {"state": {"NY": -0.5}}}, "0 to 1"),
        ({"targets": {"begin": "balanced"}}, "Write a condition"),
        ({"where": "stat = 'NY'"}, "Did you mean state"),
        ({"where": "unique(age)"}, "rule"),
        ({"temperature": 0}, "temperature"),
        ({"where": "id = 'P1'"}, "made afresh"),
    ],
)
def test_bad_requests_are_one_sentence(tree: Synthesizer, request_: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        tree.draw(50, seed=0, **request_)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_given_cells_are_kept_and_rules_hold(synth: Synthesizer) -> None:
    given_rows = pa.table(
        {
            "age": pa.array([90, None, 17, 30], pa.int64()),
            "region": ["west", "south", None, "east"],
            "id": list("abcd"),
        }
    )
    outcome = synth.draw(given=given_rows, rules=["begin <= finish"], where="net > 10", seed=2)
    rows = outcome.table
    _holds(synth, rows, ["net > 10"], ["begin <= finish"])
    assert rows.column("id").to_pylist() == list("abcd")
    for name in ("age", "region"):
        for asked, got in zip(
            given_rows.column(name).to_pylist(), rows.column(name).to_pylist(), strict=True
        ):
            assert asked is None or asked == got
    assert rows.column("region").null_count == 0


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        ({"state": ["NZ"]}, "'NY'"),
        ({"stat": ["NY"]}, "Did you mean state"),
        ({"age": [20, 90, 10]}, "row 1, 3"),
    ],
)
def test_a_given_frame_that_cannot_be_is_refused(
    tree: Synthesizer, frame: dict[str, Any], words: str
) -> None:
    with pytest.raises(LocumError) as caught:
        tree.draw(given=pa.table(frame), where="age > 50", seed=0)
    assert words in str(caught.value)


def test_imputation_fills_what_is_asked_and_touches_nothing_else(tree: Synthesizer) -> None:
    rows = table(400, seed=9)
    done = impute(tree.fitted, rows, columns=["age"], seed=1).table
    assert done.column("age").null_count == 0
    known = ~np.asarray(rows.column("age").is_null())
    assert np.array_equal(
        np.asarray(done.column("age"))[known], np.asarray(rows.column("age").fill_null(0))[known]
    )
    assert done.column("finish").null_count == rows.column("finish").null_count
    for name in ("sex", "net", "begin"):
        assert done.column(name).to_pylist() == rows.column(name).to_pylist()


def test_the_best_value_is_nearer_than_a_draw(tree: Synthesizer) -> None:
    rows = table(500, seed=11)
    true = np.asarray(rows.column("tax"))
    at = rows.schema.get_field_index("tax")
    holed = rows.set_column(at, "tax", pa.nulls(500, pa.float64()))
    gaps = {}
    for method in ("draw", "best"):
        filled = impute(tree.fitted, holed, columns=["tax"], method=method, seed=1).table
        got = np.asarray(filled.column("tax"))
        gaps[method] = np.sqrt(((got - true) ** 2).mean())
    assert gaps["best"] <= gaps["draw"] < np.std(true)


def test_ranges_reach_inside_cells_to_the_digit(tree: Synthesizer) -> None:
    rows = tree.draw(500, where="net between 123.4 and 123.9 and begin = '2020-05-05'", seed=0).table
    net = np.asarray(rows.column("net"))
    assert net.min() >= 123.4
    assert net.max() <= 123.9
    assert len(np.unique(net)) > 5
    assert set(rows.column("begin").to_pylist()) == {dt.date(2020, 5, 5)}


def test_temperature_makes_the_frequent_more_frequent(synth: Synthesizer) -> None:
    if synth.name == "bootstrap":
        pytest.skip("every training row is as frequent as any other")
    share = {
        t: np.mean(
            [v == "F" for v in synth.draw(2000, temperature=t, seed=1).table.column("sex").to_pylist()]
        )
        for t in (0.3, 3.0)
    }
    assert share[0.3] > 0.8 > 0.7 > share[3.0]


def test_rare_cases_of_a_table_of_categories_name_the_generator_made_for_them() -> None:
    rng = np.random.default_rng(3)
    columns = {f"c{i}": rng.choice(list("abcd"), 2000, p=[0.7, 0.1, 0.1, 0.1]) for i in range(4)}
    rows = pa.table({name: pa.array(values.tolist()) for name, values in columns.items()})
    schema = Schema(tuple(Column(name, "category", nullable=False) for name in columns), name="labels")
    rare, common = "c0 = 'b' and c1 = 'c' and c2 = 'd'", "c0 = 'a' and c1 = 'a'"
    for name in ("tree-fast", "bayes-net"):
        synth = Synthesizer(name, seed=1).fit_table(rows, schema)
        told = [
            any("bayes-net" in note for note in synth.draw(50, where=w, seed=0).notes) for w in (rare, common)
        ]
        assert told == [name == "tree-fast", False]
        assert not synth.draw(50, seed=0).notes
