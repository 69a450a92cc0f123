"""Metrics against closed forms and brute force on small tables."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.evaluation.metrics.association import association, weighted_difference
from locum.evaluation.metrics.fairness.data import parity
from locum.evaluation.metrics.marginals import pairs, triples
from locum.evaluation.metrics.missingness import missingness
from locum.evaluation.metrics.shapes import ks_distance, shapes
from locum.evaluation.metrics.tails import tails
from locum.evaluation.result import Result
from locum.evaluation.thresholds import root_factor
from locum.evaluation.trial import Trial
from locum.logistic import ridge_logistic
from locum.schema.column import Column
from locum.schema.table import Schema
from locum.wording import in_hundred, percent


def by_name(results: list[Result]) -> dict[str, Result]:
    return {r.name: r for r in results}


def labels(*columns: str) -> Schema:
    return Schema(tuple(Column(c, "category") for c in columns))


def test_single_columns_by_hand() -> None:
    real = pa.table({"a": ["x"] * 6 + ["y"] * 4, "b": ["u"] * 10})
    fake = pa.table({"a": ["x"] * 3 + ["y"] * 5 + ["z", None], "b": ["u"] * 10})
    result = by_name(shapes(Trial(labels("a", "b"), real, fake, real)))["tv.1way"]
    # a: half of |.6-.3| + |.4-.5| + |0-.1| + |0-.1|; b: 0
    assert result.value == pytest.approx((0.3 + 0.1 + 0.1 + 0.1) / 2 / 2)
    assert result.reference == 0
    assert [c["column"] for c in result.detail["columns"]] == ["a", "b"]
    assert "'a'" in result.sentence


@given(st.lists(st.integers(-5, 5), min_size=1), st.lists(st.integers(-5, 5), min_size=1))
def test_ks_by_brute_force(a: list[int], b: list[int]) -> None:
    gaps = [abs(np.mean([x <= t for x in a]) - np.mean([y <= t for y in b])) for t in range(-6, 7)]
    assert ks_distance(np.array(a, float), np.array(b, float)) == pytest.approx(max(gaps))


def test_ks_of_a_column_that_went_missing_is_one() -> None:
    schema = Schema((Column("x", "number"),))
    real = pa.table({"x": [1.0, 2.0, 3.0]})
    fake = pa.table({"x": pa.nulls(3, pa.float64())})
    assert by_name(shapes(Trial(schema, real, fake, real)))["ks"].value == 1.0


def test_reference_is_what_a_fresh_table_scores() -> None:
    """Mean reference and mean score of fresh tables over 30 splits: equal within 10 %."""
    rng = np.random.default_rng(0)
    weights = 1 / np.arange(1, 13)
    weights /= weights.sum()

    def draw(n: int) -> pa.Table:
        a = rng.choice(12, size=n, p=weights)
        b = (a + rng.integers(0, 4, n)) % 12
        c = rng.integers(0, 3, n)
        return pa.table({k: [str(i) for i in v] for k, v in (("a", a), ("b", b), ("c", c))})

    scores: dict[str, list[float]] = {}
    for seed in range(30):
        trial = Trial(labels("a", "b", "c"), draw(900), draw(900), draw(300), seed)
        for r in [*shapes(trial), *pairs(trial), *triples(trial)]:
            scores.setdefault(r.name, []).append(r.value)
            scores.setdefault(r.name + ".reference", []).append(r.reference or 0.0)
    for name in ("tv.1way", "tv.2way", "tv.3way"):
        assert np.mean(scores[name + ".reference"]) == pytest.approx(np.mean(scores[name]), rel=0.1)


def test_root_factor_of_a_quarter_held_out() -> None:
    assert root_factor(3000, 3000, 3000, 1000) == pytest.approx(np.sqrt(0.5))
    assert root_factor(3000, 0, 3000, 1000) is None


def test_association_weights_by_the_stronger_side() -> None:
    # A lost association of 1 and an invented one of .5 among unrelated pairs: (1*1 + .5*.5) / 1.5.
    real, fake = np.array([1.0, 0.0, 0.0, 0.0]), np.array([0.0, 0.5, 0.0, 0.0])
    assert weighted_difference(real, fake) == pytest.approx(1.25 / 1.5)
    assert weighted_difference(fake, real) == pytest.approx(1.25 / 1.5)
    assert weighted_difference(np.zeros(3), np.zeros(3)) == 0


def dependent(n: int, seed: int, keep: float = 1.0) -> pa.Table:
    """Three linked columns; the link holds with probability `keep`."""
    rng = np.random.default_rng(seed)
    a = rng.integers(4, size=n)
    b = np.where(rng.random(n) < 0.8 * keep, a, rng.integers(4, size=n))
    c = np.where(rng.random(n) < 0.6 * keep, b, rng.integers(4, size=n))
    return pa.table({k: [str(i) for i in v] for k, v in (("a", a), ("b", b), ("c", c))})


def test_joint_tests_order_stand_ins_as_they_deserve() -> None:
    real, held = dependent(3000, 0), dependent(1000, 1)
    fakes = {"fresh": dependent(3000, 2), "weak": dependent(3000, 3, 0.85), "none": dependent(3000, 4, 0.0)}
    for judge, name in ((pairs, "tv.2way"), (triples, "tv.3way"), (association, "association")):
        found = {
            k: by_name(judge(Trial(labels("a", "b", "c"), real, f, held)))[name] for k, f in fakes.items()
        }
        assert found["fresh"].value < found["weak"].value < found["none"].value
        assert found["fresh"].value < 0.35 * found["none"].value
        assert found["none"].value == pytest.approx(found["none"].floor, rel=0.15)


def test_closer_than_fresh_rows_is_said() -> None:
    real, held = dependent(3000, 0), dependent(1000, 1)
    copy = triples(Trial(labels("a", "b", "c"), real, real, held))[0]
    assert copy.value == 0 and copy.detail["closer_than_fresh_rows"] and "closer than fresh" in copy.sentence
    fresh = triples(Trial(labels("a", "b", "c"), real, dependent(3000, 2), held))[0]
    assert not fresh.detail["closer_than_fresh_rows"]


def test_no_power_without_dependence() -> None:
    real, held, fake = (dependent(500, seed, 0.0) for seed in range(3))
    assert triples(Trial(labels("a", "b", "c"), real, fake, held))[0].verdict == "unclear"


def test_tails_by_hand() -> None:
    schema = Schema((Column("x", "number"), Column("c", "category")))
    real = pa.table({"x": np.arange(100.0), "c": ["common"] * 96 + ["rare"] * 4})
    # Synthetic: no value at or below 4 (train's 5 %), twice as many at the top; rare levels halved.
    x = np.concatenate([np.full(90, 50.0), np.full(10, 97.0)])
    fake = pa.table({"x": x, "c": ["common"] * 98 + ["rare"] * 2})
    found = by_name(tails(Trial(schema, real, fake, real)))
    assert found["tails.extremes"].value == pytest.approx((1.0 + 1.0) / 2)
    assert found["tails.rare"].value == pytest.approx(0.5)
    assert found["tails.extremes"].reference == 0
    ends = {d["end"]: d["synthetic"] for d in found["tails.extremes"].detail["columns"]}
    assert ends == {"low": 0.0, "high": 0.1}


def test_lost_rare_levels_are_counted() -> None:
    real = pa.table({"c": ["a"] * 900 + [f"r{i}" for i in range(10) for _ in range(10)]})
    fake = pa.table({"c": ["a"] * 900 + ["r0"] * 100})
    result = tails(Trial(labels("c"), real, fake, real))[0]
    assert result.detail["columns"][0]["lost"] == 9
    assert result.value == 1.0


def test_missing_rates_and_pairs_by_hand() -> None:
    schema = Schema((Column("a", "category"), Column("id", "id"), Column("b", "category")))
    real = pa.table({"a": ["x", None, None, "x"], "id": ["1", None, None, "4"], "b": ["y"] * 4})
    fake = pa.table({"a": ["x", "x", "x", None], "id": [None, None, "3", "4"], "b": ["y"] * 4})
    found = by_name(missingness(Trial(schema, real, fake, real)))
    assert found["missing.rate"].value == pytest.approx((0.25 + 0.0) / 2)  # a and id; b misses nothing
    assert found["missing.pairs"].value == pytest.approx(0.5)  # both gone: real .5, synthetic 0
    none = missingness(Trial(labels("b"), real, fake, real))[0]
    assert none.value == 0 and "No value is missing" in none.sentence


def test_logistic_weights_solve_the_penalised_problem() -> None:
    rng = np.random.default_rng(0)
    x = np.column_stack([np.ones(300), rng.normal(size=(300, 3))])
    y = (rng.random(300) < 1 / (1 + np.exp(-x @ [0.2, 1.0, -1.0, 0.0]))).astype(float)
    w = ridge_logistic(x, y, ridge=1.0)
    slope = x.T @ (y - 1 / (1 + np.exp(-x @ w))) - w
    assert np.abs(slope).max() < 1e-6
    assert np.isfinite(ridge_logistic(x, (x[:, 1] > 0).astype(float), 1.0)).all()  # separable


def test_parity_is_the_gap_between_groups() -> None:
    schema = Schema((Column("y", "category"), Column("g", "category")), protected=("g",))

    def rows(a: int, b: int) -> pa.Table:
        """`a` and `b` of 100 rows of either group have the rarer outcome."""
        return pa.table(
            {
                "y": ["1"] * a + ["0"] * (100 - a) + ["1"] * b + ["0"] * (100 - b),
                "g": ["m"] * 100 + ["f"] * 100,
            }
        )

    result = parity(Trial(schema, rows(30, 10), rows(25, 20), rows(30, 10), target="y"))[0]
    assert result.name == "fair.parity.g"
    assert (result.value, result.reference) == pytest.approx((0.05, 0.2))
    assert result.verdict == "unclear"
    assert parity(Trial(schema, rows(30, 10), rows(25, 20), rows(30, 10))) == []


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0 %"), (0.00012, "0.01 %"), (0.0137, "1.4 %"), (0.0996, "10 %"), (0.5, "50 %"), (1.0, "100 %")],
)
def test_percentages(share: float, text: str) -> None:
    assert percent(share) == text


def test_cases_in_a_hundred() -> None:
    assert [in_hundred(s) for s in (0.5031, 0.62, 0.9912, 1.0)] == ["50.3", "62", "99.1", "100.0"]
