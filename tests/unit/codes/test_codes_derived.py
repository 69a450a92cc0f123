"""Columns that follow from others."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa

from locum.codes.encoder import Encoder
from locum.schema.column import Column
from locum.schema.table import Dependency, Schema

RNG_ROWS = 3000


def chain() -> tuple[pa.Table, Schema]:
    rng = np.random.default_rng(0)
    city = rng.integers(0, 30, RNG_ROWS)
    region, country = city // 3, city // 15
    table = pa.table(
        {
            "country": pa.array([("NL", "DE")[c] for c in country]),
            "city": pa.array([f"city {c}" for c in city]),
            "region": pa.array(region),
            "tax": pa.array(np.array([0.21, 0.19])[country]),
        }
    )
    schema = Schema(
        (
            Column("country", "category"),
            Column("city", "category"),
            Column("region", "integer"),
            Column("tax", "number"),
        ),
        (Dependency("city", "region"), Dependency("region", "country"), Dependency("country", "tax")),
    )
    return table, schema


def test_chains_hold_exactly_under_any_codes() -> None:
    table, schema = chain()
    encoder = Encoder.fit(table, schema)
    assert encoder.domain.sizes == (1, 30, 1, 1)
    assert encoder.decode(encoder.encode(table).codes, seed=0).equals(table)
    codes = np.zeros((500, 4), dtype=np.int32, order="F")
    codes[:, 1] = np.random.default_rng(1).integers(30, size=500)
    decoded = encoder.decode(codes, seed=0)
    real = set(zip(*(table[n].to_pylist() for n in table.column_names), strict=True))
    assert set(zip(*(decoded[n].to_pylist() for n in table.column_names), strict=True)) <= real
    assert "Follows from city" in encoder.treatments()[2].sentence
    back = Encoder.from_json(json.loads(json.dumps(encoder.to_json())), schema)
    assert back.decode(codes, seed=0).equals(decoded)


def test_exceptions_take_the_most_frequent_value() -> None:
    schema = Schema((Column("a", "category"), Column("b", "category")), (Dependency("a", "b"),))
    table = pa.table({"a": ["x"] * 9 + ["y"] * 5, "b": ["p"] * 8 + ["q"] + ["r"] * 5})
    encoder = Encoder.fit(table, schema)
    assert encoder.decode(encoder.encode(table).codes, seed=0)["b"].to_pylist() == ["p"] * 9 + ["r"] * 5


def test_missing_on_either_side() -> None:
    schema = Schema((Column("a", "category"), Column("b", "integer")), (Dependency("a", "b"),))
    a = pa.array(["x"] * 5 + [None] * 4 + ["y"] * 5)
    table = pa.table({"a": a, "b": pa.array([1] * 5 + [7] * 4 + [None] * 5, type=pa.int64())})
    encoder = Encoder.fit(table, schema)
    assert encoder.decode(encoder.encode(table).codes, seed=0).equals(table)


def test_a_determinant_with_cells_is_ignored_and_said_so() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=2000)
    table = pa.table({"x": x, "sign": pa.array(np.where(x > 0, "+", "-"))})
    schema = Schema((Column("x", "number"), Column("sign", "category")), (Dependency("x", "sign"),))
    encoder = Encoder.fit(table, schema)
    assert encoder.ignored == ("sign",)
    assert encoder.domain.sizes[1] == 2
    assert "too many" in encoder.treatments()[1].sentence


def test_personal_data_is_never_looked_up() -> None:
    table = pa.table({"team": ["a"] * 5 + ["b"] * 5, "boss": ["Ann Lee"] * 5 + ["Bob Ray"] * 5})
    schema = Schema((Column("team", "category"), Column("boss", "pii.name")), (Dependency("team", "boss"),))
    encoder = Encoder.fit(table, schema)
    assert "Ann" not in str(encoder.to_json())
    assert not set(encoder.decode(encoder.encode(table).codes, seed=0)["boss"].to_pylist()) & {
        "Ann Lee",
        "Bob Ray",
    }


def test_a_rare_determinant_value_is_not_stored() -> None:
    table = pa.table({"a": ["x"] * 9 + ["y"] * 5 + ["my secret"], "b": [1] * 9 + [2] * 5 + [77]})
    schema = Schema((Column("a", "category"), Column("b", "integer")), (Dependency("a", "b"),))
    encoder = Encoder.fit(table, schema)
    stored = json.dumps(encoder.to_json())
    assert "secret" not in stored
    assert "77" not in stored
    decoded = encoder.decode(np.array([[2, 0]] * 50, dtype=np.int32), seed=0)
    assert set(zip(decoded["a"].to_pylist(), decoded["b"].to_pylist(), strict=True)) == {("x", 1), ("y", 2)}


def test_every_determinant_value_is_rare() -> None:
    table = pa.table({"a": ["x", "y"], "b": [1, 2]})
    schema = Schema((Column("a", "category"), Column("b", "integer")), (Dependency("a", "b"),))
    encoder = Encoder.fit(table, schema)
    decoded = encoder.decode(encoder.encode(table).codes, seed=0)
    assert encoder.ignored == ("b",)
    assert decoded["a"].to_pylist() == ["other", "other"]
    assert decoded["b"].null_count == 0
    back = Encoder.from_json(json.loads(json.dumps(encoder.to_json())), schema)
    assert back.decode(encoder.encode(table).codes, seed=0).equals(decoded)
