"""Cells that held a value come back to the letter, whatever the kind of cell and of file."""

from __future__ import annotations

import csv
import datetime as dt
import decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import locum
from locum.cli.main import main

#: Spellings of one column each, all of which a reader may tidy up.
SPELLINGS: dict[str, list[str]] = {
    "long": ["8.2346800000000009", "1.10", "3", "2.5e-3", "-0.0", "1E5", "00.25", "+4.5"],
    "whole": ["007", "12", "-3", "40", "1000000000000000007", "5", "6", "8"],
    "money": ["1,234.50", "2,000.00", "15.00", "7.25", "1,000,000.00", "3.10", "12.00", "9.99"],
    "share": ["12.5%", "3%", "100%", "0.50%", "7%", "8.25%", "99%", "1%"],
    "day": ["2020-01-05", "2021-12-31", "2019-02-28", "2020-02-29", "2000-01-01", "1999-12-31"],
    "day2": ["05/01/2020", "31/12/2021", "28/02/2019", "29/02/2020", "01/01/2000", "13/11/1999"],
    "moment": [
        "2020-01-05T10:00:00Z",
        "2021-12-31T23:59:59Z",
        "2019-02-28T00:00:00Z",
        "2020-03-01T07:30:00Z",
    ],
    "flag": ["yes", "no", "yes", "no"],
    "label": ["a", "B ", " c", "d'e", 'q"q', "x,y", "ü", "~"],
    "mixed": ["1", "1.0", "1.00", "01", "a1", "1 ", "1e0", "x"],
}


def texts(name: str, rng: np.random.Generator, n: int, share: float = 0.25) -> list[str]:
    made = rng.choice(np.array(SPELLINGS[name], dtype=object), n)
    made[rng.random(n) < share] = ""
    return list(made)


def call(*words: Any) -> int:
    return main([str(w) for w in words])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_csv(tmp_path: Path, seed: int, delimiter: str) -> None:
    rng = np.random.default_rng(seed)
    names = list(SPELLINGS)
    columns = {name: texts(name, rng, 120) for name in names}
    columns["x"] = [repr(v) for v in rng.normal(size=120).tolist()]
    path, out = tmp_path / "in.csv", tmp_path / "out.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    assert call("impute", path, "--out", out, "--seed", seed) == 0
    with out.open(encoding="utf-8", newline="") as file:
        head, *rows = list(csv.reader(file, delimiter=delimiter))
    assert head == list(columns)
    for at, name in enumerate(head):
        after = [row[at] for row in rows]
        changed = [(a, b) for a, b in zip(columns[name], after, strict=True) if a and a != b]
        assert not changed, (name, changed[:3])


def typed(rng: np.random.Generator, n: int) -> pa.Table:
    hole = lambda: rng.random(n) < 0.25  # noqa: E731
    x = rng.normal(size=n)
    whole = rng.integers(-(2**60), 2**60, n)
    moment = [dt.datetime(2020, 1, 1) + dt.timedelta(microseconds=int(v)) for v in rng.integers(0, 10**14, n)]
    money = [decimal.Decimal(int(v)).scaleb(-4) for v in rng.integers(0, 10**9, n)]
    return pa.table(
        {
            "double": pa.array(x, mask=hole()),
            "single": pa.array(x.astype(np.float32), mask=hole()),
            "wide": pa.array(whole, mask=hole()),
            "small": pa.array(rng.integers(0, 200, n).astype(np.uint8), mask=hole()),
            "moment": pa.array(moment, pa.timestamp("ns"), mask=hole()),
            "zoned": pa.array(moment, pa.timestamp("us", tz="Europe/Rome"), mask=hole()),
            "day": pa.array([m.date() for m in moment], mask=hole()),
            "span": pa.array(rng.integers(0, 10**9, n), pa.duration("ms"), mask=hole()),
            "money": pa.array(money, pa.decimal128(18, 4), mask=hole()),
            "flag": pa.array(x > 0, mask=hole()),
            "label": pa.array(rng.choice(np.array(["a", "b ", "C"], dtype=object), n), mask=hole()),
            "level": pa.array(
                rng.choice(np.array(["u", "v"], dtype=object), n), mask=hole()
            ).dictionary_encode(),
        }
    )


def kept(before: pa.Table, after: pa.Table) -> list[str]:
    """Columns of which a cell with a value, or the type, has changed."""
    bad = []
    for name in before.column_names:
        pairs = zip(before[name].to_pylist(), after[name].to_pylist(), strict=True)
        if before[name].type != after[name].type or any(a is not None and a != b for a, b in pairs):
            bad.append(name)
    return bad


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_typed_files(tmp_path: Path, seed: int, ending: str) -> None:
    table = typed(np.random.default_rng(seed), 150)
    path, out = tmp_path / f"in.{ending}", tmp_path / f"out.{ending}"
    if ending == "parquet":
        pq.write_table(table, path)
        read = pq.read_table
    else:
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table)
        read = lambda p: pa.ipc.open_file(p).read_all()  # noqa: E731
    assert call("impute", path, "--out", out) == 0
    assert kept(read(path), read(out)) == []


def test_frames() -> None:
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    table = typed(np.random.default_rng(5), 150)
    assert kept(table, locum.impute(table)) == []
    frame = polars.from_arrow(table)
    assert kept(frame.to_arrow(), locum.impute(frame).to_arrow()) == []
    held = table.drop_columns(["wide", "small"]).to_pandas()
    held["nullable"] = pandas.array(table["small"].to_pylist(), "UInt8")
    held["object"] = pandas.Series(
        [None if v is None else int(v) for v in table["small"].to_pylist()], dtype=object
    )
    done = locum.impute(held)
    for name in held:
        seen = held[name].notna()
        assert held[name].dtype == done[name].dtype
        assert held[name][seen].equals(done[name][seen]), name
