"""Bad input: each kind gives one message that says what, where and what to do, and leaves nothing behind."""

import errno
import gzip
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from locum.data.canonical import canonical
from locum.data.detect import detect
from locum.data.origin import origin_from_json
from locum.data.read import read
from locum.data.write import write
from locum.errors import DataError, FileFormatError, FolderError, SchemaError, UsageError
from locum.schema.column import Column
from locum.schema.table import Schema


def csv(tmp_path, content, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "the file is empty"),
        ("\n\n  \n", "the file is empty"),
        ("a,b\n", "a header line but no rows"),
        ("a,b\n\n\n", "a header line but no rows"),
        ("a,b\n1,2\n3,4,5\n6,7\n", "line 3 has 3 fields, the header has 2"),
        ('a,b\n"x\ny",2\n3\n4,5\n', "line 4 has 1 fields, the header has 2"),
        ("a,b\n1,2\n3\n4\n", "2 such lines in all"),
        ("a,b,a\n1,2,3\n", "1 column name appears twice (e.g. 'a')"),
        (",b\n1,2\n1,3\n", "column 1 has no name"),
        ("a,b,\n1,2,3\n", "column 3 has no name"),
        ("a, ,\n1,2,\n", "columns 2, 3 have no name"),
        (b"a,b\n1,\x00\n", "line 2 holds a NUL byte"),
        ('a,b\n1,"2\n3,4\n', "a quote is opened and never closed"),
        ("é,b\n1,ü\nx,ö\n".encode() + b"y,\xe9\n", "mixes encodings: mostly UTF-8, but line 4 is not"),
    ],
)
def test_broken_csv_says_what_and_where(tmp_path, content, words):
    path = csv(tmp_path, content)
    with pytest.raises(DataError) as caught:
        read(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert caught.value.exit_code == 1


def test_wrong_delimiter_names_the_right_one(tmp_path):
    path = csv(tmp_path, "a;b;c\n1;2;3\n4;5;6\n")
    assert read(path).table.column_names == ["a", "b", "c"]
    with pytest.raises(DataError, match=r"one column only.*Try --delimiter ';'.*3 columns"):
        read(path, delimiter=",")
    with pytest.raises(UsageError, match="one character"):
        read(path, delimiter=";;")


def test_one_column_is_read_with_a_hint(tmp_path):
    raw = read(csv(tmp_path, "a\n1\n2\n"))
    assert raw.table.num_columns == 1
    assert any("--delimiter" in note for note in raw.notes)


def test_encodings_are_found_or_named(tmp_path):
    text = "name,x\nJosé,1\nZoë,2\n"
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"):
        raw = read(csv(tmp_path, text.encode(encoding)))
        assert raw.table["name"].to_pylist() == ["José", "Zoë"], encoding
    assert any("cp1252" in note for note in raw.notes)
    assert read(csv(tmp_path, b"n,x\n\x81\xe9,1\n")).origin.dialect.encoding == "latin-1"
    assert read(csv(tmp_path, "n,x\nŁ,1\n".encode("cp1250")), encoding="cp1250").table["n"].to_pylist() == [
        "Ł"
    ]
    with pytest.raises(DataError, match="line 2 is not utf-8"):
        read(csv(tmp_path, text.encode("cp1252")), encoding="utf-8")
    with pytest.raises(UsageError, match="no encoding 'klingon'"):
        read(csv(tmp_path, text), encoding="klingon")


def test_small_oddities_of_csv_are_read(tmp_path):
    raw = read(csv(tmp_path, "sep=;\r\na;b\r\n1;2\r\n"))
    assert raw.table.to_pydict() == {"a": ["1"], "b": ["2"]}
    assert raw.origin.dialect.newline == "\r\n"
    assert read(csv(tmp_path, "a,b\n1,2\n"), encoding="utf-8-sig").table.column_names == ["a", "b"]
    raw = read(csv(tmp_path, 'a, b, c\n1, x, "y, z"\n2, , w\n'))
    assert raw.table.to_pydict() == {"a": ["1", "2"], "b": ["x", None], "c": ["y, z", "w"]}
    raw = read(csv(tmp_path, "1,2\n3,4\n"))
    assert any("looks like data" in note for note in raw.notes)
    assert read(csv(tmp_path, "a\tb\n1\t\n", "t.tsv")).table.to_pydict() == {"a": ["1"], "b": [None]}
    assert read(csv(tmp_path, "a\rb\rc\r")).table.to_pydict() == {"a": ["b", "c"]}
    long = "x" * 3_000_000
    assert read(csv(tmp_path, f'a,b\n"{long}",1\n')).table["a"][0].as_py() == long


def test_missing_file_is_answered_with_the_nearest_name(tmp_path):
    csv(tmp_path, "a\n1\n", "visits.csv")
    with pytest.raises(DataError, match=r"no such file.*Did you mean .*visits\.csv"):
        read(tmp_path / "vists.csv")
    with pytest.raises(DataError, match="does not exist"):
        read(tmp_path / "nowhere" / "visits.csv")
    with pytest.raises(DataError, match="local files only"):
        read("https://example.org/a.csv")


def test_folder_and_unknown_endings(tmp_path):
    (tmp_path / "sub.csv").mkdir()
    csv(tmp_path / "sub.csv", "a\n1\n", "inner.csv")
    csv(tmp_path / "sub.csv", "words", "read.me")
    with pytest.raises(DataError, match=r"a folder, not a file.*inner\.csv"):
        read(tmp_path / "sub.csv")
    with pytest.raises(DataError, match="a folder, not a file"):
        read(tmp_path)
    with pytest.raises(DataError, match="no readable workbook"):
        read(csv(tmp_path, b"PK", "book.xlsx"))
    with pytest.raises(DataError, match="a file, not a folder"):
        read(tmp_path / "sub.csv" / "inner.csv" / "x.csv")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.parquet", b"PAR1 nonsense", "no readable Parquet"),
        ("t.arrow", b"ARROW1nonsense", "no readable Arrow"),
        ("t.feather", b"", "no readable Arrow"),
        ("t.csv.gz", b"not gzip", "gzip file is broken"),
        ("t.csv.gz", gzip.compress(b"a,b\n1,2\n", mtime=0)[:-9], "gzip file is broken"),
        ("t.jsonl", b"", "the file is empty"),
        ("t.jsonl", b'{"a": 1}\n{"a": "x"}\n', "changed from number to string"),
        ("t.jsonl", b"[1, 2]\n", "JSON lines"),
        ("t.jsonl", b'{"a": {"b": 1}}\n', "cannot be synthesised"),
    ],
)
def test_broken_files_of_other_kinds(tmp_path, name, content, words):
    with pytest.raises(DataError, match=words):
        read(csv(tmp_path, content, name))


