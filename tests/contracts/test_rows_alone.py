"""A private row is read as what it is by itself: no other row changes how it is read, or stops the run.

`test_sealed_door.py` edits one row and holds all others to be plain. Here the row that is held against itself
is an odd one, and the row beside it changes the type of the column: whole numbers become floats, moments
become objects, decimals get a finer scale.
"""

from __future__ import annotations

import datetime as dt
import decimal
import fractions
import math
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from locum.data.private_table import open_private
from locum.schema.column import Bounds, Column
from locum.schema.table import Schema
from locum.sources.kinds import form_codes
from locum.sources.rows import MemoryRows

NUMBERS = Bounds(0, 2000, "declared")
DAYS = Bounds("2010-01-01", "2029-12-31", "declared")
COLUMNS = (
    Column("c", "category", levels=("Ulm", "3")),
    Column("c", "integer", bounds=NUMBERS),
    Column("c", "integer", bounds=NUMBERS, missing=("-9.0",)),
    Column("c", "number", bounds=NUMBERS),
    Column("c", "number", bounds=NUMBERS, missing=("03",)),
    Column("c", "number", bounds=NUMBERS, format="thousands=. decimal=,"),
    Column("c", "date", bounds=DAYS),
    Column("c", "date", bounds=DAYS, format="%Y-%d-%m"),
    Column("c", "datetime", bounds=DAYS),
    Column("c", "datetime", bounds=DAYS, timezone="Europe/Berlin"),
    Column("c", "duration"),
    Column("c", "duration", format="%H:%M:%S"),
    Column("c", "boolean"),
)
BERLIN = ZoneInfo("Europe/Berlin")
ODD: tuple[Any, ...] = (
    3, -9, -9.0, 1.234, 0.1, 70.123456789, 1e300, math.inf, 2**63, True, decimal.Decimal("1.10"),
    dt.date(2020, 1, 2), dt.datetime(2020, 1, 2), dt.datetime(2020, 1, 2, 3, 4, 5, 6),
    pd.Timestamp("2020-01-02", tz="Europe/Berlin"), dt.datetime(2020, 1, 2, tzinfo=BERLIN),
    dt.timedelta(days=1), dt.timedelta(hours=1, microseconds=5), dt.time(1, 2, 3),
    "1.234", "2020-01-02", b"x",
)  # fmt: skip
BESIDE: tuple[Any, ...] = (
    None,
    "Ulm",
    2.5,
    2**70,
    dt.datetime(2020, 1, 2, tzinfo=dt.UTC),
    decimal.Decimal("1.123456"),
)


def reading(rows: MemoryRows) -> list[object]:
    """How the first row is read, as each kind of column and in each question that is put to raw rows."""
    found: list[object] = []
    for column in COLUMNS:
        value = rows.canonical(Schema((column,), name="t")).table().column("c")[0].as_py()
        found.append(value)
    # a float has no more than 53 bits, and pandas makes floats of whole numbers beside a gap
    return [*found[1:], int(form_codes(rows.rows, ["c"])[0, 0])]


@pytest.mark.parametrize("value", ODD, ids=repr)
def test_no_row_of_a_frame_changes_how_another_is_read(value: Any) -> None:
    def read(*values: Any) -> list[object]:
        return reading(MemoryRows.of(open_private(pd.DataFrame({"c": pd.Series(values)}), ["c"])))

    alone = read(value)
    beside = {repr(other): read(value, other) for other in BESIDE}
    if value == 2**63:  # no whole number of ours either way, but its text as a float is another
        alone, beside = alone[:-1], {other: found[:-1] for other, found in beside.items()}
    assert {other: found for other, found in beside.items() if found != alone} == {}


def test_the_scale_of_a_column_of_decimals_has_no_effect() -> None:
    def read(scale: int) -> list[object]:
        cents = [decimal.Decimal(i) / 100 for i in range(2000)]
        table = pa.table({"c": pa.array(cents, pa.decimal128(30, scale))})
        rows = MemoryRows.of(open_private(table, ["c"]))
        return rows.canonical(Schema((COLUMNS[3],), name="t")).table().column("c").to_pylist()  # type: ignore[no-any-return]

    assert read(2) == read(3) == read(12) == [i / 100 for i in range(2000)]


def no_text() -> pa.Array:
    """Texts as a careless writer leaves them in a Parquet file: the first is no UTF-8."""
    ends = pa.array([0, 2, 5], pa.int32()).buffers()[1]
    return pa.Array.from_buffers(pa.string(), 2, [None, ends, pa.py_buffer(b"\xff\xfeUlm")])


FAR = dt.timezone(dt.timedelta(hours=-5))
UNREADABLE: dict[str, pa.Array | pd.Series] = {
    "no UTF-8": no_text(),
    "no UTF-8, coded": pa.DictionaryArray.from_arrays(pa.array([0, 1]), no_text()),
    "a day without a year": pa.array([2**31 - 1, 18_000], pa.int32()).cast(pa.date32()),
    "a day without a year, in milliseconds": pa.array([2**62, 0], pa.int64()).view(pa.date64()),
    "a moment without a year": pa.array([2**55, 0], pa.int64()).cast(pa.timestamp("s")),
    "a moment without a year, in a zone": pa.array([2**55, 0], pa.int64()).cast(pa.timestamp("s", tz="UTC")),
    "a whole number of 64 bits": pa.array([2**64 - 1, 1], pa.uint64()),
    "the last moment, in the west": pd.Series([dt.datetime(9999, 12, 31, 23, tzinfo=FAR), "Ulm"]),
    "a fraction without end": pd.Series([fractions.Fraction(10**400), "Ulm"]),
    "a decimal that signals": pd.Series([decimal.Decimal("sNaN"), "Ulm"]),
    "numbers of numpy": pd.Series([np.datetime64("2020-01-01"), np.float32(3), 1j, "Ulm"], dtype=object),
}


@pytest.mark.parametrize("held", UNREADABLE.values(), ids=list(UNREADABLE))
def test_no_value_stops_the_run(held: pa.Array | pd.Series) -> None:
    frame = pd.DataFrame({"c": held}) if isinstance(held, pd.Series) else pa.table({"c": held})
    rows = MemoryRows.of(open_private(frame, ["c"]))
    assert len(reading(rows)) == len(COLUMNS)
    assert len(rows.units("c")) == rows.n_rows


def lines(path: Path, content: bytes, **form: Any) -> list[dict[str, str | None]]:
    path.write_bytes(content)
    return MemoryRows.of(open_private(path, ["a", "b"], **form)).rows.to_pylist()  # type: ignore[no-any-return]


def test_a_row_that_looks_like_a_mark_of_excel_is_a_row(tmp_path: Path) -> None:
    rows = b"1,2\n3,4\n"
    alone = lines(tmp_path / "t.csv", rows, header=False)
    assert lines(tmp_path / "t.csv", b"sep=;\n" + rows, header=False) == [{"a": None, "b": None}, *alone]


def test_a_long_field_is_read_alike_whatever_the_bytes_of_another_row(tmp_path: Path) -> None:
    rows = b"a,b\n" + "é".encode() * 140_000 + b",1\n"
    alone = lines(tmp_path / "t.csv", rows)
    assert lines(tmp_path / "t.csv", rows + b"\xff,2\n")[:1] == alone
