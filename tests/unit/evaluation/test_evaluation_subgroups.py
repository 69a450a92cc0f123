"""Subgroups: generated rows sharpen what few real rows say, and a wrong generator is contradicted."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from locum.errors import FeasibilityError, UsageError
from locum.evaluation.subgroups.correction import Gap, estimate_correction
from locum.evaluation.subgroups.groups import ModelScores, pools, score_groups
from locum.evaluation.subgroups.model import Examined, examine, function_score, target_column, train_score
from locum.evaluation.subgroups.shift import shift_of
from locum.schema.column import Column
from locum.schema.table import Schema
from locum.synthesizer.refit import Refit

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


def subgroups(score, test, drawn, *, schema, by, weights=None):
    return score_groups(ModelScores.of(score, test, drawn, weights), schema=schema, by=by)


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
    drawn = pools(Refit(), test, SCHEMA, generators=3, rows=1_500, seed=7)
    assert [t.num_rows for t in drawn] == [1_500] * 3
    assert drawn[0].equals(pools(Refit(), test, SCHEMA, generators=2, rows=1_500, seed=7)[0])
    groups = found(drawn, test)
    assert abs(groups["a"].generated.value - 0.9) < 0.08


def test_bad_calls():
    test = people(100, 1)
    with pytest.raises(UsageError, match="one finite number"):
        subgroups(lambda t: [0.5], test, [test, test], schema=SCHEMA, by=["g"])
    with pytest.raises(UsageError, match="spread"):
        pools(Refit(), test, SCHEMA, generators=1)


def test_the_error_of_the_generators_is_learned_from_the_other_groups():
    """By hand: equal variances 1, gaps 1, 2, 3, 6; mean 3, Q = 14, so between = (14 - 3) / 3."""
    found = estimate_correction([Gap(v, 1.0) for v in (1.0, 2.0, 3.0, 6.0)], None)
    assert found.shift == pytest.approx(3.0)
    assert found.variance == pytest.approx(11 / 3 + (1 + 11 / 3) / 4)
    alike = estimate_correction([Gap(0.5, 4.0)] * 3, None)
    assert (alike.shift, alike.variance) == (pytest.approx(0.5), pytest.approx(4 / 3))
    # Too few groups: all rows together stand in; without those nothing is done.
    assert estimate_correction([Gap(9.0, 1.0)] * 2, Gap(0.1, 0.2)).shift == 0.1
    assert estimate_correction([], None).variance == 0


def test_a_blurred_generator_is_put_right():
    """Generators that are .1 too low in every group; real rows of the large groups show it."""
    rates = {"a": 0.9, "b": 0.6, "c": 0.8, "d": 0.7, "e": 0.85}

    def rows(n: int, seed: int, less: float, thin: float) -> pa.Table:
        rng = np.random.default_rng(seed)
        g = rng.choice(list(rates), size=n, p=[(1 - thin) / 4] * 4 + [thin])
        x = rng.normal(0, 1, n)
        agree = rng.random(n) < np.array([rates[k] - less for k in g])
        y = np.where((x > 0) == agree, "yes", "no")
        return pa.table({"g": g.tolist(), "x": x, "y": y.tolist()})

    groups = found([rows(20_000, s, 0.1, 0.02) for s in range(5)], rows(3_000, 9, 0.0, 0.02))
    thin = groups["e"]
    assert thin.drawn == pytest.approx(0.75, abs=0.02)
    assert thin.generated.value == pytest.approx(0.85, abs=0.03)
    assert thin.generated.low <= 0.85 <= thin.generated.high and thin.trust == "generated"


def test_weights_give_the_asked_shares_and_nothing_else():
    test = people(5_000, 3, rare=0.2)
    w = shift_of("g = balanced; x >= 0: 0.7", SCHEMA, test)(test)
    g, x = np.array(test.column("g").to_pylist()), test.column("x").to_numpy()
    assert w.mean() == pytest.approx(1)
    assert w[g == "b"].sum() / w.sum() == pytest.approx(0.5, abs=1e-6)
    assert w[x >= 0].sum() / w.sum() == pytest.approx(0.7, abs=1e-6)
    assert len(np.unique(w.round(9))) == 4
    with pytest.raises(FeasibilityError, match="no row"):
        shift_of("x > 99: 0.5", SCHEMA, test)(test)
    for bad in ("", "g: half", "nobody = balanced"):
        with pytest.raises(UsageError):
            shift_of(bad, SCHEMA, test)


def asked(score, test: pa.Table, **more) -> Examined:
    target = target_column("y", SCHEMA, test)
    return Examined("people", "a rule", SCHEMA, target, score(target), test, (("g",),), **more)


def test_a_model_is_examined():
    test = people(1_200, 6, rare=0.1)

    def rule(target):
        return function_score(lambda t: np.where(t.column("x").to_numpy() > 0, "yes", "no"), target)

    study = examine(asked(rule, test, shifts=("g = balanced",)), Refit(), generators=3, rows=3_000)
    assert study.measure == "share right" and study.test_rows == 1_200
    assert study.overall.real.value == pytest.approx(0.87, abs=0.04)
    assert study.worst is not None and study.worst.name == "b"
    assert "Worst off is b" in study.sentence
    (shift,) = study.shifts
    assert shift.found.real.value == pytest.approx(0.75, abs=0.06)
    assert shift.rows < 1_200
    import json

    assert json.loads(json.dumps(study.to_json(), allow_nan=False))["tables"][0]["columns"] == ["g"]


def test_a_model_is_trained_on_rows_or_refused():
    test = people(2_000, 6)
    target = target_column("y", SCHEMA, test)
    score = train_score(people(3_000, 7), SCHEMA, target, 0)(test)
    assert 0.8 < score.mean() < 0.95
    number = target_column("x", SCHEMA, test)
    error = train_score(people(3_000, 7), SCHEMA, number, 0)(test)
    assert 0.4 < error.mean() < 0.8
    with pytest.raises(UsageError, match="nothing can be learned"):
        train_score(people(50, 1).slice(0, 1), SCHEMA, target, 0)
    with pytest.raises(UsageError, match="none of the model's answers"):
        function_score(lambda t: np.zeros(t.num_rows), target)(test)
    flags = test.set_column(2, "y", pa.array([v == "yes" for v in test.column("y").to_pylist()]))
    flag = target_column("y", Schema((*SCHEMA.columns[:2], Column("y", "boolean"))), flags)
    for said in (
        flags.column("y").to_numpy(zero_copy_only=False),
        test.column("y").to_pylist(),
        [1.0] * 2_000,
    ):
        assert function_score(lambda t, said=said: said, flag)(flags).mean() > 0.4
    with pytest.raises(UsageError, match="one label or number a row"):
        function_score(lambda t: ["yes"], target)(test)


def test_questions_that_cannot_be_asked():
    rule = lambda target: function_score(lambda t: ["yes"] * t.num_rows, target)  # noqa: E731
    with pytest.raises(UsageError, match="too few"):
        examine(asked(rule, people(10, 1, rare=0.5)), Refit())
    from dataclasses import replace

    question = asked(rule, people(300, 1))
    with pytest.raises(UsageError, match="no column 'h'"):
        examine(replace(question, by=(("h",),)), Refit())
    with pytest.raises(UsageError, match="Cross fewer"):
        examine(replace(question, by=(("g", "x", "y", "x", "x", "x"),)), Refit())
    with pytest.raises(UsageError, match="cannot be predicted"):
        target_column("id", Schema((Column("id", "id"),)), pa.table({"id": ["1", "2"]}))
