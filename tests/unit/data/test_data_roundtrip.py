"""The round-trip law: restore(canonical(read(x))) is x, for every kind of table."""

import datetime as dt
import decimal
import io
import zoneinfo

import numpy as np
import pandas as pd
import polars as pl
import polars.testing
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.data.canonical import canonical
from locum.data.detect import detect
from locum.data.origin import origin_from_json
from locum.data.read import read
from locum.data.restore import as_stored, restore
from locum.data.write import write
from locum.schema.column import Column
from locum.schema.table import Schema
from locum.schema.validate import check

quick = settings(max_examples=60)

# Letters only: texts that look like numbers or stand for missing may change their spelling (documented).
words = st.text(st.sampled_from("abcXYZäß日😀 "), min_size=1, max_size=8).map(lambda s: "w" + s)
micros = st.integers(-(10**16), 10**17)  # years 1653 to 5138
moments = micros.map(lambda us: dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=us))


def there_and_back(source):
    raw = read(source)
    schema = detect(raw)
    table = canonical(raw, schema)
    check(schema, table)
    return restore(table, schema, raw.origin)


def optional(values):
    return st.one_of(st.none(), values)


def lists(values, n):
    return st.lists(values, min_size=n, max_size=n)


def int_range(name):
    info = np.iinfo(name)
    # Nines may stand for missing; that case has its own test.
    return st.integers(int(info.min), int(info.max)).filter(lambda v: set(str(abs(v))) != {"9"})


def floats(width):
    return st.floats(width=width, allow_nan=True).filter(lambda v: v != v or set(f"{abs(v):.0f}") != {"9"})


