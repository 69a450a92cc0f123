"""Private rows of every container: declared columns only, and of the data's own types nothing is left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.data import private_table
from locum.data.plain_origin import plain_origin
from locum.data.private_table import open_private
from locum.data.restore import restore
from locum.errors import UsageError
from locum.schema.column import Column
from locum.schema.table import Schema

NAMES = ["a", "b"]
#: Pieces of lines of JSON, whole and broken.
PIECES = (
    b'{"a": 1, "b": "x"}', b'{"a": 1.0}', b'{"b": null, "zoster": 7}', b'{"a": NaN}', b'{"a": [1, 2]}',
    b"[1]", b"3", b"null", b'"a"', b"{", b'{"a": 1', b'{"a": "\xff"}', b"\xef\xbb\xbf{}", b"\0", b"\r", b" ",
    b"[" * 900, b'{"a": 1e999}', b'{"a": "\\ud800"}', b'{"a": 1, "a": 2}', b"\n",
    b'{"a": ' + b"9" * 5_000 + b"}",
)  # fmt: skip
lines = st.sampled_from(PIECES) | st.binary(max_size=6) | st.lists(st.sampled_from(PIECES)).map(b"".join)


def records(body: bytes, path: Path, size: int = 1 << 16) -> list[Any]:
    path.write_bytes(body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(private_table, "_ROWS", size)
        return [row for block in open_private(path, NAMES).read() for row in block.to_pylist()]


@given(body=st.lists(lines, min_size=1, max_size=6), size=st.integers(1, 4))
def test_a_file_of_records_is_the_sum_of_its_lines(
    body: list[bytes], size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No record has a part in how another is read; what is none is a row without values."""
    path = tmp_path_factory.getbasetemp() / "t.jsonl"
    each = [records(line, path) for line in body]
    assert records(b"\n".join(body), path, size) == [row for found in each for row in found]
    assert all(set(row) == {"a", "b"} for found in each for row in found)


def test_records_are_read_by_their_values(tmp_path: Path) -> None:
    found = records(b"\n".join(PIECES[:9]), tmp_path / "t.jsonl")
    assert found[:2] == [{"a": "1", "b": "x"}, {"a": "1", "b": None}]
    assert found[2:] == [{"a": None, "b": None}] * 7


def written(table: pa.Table, path: Path) -> Path:
    pq.write_table(table, path)
    return path


def test_no_list_of_categories_and_no_other_column_is_read(tmp_path: Path) -> None:
    """Labels that a type lists, be they of one row or of none, are nowhere in what is read."""
    labels = ["A", "zoster", "B", "A"]
    category = pd.DataFrame({"a": pd.Categorical(labels[2:], ["A", "B", "zoster"]), "secret": [1, 2]})
    enum = pl.DataFrame({"a": pl.Series(labels[2:], dtype=pl.Enum(["A", "B", "zoster"])), "secret": [1, 2]})
    dictionary = pa.table({"a": pa.array(labels).dictionary_encode(), "secret": range(4)}).slice(2)
    for held in (category, enum, dictionary, written(dictionary, tmp_path / "t.parquet")):
        table = open_private(held, ["a"])
        (block,) = table.read()
        assert block.schema == pa.schema([("a", pa.string())])
        assert block["a"].to_pylist() == ["B", "A"]
        assert "zoster" not in str(block) and "secret" not in str(table.names)


@pytest.mark.parametrize("columns", [["b"], ["b", "a"], None])
def test_some_columns_are_read_in_the_order_that_is_asked_for(
    columns: list[str] | None, tmp_path: Path
) -> None:
    rows = {"a": ["1", "2"], "b": ["x", "y"], "c": ["p", "q"]}
    pd.DataFrame(rows).to_csv(tmp_path / "t.csv", index=False)
    pd.DataFrame(rows).to_json(tmp_path / "t.jsonl", orient="records", lines=True)
    held = (tmp_path / "t.csv", tmp_path / "t.jsonl", written(pa.table(rows), tmp_path / "t.parquet"))
    for source in (*held, pa.table(rows), pd.DataFrame(rows), pl.DataFrame(rows)):
        (block,) = open_private(source, NAMES).read(columns)
        expected = {name: rows[name] for name in columns or NAMES}
        assert block.to_pydict() == expected and block.column_names == list(expected)


@pytest.mark.parametrize("delimiter", ['"', "é", "\n", "\0", "", ",,"])
def test_delimiters_that_cannot_be_are_refused(delimiter: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("1,2\n")
    with pytest.raises(UsageError, match="cannot be a delimiter"):
        open_private(tmp_path / "t.csv", NAMES, delimiter=delimiter, header=False)


@pytest.mark.parametrize("backend", ["csv", "jsonl", "parquet", "arrow", "pandas", "polars"])
def test_the_form_of_the_output_follows_from_the_schema_alone(backend: Any) -> None:
    columns = (
        Column("a", "integer"), Column("b", "number", decimals=2), Column("c", "boolean"),
        Column("d", "category", levels=("x",)), Column("e", "date"), Column("f", "datetime"),
    )  # fmt: skip
    origin = plain_origin(backend, Schema(columns))
    assert [held.name for held in origin.columns] == list("abcdef")
    assert (origin.dialect is not None) == (backend == "csv")
    if origin.dialect is not None:
        assert (origin.dialect.delimiter, origin.dialect.newline) == (",", "\n")
        assert origin.dialect.encoding == "utf-8"


def test_frames_come_back_with_types_that_hold_missing_values_whether_there_are_any_or_not() -> None:
    schema = Schema((Column("a", "integer"), Column("c", "boolean"), Column("d", "category", levels=("x",))))
    origin = plain_origin("pandas", schema)
    whole = pa.table({"a": pa.array([1, 2], pa.int64()), "c": [True, False], "d": ["x", "x"]})
    gaps = pa.table({"a": pa.array([1, None], pa.int64()), "c": [True, None], "d": ["x", None]})
    found = [dict(restore(table, schema, origin).dtypes.astype(str)) for table in (whole, gaps)]
    assert found[0] == found[1] == {"a": "Int64", "c": "boolean", "d": "object"}
