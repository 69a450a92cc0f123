"""Any canonical table survives encode and decode: valid values, within range, the same by JSON and seed."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.codes.calendar import DAY
from locum.codes.encoder import Encoder, arrow_type
from locum.codes.settings import EncoderSettings
from locum.schema.column import KINDS, Column
from locum.schema.table import Schema

INT64 = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(blacklist_categories=("Cs",)), max_size=12) | st.sampled_from(
    ["🦊", "", " ", "é"]
)
FLOATS = (
    st.floats(allow_nan=False)
    | st.sampled_from([1e300, -1e300, 5e-324, -0.0, 0.1, 0.30000000000000004, float("inf"), float("-inf")])
    | st.integers(-50, 50).map(lambda i: i / 4)
)


def values_of(kind: str) -> st.SearchStrategy[object]:
    if kind == "boolean":
        return st.booleans()
    if kind in ("integer", "duration", "datetime"):
        return INT64 | st.integers(-30, 30) | st.integers(0, 10**5).map(lambda i: i * 1_000_000_000)
    if kind == "date":
        return st.integers(-(2**31), 2**31 - 1) | st.integers(-200, 400)
    if kind == "number":
        return FLOATS
    return TEXT


@st.composite
def columns(draw: st.DrawFn, n: int) -> tuple[str, pa.Array]:
    kind = draw(st.sampled_from(KINDS))
    pool = draw(st.lists(values_of(kind), min_size=1, max_size=12))
    raw = draw(st.lists(st.sampled_from(pool) | st.none(), min_size=n, max_size=n))
    if draw(st.booleans()):
        raw = [pool[0] if v is None else v for v in raw]
    return kind, as_arrow(raw, kind)


def as_arrow(raw: list[object], kind: str) -> pa.Array:
    wanted = arrow_type(Column("c", kind))
    if pa.types.is_temporal(wanted):
        width = pa.int32() if kind == "date" else pa.int64()
        return pa.array(raw, type=width).view(wanted)
    return pa.array(raw, type=wanted)


@st.composite
def tables(draw: st.DrawFn) -> tuple[pa.Table, Schema]:
    n = draw(st.sampled_from([1, 2, 3, 7, 20, 60, 130]))
    made = draw(st.lists(columns(n), min_size=1, max_size=3))
    names = [f"c{i}" for i in range(len(made))]
    schema = Schema(tuple(Column(name, kind) for name, (kind, _) in zip(names, made, strict=True)))
    return pa.table([array for _, array in made], names=names), schema


def plain(values: pa.Array) -> np.ndarray:
    values, kind = values.drop_null(), values.type
    if pa.types.is_temporal(values.type):
        values = values.view(pa.int32() if pa.types.is_date32(values.type) else pa.int64())
    numbers = np.asarray(values)
    # a datetime's day and time of day are two attributes: its range is kept in whole days
    return numbers // DAY if pa.types.is_timestamp(kind) else numbers


def assert_within(fake: np.ndarray, real: np.ndarray) -> None:
    """Inside the real range; floats to 15 digits, to which they are exact."""
    low, high = real.min(), real.max()
    if real.dtype.kind == "f":
        assert not np.isnan(fake).any()
        low, high = float(low), float(high)
        low -= 1e-15 * abs(low) if np.isfinite(low) else 0.0
        high += 1e-15 * abs(high) if np.isfinite(high) else 0.0
    assert fake.min() >= low
    assert fake.max() <= high


@settings(max_examples=150)
@given(tables(), st.sampled_from([EncoderSettings(), EncoderSettings.coarse(8)]))
def test_any_table_round_trips(made: tuple[pa.Table, Schema], chosen: EncoderSettings) -> None:
    table, schema = made
    encoder = Encoder.fit(table, schema, settings=chosen)
    coded = encoder.encode(table)
    assert coded.codes.dtype == np.int32
    assert coded.codes.flags.f_contiguous
    assert coded.codes.shape == (table.num_rows, len(encoder.domain))
    sizes = np.array(encoder.domain.sizes)
    assert (coded.codes >= 0).all()
    assert (coded.codes < sizes).all()

    decoded = encoder.decode(coded.codes, seed=5)
    assert decoded.equals(encoder.decode(coded.codes, seed=5))
    assert decoded.column_names == table.column_names
    again = encoder.encode(decoded)
    assert again.codes.shape == coded.codes.shape

    for column in schema:
        before, after = table[column.name].combine_chunks(), decoded[column.name].combine_chunks()
        assert after.type == arrow_type(column)
        if column.kind != "category":
            assert pc.is_null(after).equals(pc.is_null(before))
        if column.ordered and len(before.drop_null()):
            assert_within(plain(after), plain(before))
        if column.kind == "boolean":
            assert after.equals(before)
        if column.kind == "category":
            kept = pc.value_counts(before.drop_null())
            frequent = {v["values"] for v in kept.to_pylist() if v["counts"] >= chosen.rare_rows}
            assert set(after.drop_null().to_pylist()) <= (frequent or {"other"})
            assert after.null_count == 0 or before.null_count > 0

    text = json.dumps(encoder.to_json(), allow_nan=False)
    back = Encoder.from_json(json.loads(text), schema)
    assert back.domain == encoder.domain
    assert np.array_equal(back.encode(table).codes, coded.codes)
    assert back.decode(coded.codes, seed=5).equals(decoded)
    assert back.treatments() == encoder.treatments()


@settings(max_examples=150)
@given(st.data(), st.sampled_from(["integer", "number", "duration", "date", "datetime"]))
def test_unseen_values_never_fail(data: st.DataObject, kind: str) -> None:
    raw = data.draw(st.lists(values_of(kind), min_size=1, max_size=30))
    unseen = data.draw(st.lists(values_of(kind) | st.none(), min_size=1, max_size=30))
    schema = Schema((Column("c", kind),))
    encoder = Encoder.fit(pa.table({"c": as_arrow(raw, kind)}), schema)
    coded = encoder.encode(pa.table({"c": as_arrow(unseen, kind)}))
    assert (coded.codes < np.array(encoder.domain.sizes)).all()
    decoded = encoder.decode(coded.codes, seed=0)["c"].combine_chunks()
    assert decoded.null_count == 0
    fake, real = plain(decoded), plain(as_arrow(raw, kind))
    assert_within(fake, real)


@settings(max_examples=150)
@given(st.data(), st.sampled_from(["integer", "number", "duration", "date", "datetime", "category"]))
def test_atoms_and_levels_come_back_exactly(data: st.DataObject, kind: str) -> None:
    """Every value occurs often, so every value has a code of its own."""
    pool = data.draw(st.lists(values_of(kind), min_size=1, max_size=10, unique=True))
    values = as_arrow([v for v in pool for _ in range(30)], kind)
    schema = Schema((Column("c", kind, nullable=False),))
    encoder = Encoder.fit(pa.table({"c": values}), schema)
    decoded = encoder.decode(encoder.encode(pa.table({"c": values})).codes, seed=3)["c"].combine_chunks()
    if kind == "number":
        a, b = np.asarray(values), np.asarray(decoded)
        finite = np.isfinite(a)
        assert np.array_equal(np.isinf(a), np.isinf(b))
        assert np.allclose(a[finite], b[finite], rtol=1e-15, atol=0)
    else:
        assert decoded.equals(values)


@pytest.mark.parametrize("kind", KINDS)
def test_all_missing_and_one_row(kind: str) -> None:
    schema = Schema((Column("c", kind),))
    table = pa.table({"c": pa.nulls(4, arrow_type(schema["c"]))})
    encoder = Encoder.fit(table, schema)
    assert encoder.domain.sizes == (1,)
    assert encoder.domain.attributes[0].null == 0
    decoded = encoder.decode(encoder.encode(table).codes, seed=0)
    assert decoded["c"].null_count == 4
    assert decoded["c"].type == arrow_type(schema["c"])
    empty = Encoder.fit(table.slice(0, 0), schema)
    assert empty.encode(table).codes.shape == (4, 1)
    assert empty.decode(np.zeros((3, 1), dtype=np.int32), seed=0)["c"].null_count == 3
