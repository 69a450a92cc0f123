"""Copying tests against brute force, and on stand-ins whose copying is known."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.errors import DataError
from locum.evaluation.attacks.closest_record import distance_share
from locum.evaluation.attacks.copies import exact_copies, row_keys
from locum.evaluation.attacks.membership import nearest_membership, probability_membership
from locum.evaluation.attacks.nearest import nearest
from locum.evaluation.decision import judged
from locum.evaluation.learn.features import Ranks
from locum.evaluation.result import Result
from locum.evaluation.trial import Trial
from locum.schema.column import Column
from locum.schema.table import Schema

SCHEMA = Schema((Column("x", "number"), Column("n", "integer"), Column("c", "category"), Column("id", "id")))


COPYING = (exact_copies, distance_share, nearest_membership)


def rows(n: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "x": rng.normal(size=n).round(4),
            "n": rng.poisson(4, n),
            "c": rng.choice(["a", "b", "c"], n).tolist(),
            "id": [f"{seed}-{i}" for i in range(n)],
        }
    )


REAL, HELD = rows(2000, 0), rows(700, 1)


def trial(fake: pa.Table) -> Trial:
    return Trial(SCHEMA, REAL, fake, HELD)


def by_name(results: list[Result]) -> dict[str, Result]:
    return {r.name: r for r in judged(results)}


CELLS = st.one_of(st.none(), st.sampled_from(["", "a", "b", "é"]))
NUMBERS = st.one_of(st.none(), st.sampled_from([0.0, -0.0, 1.0, math.inf, 1e300, 1e-9, 2.0000000001, 2.0]))


@settings(max_examples=60)
@given(
    st.lists(st.tuples(CELLS, NUMBERS), min_size=1, max_size=12),
    st.lists(st.tuples(CELLS, NUMBERS), max_size=12),
)
def test_keys_are_equal_for_equal_rows_only(left: list[tuple], right: list[tuple]) -> None:
    def table(pairs: list[tuple]) -> pa.Table:
        return pa.table(
            {
                "c": pa.array([p[0] for p in pairs], pa.string()),
                "x": pa.array([p[1] for p in pairs], pa.float64()),
            }
        )

    def rounded(pair: tuple) -> tuple:
        c, x = pair
        return c, None if x is None else x if x > 1e200 else round(x, 6) + 0.0

    keys = row_keys({"l": table(left), "r": table(right)}, ["c", "x"])
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            assert (keys["l"][i] == keys["r"][j]) == (rounded(a) == rounded(b))


def test_keys_of_times_and_booleans() -> None:
    table = pa.table(
        {
            "t": pa.array([dt.datetime(2020, 1, 1), None, dt.datetime(1677, 9, 22)], pa.timestamp("us")),
            "d": pa.array([dt.date(2020, 1, 1), None, dt.date(1, 1, 1)]),
            "b": pa.array([True, None, False]),
            "w": pa.array([1, None, -1], pa.duration("us")),
        }
    )
    keys = row_keys({"a": table, "b": table.take([2, 1, 0])}, table.column_names)
    assert keys["a"].tolist() == keys["b"].tolist()[::-1]
    assert len(set(keys["a"].tolist())) == 3


def test_copies_by_brute_force() -> None:
    fake = pa.concat_tables([rows(300, 2), REAL.slice(50, 30)])
    known = {tuple(r) for r in zip(*(REAL.column(c).to_pylist() for c in "xnc"), strict=True)}
    expected = np.mean([r in known for r in zip(*(fake.column(c).to_pylist() for c in "xnc"), strict=True)])
    chance = np.mean([r in known for r in zip(*(HELD.column(c).to_pylist() for c in "xnc"), strict=True)])
    result = judged(exact_copies(trial(fake)))[0]
    assert result.value == pytest.approx(expected)
    assert result.reference == pytest.approx(chance)
    assert result.verdict == "poor"
    assert result.low < expected < result.high  # type: ignore[operator]


@pytest.mark.parametrize("ordered", [0, 3])
@pytest.mark.parametrize("labels", [0, 4])
def test_nearest_by_brute_force(ordered: int, labels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locum.evaluation.attacks.nearest.BLOCK_QUERIES", 7)
    monkeypatch.setattr("locum.evaluation.attacks.nearest.BLOCK_ROWS", 11)
    rng = np.random.default_rng(0)

    def side(n: int) -> Ranks:
        return Ranks(
            rng.random((n, ordered)).astype(np.float32).round(1),
            rng.integers(3, size=(n, labels)).astype(np.uint8),
        )

    queries, others = side(30), side(40)
    every = np.abs(queries.ordered[:, None] - others.ordered[None]).sum(2)
    every = every + (queries.labels[:, None] != others.labels[None]).sum(2)
    distance, which = nearest(queries, others)
    np.testing.assert_allclose(distance, every.min(1), atol=1e-5)
    np.testing.assert_allclose(every[np.arange(30), which], every.min(1), atol=1e-5)


def test_nearest_among_none() -> None:
    some = Ranks(np.zeros((3, 1), np.float32), np.zeros((3, 0), np.uint8))
    assert np.isinf(nearest(some, some.take(np.zeros(0, np.intp)))[0]).all()
    assert len(nearest(some.take(np.zeros(0, np.intp)), some)[0]) == 0


def test_stand_ins_get_what_they_deserve() -> None:
    half = pa.concat_tables([REAL.slice(0, 1000), rows(1000, 5)])
    found = {
        name: by_name([r for attack in COPYING for r in attack(trial(fake))])
        for name, fake in (("copy", REAL), ("half", half), ("fresh", rows(2000, 6)))
    }
    for name in ("copying.exact", "copying.distance", "copying.membership"):
        assert found["copy"][name].value > found["half"][name].value > found["fresh"][name].value
        assert found["copy"][name].verdict == found["half"][name].verdict == "poor"
        assert found["fresh"][name].verdict in ("good", "unclear")
    assert found["copy"]["copying.exact"].value == 1
    assert found["copy"]["copying.membership.rate"].value > 0.5
    assert found["fresh"]["copying.membership.rate"].value < 0.05
    # Train is 2000/700 times as large as what it was thinned to: the excess is diluted by that.
    assert found["copy"]["copying.distance"].detail["copied"] == pytest.approx(1, abs=0.1)
    assert found["half"]["copying.distance"].detail["copied"] == pytest.approx(0.5, abs=0.15)


@pytest.mark.statistical
def test_copying_tests_keep_their_level() -> None:
    """Fresh rows: each interval holds its target in 95 % of the runs, and few verdicts are not good.

    Fewer than 32 of 40 intervals happens in fewer than 1 of 1,000 runs. Verdicts also want a size of effect.
    """
    hits = dict.fromkeys(("copying.distance", "copying.membership"), 0)
    for seed in range(40):
        tr = Trial(SCHEMA, rows(300, 3 * seed), rows(300, 3 * seed + 1), rows(100, 3 * seed + 2), seed)
        results = by_name([r for attack in COPYING for r in attack(tr)])
        for name in hits:
            hits[name] += bool(results[name].low <= 0.5 <= results[name].high)  # type: ignore[operator]
    assert all(h >= 32 for h in hits.values()), hits


def test_rows_met_by_chance_are_no_copies() -> None:
    """Where only six rows are possible everything is in train, and that says nothing."""
    rng = np.random.default_rng(0)

    def few(n: int) -> pa.Table:
        return pa.table(
            {"a": rng.choice(["x", "y"], n).tolist(), "b": rng.choice(["u", "v", "w"], n).tolist()}
        )

    schema = Schema((Column("a", "category"), Column("b", "category")))
    tr = Trial(schema, few(500), few(500), few(200))
    found = by_name([r for attack in COPYING for r in attack(tr)])
    assert found["copying.exact"].value == found["copying.exact"].reference == 1
    assert not {r.verdict for r in found.values()} & {"poor", "middling"}
    assert found["copying.distance"].value == 0.5 and found["copying.membership"].value == 0.5


def test_without_hold_out_only_copies_beyond_chance_are_judged() -> None:
    tr = Trial(SCHEMA, REAL, REAL)
    assert (
        distance_share(tr)
        == nearest_membership(tr)
        == probability_membership(tr, lambda t: np.zeros(t.num_rows))
        == []
    )
    result = judged(exact_copies(tr))[0]
    assert result.value == 1 and result.reference is None and result.verdict == "poor"
    few = pa.concat_tables([HELD, REAL.slice(0, HELD.num_rows // 100)])
    assert judged(exact_copies(Trial(SCHEMA, REAL, few)))[0].verdict == "unclear"
    assert judged(exact_copies(Trial(SCHEMA, REAL, REAL.slice(0, 5))))[0].verdict == "unclear"


def test_probabilities_that_betray_members() -> None:
    known = set(REAL.column("id").to_pylist())

    def memory(table: pa.Table) -> np.ndarray:
        return np.array([0.0 if i in known else -np.inf for i in table.column("id").to_pylist()])

    found = by_name(probability_membership(trial(HELD), memory))
    assert found["copying.logprob"].value == 1 and found["copying.logprob"].verdict == "not judged"
    assert found["copying.logprob.rate"].value == 1
    nothing = by_name(probability_membership(trial(HELD), lambda t: np.full(t.num_rows, np.nan)))
    assert nothing["copying.logprob"].value == 0.5
    with pytest.raises(DataError, match=r"log_prob gave an array of shape \(3,\)"):
        probability_membership(trial(HELD), lambda _: np.zeros(3))
