"""Codebooks that were never shown a row: special codes always there, round trips, refusals."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.codes.cells import Cells
from locum.codes.encoder import Encoder
from locum.codes.public_codebooks import declared_encoder, public_books, refuse_data_bounds
from locum.errors import LeakError
from locum.schema.column import Bounds, Column
from locum.schema.table import Dependency, Schema

SCHEMA = Schema(
    (
        Column("age", "integer", bounds=Bounds(17, 70, "declared")),
        Column("gain", "integer", bounds=Bounds(0, 100_000, "public")),
        Column("share", "number", bounds=Bounds(0, 1, "declared"), decimals=3),
        Column("group", "category", levels=("b", "a")),
        Column("born", "date", bounds=Bounds("1950-01-01", "2000-12-31", "declared")),
        Column("seen", "datetime", bounds=Bounds("2020-01-01", "2020-12-31", "declared")),
        Column("took", "duration", bounds=Bounds(0, 3600, "declared")),
        Column("yes", "boolean"),
        Column("key", "id"),
        Column("note", "text"),
        Column("who", "pii.name"),
    )
)


def is_partition(cells: Cells) -> bool:
    return bool((cells.low <= cells.high).all() and (cells.high[:-1] + 1 == cells.low[1:]).all())


def test_fixed_starting_cells_cover_everything_without_gaps():
    assert is_partition(Cells.octaves())
    assert Cells.octaves().encode(np.array([-1, 0, 1, 2, 3, 4])).tolist() == [61, 62, 63, 64, 64, 65]
    years = Cells.years()
    assert is_partition(years)
    day = np.array(["1799-12-31", "1800-01-01", "2199-12-31", "2200-01-01"], dtype="datetime64[D]")
    assert years.encode(day.astype(np.int64)).tolist() == [0, 1, 400, 401]


@given(
    low=st.integers(-(10**9), 10**9), span=st.integers(0, 10**9),
    rows=st.lists(st.integers(0, 1000), min_size=1, max_size=40), parts=st.integers(2, 16),
)  # fmt: skip
@settings(max_examples=150)
def test_cells_stay_a_partition_whatever_is_cut_and_joined(low, span, rows, parts):
    cells = Cells.between(low, low + span)
    assert is_partition(cells)
    assert (cells.low[0], cells.high[-1]) == (low, low + span)
    heavy = np.resize(np.array(rows) > 500, cells.size)
    cut, origin = cells.split(heavy, parts)
    assert is_partition(cut)
    assert (cut.low >= cells.low[origin]).all() and (cut.high <= cells.high[origin]).all()
    grid = cut.to_grid(np.resize(np.array(rows, dtype=float), cut.size), most=8, least=50, alone=400)
    inside = np.random.default_rng(0).integers(0, grid.size, 200).astype(np.int32)
    units = grid.decode(inside, np.random.default_rng(1))
    assert (grid.encode(units) == inside).all()


def test_a_single_wide_cell_is_drawn_evenly_on_a_log_scale():
    grid = Cells(np.array([1]), np.array([999_999])).to_grid()
    drawn = grid.decode(np.zeros(20_000, dtype=np.int32), np.random.default_rng(0))
    assert 700 < np.median(drawn) < 1400  # the middle of 1 to 1,000,000 by factors is 1,000


def test_special_codes_are_there_without_any_data():
    encoder = declared_encoder(SCHEMA)
    for attribute in encoder.domain:
        assert attribute.null == attribute.size - 1, attribute.name
    group = encoder.domain.attributes[encoder.domain.index("group")]
    assert group.size == 4  # two levels, other, missing
    assert declared_encoder(SCHEMA).to_json() == encoder.to_json()


def test_what_is_outside_or_unknown_gets_the_outermost_code_or_other():
    encoder = declared_encoder(SCHEMA)
    table = pa.table(
        {
            "age": pa.array([-5, 17, 70, 10**12, None], pa.int64()),
            "gain": pa.array([-1, 0, 100_000, 2**62, None], pa.int64()),
            "share": pa.array([-np.inf, 0.0, 1.0, np.inf, None], pa.float64()),
            "group": pa.array(["z", "a", "b", "", None]),
            "born": pa.array([-800_000, -7305, 11322, 2_900_000, None], pa.int32()).view(pa.date32()),
            "seen": pa.array([0, 0, 0, 0, None], pa.int64()).view(pa.timestamp("us")),
            "took": pa.array([-1, 0, 3_600_000_000, 2**62, None], pa.int64()).view(pa.duration("us")),
            "yes": pa.array([True, False, True, False, None]),
            "key": pa.array(["1", "1", "1", "1", None]),
            "note": pa.array(["x", "x", "x", "x", None]),
            "who": pa.array(["x", "x", "x", "x", None]),
        }
    )
    coded = encoder.encode(table)
    for name in ("age", "gain", "share", "born", "took"):
        codes = coded.column(encoder.domain.index(name)).tolist()
        last = encoder.domain.attributes[encoder.domain.index(name)].size - 2
        assert codes == [0, 0, last, last, last + 1], name
    assert coded.column(encoder.domain.index("group")).tolist() == [2, 1, 0, 2, 3]


def test_decoded_values_stay_inside_the_declaration_and_survive_json():
    encoder = Encoder.from_json(json.loads(json.dumps(declared_encoder(SCHEMA).to_json())), SCHEMA)
    rng = np.random.default_rng(3)
    codes = np.stack([rng.integers(0, s, 2000) for s in encoder.domain.sizes], axis=1).astype(np.int32)
    made = encoder.decode(np.asfortranarray(codes), seed=1)
    age = made.column("age").drop_null().to_numpy()
    assert age.min() == 17 and age.max() == 70
    share = made.column("share").drop_null().to_numpy()
    assert share.min() >= 0 and share.max() <= 1
    assert np.array_equal(np.round(share, 3), share)
    assert set(made.column("group").to_pylist()) == {"a", "b", None}
    again = encoder.encode(made)
    for name in ("age", "gain", "share", "born", "took"):
        at = encoder.domain.index(name)
        assert np.array_equal(again.column(at), codes[:, at]), name


def test_a_bound_from_the_data_is_refused_with_the_three_ways_out():
    schema = Schema((Column("income", "number", bounds=Bounds(0, 731_004.5, "data")),), name="people")
    with pytest.raises(LeakError) as caught:
        refuse_data_bounds(schema)
    words = caught.value.message
    assert "people.income" in words
    for way in ("declare", "--public", "discovered"):
        assert way in words
    assert "731" not in words


def test_a_column_about_which_nothing_is_declared_is_refused():
    with pytest.raises(LeakError, match="levels"):
        declared_encoder(Schema((Column("group", "category"),)))


def test_a_public_table_gives_codes_with_every_special_one():
    schema = Schema(
        (Column("a", "category"), Column("b", "integer"), Column("c", "category"), Column("d", "boolean")),
        (Dependency("a", "c"),),
    )
    public = pa.table(
        {"a": ["x", "y", "y"] * 30, "b": list(range(90)), "c": ["X", "Y", "Y"] * 30, "d": [True] * 90}
    )
    books = public_books(public, schema)
    encoder = declared_encoder(schema, books)
    sizes = dict(zip(encoder.domain.names, encoder.domain.sizes, strict=True))
    assert sizes["a"] == 4 and sizes["c"] == 1 and sizes["d"] == 3
    assert encoder.domain.attributes[encoder.domain.index("b")].null is not None
    coded = encoder.encode(
        pa.table({"a": ["z", None], "b": [None, 10**6], "c": ["?", "?"], "d": [None, False]}).cast(
            public.schema
        )
    )
    assert coded.column(0).tolist() == [2, 3]