@pytest.mark.parametrize(
    "source",
    [
        pd.DataFrame({"ok": [1, 2], "bad": [[1], [2]]}),
        pd.DataFrame({"ok": [1, 2], "bad": [{"a": 1}, {"a": 2}]}),
        pd.DataFrame({"ok": [1, 2], "bad": [b"x", b"y"]}),
        pd.DataFrame({"ok": [1, 2], "bad": [1j, 2j]}),
        pd.DataFrame({"ok": [1, 2], "bad": [object(), object()]}),
        pd.DataFrame({"ok": [1, 2], "bad": pd.interval_range(0, 2)}),
        pl.DataFrame({"ok": [1, 2], "bad": [[1], [2]]}),
        pl.DataFrame({"ok": [1, 2], "bad": pl.Series([1, 2**100], dtype=pl.Int128)}),
        pl.DataFrame({"ok": [1, 2], "bad": pl.Series([object(), object()], dtype=pl.Object)}),
        pa.table({"ok": [1, 2], "bad": pa.array([b"x", b"y"])}),
    ],
    ids=lambda source: str(type(source).__module__),
)
def test_columns_that_cannot_be_held_are_named(source):
    with pytest.raises(DataError, match=r"table\.bad: values of type .* cannot be synthesised"):
        read(source)