@st.composite
def pandas_column(draw, n):
    kind = draw(
        st.sampled_from(
            [
                "int",
                "float",
                "nullable",
                "bool",
                "boolean",
                "str",
                "object",
                "category",
                "codes",
                "datetime",
                "zoned",
                "timedelta",
                "arrow",
                "date",
                "decimal",
                "empty",
            ]
        )
    )
    match kind:
        case "int":
            name = draw(st.sampled_from(["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"]))
            return pd.Series(draw(lists(int_range(name), n)), dtype=name)
        case "float":
            width = draw(st.sampled_from([32, 64]))
            return pd.Series(draw(lists(floats(width), n)), dtype=f"float{width}")
        case "nullable":
            name = draw(st.sampled_from(["Int64", "Int8", "UInt32"]))
            return pd.Series(draw(lists(optional(int_range(name.lower())), n)), dtype=name)
        case "bool":
            return pd.Series(draw(lists(st.booleans(), n)), dtype=bool)
        case "boolean":
            return pd.Series(draw(lists(optional(st.booleans()), n)), dtype="boolean")
        case "str":
            return pd.Series(draw(lists(optional(words), n)), dtype=draw(st.sampled_from(["str", "string"])))
        case "object":
            empty = draw(st.sampled_from([None, float("nan"), pd.NA]))
            return pd.Series(
                [empty if v is None else v for v in draw(lists(optional(words), n))], dtype=object
            )
        case "category":
            levels = draw(st.lists(words, min_size=1, max_size=5, unique=True))
            values = draw(lists(optional(st.sampled_from(levels)), n))
            return pd.Series(pd.Categorical(values, categories=levels, ordered=draw(st.booleans())))
        case "codes":
            values = draw(lists(optional(st.integers(0, 5)), n))
            return pd.Series(pd.Categorical(values, categories=range(6)))
        case "datetime":
            unit = draw(st.sampled_from(["us", "ms", "s"]))
            return pd.Series(np.array(draw(lists(optional(moments), n)), dtype=f"M8[{unit}]"))
        case "zoned":
            zone = draw(st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata"]))
            values = np.array(draw(lists(optional(moments), n)), dtype="M8[us]")
            return pd.Series(values).dt.tz_localize("UTC").dt.tz_convert(zone)
        case "timedelta":
            return pd.Series(np.array(draw(lists(micros, n)), dtype="m8[us]"))
        case "arrow":
            arrow = draw(
                st.sampled_from(
                    [pa.int32(), pa.float64(), pa.bool_(), pa.date32(), pa.timestamp("us", "UTC")]
                )
            )
            made = draw(lists(optional(st.integers(0, 1)), n))
            return pd.Series(
                pd.arrays.ArrowExtensionArray(
                    pa.array(made, pa.int32()).cast(arrow)
                    if not (pa.types.is_timestamp(arrow))
                    else pa.array(made, pa.int64()).cast(arrow)
                )
            )
        case "date":
            return pd.Series(draw(lists(optional(st.dates()), n)), dtype=object)
        case "decimal":
            values = st.decimals(-9999, 9998, places=2).map(lambda d: d.quantize(decimal.Decimal("0.01")))
            return pd.Series(draw(lists(values, n)), dtype=object)
        case _:
            return pd.Series([None] * n, dtype=object)


@st.composite
def pandas_frame(draw):
    n = draw(st.integers(1, 25))
    columns = [draw(pandas_column(n)) for _ in range(draw(st.integers(1, 5)))]
    return pd.concat(columns, axis=1, keys=[f"c {i}" for i in range(len(columns))])


@quick
@given(pandas_frame())
def test_pandas_comes_back_equal(frame):
    before = frame.copy(deep=True)
    back = there_and_back(frame)
    pd.testing.assert_frame_equal(frame, before)
    pd.testing.assert_frame_equal(back, frame, check_exact=True)


POLARS = {
    pl.Int8: int_range("int8"),
    pl.Int64: int_range("int64"),
    pl.UInt16: int_range("uint16"),
    pl.Float32: floats(32).filter(lambda v: v == v),
    pl.Float64: floats(64).filter(lambda v: v == v),
    pl.String: words,
    pl.Boolean: st.booleans(),
    pl.Date: st.dates(),
    pl.Datetime("us"): moments,
    pl.Datetime("ms"): moments.map(lambda d: d.replace(microsecond=0)),
    pl.Time: st.times(),
    pl.Datetime("us", "Europe/Berlin"): moments.map(lambda d: d.replace(tzinfo=zoneinfo.ZoneInfo("UTC"))),
    pl.Duration("us"): micros.map(lambda us: dt.timedelta(microseconds=us)),
    pl.Categorical: words,
    pl.Enum(["a", "b", "c"]): st.sampled_from("abc"),
    pl.Decimal(10, 2): st.decimals(-9999, 9998, places=2),
    pl.Null: st.none(),
}


@st.composite
def polars_frame(draw):
    n = draw(st.integers(1, 25))
    columns = []
    for i in range(draw(st.integers(1, 5))):
        dtype = draw(st.sampled_from(list(POLARS)))
        values = draw(lists(optional(POLARS[dtype]), n))
        if dtype == pl.Datetime("us", "Europe/Berlin"):
            series = pl.Series(f"c{i}", values, pl.Datetime("us", "UTC")).dt.convert_time_zone(
                "Europe/Berlin"
            )
        else:
            series = pl.Series(f"c{i}", values, dtype)
        columns.append(series)
    return pl.DataFrame(columns)


@quick
@given(polars_frame())
def test_polars_comes_back_equal(frame):
    back = there_and_back(frame)
    assert back.schema == frame.schema
    polars.testing.assert_frame_equal(back, frame, check_exact=True, categorical_as_str=True)


@quick
@given(polars_frame())
def test_arrow_and_parquet_come_back_equal(frame):
    table = frame.to_arrow()
    table = table.cast(pa.schema([f.remove_metadata() for f in table.schema]))
    back = there_and_back(table)
    assert back.schema == table.schema
    assert back.to_pydict() == table.to_pydict()


def test_narwhals_comes_back_as_narwhals():
    import narwhals as nw

    frame = nw.from_native(pl.DataFrame({"a": [1, 2], "b": ["x", None]}))
    back = there_and_back(frame)
    assert isinstance(back, nw.DataFrame)
    polars.testing.assert_frame_equal(back.to_native(), frame.to_native())


def test_parquet_keeps_its_types(tmp_path):
    table = pa.table(
        {
            "d": pa.array(["a", "b", None]).dictionary_encode(),
            "t": pa.array([0, 10**12, None], pa.timestamp("ns", tz="Europe/Berlin")),
            "u": pa.array([2**63 + 2**40, 1, None], pa.uint64()),
            "h": pa.array([1.5, None, 2.5], pa.float16()),
            "x": pa.array([decimal.Decimal("1.10"), None, decimal.Decimal("-2.00")], pa.decimal128(6, 2)),
            "l": pa.array(["x", "y", "z"], pa.large_string()),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    raw = read(tmp_path / "t.parquet")
    schema = detect(raw)
    back = restore(canonical(raw, schema), schema, raw.origin)
    assert back.schema == table.schema
    assert back.to_pydict() == table.to_pydict()
    write(canonical(raw, schema), tmp_path / "u.parquet", schema=schema, origin=raw.origin)
    assert pq.read_table(tmp_path / "u.parquet").to_pydict() == table.to_pydict()


def test_nanoseconds_are_cut_to_microseconds():
    table = pa.table({"t": pa.array([1_234_567, None], pa.timestamp("ns"))})
    back = there_and_back(table)
    assert back.schema == table.schema
    assert back["t"].cast(pa.int64()).to_pylist() == [1_234_000, None]


@pytest.mark.parametrize("labels", [[0, 1], [("a", 1), ("a", 2)]])
def test_pandas_labels_that_are_not_text_come_back(labels):
    frame = pd.DataFrame({0: [1, 2], 1: ["x", "y"]})
    frame.columns = pd.MultiIndex.from_tuples(labels) if isinstance(labels[0], tuple) else labels
    pd.testing.assert_frame_equal(there_and_back(frame), frame)


def test_pandas_index_is_left_out_with_a_note():
    frame = pd.DataFrame({"a": [1, 2, 3]}, index=["x", "y", "z"])
    raw = read(frame)
    assert any("index" in note for note in raw.notes)
    back = there_and_back(frame)
    assert list(back.index) == [0, 1, 2]


def test_number_codes_for_missing_are_written_back():
    frame = pd.DataFrame(
        {"age": [30, 41, -999, 50, 23, -999, 67] * 5, "x": [1.5, 2.5, -99.0, 4.0, 5.5, 6.0, -99.0] * 5}
    )
    raw = read(frame)
    schema = detect(raw)
    assert schema["age"].missing == ("-999",)
    assert schema["x"].missing == ("-99",)
    assert canonical(raw, schema)["age"].null_count == 10
    pd.testing.assert_frame_equal(there_and_back(frame), frame)


def test_polars_nan_without_null_comes_back_as_nan():
    frame = pl.DataFrame({"x": [1.5, float("nan"), 2.5]})
    polars.testing.assert_frame_equal(there_and_back(frame), frame)


def test_mixed_objects_come_back_in_their_types():
    frame = pd.DataFrame({"m": pd.Series([1, "a", "1", 2.5, None, True, "'q'"], dtype=object)})
    back = there_and_back(frame)
    assert [(type(v), v) for v in back["m"]] == [(type(v), v) for v in frame["m"]]


def test_periods_and_sparse_columns_come_back():
    frame = pd.DataFrame(
        {
            "p": pd.Series(pd.period_range("2020-01", periods=4, freq="M")),
            "s": pd.arrays.SparseArray([0, 0, 1, 2]),
        }
    )
    pd.testing.assert_frame_equal(there_and_back(frame), frame)


def test_a_zone_that_nobody_knows_is_kept():
    table = pa.table({"t": pa.array([0, 1], pa.timestamp("us", tz="Moon/Base"))})
    back = there_and_back(table)
    assert back.schema == table.schema
    assert back["t"].cast(pa.int64()).to_pylist() == [0, 1]


def test_generated_nulls_in_a_numpy_integer_column_do_not_crash():
    frame = pd.DataFrame({"a": np.array([1, 2, 3])})
    raw = read(frame)
    schema = detect(raw)
    back = restore(pa.table({"a": pa.array([1, None], pa.int64())}), schema, raw.origin)
    assert back["a"].isna().tolist() == [False, True]


def test_origin_survives_json_and_still_gives_a_frame():
    frame = pd.DataFrame(
        {
            "i": pd.array([1, None], dtype="Int32"),
            "c": pd.Categorical(["a", "b"]),
            "s": ["x", None],
            "t": pd.to_datetime(["2020-01-01", None]).tz_localize("Europe/Berlin"),
            "o": pd.Series(["x", None], dtype=object),
        }
    )
    raw = read(frame)
    schema = detect(raw)
    origin = origin_from_json(raw.origin.to_json())
    assert origin == raw.origin
    pd.testing.assert_frame_equal(restore(canonical(raw, schema), schema, origin), frame)


CSV = """id,when,amount,ok,code,share,note
1,03/02/2020,"1,234.50",Y,007,12%,
2,28/02/2020,12.00,N,010,5%,""
3,31/12/2021,"10,000.25",Y,?,7%,"a ""quoted"", word"
4,01/01/1999,0.10,Y,123,,"two
lines"
"""


def test_csv_text_comes_back_byte_for_byte(tmp_path):
    (tmp_path / "a.csv").write_bytes(CSV.encode())
    raw = read(tmp_path / "a.csv")
    schema = detect(raw)
    kinds = [column.kind for column in schema]
    assert kinds[1:6] == ["date", "number", "boolean", "category", "integer"]
    table = canonical(raw, schema)
    assert table["when"].to_pylist()[0] == dt.date(2020, 2, 3)
    assert table["amount"].to_pylist() == [1234.5, 12.0, 10000.25, 0.1]
    assert as_stored(table, schema, raw.origin).equals(raw.table)
    write(table, tmp_path / "b.csv", schema=schema, origin=raw.origin)
    assert (tmp_path / "b.csv").read_bytes() == CSV.encode()


def test_files_of_text_come_back_with_the_types_of_their_schema(tmp_path):
    """Dates, whole numbers with gaps, words for yes and no, codes that look like numbers."""
    (tmp_path / "a.csv").write_bytes(CSV.encode())
    raw = read(tmp_path / "a.csv")
    back = restore(canonical(raw, detect(raw)), detect(raw), raw.origin)
    assert back.schema.names == raw.table.schema.names
    assert {name: str(back.schema.field(name).type) for name in back.schema.names} == {
        "id": "int64",
        "when": "date32[day]",
        "amount": "double",
        "ok": "bool",
        "code": "string",
        "share": "int64",
        "note": "string",
    }
    assert back["when"].to_pylist()[0] == dt.date(2020, 2, 3)
    assert back["ok"].to_pylist() == [True, False, True, True]
    assert back["share"].to_pylist() == [12, 5, 7, None]
    assert back["code"].to_pylist() == ["007", "010", None, "123"]


def test_a_moment_of_a_text_file_comes_back_in_its_zone_and_lines_of_json_keep_their_numbers(tmp_path):
    column = Column("at", "datetime", timezone="Europe/Berlin")
    (tmp_path / "a.csv").write_text("at\n2024-07-01 12:00:00+02:00\n", "utf-8")
    raw = read(tmp_path / "a.csv")
    back = restore(canonical(raw, Schema((column,))), Schema((column,)), raw.origin)
    assert str(back.schema.field("at").type) == "timestamp[us, tz=Europe/Berlin]"
    assert back["at"].to_pylist()[0].isoformat() == "2024-07-01T12:00:00+02:00"
    (tmp_path / "b.jsonl").write_text('{"n": 1, "code": 7, "day": "2024-07-01"}\n', "utf-8")
    raw = read(tmp_path / "b.jsonl")
    schema = Schema((Column("n", "number"), Column("code", "category"), Column("day", "date")))
    back = restore(canonical(raw, schema), schema, raw.origin)
    assert back.to_pylist() == [{"n": 1, "code": 7, "day": dt.date(2024, 7, 1)}]


@quick
@given(
    st.lists(
        st.tuples(optional(words), optional(st.integers(-50, 50)), optional(words)), min_size=1, max_size=20
    ),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.booleans(),
)
def test_written_csv_reads_back_the_same(rows, delimiter, encoding, crlf):
    import csv
    import tempfile
    from pathlib import Path

    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n" if crlf else "\n")
    writer.writerow(["first, name", "b", "c;d"])
    writer.writerows(rows)
    with tempfile.TemporaryDirectory() as folder:
        one, two = Path(folder) / "one.csv", Path(folder) / "two.csv"
        one.write_bytes(text.getvalue().encode(encoding))
        raw = read(one, delimiter=delimiter)
        assert [tuple(row.values()) for row in raw.table.to_pylist()] == [
            tuple(None if v is None else str(v) for v in row) for row in rows
        ]
        schema = detect(raw)
        write(canonical(raw, schema), two, schema=schema, origin=raw.origin)
        assert two.read_bytes().decode(encoding) == text.getvalue()


@pytest.mark.parametrize(
    "suffix", [".csv", ".tsv", ".csv.gz", ".parquet", ".arrow", ".feather", ".jsonl", ".ndjson.gz"]
)
def test_every_format_writes_and_reads_back(tmp_path, suffix):
    frame = pd.DataFrame(
        {
            "i": pd.array([1, None, 3], dtype="Int64"),
            "f": [0.5, np.inf, np.nan],
            "b": [True, False, True],
            "t": pd.to_datetime(["2020-01-01 10:00", None, "1999-12-31 23:59:59.5"], format="ISO8601"),
            "s": ["a", "b,c", 'd"e'],
            "z": pd.to_datetime(["2020-07-01", None, "2020-01-01"]).tz_localize("Europe/Berlin"),
            "d": pd.to_timedelta([1.5, None, -3], unit="s"),
        }
    )
    raw = read(frame)
    schema = detect(raw)
    table = canonical(raw, schema)
    path = tmp_path / f"x{suffix}"
    write(table, path, schema=schema, origin=raw.origin)
    again = canonical(read(path), schema)
    assert again.equals(table)
    first = path.read_bytes()
    write(table, path, schema=schema, origin=raw.origin)
    assert path.read_bytes() == first
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
