"""Every type of pandas, polars and pyarrow goes through the verbs: back as it was, or the loss is said."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import locum
from locum.data.read import read
from locum.errors import DataError, ReadingWarning

N = 60
RNG = np.random.default_rng(13)
WHOLE = RNG.integers(0, 9, N)
LABELS = [str(x) for x in RNG.choice(["u", "v", "w"], N)]
DAYS = pd.Timestamp("2024-01-01") + pd.to_timedelta(RNG.integers(0, 300, N), unit="D")
MOMENTS = pd.Timestamp("2024-01-01") + pd.to_timedelta(RNG.integers(0, 3 * 10**7, N), unit="s")
DECIMALS = [decimal.Decimal(int(x)) / 100 for x in RNG.integers(0, 999, N)]
HALVES = ["a", "b"] * (N // 2)
Y = [str(x) for x in RNG.choice(["no", "yes"], N)]


def gaps(values):
    values = values.copy()
    values.iloc[::7] = None
    return values


def objects(values):
    return pd.Series(list(values), dtype=object)


def pandas_frame():
    found = {}
    for name in (
        "Int8",
        "Int16",
        "Int32",
        "Int64",
        "UInt8",
        "UInt16",
        "UInt32",
        "UInt64",
        "Float32",
        "Float64",
    ):
        found[name] = gaps(pd.Series(WHOLE).astype(name))
        found[name.lower()] = pd.Series(WHOLE).astype(name.lower())
    found |= {
        "float16": pd.Series(WHOLE).astype("float16"),
        "bool": pd.Series(WHOLE > 4),
        "boolean": gaps(pd.Series(WHOLE > 4).astype("boolean")),
        "string": gaps(pd.Series(LABELS, dtype="string")),
        "string[pyarrow]": pd.Series(LABELS, dtype="string[pyarrow]"),
        "category": gaps(pd.Series(LABELS, dtype="category")),
        "ordered": pd.Series(pd.Categorical(LABELS, ["w", "u", "v", "unused"], ordered=True)),
        "category of int": pd.Series(pd.Categorical(WHOLE % 3)),
        "category of float": pd.Series(pd.Categorical(WHOLE % 3 * 1.5)),
        "category of bool": pd.Series(pd.Categorical(WHOLE > 4)),
        "category of moments": pd.Series(pd.Categorical(DAYS[WHOLE % 3])),
        "category of intervals": pd.Series(pd.cut(WHOLE, 3)),
        "category of a mixture": pd.Series(pd.Categorical([1 if x == "u" else x for x in LABELS])),
        "period M": pd.Series(DAYS).dt.to_period("M"),
        "period W": pd.Series(DAYS).dt.to_period("W"),
        "period Q": gaps(pd.Series(DAYS).dt.to_period("Q")),
        "period h": pd.Series(MOMENTS).dt.to_period("h"),
        "sparse": pd.Series(np.where(WHOLE > 5, np.nan, 1.5)).astype("Sparse[float]"),
        "decimal arrow": pd.Series(pd.array(DECIMALS, dtype=pd.ArrowDtype(pa.decimal128(7, 2)))),
        "dictionary arrow": pd.Series(pd.arrays.ArrowExtensionArray(pa.array(LABELS).dictionary_encode())),
        "zone": pd.Series(MOMENTS).dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"),
        "all missing": pd.Series([np.nan] * N),
        "uint64 wide": pd.Series(RNG.integers(2**63, 2**64 - 1, N, dtype="uint64")),
    }
    for unit in ("s", "ms", "us", "ns"):
        found[f"moment {unit}"] = pd.Series(MOMENTS).astype(f"datetime64[{unit}]")
        found[f"span {unit}"] = (pd.Series(MOMENTS) - DAYS.min()).astype(f"timedelta64[{unit}]")
    return pd.DataFrame({**found, "y": Y, "group": LABELS})


def object_frame():
    return pd.DataFrame(
        {
            "int and str": objects(int(x) if x % 2 else str(x) for x in WHOLE),
            "str and bool": objects(True if x % 2 else "maybe" for x in WHOLE),
            "numpy and str": objects(np.int64(x) if x % 2 else "x" for x in WHOLE),
            "int and float": objects(int(x) if x % 2 else x + 0.5 for x in WHOLE),
            "dates": objects(day.date() for day in DAYS),
            "decimals": objects(DECIMALS),
            "uuids": objects(uuid.UUID(int=i) for i in range(N)),
            "none": objects([None] * N),
            "y": Y,
            "group": LABELS,
        }
    )


def polars_frame():
    whole = pl.Series(WHOLE.tolist())
    names = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Int128", "Float32")
    found = {name: whole.cast(getattr(pl, name)) for name in (*names, "Float64", "Boolean", "String")}
    moments = pl.Series([moment.to_pydatetime() for moment in MOMENTS])
    spans = pl.Series([dt.timedelta(minutes=int(x)) for x in WHOLE])
    for unit in ("ms", "us", "ns"):
        found |= {
            f"moment {unit}": moments.cast(pl.Datetime(unit)),
            f"span {unit}": spans.cast(pl.Duration(unit)),
        }
    found |= {
        "Categorical": pl.Series(LABELS, dtype=pl.Categorical),
        "Enum": pl.Series(LABELS, dtype=pl.Enum(["w", "u", "v", "z"])),
        "Decimal": pl.Series(DECIMALS, dtype=pl.Decimal(8, 2)),
        "Time": pl.Series([dt.time(int(x), 5) for x in WHOLE]),
        "Date": pl.Series([day.date() for day in DAYS]),
        "zone": moments.dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Berlin"),
        "Null": pl.Series([None] * N, dtype=pl.Null),
        "NaN": pl.Series([float("nan") if x == 0 else x * 1.5 for x in WHOLE]),
        "y": pl.Series(Y, dtype=pl.Categorical),
        "group": pl.Series(LABELS),
    }
    return pl.DataFrame(found)


def arrow_table():
    found = {
        kind: pa.array(LABELS, getattr(pa, kind)()) for kind in ("string", "large_string", "string_view")
    }
    for index in (
        pa.int8(),
        pa.int16(),
        pa.int32(),
        pa.int64(),
        pa.uint8(),
        pa.uint16(),
        pa.uint32(),
        pa.uint64(),
    ):
        found[f"index {index}"] = pa.array(LABELS).dictionary_encode().cast(pa.dictionary(index, pa.string()))
    for unit in ("s", "ms", "us", "ns"):
        found[f"moment {unit}"] = pa.array(MOMENTS).cast(pa.timestamp(unit))
        found[f"zone {unit}"] = pa.array(MOMENTS).cast(pa.timestamp(unit, "America/New_York"))
        found[f"span {unit}"] = pa.array((WHOLE * 10**6).tolist(), pa.duration(unit))
        width = pa.time32 if unit in ("s", "ms") else pa.time64
        found[f"time {unit}"] = pa.array([dt.time(int(x)) for x in WHOLE], width(unit))
    codes = pa.array([0, 1] * (N // 2), pa.int8())
    found |= {
        "dictionary of views": pa.DictionaryArray.from_arrays(codes, pa.array(["a", "b"], pa.string_view())),
        "dictionary of int": pa.array(WHOLE).dictionary_encode(),
        "dictionary in order": pa.DictionaryArray.from_arrays(codes, pa.array(["a", "b"]), ordered=True),
        "decimal32": pa.array(DECIMALS, pa.decimal32(6, 2)),
        "decimal64": pa.array(DECIMALS, pa.decimal64(12, 2)),
        "decimal128": pa.array(DECIMALS, pa.decimal128(12, 2)),
        "decimal256": pa.array(DECIMALS, pa.decimal256(50, 2)),
        "hundreds": pa.array([decimal.Decimal(int(x)) * 100 for x in WHOLE], pa.decimal128(8, -2)),
        "date32": pa.array(DAYS.date, pa.date32()),
        "date64": pa.array(DAYS.date, pa.date64()),
        "half": pa.array(WHOLE.astype("float16")),
        "null": pa.nulls(N),
        "bool": pa.array(WHOLE > 4),
        "uint64": pa.array(WHOLE, pa.uint64()),
        "y": pa.array(Y).dictionary_encode(),
        "group": pa.array(LABELS),
    }
    return pa.table(found)


FRAMES = {"pandas": pandas_frame, "objects": object_frame, "polars": polars_frame, "pyarrow": arrow_table}


def types(frame):
    if isinstance(frame, pa.Table):
        return {field.name: field.type for field in frame.schema}
    if isinstance(frame, pl.DataFrame):
        return dict(frame.schema)
    return {name: frame[name].dtype for name in frame}


@pytest.fixture(params=FRAMES)
def frame(request):
    return FRAMES[request.param]()


@pytest.mark.filterwarnings("ignore::locum.errors.ReadingWarning")
def test_every_type_comes_back_from_every_verb(frame, tmp_path):
    synth = locum.fit(frame, synthesizer="independent")
    fake = locum.sample(synth, N)
    assert types(fake) == types(frame)
    assert types(locum.impute(frame)) == types(frame)
    first = next(iter(types(frame)))
    assert types(locum.impute(frame, model=synth, columns=[first])) == types(frame)
    locum.fair(synth, target="y", protected=["group"], rows=300)
    synth.save(tmp_path / "m.locum")
    assert len(types(locum.sample(locum.load(tmp_path / "m.locum"), 5))) == len(types(frame))
    assert locum.evaluate(frame, fake, effort="quick", target="y").schema.names
    assert len(locum.detect(frame)) == len(types(frame))
    locum.propose_rules(frame)


@pytest.mark.filterwarnings("ignore::locum.errors.ReadingWarning")
def test_every_type_runs_and_is_mixed(frame, tmp_path):
    locum.run(frame, out=tmp_path / "run", synthesizer="independent", target="y")
    assert (tmp_path / "run" / "report.html").is_file()
    locum.plant(frame, out=tmp_path / "planted.parquet", keys=tmp_path / "keys.parquet")
    locum.mix(frame, target="y", synthesizer="independent", splits=2)


def test_objects_of_several_types_keep_them():
    frame = object_frame()
    fake = locum.sample(locum.fit(frame, synthesizer="independent"), 200)
    for name in ("int and str", "str and bool", "numpy and str", "int and float", "uuids"):
        wanted = {
            int if isinstance(x, np.integer) else float if isinstance(x, float) else type(x)
            for x in frame[name]
        }
        assert set(map(type, fake[name])) == wanted, name
    assert set(fake["int and str"]) <= set(frame["int and str"])  # 3 and "3" are kept apart


def test_what_is_lost_is_said_once():
    index = pd.date_range("2024-01-01", periods=N, name="when")
    frames = [
        pd.DataFrame({"x": WHOLE * 1.5}, index=index),
        pd.DataFrame({"x": pd.Series(range(N)).astype("timedelta64[ns]")}),
        pd.DataFrame({"x": RNG.integers(2**63, 2**64 - 1, N, dtype="uint64")}),
        pd.DataFrame(
            {"x": objects(m.tz_localize("UTC" if i % 2 else "Asia/Tokyo") for i, m in enumerate(MOMENTS))}
        ),
        pl.DataFrame({"x": [None if x == 0 else float("nan") if x == 1 else x * 1.5 for x in WHOLE]}),
        pa.table({"x": pa.compute.run_end_encode(pa.array(sorted(LABELS)))}),
    ]
    for frame, words in zip(
        frames, ("index", "microsecond", "15 digits", "UTC", "NaN", "string"), strict=True
    ):
        with pytest.warns(ReadingWarning, match=words) as said:
            locum.fit(frame, synthesizer="independent")
        assert len(said) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        locum.fit(pd.DataFrame({"x": WHOLE, "g": LABELS}), synthesizer="independent")


def test_required_columns_of_arrow_stay_required():
    schema = pa.schema([pa.field("a", pa.int64(), nullable=False), pa.field("b", pa.string())])
    table = pa.table({"a": WHOLE, "b": LABELS}, schema=schema)
    assert locum.sample(locum.fit(table, synthesizer="independent"), 9).schema.remove_metadata() == schema


@pytest.mark.parametrize(
    "column",
    [
        pa.array([[1]] * 3),
        pa.array([{"a": 1}] * 3),
        pa.array([[("a", 1)]] * 3, pa.map_(pa.string(), pa.int64())),
        pa.array([b"a"] * 3),
        pa.array([b"ab"] * 3, pa.binary(2)),
        pa.array([b"a"] * 3, pa.binary_view()),
        pa.array([pa.MonthDayNano([1, 0, 0])] * 3),
    ],
    ids=lambda column: str(column.type),
)
def test_what_cannot_be_held_is_refused_by_name(column):
    with pytest.raises(
        DataError, match=r"table\.odd: values of type .* cannot be synthesised.*[Ll]eave the column out"
    ):
        read(pa.table({"ok": [1, 2, 3], "odd": column}))