def test_odd_sources_are_refused_in_words():
    for source in (3, None, [1, 2], np.zeros(3)):
        with pytest.raises(UsageError, match="locum cannot read a"):
            read(source)
    with pytest.raises(UsageError, match="collect"):
        read(pl.LazyFrame({"a": [1]}))
    with pytest.raises(DataError, match="no rows"):
        read(pd.DataFrame({"a": []}))
    with pytest.raises(DataError, match="no columns"):
        read(pd.DataFrame())
    with pytest.raises(DataError, match="same name"):
        read(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(DataError, match="twice"):
        read(pa.table([[1], [2]], names=["a", "a"]))
    with pytest.raises(DataError, match="no name"):
        read(pa.table([[1], [2]], names=["a", ""]))
    with pytest.raises(UsageError, match="decimal sign"):
        read("x.csv", decimal=";")


def test_ten_thousand_columns_work(tmp_path):
    names = [f"column_{i}" for i in range(10_000)]
    rows = "\n".join(",".join(str((i * j) % 7) for i in range(10_000)) for j in range(3))
    raw = read(csv(tmp_path, ",".join(names) + "\n" + rows + "\n"))
    assert raw.table.num_columns == 10_000
    # Detection costs about a millisecond a column; a part of them is enough here.
    raw = replace(raw, table=raw.table.select(names[:1500]))
    table = canonical(raw, detect(raw))
    assert table.num_columns == 1500
    assert table["column_3"].to_pylist() == [0, 3, 6]


def test_canonical_names_column_count_and_masked_examples(tmp_path):
    raw = read(csv(tmp_path, "when,n\n2020-01-05,1\n31/02/24,2\nsecret person,3\n"))
    schema = Schema((Column("when", "date"), Column("n", "integer")), name="t")
    with pytest.raises(DataError) as caught:
        canonical(raw, schema)
    message = str(caught.value)
    assert "t.when: 2 of 3 values are no dates" in message
    assert '"sexxxx xxxxxx"' in message
    assert "secret" not in message
    with pytest.raises(DataError, match=r"t\.gone: the data has no such column"):
        canonical(raw, Schema((Column("gone", "text"),)))


def test_canonical_refuses_kinds_that_the_type_cannot_be():
    raw = read(pd.DataFrame({"t": pd.to_datetime(["2020-01-01 10:00"]), "n": [1.5]}))
    for name, kind in (("t", "integer"), ("t", "boolean"), ("n", "datetime")):
        with pytest.raises(DataError, match=f"cannot be read as {kind}"):
            canonical(raw, Schema((Column(name, kind),)))
    with pytest.raises(DataError, match="1 of 1 values are no integers"):
        canonical(raw, Schema((Column("n", "integer"),)))
    with pytest.raises(DataError, match="1 of 1 values are no dates"):
        canonical(raw, Schema((Column("t", "date"),)))
    assert canonical(raw, Schema((Column("t", "category"), Column("n", "text"))))["n"].to_pylist() == ["1.5"]


def test_detect_names_what_does_not_exist(tmp_path):
    raw = read(csv(tmp_path, "income,b\n1,2\n"))
    with pytest.raises(SchemaError, match="Did you mean 'income'"):
        detect(raw, target="incom")
    with pytest.raises(SchemaError, match="no column 'sex'"):
        detect(raw, protected=("sex",))
    with pytest.raises(SchemaError, match=r"no kind 'categroy'.*Did you mean 'category'"):
        detect(raw, overrides={"b": "categroy"})
    with pytest.raises(SchemaError, match="no field 'levles'"):
        detect(raw, overrides={"b": {"levles": ()}})


SMALL = pa.table({"a": pa.array(range(50_000), pa.int64())})
SCHEMA = Schema((Column("a", "integer"),))


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz", "x.parquet", "x.arrow", "x.jsonl"])
def test_no_space_leaves_nothing_behind(tmp_path, name):
    """A file-size limit of 4 kB stands in for a full disk; the operating system itself enforces it."""
    (tmp_path / name).write_bytes(b"old")
    script = (
        "import resource, signal, sys, pyarrow as pa\n"
        "from locum.data.write import write\nfrom locum.errors import FolderError\n"
        "from locum.schema.column import Column\nfrom locum.schema.table import Schema\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "table = pa.table({'a': pa.array([i * 7919 % 99991 for i in range(50000)], pa.int64())})\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n    write(table, sys.argv[1], schema=Schema((Column('a', 'integer'),)))\n"
        "except FolderError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / name)], capture_output=True, text=True, check=True
    )
    assert name in done.stdout
    assert "larger than" in done.stdout
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == b"old"


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "no space"), (errno.EACCES, "no permission"), (errno.EROFS, "read-only")],
)
def test_refusals_of_the_file_system_become_words(tmp_path, monkeypatch, number, words):
    def refuse(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(FolderError, match=words) as caught:
        write(SMALL, tmp_path / "x.csv", schema=SCHEMA)
    assert caught.value.exit_code == 2
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(FolderError, match="no permission"):
        write(SMALL, tmp_path / "x.csv", schema=SCHEMA)


def test_places_that_cannot_be_written(tmp_path):
    with pytest.raises(FolderError, match="does not exist"):
        write(SMALL, tmp_path / "no" / "x.csv", schema=SCHEMA)
    (tmp_path / "file").write_text("x")
    with pytest.raises(FolderError, match="a file, not a folder"):
        write(SMALL, tmp_path / "file" / "x.csv", schema=SCHEMA)
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(FolderError, match="a folder, not a file"):
        write(SMALL, tmp_path / "d.csv", schema=SCHEMA)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["d.csv", "file"]


def test_an_interrupt_leaves_nothing_behind(tmp_path, monkeypatch):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises(KeyboardInterrupt):
        write(SMALL, tmp_path / "x.csv", schema=SCHEMA)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        {},
        {"backend": "excel"},
        {"backend": "csv", "columns": [["a"]], "dialect": None, "missing": [], "wrapped": False},
        {"backend": "csv", "columns": [["a", 1, "", ""]], "dialect": None, "missing": [], "wrapped": False},
        {"backend": "csv", "columns": [], "dialect": {"evil": 1}, "missing": [], "wrapped": False},
        {"backend": "csv", "columns": [], "dialect": None, "missing": [1], "wrapped": False},
        *(
            {"backend": "csv", "columns": [], "dialect": dialect, "missing": [], "wrapped": False}
            for dialect in (
                {"encoding": "x"},
                {"encoding": "rot13"},
                {"delimiter": ""},
                {"delimiter": "total"},
                {"delimiter": ",x"},
                {"delimiter": "a"},
                {"delimiter": '"'},
                {"newline": "price"},
                {"newline": ""},
                {"quote_all": "yes"},
                {"space": 2},
                {"decimal": "x"},
                {"row_form": "x"},
            )
        ),
    ],
)
def test_broken_origins_are_refused(broken):
    with pytest.raises(FileFormatError):
        origin_from_json(broken)


def test_a_delimiter_is_a_sign_when_read_and_when_loaded(tmp_path):
    for mark in (";", "\t", "^", "~", " "):
        raw = read(csv(tmp_path, f"a{mark}b\n1{mark}2\n3{mark}4\n"), delimiter=mark)
        assert origin_from_json(raw.origin.to_json()).dialect.delimiter == mark
    with pytest.raises(UsageError, match="cannot be a delimiter"):
        read(csv(tmp_path, "1x2\n3x4\n"), delimiter="x")
