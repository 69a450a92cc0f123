"""Recodings: what is laid out comes back equal, and rules hold whatever a model draws."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from locum.codes.encoder import Encoder
from locum.codes.recoding import Recoding
from locum.control.layout.forced import Forced
from locum.control.layout.formula import Formula
from locum.control.layout.gap import OrderGap
from locum.control.layout.joined import Joined
from locum.control.layout.nearest_day import NearestDay
from locum.control.layout.offset import Offset
from locum.control.layout.plan import lay_out
from locum.control.layout.read import read_recodings
from locum.control.layout.switch import Switch
from locum.control.rules.clause import rule_clauses
from locum.control.where.names import Names
from locum.errors import FileFormatError
from locum.schema.column import Column
from locum.schema.table import Schema
from locum.synthesizer.table import Synthesizer

ROWS = 1_200
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
COLUMNS = (
    Column("comes", "date", False),
    Column("leaves", "date"),
    Column("status", "category", False),
    Column("low", "number", False, decimals=1),
    Column("mid", "number", False, decimals=2),
    Column("high", "integer", False),
    Column("net", "number", False, decimals=2),
    Column("tax", "number", False, decimals=2),
    Column("gross", "number", False, decimals=2),
    Column("month", "integer", False),
    Column("day", "category", False),
    Column("town", "category", False),
    Column("area", "category", False),
    Column("miles", "integer", False),
    Column("heat", "number", decimals=1),
    Column("rain", "number", decimals=1),
    Column("long", "boolean", False),
    Column("near", "number", False, decimals=3),
    Column("nearly", "number", False, decimals=3),
    Column("kids", "integer", False),
    Column("school", "integer", False),
)
RULES = (
    "comes <= leaves",
    "leaves is null exactly if status = 'open'",
    "low <= mid",
    "mid <= high",
    "gross = net + tax",
    "month = month(comes)",
    "day follows from (weekday(comes))",
    "miles follows from (town, area)",
    "missing together (heat, rain)",
    "long exactly if high - low > 8",
    "if kids = 0 then school = 0",
)


def table(seed: int = 0, rows: int = ROWS) -> pa.Table:
    """A table that keeps all of `RULES`."""
    rng = np.random.default_rng(seed)
    comes = [dt.date(2021, 1, 1) + dt.timedelta(days=int(d)) for d in rng.integers(0, 900, rows)]
    status = rng.choice(["open", "closed"], rows, p=[0.3, 0.7])
    stay = rng.gamma(1.5, 4.0, rows).astype(int)
    leaves = [
        None if s == "open" else c + dt.timedelta(days=int(d))
        for s, c, d in zip(status, comes, stay, strict=True)
    ]
    low = np.round(rng.normal(5, 6, rows), 1)
    mid = np.round(low + rng.gamma(2, 1.5, rows), 2)
    high = np.ceil(mid + rng.gamma(2, 1.5, rows)).astype(int)
    net = np.round(rng.gamma(2, 40, rows), 2)
    tax = np.round(net * rng.choice([0.07, 0.19], rows), 2)
    town = rng.choice(["a", "b", "c"], rows)
    area = np.array([rng.choice(list({"a": "xy", "b": "yz", "c": "x"}[t])) for t in town])
    miles = {
        pair: 10 * i for i, pair in enumerate([("a", "x"), ("a", "y"), ("b", "y"), ("b", "z"), ("c", "x")])
    }
    gone = rng.random(rows) < 0.1
    near = np.round(rng.normal(100, 30, rows), 3)
    kids = rng.poisson(0.8, rows)
    return pa.table(
        {
            "comes": pa.array(comes, pa.date32()),
            "leaves": pa.array(leaves, pa.date32()),
            "status": pa.array(status.tolist()),
            "low": low,
            "mid": mid,
            "high": pa.array(high, pa.int64()),
            "net": net,
            "tax": tax,
            "gross": np.round(net + tax, 2),
            "month": pa.array([c.month for c in comes], pa.int64()),
            "day": pa.array([DAYS[c.weekday()] for c in comes]),
            "town": pa.array(town.tolist()),
            "area": pa.array(area.tolist()),
            "miles": pa.array([miles[p] for p in zip(town.tolist(), area.tolist(), strict=True)], pa.int64()),
            "heat": pa.array(np.round(rng.normal(15, 5, rows), 1), mask=gone),
            "rain": pa.array(np.round(rng.gamma(1, 3, rows), 1), mask=gone),
            "long": pa.array((high - low) > 8),
            "near": near,
            "nearly": np.round(2 * near + rng.normal(0, 0.05, rows), 3),
            "kids": pa.array(kids, pa.int64()),
            "school": pa.array(rng.binomial(kids, 0.6), pa.int64()),
        }
    )


def schema(**more: Any) -> Schema:
    """Its columns and rules."""
    return Schema(COLUMNS, rules=RULES, **more)


def broken(rows: pa.Table, rules: tuple[str, ...] = RULES) -> dict[str, int]:
    """Rows against each rule that can be read row by row."""
    clauses = rule_clauses(rules, Names(schema()))
    return {c.text: int((~c.holds(rows)).sum()) for c in clauses if not c.holds(rows).all()}


def pairs(rows: pa.Table, *names: str) -> set[tuple[Any, ...]]:
    """Combinations of values."""
    return set(zip(*(rows.column(n).to_pylist() for n in names), strict=True))


def random_codes(encoder: Encoder, rows: int, seed: int) -> Any:
    """Codes that no model has learned: every column by itself, evenly."""
    rng = np.random.default_rng(seed)
    return np.asfortranarray(
        np.column_stack([rng.integers(0, size, rows) for size in encoder.domain.sizes]).astype(np.int32)
    )


def test_each_rule_gets_its_recoding() -> None:
    found = {type(r): r for r in lay_out(table(), schema())}
    assert set(found) == {OrderGap, Formula, Joined, NearestDay, Switch, Forced, Offset}
    assert {rule for r in lay_out(table(), schema()) for rule in r.rules} == set(RULES)


@pytest.mark.parametrize("seed", range(3))
def test_rules_hold_whatever_is_drawn(seed: int) -> None:
    real = table(seed)
    encoder = Encoder.fit(real, schema(), recodings=lay_out(real, schema()))
    drawn = encoder.decode(random_codes(encoder, 5_000, seed), seed=seed)
    assert not broken(drawn)
    assert pairs(drawn, "town", "area", "miles") <= pairs(real, "town", "area", "miles")
    weekdays = {(c.weekday(), d) for c, d in pairs(drawn, "comes", "day")}
    assert weekdays == set(enumerate(DAYS))


def test_without_recodings_random_rows_break_the_rules() -> None:
    real = table()
    encoder = Encoder.fit(real, schema())
    drawn = encoder.decode(random_codes(encoder, 2_000, 0), seed=0)
    assert len(broken(drawn)) >= 8


def test_what_is_coded_comes_back_up_to_the_cell() -> None:
    real = table()
    encoder = Encoder.fit(real, schema(), recodings=lay_out(real, schema()))
    again = encoder.decode(encoder.encode(real).codes, seed=1)
    # what is exact in the codes is exact in the values
    for name in ("status", "month", "town", "area", "miles", "kids"):
        same = np.mean([a == b for a, b in zip(real[name].to_pylist(), again[name].to_pylist(), strict=True)])
        assert same > (0.7 if name == "month" else 0.999), name
    for name in ("leaves", "heat", "rain"):
        assert real[name].is_null().equals(again[name].is_null()), name
    for name in ("mid", "high", "gross", "nearly"):
        a, b = (np.asarray(t[name]).astype(float) for t in (real, again))
        assert np.corrcoef(a, b)[0, 1] > 0.99, name
    a, b = (np.asarray(t["nearly"]) - 2 * np.asarray(t["near"]) for t in (real, again))
    assert b.std() < 1.5 * a.std()


@pytest.mark.parametrize(
    ("rule", "name"), [(r, n) for r, n in [("comes <= leaves", "leaves"), ("gross = net + tax", "gross")]]
)
def test_a_target_is_never_recoded(rule: str, name: str) -> None:
    mine = schema(target=name)
    for recoding in lay_out(table(), mine):
        assert name not in recoding.gives
    kept = {text for r in lay_out(table(), mine) for text in r.rules}
    assert rule in kept  # by the other column


@pytest.mark.parametrize(
    "roles", [{"protected": ("town",)}, {"target": "area"}, {"protected": ("town", "area")}]
)
def test_combinations_hold_around_columns_that_stay(roles: dict[str, Any]) -> None:
    real, mine = table(), schema(**roles)
    recodings = lay_out(real, mine)
    encoder = Encoder.fit(real, mine, recodings=recodings)
    stay = {*roles.get("protected", ()), roles.get("target")}
    assert not stay & {name for r in recodings for name in r.gives}
    codes = random_codes(encoder, 5_000, 3)
    drawn = encoder.decode(codes, seed=3)
    real_pairs = pairs(real, "town", "area", "miles")
    both = stay >= {"town", "area"}
    # of columns that both stay any pair can be drawn; the third then follows from some pair
    odd = pairs(drawn, "town", "area", "miles") - real_pairs
    assert not odd if not both else {t[:2] for t in odd}.isdisjoint({t[:2] for t in real_pairs})
    again = Encoder.from_json(json.loads(json.dumps(encoder.to_json())), mine, read_recodings)
    assert again.decode(codes, seed=3).equals(drawn)
    back = encoder.decode(encoder.encode(real).codes, seed=1)
    for name in ("town", "area", "miles"):
        assert back[name].equals(real[name])


def test_a_rule_that_rows_break_is_left_to_checks() -> None:
    real = table()
    real = real.set_column(3, "low", pa.array(np.asarray(real["low"]) + 3.0))
    kept = {text for r in lay_out(real, schema()) for text in r.rules}
    assert "low <= mid" not in kept
    assert "comes <= leaves" in kept


def test_columns_never_follow_from_each_other_in_a_circle() -> None:
    n = 400
    a = np.arange(n, dtype=np.int64) % 50
    rows = pa.table({"a": a, "b": a + 1, "c": a + 2})
    mine = Schema(
        tuple(Column(x, "integer", False) for x in "abc"),
        rules=("b = a + 1", "a = b - 1", "c = b + 1", "b = c - 1"),
    )
    encoder = Encoder.fit(rows, mine, recodings=lay_out(rows, mine))
    drawn = encoder.decode(random_codes(encoder, 500, 0), seed=0)
    assert np.array_equal(np.asarray(drawn["b"]), np.asarray(drawn["a"]) + 1)
    assert np.array_equal(np.asarray(drawn["c"]), np.asarray(drawn["a"]) + 2)


def stored(recodings: tuple[Recoding, ...]) -> list[dict[str, Any]]:
    """As a model file has them."""
    out: list[dict[str, Any]] = json.loads(json.dumps([r.to_json() for r in recodings]))
    return out


def test_a_model_file_gives_the_same_rows() -> None:
    real = table()
    encoder = Encoder.fit(real, schema(), recodings=lay_out(real, schema()))
    again = Encoder.from_json(json.loads(json.dumps(encoder.to_json())), schema(), read_recodings)
    codes = random_codes(encoder, 300, 5)
    assert again.decode(codes, seed=3).equals(encoder.decode(codes, seed=3))
    assert np.array_equal(again.encode(real).codes, encoder.encode(real).codes)


def _spoil(item: Mapping[str, Any], key: str, value: Any) -> list[dict[str, Any]]:
    return [{**item, key: value}]


@pytest.mark.parametrize(
    "key", ["form", "column", "others", "sign", "strict", "rule", "name", "columns", "part", "weights"]
)
@pytest.mark.parametrize("value", [None, 7, "nothing", ["nothing"], {"a": 1}, [1, 2, 3]])
def test_spoilt_recodings_are_refused(key: str, value: Any) -> None:
    from locum.codes.json_fields import Wire

    tried = 0
    for item in stored(lay_out(table(), schema())):
        free_text = key == "name" and value == "nothing"
        if key in item and item[key] != value and not free_text:
            tried += 1
            with pytest.raises(FileFormatError):
                read_recodings([Wire.of(i, "encoder") for i in _spoil(item, key, value)], schema())
    assert tried or (key, value) == ("name", "nothing")


def test_recodings_in_a_circle_are_refused() -> None:
    from locum.codes.json_fields import Wire

    gap = next(i for i in stored(lay_out(table(), schema())) if i["form"] == "gap" and i["column"] == "mid")
    other = {**gap, "column": "low", "others": ["mid"]}
    with pytest.raises(FileFormatError, match="circle"):
        read_recodings([Wire.of(i, "encoder") for i in (gap, other)], schema())


def test_what_nearly_all_rows_keep_comes_back_at_its_rate() -> None:
    rng = np.random.default_rng(4)
    real = table(rows=4_000)
    odd = rng.random(4_000) < 0.006
    gross = np.asarray(real["gross"]) + np.where(odd, np.round(rng.gamma(2, 20, 4_000), 2), 0.0)
    leaves = [
        c - dt.timedelta(days=3) if o and leave is not None else leave
        for c, leave, o in zip(real["comes"].to_pylist(), real["leaves"].to_pylist(), odd, strict=True)
    ]
    real = real.set_column(8, "gross", pa.array(np.round(gross, 2)))
    real = real.set_column(1, "leaves", pa.array(leaves, pa.date32()))
    near = ("gross = net + tax", "comes <= leaves")
    mine = Schema(COLUMNS, rules=tuple(r for r in RULES if r not in near), near_rules=near)
    drawn = Synthesizer("independent", seed=1).fit_table(real, mine).sample(20_000, seed=2)
    counts = broken(drawn)
    # 0.6 % of the rows, and of those that are not open: five standard errors of 20,000 draws
    assert set(counts) == set(near)
    assert abs(counts["gross = net + tax"] / 20_000 - odd.mean()) < 0.003
    assert abs(counts["comes <= leaves"] / 20_000 - 0.7 * odd.mean()) < 0.003
