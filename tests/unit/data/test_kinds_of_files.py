"""Workbooks, files of statistics programs, packed files, archives and the parts of one table."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest

from locum.data.packing import PACKINGS, reading, writing
from locum.data.read import read
from locum.errors import DataError, UsageError

FRAME = pd.DataFrame(
    {
        "town": ["Ulm", "Bonn", "Kiel"] * 5,
        "x": [1.5, 2.25, None] * 5,
        "n": range(15),
        "day": ["2024-01-02"] * 15,
    }
)
TEXT = FRAME.to_csv(index=False)


def rows(path, **options):
    return read(path, **options).table.to_pylist()


@pytest.mark.parametrize("ending", PACKINGS)
def test_packed_text_is_read_by_its_content(tmp_path, ending):
    plain = tmp_path / "t.csv"
    plain.write_text(TEXT)
    for name in (f"t.csv{ending}", "unnamed.csv"):
        with (tmp_path / name).open("wb") as file, writing(file, PACKINGS[ending]) as out:
            out.write(TEXT.encode())
        assert rows(tmp_path / name) == rows(plain) or (name == "unnamed.csv" and rows(tmp_path / name))
    with (tmp_path / f"t.csv{ending}").open("rb") as file, reading(file, PACKINGS[ending]) as inner:
        assert inner.read() == TEXT.encode()
    (tmp_path / f"cut.csv{ending}").write_bytes((tmp_path / f"t.csv{ending}").read_bytes()[:-12])
    with pytest.raises(DataError, match="broken or cut off"):
        read(tmp_path / f"cut.csv{ending}")
    (tmp_path / f"none.csv{ending}").write_bytes(b"")
    with pytest.raises(DataError, match="the file is empty"):
        read(tmp_path / f"none.csv{ending}")


def test_other_programs_read_what_is_packed():
    for name, unpack in (("gzip", gzip.decompress), ("bzip2", bz2.decompress), ("xz", lzma.decompress)):
        sink = io.BytesIO()
        with writing(sink, name) as out:
            out.write(b"a,b\n")
        assert unpack(sink.getvalue()) == b"a,b\n"


def test_an_archive_with_one_table(tmp_path):
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("inner.csv", TEXT)
        archive.writestr("__MACOSX/inner.csv", "junk")
    assert read(tmp_path / "t.zip").table.num_rows == 15
    with zipfile.ZipFile(tmp_path / "t.zip", "a") as archive:
        archive.writestr("other.csv", TEXT)
    with pytest.raises(DataError, match="holds 2 files"):
        read(tmp_path / "t.zip")
    (tmp_path / "t.zip").write_bytes(b"PK")
    with pytest.raises(DataError, match="archive is broken"):
        read(tmp_path / "t.zip")


def test_parts_are_one_table_in_the_order_of_their_names(tmp_path):
    for i in range(3):
        FRAME[i * 5 : i * 5 + 5].to_csv(tmp_path / f"part-{i}.csv", index=False)
    raw = read(tmp_path / "part-*.csv")
    assert raw.name == "part"
    assert raw.table.column("n").to_pylist() == [str(i) for i in range(15)]
    assert "3 files" in raw.notes[0]
    folder = tmp_path / "table"
    folder.mkdir()
    for i in (1, 0):
        pq.write_table(pa.table({"a": [i], "b": ["x"]}), folder / f"{i}.parquet")
    (folder / "_SUCCESS").touch()
    assert read(folder).table.to_pydict() == {"a": [0, 1], "b": ["x", "x"]}
    pq.write_table(pa.table({"a": [2], "c": ["x"]}), folder / "2.parquet")
    with pytest.raises(DataError, match=r"2\.parquet lacks b and has besides c, unlike 0\.parquet"):
        read(folder)
    with pytest.raises(DataError, match="no file fits this pattern"):
        read(tmp_path / "none-*.csv")


@pytest.mark.parametrize("ending", ["xlsx", "ods"])
def test_a_sheet_is_read_as_its_csv_would_be(tmp_path, ending):
    if ending == "ods":
        pytest.importorskip("odf")
    FRAME.assign(day=pd.to_datetime(FRAME["day"])).to_excel(tmp_path / f"t.{ending}", index=False)
    (tmp_path / "t.csv").write_text(TEXT)
    for ours, theirs in zip(rows(tmp_path / f"t.{ending}"), rows(tmp_path / "t.csv"), strict=True):
        assert ours | {"n": 0} == theirs | {"n": 0}
        assert float(ours["n"]) == float(theirs["n"])
    raw = read(tmp_path / f"t.{ending}")
    assert raw.origin.backend == "csv" and "written as CSV" in raw.notes[0]


def test_the_table_is_found_in_a_sheet_too(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["A title"])
    for row in [
        [],
        ["place", "kg"],
        *[["a", i / 2] for i in range(20)],
        ["Total", 95.0],
        [],
        ["Source: us, 2024"],
    ]:
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    raw = read(tmp_path / "t.xlsx")
    assert raw.table.column_names == ["place", "kg"] and raw.table.num_rows == 20
    book.create_sheet("other").append(["x"])
    book.save(tmp_path / "t.xlsx")
    with pytest.raises(DataError, match="2 sheets hold something: Sheet, other"):
        read(tmp_path / "t.xlsx")
    assert read(tmp_path / "t.xlsx", sheet="Sheet").table.num_rows == 20
    with pytest.raises(UsageError, match="no sheet 'nix'"):
        read(tmp_path / "t.xlsx", sheet="nix")
    with pytest.raises(UsageError, match="only workbooks have sheets"):
        (tmp_path / "t.csv").write_text(TEXT)
        read(tmp_path / "t.csv", sheet="Sheet")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04"])
@pytest.mark.parametrize("ending", [".xlsx", ".ods", ".xls", ".sav", ".dta", ".xpt", ".sas7bdat"])
def test_broken_files_are_named(tmp_path, ending, content):
    (tmp_path / f"t{ending}").write_bytes(content)
    with pytest.raises(DataError, match=r"no readable|is empty"):
        read(tmp_path / f"t{ending}")


def test_a_locked_workbook_is_named(tmp_path):
    """The container of a workbook with a password, whose streams are called as Excel calls them."""
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504
    (tmp_path / "t.xlsx").write_bytes(head + "EncryptedPackage".encode("utf-16-le") + b"\0" * 480)
    with pytest.raises(DataError, match="locked with a password"):
        read(tmp_path / "t.xlsx")


def test_statistics_files_have_labels_in_place_of_codes(tmp_path):
    frame = FRAME.drop(columns="day").assign(sex=[1, 2, 1] * 5, age=[30, 99, 41] * 5)
    labels = {"sex": {1: "male", 2: "female"}, "age": {99: "unknown"}}
    pyreadstat.write_sav(frame, tmp_path / "t.sav", variable_value_labels=labels)
    raw = read(tmp_path / "t.sav")
    assert raw.table.column("sex").to_pylist()[:2] == ["male", "female"]
    assert raw.table.column("age").to_pylist()[:2] == ["30", "99"]  # not every code has a label
    assert raw.table.column("x").to_pylist()[:3] == ["1.5", "2.25", None]
    assert "labels in sex" in raw.notes[0]
    frame.to_stata(tmp_path / "t.dta", write_index=False)
    pyreadstat.write_xport(frame, tmp_path / "t.xpt")
    for name in ("t.dta", "t.xpt"):
        assert read(tmp_path / name).table.column("town").to_pylist() == FRAME["town"].tolist()


def test_private_rows_are_read_from_one_plain_file(tmp_path):
    from locum.data.private_table import open_private

    FRAME.to_excel(tmp_path / "t.xlsx", index=False)
    (tmp_path / "a-1.csv").write_text(TEXT)
    for name, words in (("t.xlsx", r"not read from \.xlsx"), ("a-*.csv", "from one file")):
        with pytest.raises(UsageError, match=words):
            open_private(tmp_path / name, ["town"])
