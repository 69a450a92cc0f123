"""Files of another kind under the name of a text table."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from locum.data.read import read
from locum.errors import DataError, UsageError


def parquet() -> bytes:
    """A small Parquet file."""
    sink = io.BytesIO()
    pq.write_table(pa.table({"a": [1, 2]}), sink)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04rest", "Excel workbook or ZIP"),
        (parquet(), "a Parquet file"),
        (b"\x1f\x8b\x08\x00", "the gzip file is broken"),
        (b'[{"a": 1}, {"a": 2}]', "JSON"),
        (b' {"a": 1}\n{"a": 2}\n', "JSON"),
    ],
    ids=["zip", "parquet", "gzip", "json", "lines"],
)
def test_another_kind_of_file_is_named(content: bytes, words: str, tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_bytes(content)
    with pytest.raises(DataError, match=words):
        read(file)


def test_an_ending_that_is_not_known_comes_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        read(tmp_path / "table.json")
    assert ".jsonl" in str(refused.value.do)
