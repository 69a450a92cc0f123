"""Rules in the config and the model file, rules proposed from a table, asked proportions in closed form."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import locum
from locum.control.drawn_rows import Infeasible
from locum.control.rules.clause import clauses_of, rule_clauses
from locum.control.rules.contradiction import contradiction
from locum.control.rules.discover import discover
from locum.control.targets import ShareTarget, quotas, read_targets, targets_from_text, tilt
from locum.control.where.names import Names
from locum.errors import UsageError
from locum.runs.config import parse_config
from locum.runs.config_text import dump_config
from locum.runs.sample import sample_file
from locum.schema.column import Column
from locum.schema.json import schema_from_json, schema_to_json
from locum.schema.table import Schema
from locum.synthesizer.table import Synthesizer

SCHEMA = Schema(
    (
        *(Column(c, "integer", nullable=False) for c in "abc"),
        *(Column(c, "number", decimals=2) for c in ("net", "tax", "sum")),
        Column("kind", "category"),
        Column("place", "category"),
        Column("size", "integer"),
    ),
    rules=("a <= b", "if kind = 'x' then size is null"),
)


def table(n: int = 2000) -> pa.Table:
    rng = np.random.default_rng(0)
    a = rng.integers(0, 50, n)
    kind = rng.choice(["x", "y", "z"], n)
    place = np.where(kind == "x", rng.choice(["p", "q"], n), rng.choice(["r", "s"], n))
    net, tax = np.round(rng.gamma(2, 50, n), 2), np.round(rng.gamma(2, 9, n), 2)
    return pa.table(
        {
            "a": a, "b": a + rng.integers(0, 30, n), "c": rng.permutation(n), "net": net, "tax": tax,
            "sum": np.round(net + tax, 2), "kind": kind.astype(object), "place": place.astype(object),
            "size": pa.array(rng.integers(1, 9, n), mask=kind == "x"),
        }
    )  # fmt: skip


def test_rules_survive_toml_and_the_model_file() -> None:
    assert parse_config(dump_config(SCHEMA)).schema.rules == SCHEMA.rules
    assert schema_from_json(schema_to_json(SCHEMA)).rules == SCHEMA.rules
    assert "rules" not in schema_to_json(Schema((Column("a", "integer"),)))


def test_rules_of_the_model_hold_in_every_file_that_is_written(tmp_path) -> None:
    model, out = tmp_path / "m.locum", tmp_path / "rows.parquet"
    synth = Synthesizer("independent", seed=1).fit_table(table(), SCHEMA)
    synth.save(model)
    told = sample_file(model, out, 800, where=("b < 40",), seed=3)
    assert told["rows"] == 800
    assert 0 < told["acceptance"] <= 1
    rows = locum.sample(model, 500)
    for given_rows in (rows, parquet.read_table(out)):
        for clause in rule_clauses(SCHEMA.rules, Names(SCHEMA)):
            assert clause.holds(given_rows).all()


def test_proposed_rules_are_those_that_the_table_was_made_by() -> None:
    found = {p.rule: p for p in discover(table(), SCHEMA)}
    assert found["a <= b"].violations == 0
    assert found["sum = net + tax"].support == 2000
    assert found["size is null exactly if kind = 'x'"].support == 2000
    assert found["unique(c)"].support == 2000
    [pairs] = [r for r in found if r.startswith("(kind, place) in")]
    assert pairs.count("('") == 6
    rng = np.random.default_rng(1)
    noise = pa.table(
        {c: rng.permutation(np.asarray(v)) for c, v in zip("ab", (table()["a"], table()["b"]), strict=True)}
    )
    alone = Schema(tuple(Column(c, "integer") for c in "ab"))
    assert list(discover(noise, alone)) == []


def _target(shares: tuple[float, ...]) -> ShareTarget:
    clauses = clauses_of("a > 0", "target", Names(SCHEMA))
    return ShareTarget("t", tuple(clauses * len(shares)), shares)


def test_tilting_one_target_is_the_closed_form() -> None:
    p = np.array([0.7, 0.2, 0.1])
    q, kl = tilt(p, [_target((0.2, 0.3, 0.5))])
    assert q == pytest.approx([0.2, 0.3, 0.5])
    assert kl == pytest.approx(sum(b * np.log(b / a) for a, b in zip(p, (0.2, 0.3, 0.5), strict=True)))


@given(st.integers(0, 10_000))
@settings(max_examples=30)
def test_tilting_meets_margins_and_no_other_table_with_them_is_nearer(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(12)).reshape(3, 4)
    rows, columns = rng.dirichlet(np.full(3, 2.0)), rng.dirichlet(np.full(4, 2.0))
    q, kl = tilt(p, [_target(tuple(rows)), _target(tuple(columns))])
    assert q.sum(1) == pytest.approx(rows, abs=1e-6)
    assert q.sum(0) == pytest.approx(columns, abs=1e-6)
    for _ in range(5):  # Any direction that keeps the margins leads away.
        i, j = rng.choice(3, 2, replace=False), rng.choice(4, 2, replace=False)
        other, step = q.copy(), 0.3 * min(q[i[0], j[0]], q[i[1], j[1]])
        other[i[0], j[0]] -= step
        other[i[1], j[1]] -= step
        other[i[0], j[1]] += step
        other[i[1], j[0]] += step
        assert (other * np.log(other / p)).sum() >= kl - 1e-9


@given(st.integers(0, 10_000), st.integers(1, 400))
@settings(max_examples=40)
def test_quotas_are_whole_and_their_margins_are_near(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    q = rng.dirichlet(np.full(12, 0.5)).reshape(3, 4)
    count = quotas(q, n)
    assert count.sum() == n
    assert (count >= 0).all()
    for axis in (0, 1):
        assert np.abs(count.sum(axis) - n * q.sum(axis)).max() <= 2.0


def test_a_class_without_rows_and_contradicting_targets_are_refused() -> None:
    with pytest.raises(Infeasible, match="no row"):
        tilt(np.array([0.0, 1.0]), [_target((0.5, 0.5))])
    with pytest.raises(Infeasible, match=r"the named shares sum to 0\.5"):  # the last class is all other rows
        tilt(np.array([1.0, 0.0]), [_target((0.5, 0.5))])
    with pytest.raises(Infeasible, match="together"):
        tilt(np.diag([0.5, 0.5]), [_target((0.5, 0.5)), _target((0.9, 0.1))])


def test_targets_as_text() -> None:
    names = Names(SCHEMA, {"kind": ["x", "y", "z"], "place": list("pqrs")})
    short = targets_from_text("kind = balanced; a >= 30: 0.3", names)
    assert short == {"kind": "balanced", "a >= 30": 0.3}
    long = targets_from_text('{"kind, place": {"x, p": 0.5}}', names)
    assert long == {("kind", "place"): {("x", "p"): 0.5}}
    assert [t.shares for t in read_targets(short, names)] == [(1 / 3, 1 / 3, 1 / 3, 0.0), (0.3, 0.7)]
    for text in ("nonsense", '{"kind": ', "/no/such.json", "a >= 3: x"):
        with pytest.raises(UsageError):
            targets_from_text(text, names)


@pytest.mark.parametrize(
    ("rules", "clash"),
    [
        (["a < b", "b < c", "c < a"], {"a < b", "b < c", "c < a"}),
        (["a <= b", "b <= c", "c <= a"], set()),
        (["a <= b", "b <= a", "a >= b + 1", "c > 0"], {"a <= b", "a >= b + 1"}),
        (["a - b > 5", "b > 97"], {"a - b > 5", "b > 97"}),
        (["a = b", "a = b + 1"], {"a = b", "a = b + 1"}),
        (["net < tax", "tax < net"], set()),
    ],
)
def test_contradicting_inequalities_are_proven_to_clash(rules: list[str], clash: set[str]) -> None:
    """``net`` and ``tax`` may be missing, which breaks no rule, so nothing is proven about them."""
    clauses = rule_clauses(rules, Names(SCHEMA))
    ranges = dict.fromkeys("abc", (0.0, 100.0))
    found = contradiction(clauses, ranges, frozenset("abc"))
    assert {c.text for c in found} == clash
