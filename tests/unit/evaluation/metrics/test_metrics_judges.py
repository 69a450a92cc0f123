"""Trained judges: the two-sample test and usefulness, on data whose answer is known."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from locum.evaluation.decision import judged
from locum.evaluation.intervals import auc
from locum.evaluation.learn.boosting import grow
from locum.evaluation.metrics.simplejudge import logistic
from locum.evaluation.metrics.twosample import Anchors, anchors, c2st
from locum.evaluation.metrics.utility import utility
from locum.evaluation.result import Result
from locum.evaluation.scores import LOWEST_R2, score_of, weighted_auc, weighted_score
from locum.evaluation.target import best_targets, target_of
from locum.evaluation.trial import Trial
from locum.schema.column import Column
from locum.schema.table import Dependency, Schema

SCHEMA = Schema(
    (Column("x", "number"), Column("y", "number"), Column("c", "category"), Column("label", "category"))
)


def rows(n: int, seed: int, link: float = 1.0, shift: float = 0.0) -> pa.Table:
    """x drives y, c and label; `link` 0 cuts that, `shift` moves x."""
    rng = np.random.default_rng(seed)
    x = rng.normal(shift, 1, n)
    y = link * x + rng.normal(0, 0.5, n)
    c = np.array(["low", "mid", "high"])[
        np.clip(np.round(link * x + 1 + rng.normal(0, 0.4, n)), 0, 2).astype(int)
    ]
    label = np.where(rng.random(n) < 1 / (1 + np.exp(-3 * link * x)), "yes", "no")
    return pa.table({"x": x, "y": y, "c": c.tolist(), "label": label.tolist()})


def shuffled(table: pa.Table, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table([c.take(rng.permutation(len(c))) for c in table.columns], names=table.column_names)


def trial(fake: pa.Table, target: str | None = "label", n: int = 1500) -> Trial:
    return Trial(SCHEMA, rows(n, 0), fake, rows(n // 2, 1), 0, target)


def by_name(results: list[Result]) -> dict[str, Result]:
    return {r.name: r for r in judged(results)}


def test_two_sample_test_orders_stand_ins_as_they_deserve() -> None:
    real = rows(1500, 0)
    known = anchors(trial(real))
    found = {
        name: judged(c2st(trial(fake), known=known))[0]
        for name, fake in {
            "fresh": rows(1500, 2),
            "copy": real,
            "shuffled": shuffled(real),
            "moved": rows(1500, 3, shift=3.0),
        }.items()
    }
    assert found["fresh"].verdict == found["copy"].verdict == "good"
    assert found["shuffled"].verdict == found["moved"].verdict == "poor"
    assert found["moved"].value > found["shuffled"].value > found["fresh"].value + 0.2
    assert found["fresh"].low <= 0.5 + 0.03 and found["fresh"].high >= 0.5 - 0.03  # type: ignore[operator]
    assert found["shuffled"].floor == pytest.approx(found["shuffled"].value, abs=0.05)
    assert found["moved"].detail["giveaways"][0]["column"] == "x"
    assert "'x'" in found["moved"].sentence


@pytest.mark.statistical
def test_two_sample_test_keeps_its_level() -> None:
    """On fresh rows 95 % of the intervals should hold 0.5; fewer than 12 of 16 happens in 1 of 1,000 runs."""
    hits = 0
    for seed in range(16):
        fake, held, real = (rows(200, 100 + 3 * seed + k) for k in range(3))
        result = judged(c2st(Trial(SCHEMA, real, fake, held, seed), known=Anchors(0.5, 0.8, 200)))[0]
        assert result.verdict in ("good", "unclear")
        hits += bool(result.low <= 0.5 <= result.high)  # type: ignore[operator]
    assert hits >= 12


def test_types_and_spelling_do_not_give_rows_away() -> None:
    fake = rows(800, 2)
    fake = fake.set_column(0, "x", fake.column("x").cast(pa.float32())).set_column(
        2, "c", pa.chunked_array([fake.column("c").combine_chunks().dictionary_encode()])
    )
    assert c2st(trial(fake))[0].value < 0.56


def test_simple_judge_is_fooled_by_shuffled_columns() -> None:
    """Why it is a footnote: it passes what the boosted judge rejects."""
    fake = shuffled(rows(1500, 0))
    simple = logistic(trial(fake))[0]
    assert simple.value < 0.56 and judged([simple])[0].verdict == "not judged" and not simple.headline
    assert logistic(trial(rows(1500, 3, shift=3.0)))[0].value > 0.9


def test_usefulness_orders_stand_ins_as_they_deserve() -> None:
    found = {
        name: by_name(utility(trial(fake)))
        for name, fake in (
            ("fresh", rows(1500, 2)),
            ("weak", rows(1500, 3, 0.1)),
            ("shuffled", shuffled(rows(1500, 0))),
        )
    }
    kept = {name: r["utility.kept"] for name, r in found.items()}
    assert kept["fresh"].value > kept["weak"].value > kept["shuffled"].value
    assert kept["shuffled"].verdict == "poor" and kept["fresh"].verdict in ("good", "unclear")
    assert kept["fresh"].value > 0.93
    tstr, loss = found["shuffled"]["utility.tstr"], found["shuffled"]["utility.loss"]
    assert tstr.reference - tstr.value == pytest.approx(loss.value)  # type: ignore[operator]
    assert loss.low > 0.2  # type: ignore[operator]
    assert tstr.floor == 0.5


def test_copy_of_train_loses_nothing() -> None:
    found = by_name(utility(trial(rows(1500, 0))))
    assert found["utility.loss"].value == pytest.approx(0, abs=0.02)
    assert found["utility.loss"].low <= 0 <= found["utility.loss"].high  # type: ignore[operator]


def test_equal_numbers_of_rows_are_compared() -> None:
    found = by_name(utility(trial(rows(120, 2))))
    assert found["utility.tstr"].detail["rows"] == 120


def test_without_a_target_the_predictable_columns_are_chosen() -> None:
    rng = np.random.default_rng(0)
    schema = Schema(
        (*SCHEMA.columns, Column("noise", "category"), Column("twin", "category"), Column("id", "id")),
        dependencies=(Dependency("c", "twin"),),
    )

    def more(t: pa.Table) -> pa.Table:
        n = t.num_rows
        return (
            t.append_column("noise", pa.array(rng.choice(["a", "b"], n).tolist()))
            .append_column("twin", pa.array([v.upper() for v in t.column("c").to_pylist()]))
            .append_column("id", pa.array([str(i) for i in range(n)]))
        )

    tr = Trial(schema, more(rows(1200, 0)), more(rows(1200, 2)), more(rows(600, 1)))
    chosen = [t.column for t, _ in best_targets(tr)]
    assert set(chosen) == {"x", "y", "label"}  # noise cannot be predicted, c and twin determine each other
    names = [r.name for r in utility(tr)]
    assert names[0] == "utility.kept" and "utility.tstr.x" in names and "utility.tstr" not in names


def test_kinds_of_targets() -> None:
    def task(kind: str, values: list[object]) -> object:
        target = target_of(Column("t", kind), pa.chunked_array([pa.array(values)]))  # type: ignore[arg-type]
        return target and (target.task, target.n_classes)

    assert task("category", ["a", "b"] * 20) == ("binary", 2)
    assert task("integer", [0, 1] * 20) == ("binary", 2)
    assert task("boolean", [True, False, None] * 20) == ("binary", 2)
    assert task("number", [0.5, 1.5, 2.5] * 20) == ("regression", 0)
    assert task("category", [f"{i}" for i in range(30)] * 20) == ("multiclass", 13)
    assert task("category", ["a"] * 50 + ["b"] * 50 + ["rare"]) == ("multiclass", 3)
    assert task("category", ["a"] * 40) is None
    assert task("number", [None, None, 1.0]) is None
    assert task("id", ["a", "b"]) is None


def test_weighted_scores_equal_repeated_rows() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(3, size=60).astype(float)
    prediction = rng.dirichlet(np.ones(3), 60).round(1)
    weights = rng.integers(0, 4, 60)
    again = np.repeat(np.arange(60), weights)
    expected = np.mean(
        [
            auc(prediction[again][truth[again] == k, k], prediction[again][truth[again] != k, k])
            for k in range(3)
        ]
    )
    assert weighted_score("multiclass", 3, truth, prediction)(weights.astype(float)) == pytest.approx(
        expected
    )
    y, p = rng.normal(size=60), rng.normal(size=60) * 0.3
    r2 = 1 - ((y[again] - p[again]) ** 2).sum() / ((y[again] - y[again].mean()) ** 2).sum()
    assert weighted_score("regression", 0, y, p)(weights.astype(float)) == pytest.approx(max(r2, LOWEST_R2))


def test_scores_of_the_hopeless() -> None:
    y = np.array([1.0, 2.0, 3.0])
    assert score_of("regression", 0, y, np.array([1e9, -1e9, 1e9])) == LOWEST_R2
    assert score_of("regression", 0, np.ones(3), y) == 0.0
    assert score_of("binary", 2, np.zeros(3), y) == 0.5
    assert score_of("regression", 0, np.array([1e300, -1e300]), np.array([1e300, -1e300])) == 1.0
    assert weighted_auc(np.zeros(0, bool), np.zeros(0))(np.zeros(0)) == 0.5


def test_boosting_without_anything_to_learn() -> None:
    x = np.arange(6.0)[:, None]
    assert grow(x, np.ones(6), "binary", categorical=(), seed=0).predict(x).tolist() == [1.0] * 6
    assert grow(x[:0], [], "binary", categorical=(), seed=0).predict(x).tolist() == [0.5] * 6
    many = grow(x, np.full(6, 2), "multiclass", categorical=(), seed=0, n_classes=3)
    assert many.predict(x).tolist() == [[0.0, 0.0, 1.0]] * 6
    assert many.gains(1).tolist() == [0.0]
    assert grow(x[:0], [], "multiclass", categorical=(), seed=0, n_classes=4).predict(x[:1]).sum() == 1.0


def test_boosting_is_the_same_every_time() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 4))
    y = (x[:, 0] > 0).astype(float)
    first, second = (grow(x, y, "binary", categorical=(), seed=7).predict(x) for _ in range(2))
    assert (first == second).all()
