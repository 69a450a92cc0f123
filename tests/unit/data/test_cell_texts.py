"""A value has the same text in every kind of column, and none that stands beside it has a part in that."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.data.cell_texts import cell_text, column_texts, texts_of
from locum.data.private_table import open_private
from locum.schema.column import Bounds, Column
from locum.schema.table import Schema
from locum.sources.rows import MemoryRows, typed_rows

Holder = Callable[[list[Any]], Any]


def texts_in(frame: Any) -> list[str | None]:
    """The texts of the column ``v`` of a frame, read as private rows are."""
    (block,) = open_private(frame, ["v"]).read()
    return list(column_texts(block["v"]).to_pylist())


def arrow(kind: pa.DataType | None) -> Holder:
    return lambda values: pa.table({"v": pa.array(values, kind, from_pandas=True)})


def pandas(dtype: Any) -> Holder:
    return lambda values: pd.DataFrame({"v": pd.Series(values, dtype=dtype)})


def polars(dtype: Any) -> Holder:
    return lambda values: pl.DataFrame({"v": pl.Series(values, dtype=dtype, strict=False)})


def listed(values: list[Any]) -> pl.Enum:
    return pl.Enum(sorted({v for v in values if v is not None}))


#: Types of columns that hold a value of each family without losing anything of it.
HOLDERS: Mapping[str, Mapping[str, Holder]] = {
    "whole": {
        "arrow int64": arrow(pa.int64()),
        "arrow float64": lambda v: pa.table({"v": pa.array([None if x is None else float(x) for x in v])}),
        "arrow decimal": lambda v: pa.table(
            {"v": pa.array([None if x is None else decimal.Decimal(x) for x in v], pa.decimal128(20, 2))}
        ),
        "arrow text": lambda v: pa.table({"v": pa.array([None if x is None else str(x) for x in v])}),
        "pandas Int64": pandas("Int64"),
        "pandas float64": pandas("float64"),
        "pandas object": pandas(object),
        "polars Int64": polars(pl.Int64),
        "polars Float64": polars(pl.Float64),
    },
    "number": {
        "arrow float64": arrow(pa.float64()),
        "pandas float64": pandas("float64"),
        "pandas Float64": pandas("Float64"),
        "pandas object": pandas(object),
        "polars Float64": polars(pl.Float64),
    },
    "text": {
        "arrow string": arrow(pa.string()),
        "arrow large string": arrow(pa.large_string()),
        "arrow dictionary": lambda v: pa.table({"v": pa.array(v, pa.string()).dictionary_encode()}),
        "pandas object": pandas(object),
        "pandas string": pandas("string"),
        "pandas category": pandas("category"),
        "polars String": polars(pl.String),
        "polars Categorical": polars(pl.Categorical),
        "polars Enum": lambda v: pl.DataFrame({"v": pl.Series(v, dtype=listed(v))}),
    },
    "boolean": {
        "arrow bool": arrow(pa.bool_()),
        "pandas boolean": pandas("boolean"),
        "pandas object": pandas(object),
        "polars Boolean": polars(pl.Boolean),
    },
    "moment": {
        "arrow us": arrow(pa.timestamp("us")),
        "pandas us": pandas("datetime64[us]"),
        "pandas ns": pandas("datetime64[ns]"),
        "pandas object": pandas(object),
        "polars us": polars(pl.Datetime("us")),
    },
    "day": {
        "arrow date32": arrow(pa.date32()),
        "arrow date64": arrow(pa.date64()),
        "pandas object": pandas(object),
        "polars Date": polars(pl.Date),
    },
    "span": {
        "arrow us": arrow(pa.duration("us")),
        "pandas ns": pandas("timedelta64[ns]"),
        "pandas object": pandas(object),
        "polars us": polars(pl.Duration("us")),
    },
}
#: Values of each family; none that a wider type would round.
VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    "whole": st.integers(-(2**53), 2**53),
    "number": st.floats(allow_nan=False),
    "text": st.text(st.characters(exclude_categories=("Cs",)), max_size=12),
    "boolean": st.booleans(),
    "moment": st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1)),
    "day": st.dates(),
    "span": st.timedeltas(dt.timedelta(days=-9999), dt.timedelta(days=9999)),
}
#: What may stand beside them in a pandas column and changes the type of all of it.
BESIDE: Mapping[str, tuple[Any, ...]] = {
    "whole": (None, float("nan"), 2.5, "x", 10**30, [1]),
    "number": (None, "x", 10**30, decimal.Decimal("1.5"), {}),
    "text": (None, 7, 1.5, b"\xff", dt.date(2020, 1, 1)),
    "boolean": (None, "x", 7, float("nan")),
    "moment": (None, "x", 7, dt.datetime(9999, 1, 1)),
    "day": (None, "x", 7),
    "span": (None, "x", 7),
}
CASES = [(family, holder) for family, holders in HOLDERS.items() for holder in holders]


@pytest.mark.parametrize(("family", "holder"), CASES, ids=lambda c: c)
@given(data=st.data())
def test_a_value_has_one_text_whatever_its_column_is(family: str, holder: str, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.none() | VALUES[family], min_size=1, max_size=6))
    assert texts_in(HOLDERS[family][holder](values)) == [cell_text(v) for v in values]


@pytest.mark.parametrize("family", VALUES)
@given(data=st.data())
def test_no_cell_has_a_part_in_the_text_of_another(family: str, data: st.DataObject) -> None:
    """Pandas chooses a type for the whole column; one cell more may change it, and no other text."""
    values = data.draw(st.lists(VALUES[family], min_size=1, max_size=6))
    alone = texts_in(pd.DataFrame({"v": values}))
    assert None not in alone
    for other in BESIDE[family]:
        assert texts_in(pd.DataFrame({"v": [*values, other]}))[:-1] == alone, repr(other)
        assert texts_in(pd.DataFrame({"v": [other, *values]}))[1:] == alone, repr(other)


def test_the_type_of_a_column_has_a_part_when_nothing_is_done_about_it() -> None:
    """A negative control: with the texts that pandas writes, the test above would fail."""
    alone, beside = (pd.Series(v).astype(str).tolist() for v in ([1, 2], [1, 2, None]))
    assert alone != beside[:2]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"), (3.0, "3"), (-0.0, "0"), (2.5, "2.5"), (1e300, "1e+300"), (float("inf"), "inf"),
        (decimal.Decimal("3.10"), "3.1"), (decimal.Decimal("-0"), "0"), (decimal.Decimal("NaN"), None),
        (np.int8(3), "3"), (np.float32(0.5), "0.5"), (np.bool_(True), "true"), (False, "false"),
        ("", ""), (" a ", " a "), ("a\ud800b", "a?b"), (b"abc", "abc"), (b"\xff", None),
        (None, None), (pd.NA, None), (pd.NaT, None), (float("nan"), None), (np.float64("nan"), None),
        ([1], None), ({"a": 1}, None), (object(), None), (2**5000, None),
        (dt.datetime(2020, 1, 2, 3, 4, 5), "2020-01-02 03:04:05"),
        (dt.datetime(2020, 1, 2, 3, tzinfo=dt.timezone(dt.timedelta(hours=2))), "2020-01-02 01:00:00+00:00"),
        (dt.date(2020, 1, 2), "2020-01-02"), (dt.time(3, 4, 5), "0 days 03:04:05"),
        (dt.timedelta(days=-1, seconds=1), "-1 days 00:00:01"),
        (dt.timedelta(microseconds=1500), "0 days 00:00:00.001500"),
        (dt.timedelta(hours=10, microseconds=1), "0 days 10:00:00.000001"),
    ],
    ids=lambda v: type(v).__name__,
)  # fmt: skip
def test_texts_of_single_values(value: Any, text: str | None) -> None:
    assert cell_text(value) == text
    assert texts_of([value, "beside"]).to_pylist() == [text, "beside"]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_moments_are_those_of_utc_in_every_unit_and_outside_the_calendar_missing(
    unit: str, zone: str | None
) -> None:
    counts = [1_600_000_000 * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit], None]
    if unit == "s":
        counts += [10**12, -(10**12)]
    column = pa.chunked_array([pa.array(counts, pa.int64()).cast(pa.timestamp(unit, tz=zone))])
    text = "2020-09-13 12:26:40" + ("+00:00" if zone else "")
    assert column_texts(column).to_pylist() == [text, *[None] * (len(counts) - 1)]


def test_typed_rows_know_no_type_of_a_column() -> None:
    """The same cells in eight types of columns are the same rows, of any kind that is declared."""
    cells = [3, 41, None, 7, 3]
    held = [
        pa.table({"v": pa.array(cells, kind)})
        for kind in (pa.int8(), pa.int64(), pa.float32(), pa.float64(), pa.decimal128(9, 3))
    ]
    held += [pa.table({"v": [None if c is None else str(c) for c in cells]})]
    held += [pa.table({"v": pa.array([None if c is None else str(c) for c in cells]).dictionary_encode()})]
    frames = [*held, pd.DataFrame({"v": cells}), pd.DataFrame({"v": cells}, dtype=object)]
    for column in (
        Column("v", "integer", bounds=Bounds(0, 50, "declared")),
        Column("v", "number"),
        Column("v", "category", levels=("3", "7", "41")),
        Column("v", "boolean"),
        Column("v", "date"),
        Column("v", "id"),
    ):
        found = [typed_rows(MemoryRows.of(open_private(f, ["v"])).table(), Schema((column,))) for f in frames]
        assert all(one.equals(found[0]) for one in found), column.kind
        assert (found[0]["v"].null_count == 1) == (column.kind not in ("boolean", "date"))


KINDS = (
    Column("v", "integer"),
    Column("v", "number", decimals=1),
    Column("v", "number", format="decimal=,"),
    Column("v", "category"),
    Column("v", "boolean"),
    Column("v", "boolean", format="no|yes"),
    Column("v", "date"),
    Column("v", "date", format="%d.%m.%Y"),
    Column("v", "datetime"),
    Column("v", "datetime", timezone="Europe/Berlin"),
    Column("v", "duration"),
    Column("v", "integer", missing=("?", "-9")),
    Column("v", "id"),
)


@pytest.mark.parametrize("column", KINDS, ids=lambda c: f"{c.kind} {c.format}{c.timezone}")
@pytest.mark.parametrize("family", VALUES)
@given(data=st.data())
@settings(max_examples=25)
def test_no_cell_has_a_part_in_the_value_of_another(family: str, column: Column, data: st.DataObject) -> None:
    """The same for values of any declared kind: what one cell does to the type of a column is undone."""
    values = data.draw(st.lists(VALUES[family], min_size=1, max_size=4))
    alone = _typed(pd.DataFrame({"v": values}), column)
    for other in BESIDE[family]:
        found = _typed(pd.DataFrame({"v": [*values, other]}), column)
        assert found.slice(0, len(values)).equals(alone), repr(other)


def _typed(frame: Any, column: Column) -> pa.Table:
    return typed_rows(MemoryRows.of(open_private(frame, ["v"])).table(), Schema((column,)))
