"""Subgroups: generated rows sharpen what few real rows say, and a wrong generator is contradicted."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from locum.errors import UsageError
from locum.schema.column import Column
from locum.schema.table import Schema
from locum.studies.subgroups import pools, subgroups

SCHEMA = Schema((Column("g", "category"), Column("x", "number"), Column("y", "category")))
RATE = {"a": 0.9, "b": 0.6}


def people(n: int, seed: int, rare: float = 0.03, rate=RATE) -> pa.Table:
    """Group b is rare; y agrees with the sign of x at a rate that depends on the group."""
    rng = np.random.default_rng(seed)
    g = np.where(rng.random(n) < rare, "b", "a")
    x = rng.normal(0, 1, n)
    agree = rng.random(n) < np.where(g == "b", rate["b"], rate["a"])
    return pa.table({"g": g.tolist(), "x": x, "y": np.where((x > 0) == agree, "yes", "no").tolist()})


def right(table: pa.Table) -> np.ndarray:
    """Score of the model "yes when x is positive"."""
    return (table.column("x").to_numpy() > 0) == (np.array(table.column("y").to_pylist()) == "yes")


def found(drawn, test=None, **more):
    test = people(1_000, 1) if test is None else test
    return {g.group[0][1]: g for g in subgroups(right, test, drawn, schema=SCHEMA, by=["g"], **more)}


def test_generated_rows_narrow_the_interval_of_a_thin_group():
    groups = found([people(20_000, s) for s in range(10, 15)])
    thin = groups["b"]
    assert thin.trust == "generated"
    assert thin.generated.low <= 0.6 <= thin.generated.high
    assert thin.generated.high - thin.generated.low < 0.5 * (thin.real.high - thin.real.low)
    assert next(iter(groups)) == "b"


def test_a_wrong_generator_is_contradicted():
    wrong = {"a": 0.9, "b": 0.97}
    thin = found([people(20_000, s, rate=wrong) for s in range(10, 15)], people(3_000, 2))["b"]
    assert thin.trust == "real"
    assert "contradicts" in thin.sentence


def test_too_few_generated_rows_and_unknown_levels():
    groups = found([people(200, s, rare=0.001) for s in range(3)])
    assert groups["b"].generated is None and groups["b"].trust == "real"
    strange = people(500, 9).set_column(0, "g", pa.array(["c"] * 500))
    assert set(found([strange, strange])) == {"a", "b"}


def test_a_shift_is_weighed():
    """Half the population in b: 0.9 * 0.5 + 0.6 * 0.5 over all rows."""
    test = people(20_000, 5)
    drawn = [people(20_000, s) for s in range(10, 15)]

    def shifted(table: pa.Table) -> np.ndarray:
        return np.where(np.array(table.column("g").to_pylist()) == "b", 0.5 / 0.03, 0.5 / 0.97)

    both = test.append_column("all", pa.array(["all"] * len(test)))
    schema = Schema((*SCHEMA, Column("all", "category")))
    drawn = [t.append_column("all", pa.array(["all"] * len(t))) for t in drawn]
    (one,) = subgroups(right, both, drawn, schema=schema, by=["all"], weights=shifted)
    assert one.real.value == pytest.approx(0.75, abs=0.03)
    assert one.generated.low <= 0.75 <= one.generated.high
    (plain,) = subgroups(right, both, drawn, schema=schema, by=["all"])
    assert one.real.high - one.real.low > 2 * (plain.real.high - plain.real.low)


def test_ordered_columns_are_cut_and_missing_is_a_group():
    x = pa.array([None] * 50 + np.linspace(-1, 1, 950).tolist(), pa.float64())
    test = people(1_000, 3).set_column(1, "x", x)
    score = lambda t: np.ones(t.num_rows)  # noqa: E731
    groups = subgroups(score, test, [test, test], schema=SCHEMA, by=["x"])
    assert len(groups) == 6
    assert groups[0].group == (("x", "missing"),)
    assert sum(g.real.rows for g in groups) == 1_000


def test_generators_are_fitted_to_bootstraps_of_the_test_rows():
    test = people(600, 4, rare=0.2)
    drawn = pools(test, SCHEMA, generators=3, rows=1_500, seed=7)
    assert [t.num_rows for t in drawn] == [1_500] * 3
    assert drawn[0].equals(pools(test, SCHEMA, generators=2, rows=1_500, seed=7)[0])
    groups = found(drawn, test)
    assert abs(groups["a"].generated.value - 0.9) < 0.08


def test_bad_calls():
    test = people(100, 1)
    with pytest.raises(UsageError, match="cannot be had"):
        subgroups(right, test, [test, test], schema=SCHEMA, by=["nobody"])
    with pytest.raises(UsageError, match="cannot be had"):
        subgroups(right, test, [test], schema=SCHEMA, by=["g"])
    with pytest.raises(UsageError, match="one finite number"):
        subgroups(lambda t: [0.5], test, [test, test], schema=SCHEMA, by=["g"])
    with pytest.raises(UsageError, match="spread"):
        pools(test, SCHEMA, generators=1)
