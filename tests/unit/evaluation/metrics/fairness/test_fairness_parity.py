"""Fairness against fairlearn and closed forms; groups, crossings and rows that are too few."""

from __future__ import annotations

import json
import math

import numpy as np
import pyarrow as pa
import pytest
from fairlearn.metrics import (
    MetricFrame,
    demographic_parity_difference,
    demographic_parity_ratio,
    equal_opportunity_difference,
    equalized_odds_difference,
    false_positive_rate,
    selection_rate,
    true_positive_rate,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.evaluation.decision import judged
from locum.evaluation.evaluate import evaluate
from locum.evaluation.groups import groupings
from locum.evaluation.metrics.fairness.data import Rated, parity
from locum.evaluation.metrics.fairness.models import model_parity, predict_both
from locum.evaluation.metrics.fairness.quality import quality_parity
from locum.evaluation.metrics.fairness.rates import PARITIES, count, difference, ratio
from locum.evaluation.result import Result
from locum.evaluation.trial import Trial
from locum.schema.column import Column
from locum.schema.table import Schema

SCHEMA = Schema(
    (
        Column("x", "number"),
        Column("z", "number"),
        Column("age", "integer"),
        Column("sex", "category"),
        Column("race", "category"),
        Column("y", "category"),
    ),
    target="y",
    protected=("sex", "race"),
)


def rows(n: int, seed: int, bias: float = 1.0) -> pa.Table:
    """y depends on x, z and, by `bias`, on sex; race has three groups, one of them rare."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=n), rng.normal(size=n)
    sex = rng.random(n) < 0.4
    race = rng.choice(["r1", "r2", "tiny"], n, p=[0.7, 0.295, 0.005])
    p = 1 / (1 + np.exp(-(1.5 * x + 0.5 * z + bias * np.where(sex, 1.0, -1.0) - 0.7)))
    return pa.table(
        {
            "x": x,
            "z": z,
            "age": rng.integers(18, 90, n),
            "sex": np.where(sex, "m", "f").tolist(),
            "race": race.tolist(),
            "y": np.where(rng.random(n) < p, "yes", "no").tolist(),
        }
    )


REAL, HELD = rows(3000, 0), rows(2500, 1)


def by_name(results: list[Result]) -> dict[str, Result]:
    return {r.name: r for r in results}


@given(st.integers(0, 10_000), st.integers(2, 5))
@settings(max_examples=12)
def test_parities_are_fairlearns(seed: int, g: int) -> None:
    rng = np.random.default_rng(seed)
    n = 400
    group = rng.integers(g, size=n).astype(np.int32)
    truth = (rng.random(n) < 0.4 + 0.05 * group).astype(float)
    score = np.clip(rng.random(n) * 0.7 + 0.3 * truth, 0, 1)
    predicted = (score >= 0.5).astype(int)
    t = count(group, g, truth, score)
    sides = {"y_true": truth, "y_pred": predicted, "sensitive_features": group}
    assert PARITIES["demographic_parity"](t) == pytest.approx(demographic_parity_difference(**sides))
    assert PARITIES["demographic_parity_ratio"](t) == pytest.approx(demographic_parity_ratio(**sides))
    assert PARITIES["equalized_odds"](t) == pytest.approx(equalized_odds_difference(**sides))
    assert PARITIES["equal_opportunity"](t) == pytest.approx(equal_opportunity_difference(**sides))
    frame = MetricFrame(
        metrics={"s": selection_rate, "t": true_positive_rate, "f": false_positive_rate}, **sides
    ).by_group
    np.testing.assert_allclose(t.selection_rate, frame["s"])
    np.testing.assert_allclose(t.true_positive_rate, frame["t"])
    np.testing.assert_allclose(t.false_positive_rate, frame["f"])


def test_calibration_by_hand() -> None:
    group = np.zeros(4, np.int32)
    t = count(group, 1, np.array([1.0, 0, 1, 1]), np.array([0.11, 0.15, 0.91, 0.95]))
    # Bin 0.1: scores 0.26, truths 1; bin 0.9: scores 1.86, truths 2.
    assert t.calibration_error[0] == pytest.approx((abs(0.26 - 1) + abs(1.86 - 2)) / 4)
    assert t.accuracy[0] == 0.75


def test_rates_without_rows_are_unknown_and_left_out() -> None:
    t = count(np.array([0, 0, 1], np.int32), 3, np.array([1.0, 0, 1]), np.array([0.9, 0.1, 0.8]))
    assert np.isnan(t.selection_rate[2]) and PARITIES["demographic_parity"](t) == 0.5
    assert math.isnan(difference(np.array([0.3, np.nan]))) and math.isnan(ratio(np.array([np.nan])))
    assert ratio(np.zeros(3)) == 1.0


def test_groups_cross_and_rare_ones_are_named() -> None:
    tr = Trial(SCHEMA, REAL, REAL, HELD, 0, "y")
    found, left = groupings(tr)
    assert [g.name for g in found] == ["sex", "race", "sex x race"]
    assert set(found[2].labels) == {"f, r1", "f, r2", "m, r1", "m, r2"}
    assert any("'race'" in text and "fewer than 30" in text for text in left)
    codes = found[2].codes(REAL)
    sex, race = REAL.column("sex").to_pylist(), REAL.column("race").to_pylist()
    for code, s, r in zip(codes, sex, race, strict=True):
        assert (found[2].labels[code] == f"{s}, {r}") if r != "tiny" else code == 4
    aged, _ = groupings(tr, ("age",))
    assert len(aged[0].labels) == 4 and set(np.unique(aged[0].codes(REAL))) == {0, 1, 2, 3}
    one = groupings(Trial(SCHEMA, REAL, REAL, HELD, 0, "y"), ("y",))
    assert one[0] == [] and "the target" in one[1][0]


def test_missing_values_are_a_group() -> None:
    some = REAL.set_column(
        3, "sex", pa.array([None if i % 3 == 0 else "m" if i % 2 else "f" for i in range(3000)])
    )
    found, _ = groupings(Trial(SCHEMA, some, REAL, HELD, 0, "y"), ("sex",))
    assert set(found[0].labels) == {"f", "m", "missing"}


def test_data_parity_is_the_gap_with_an_interval() -> None:
    results = by_name(parity(Trial(SCHEMA, REAL, rows(3000, 2, bias=0.0), HELD, 0, "y")))
    r = results["fair.parity.sex"]
    sex, y = np.array(REAL.column("sex").to_pylist()), np.array(REAL.column("y").to_pylist())
    rate = {s: (y[sex == s] == "yes").mean() for s in "mf"}
    assert r.reference == pytest.approx(abs(rate["m"] - rate["f"]))
    assert r.value < 0.1 < r.reference and r.low <= r.value <= r.high  # type: ignore[operator]
    assert r.detail["ratio"] > r.detail["ratio_real"]
    assert r.detail["differential"] < r.detail["differential_real"]
    assert {e["group"] for e in r.detail["groups"]} == {"m", "f"}
    assert "fair.parity.sex x race" in results


def test_differential_fairness_by_hand() -> None:
    r = Rated(np.array([[8.0, 2.0], [2.0, 8.0]]))
    assert r.differential == pytest.approx(math.log(9 / 3))


@pytest.mark.statistical
def test_bootstrap_interval_of_parity_covers() -> None:
    """True gap known; 95 % nominal, the difference of two groups has no bias here; < 33 of 40 once in 300."""
    hits, truth = 0, None
    big = rows(200_000, 7)
    truth = (
        by_name(parity(Trial(SCHEMA, big, big, None, 0, "y"), ("sex",)))["fair.parity.sex"].value
        if big
        else 0
    )
    for seed in range(40):
        fake = rows(800, 100 + seed)
        r = parity(Trial(SCHEMA, REAL, fake, HELD, seed, "y"), ("sex",))[0]
        hits += r.low <= truth <= r.high  # type: ignore[operator]
    assert hits >= 33


def test_a_biased_stand_in_shows_in_models() -> None:
    """Trained on rows whose label depends on sex far more, a model sets groups further apart."""
    worse = by_name(model_parity(Trial(SCHEMA, REAL, rows(3000, 2, bias=3.0), HELD, 0, "y")))
    same = by_name(model_parity(Trial(SCHEMA, REAL, rows(3000, 3), HELD, 0, "y")))
    r = worse["fair.model.sex.demographic_parity"]
    assert judged([r])[0].verdict == "poor" and r.value > r.reference + 0.1 and r.detail["change_low"] > 0  # type: ignore[operator]
    assert worse["fair.amplification.sex"].detail["change_low"] > 0.1
    assert (
        worse["fair.model.sex.demographic_parity_ratio"].value
        < worse["fair.model.sex.demographic_parity_ratio"].reference
    )  # type: ignore[operator]
    assert judged([same["fair.model.sex.demographic_parity"]])[0].verdict in ("good", "unclear")
    assert {n.rpartition(".")[2] for n in same if n.startswith("fair.model.sex.")} == set(PARITIES)
    for r in (*worse.values(), *same.values()):
        assert r.low <= r.value <= r.high  # type: ignore[operator]
        json.dumps(r.to_json(), allow_nan=False)


def test_model_parity_is_fairlearns_on_the_same_predictions() -> None:
    tr = Trial(SCHEMA, REAL, rows(3000, 2), HELD, 0, "y")
    known = predict_both(tr)
    assert known is not None
    results = by_name(model_parity(tr, known=known))
    sex = np.array(known.test.column("sex").to_pylist())
    for side, pick in ((known.synthetic, lambda r: r.value), (known.real, lambda r: r.reference)):
        sides = {"y_true": known.truth, "y_pred": side >= 0.5, "sensitive_features": sex}
        assert pick(results["fair.model.sex.equalized_odds"]) == pytest.approx(
            equalized_odds_difference(**sides)
        )
        assert pick(results["fair.model.sex.demographic_parity"]) == pytest.approx(
            demographic_parity_difference(**sides)
        )
    groups = results["fair.model.sex.equalized_odds"].detail["groups"]
    assert {g["group"] for g in groups} == {"m", "f"}
    assert set(groups[0]["synthetic"]) >= {"selection_rate", "true_positive_rate", "auc", "calibration_error"}


def test_a_group_that_the_stand_in_loses_is_told() -> None:
    fake = rows(3000, 2)
    keep = np.array(fake.column("race").to_pylist()) != "r2"
    lost = by_name(quality_parity(Trial(SCHEMA, REAL, fake.filter(pa.array(keep)), HELD, 0, "y")))
    assert lost["fair.fidelity.race"].detail["absent"] == ["r2"]
    assert "no row of 'r2'" in lost["fair.fidelity.race"].sentence
    # Scrambled in one group only: that group is the farthest off.
    x = np.array(fake.column("x").to_pylist())
    x[~keep] = np.random.default_rng(0).normal(4, 1, (~keep).sum())
    off = by_name(quality_parity(Trial(SCHEMA, REAL, fake.set_column(0, "x", pa.array(x)), HELD, 0, "y")))
    assert off["fair.fidelity.race"].value > 0.1 and "'r2'" in off["fair.fidelity.race"].sentence
    good = by_name(quality_parity(Trial(SCHEMA, REAL, rows(3000, 4), HELD, 0, "y")))
    assert good["fair.fidelity.sex"].value < 0.02


def test_what_cannot_be_judged_is_left_out_in_words() -> None:
    assert model_parity(Trial(SCHEMA, REAL, REAL, HELD, 0, None)) == []
    assert (
        model_parity(Trial(SCHEMA, REAL, REAL, HELD, 0, "x"))
        == []
        == parity(Trial(SCHEMA, REAL, REAL, HELD, 0, "x"))
    )
    one = REAL.set_column(5, "y", pa.array(["yes"] * 3000))
    assert model_parity(Trial(SCHEMA, one, one, HELD, 0, "y")) == []
    singles = REAL.set_column(3, "sex", pa.array([f"s{i}" for i in range(3000)]))
    found, left = groupings(Trial(SCHEMA, singles, REAL, HELD, 0, "y"))
    assert [g.name for g in found] == ["race"] and any("'sex'" in text for text in left)
    results = model_parity(Trial(SCHEMA, REAL, REAL, HELD, 0, "y"))
    assert any("tiny" in t or "fewer than" in t for r in results for t in r.detail["left_out"])
    few = Trial(SCHEMA, rows(10, 1), rows(10, 2), rows(10, 3), 0, "y")
    assert model_parity(few) == parity(few) == quality_parity(few) == []


def test_the_answer_on_groups_goes_by_change() -> None:
    evidence = evaluate(REAL, rows(3000, 2), schema=SCHEMA, holdout=HELD, controls=False, effort="quick")
    answer = next(a for a in evidence.answers if a.question == "fair")
    assert answer.verdict in ("unclear", "good") and "is fair" not in answer.sentence
    biased = evaluate(
        REAL, rows(3000, 2, bias=3.0), schema=SCHEMA, holdout=HELD, controls=False, effort="quick"
    )
    assert next(a for a in biased.answers if a.question == "fair").verdict == "poor"
