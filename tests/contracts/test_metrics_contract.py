"""Every registered metric and copying test, and the whole evaluation, on tables that break things."""

from __future__ import annotations

import datetime as dt
import json
import math
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from locum.evaluation.attacks.membership import probability_membership
from locum.evaluation.evaluate import evaluate
from locum.evaluation.metrics.utility import utility
from locum.evaluation.registry import evaluators
from locum.evaluation.result import Result
from locum.evaluation.trial import Trial
from locum.schema.column import Column
from locum.schema.table import Schema
from locum.synthesizer.refit import Refit

#: Every function that takes a trial alone, or with what it can work out for itself.
JUDGES = {e.name: e.load() for e in evaluators("metric") if e.takes in ((), ("known",))}
JUDGES["utility"] = utility


def mixed(n: int, seed: int) -> pa.Table:
    """Rows with every kind of column, nulls in most, a dependence between some."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    label = np.where(x + rng.normal(size=n) > 0, "yes", "no")
    gone = rng.random(n) < 0.1
    return pa.table(
        {
            "x": pa.array(x, mask=gone),
            "n": pa.array(rng.poisson(3, n)),
            "label": pa.array(label.tolist()),
            "flag": pa.array(rng.random(n) < 0.2, mask=rng.random(n) < 0.05),
            "when": pa.array((1_600_000_000 + 86_400 * rng.integers(0, 900, n)) * 10**6).cast(
                pa.timestamp("us")
            ),
            "day": pa.array(rng.integers(0, 20_000, n).astype(np.int32)).cast(pa.date32()),
            "wait": pa.array(rng.integers(0, 10**9, n)).cast(pa.duration("us")),
            "id": pa.array([f"id-{seed}-{i}" for i in range(n)]),
        }
    )


KINDS = {
    "x": "number",
    "n": "integer",
    "label": "category",
    "flag": "boolean",
    "when": "datetime",
    "day": "date",
    "wait": "duration",
    "id": "id",
}
MIXED = Schema(tuple(Column(name, kind) for name, kind in KINDS.items()), protected=("flag",))  # type: ignore[arg-type]


def one(name: str, kind: str) -> Schema:
    return Schema((Column(name, kind),))  # type: ignore[arg-type]


def nasty() -> dict[str, Trial]:
    """Degenerate trials by name."""
    a, b, c = mixed(60, 1), mixed(40, 2), mixed(50, 3)
    out: dict[str, Trial] = {}
    for n in (1, 2, 3, 7, 20):
        out[f"{n} rows"] = Trial(MIXED, a.slice(0, n), c.slice(0, n), b.slice(0, n), 0, "label")
        out[f"{n} rows without hold-out"] = Trial(MIXED, a.slice(0, n), c.slice(0, n), None, 0, "x")
    out["one synthetic row"] = Trial(MIXED, a, c.slice(0, 1), b, 0, "label")
    out["fewer synthetic than hold-out"] = Trial(MIXED, a, c.slice(0, 10), b, 0, "n")
    out["copy"] = Trial(MIXED, a, a, b, 0, "label")
    out["synthetic is hold-out"] = Trial(MIXED, a, b, b, 0, "label")
    empty = {name: pa.nulls(30, a.schema.field(name).type) for name in KINDS}
    out["all null"] = Trial(MIXED, pa.table(empty), pa.table(empty), pa.table(empty), 0, "label")
    out["synthetic all null"] = Trial(MIXED, a, pa.table(empty), b, 0, "label")
    out["real all null"] = Trial(MIXED, pa.table(empty), c, pa.table(empty), 0, "label")
    constant = pa.concat_tables([a.slice(0, 1)] * 30)
    out["constant"] = Trial(MIXED, constant, constant, constant, 0, "label")
    out["synthetic constant"] = Trial(MIXED, a, constant, b, 0, "label")
    out["one class in synthetic"] = Trial(
        MIXED, a, c.set_column(2, "label", pa.array(["yes"] * 50)), b, 0, "label"
    )
    out["new levels"] = Trial(
        MIXED, a, c.set_column(2, "label", pa.array([f"new {i}" for i in range(50)])), b, 0, "label"
    )
    inf = [math.inf, -math.inf, math.nan, 1e308, -1e308, 5e-324, 0.0, None, 1.0, 2.0] * 6
    out["infinite"] = Trial(
        MIXED, a.set_column(0, "x", pa.array(inf, pa.float64())),
        c.set_column(0, "x", pa.array(inf[:50], pa.float64())),
        b.set_column(0, "x", pa.array([math.inf] * 40, pa.float64())), 0, "x",
    )  # fmt: skip
    big = [2**63 - 1, -(2**63), 0, None, 2**53 + 1] * 12
    real, fake, held = (pa.table({"n": pa.array(v, pa.int64())}) for v in (big, big[::-1], big[:40]))
    out["huge integers"] = Trial(one("n", "integer"), real, fake, held, 0, "n")
    far = [
        dt.datetime(1677, 9, 22),
        dt.datetime(2262, 4, 11),
        dt.datetime(1, 1, 1),
        dt.datetime(9999, 12, 31),
        None,
    ] * 8
    times = pa.table({"when": pa.array(far, pa.timestamp("us")), "x": np.arange(40.0)})
    schema = Schema((Column("when", "datetime"), Column("x", "number")))
    out["far times"] = Trial(schema, times, times.take(np.arange(40)[::-1]), times, 0, "when")
    many = pa.table(
        {"label": [f"level {i}" for i in range(3000)], "flag": [f"f{i % 1500}" for i in range(3000)]}
    )
    schema = Schema((Column("label", "category"), Column("flag", "category")))
    out["every level once"] = Trial(schema, many, many.slice(0, 500), many.slice(100, 700), 0, "flag")
    ids = pa.table({"id": [f"{i}" for i in range(30)]})
    out["only ids"] = Trial(one("id", "id"), ids, ids, ids, 0)
    out["ids as target"] = Trial(MIXED, a, c, b, 0, "id")
    out["one column"] = Trial(one("x", "number"), a.select(["x"]), c.select(["x"]), b.select(["x"]), 0, "x")
    two = Schema((Column("x", "number"), Column("label", "category")))
    out["two columns"] = Trial(two, a, c, b, 0, "label")
    odd = pa.table({'{"[x]":,}': np.arange(60.0), "😀\n": ["a", "b"] * 30, "": ["<script>"] * 60})
    schema = Schema((Column('{"[x]":,}', "number"), Column("😀\n", "category"), Column("", "category")))
    out["odd names"] = Trial(schema, odd, odd, odd, 0, "😀\n")
    return out


NASTY = nasty()


def check(result: Result) -> None:
    numbers = [result.value, result.low, result.high, result.reference, result.floor, result.target]
    assert all(n is None or math.isfinite(n) for n in numbers), result
    assert isinstance(result.value, float) or result.value == int(result.value)
    if result.low is not None:
        assert result.high is not None and result.low <= result.value <= result.high, result
        if result.name.startswith(("copying", "c2st", "tv", "attack")):
            assert result.low >= 0 and result.high <= 1, result
    if not result.name.startswith(("utility", "fair.utility", "fair.amplification", "risk")):
        assert 0 <= result.value <= 1, result
    assert result.sentence.strip().endswith(".") and "nan" not in result.sentence.split()
    assert result.reads_private
    assert result.verdict in ("good", "unclear", "middling", "poor", "not judged")
    if result.question == "private":
        words = f"{result.title} {result.sentence}".lower()
        assert not any(w in words for w in ("private", "anonym", "safe")), words
    json.dumps(result.to_json(), allow_nan=False)


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("name", NASTY)
def test_judge_copes(name: str, judge: str) -> None:
    trial = replace(NASTY[name])
    results = JUDGES[judge](trial)
    for result in results:
        check(result)
    assert len({r.name for r in results}) == len(results)
    again = JUDGES[judge](replace(NASTY[name]))
    assert [r.to_json() for r in again] == [r.to_json() for r in results], "not reproducible"


@pytest.mark.parametrize("name", NASTY)
def test_probability_membership_copes(name: str) -> None:
    def log_prob(table: pa.Table) -> np.ndarray:
        out = np.linspace(-5, 0, table.num_rows)
        out[::3] = -np.inf
        out[1::5] = np.nan
        return out

    for result in probability_membership(NASTY[name], log_prob):
        check(result)


@pytest.mark.parametrize("name", NASTY)
def test_evaluation_copes(name: str) -> None:
    trial = NASTY[name]
    evidence = evaluate(
        trial.train,
        trial.synthetic,
        schema=trial.schema,
        holdout=trial.holdout,
        target=trial.target,
        seed=3,
        generator=Refit(),
    )
    assert [a.question for a in evidence.answers] == ["faithful", "useful", "private", "fair", "risk"]
    assert len({r.name for r in evidence.results}) == len(evidence.results)
    for result in evidence.results:
        check(result)
    for view in evidence.columns:
        for shares in (view.real, view.synthetic, view.holdout or view.real):
            assert len(shares) == len(view.labels)
            assert sum(shares) == pytest.approx(1, abs=1e-9)
        if view.edges:
            n = len(view.labels) - (view.labels[-1] == "missing")
            assert len(view.edges) == n + 1
            assert all(p < q for p, q in zip(view.edges, view.edges[1:], strict=False))
    for pair in evidence.pairs:
        for joint in (pair.real, pair.synthetic):
            assert len(joint) == len(pair.labels_a) <= 12
            assert all(len(row) == len(pair.labels_b) <= 12 for row in joint)
            assert sum(map(sum, joint)) == pytest.approx(1, abs=1e-9)
    copying = " ".join(a.sentence for a in evidence.answers if a.question == "private").lower()
    assert not any(w in copying for w in ("private", "anonym", "safe"))
    json.dumps(evidence.to_json(), allow_nan=False)
