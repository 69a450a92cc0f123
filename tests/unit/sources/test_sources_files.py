"""Rows in files behave as the same rows in memory, to the last count and coin."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from locum.codes.encoder import Encoder
from locum.data import blocks as blocks_module
from locum.data import csv_lines, private_table
from locum.data.blocks import open_blocks
from locum.data.canonical import canonical
from locum.data.detect import detect
from locum.data.private_table import open_private
from locum.data.read import read
from locum.errors import DataError, LocumError, UsageError
from locum.models import registry
from locum.privacy.budget import Budget
from locum.privacy.ledger import Ledger
from locum.privacy.unit import Unit
from locum.schema.domain import Attribute, Coded, CompactRows, Domain
from locum.schema.table import Schema
from locum.sources.database import CodedTable, Database
from locum.sources.files import FileRows
from locum.sources.memory import MemorySource
from locum.sources.rows import MemoryRows
from locum.synthesizer.private import fit_private

N = 3_000
COLUMNS = ("patient_id", "age", "income", "ward", "since")


def people() -> pa.Table:
    rng = np.random.default_rng(3)
    age = rng.integers(18, 90, N)
    return pa.table(
        {
            "patient_id": [f"P{i}" for i in rng.integers(0, N // 2, N)],
            "age": [None if v == 40 else int(v) for v in age],
            "income": np.round(rng.lognormal(9, 1, N), 2),
            "ward": rng.choice(["intensive, I", "surgery", 'the "small" one'], N).tolist(),
            "since": [f"20{y:02d}-0{1 + y % 9}-11" for y in rng.integers(10, 25, N)],
        }
    )  # fmt: skip


@pytest.fixture(params=["csv", "semicolon.csv", "parquet", "arrow"])
def file(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The people in a file that is read in many small blocks."""
    table, path = people(), tmp_path / f"people.{request.param}"
    monkeypatch.setattr(blocks_module, "_BYTES", 20_000)
    monkeypatch.setattr(csv_lines, "_BYTES", 20_000)
    monkeypatch.setattr(private_table, "_ROWS", 700)
    monkeypatch.setattr(blocks_module, "_ROWS", 700)
    if request.param == "parquet":
        pq.write_table(table, path)
    elif request.param == "arrow":
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=900)
    else:
        mark = ";" if "semicolon" in request.param else ","
        lines = [mark.join(table.column_names)]
        for row in table.to_pylist():
            fields = ["" if v is None else str(v) for v in row.values()]
            quoted = ['"' + f.replace('"', '""') + '"' if set(f) & {",", '"', mark} else f for f in fields]
            lines.append(mark.join(quoted))
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def both(path: Path, names: Sequence[str] | None = None) -> tuple[MemoryRows, FileRows]:
    """The private rows of a file in memory and behind DuckDB."""
    return MemoryRows.of(open_private(path, names or COLUMNS)), file_rows(path, names)


def file_rows(path: Path, names: Sequence[str] | None = None) -> FileRows:
    return FileRows.of(open_private(path, names or COLUMNS))


def test_blocks_end_to_end_are_the_table(file: Path) -> None:
    whole, found = read(file), open_blocks(file)
    parts = list(found.read())
    assert len(parts) > 2
    assert pa.concat_tables(parts).combine_chunks() == whole.table.combine_chunks()
    assert found.origin == whole.origin and found.name == whole.name
    assert (
        pa.concat_tables(found.read(["ward"])).column("ward").to_pylist() == whole.table["ward"].to_pylist()
    )


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252"])
def test_marks_and_encodings_are_those_of_the_whole_file(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("sep=;\nname;stadt\nÄnne;Köln\nJürgen;Ulm\n".encode(encoding))
    given = {} if encoding == "utf-8-sig" else {"encoding": encoding}
    assert pa.concat_tables(open_blocks(path, **given).read()) == read(path, **given).table


def test_a_fit_to_a_file_is_the_fit_to_the_table(file: Path) -> None:
    """Same seeds, so that every noisy count is the same if and only if every exact count is."""
    fits = []
    for rows in both(file):
        ledger = Ledger.test(Budget.approx(5.0, 1e-6), seed=4, reserve=0.1)
        fits.append((fit_private(rows, ledger, target="ward", synthesizer="mst", seed=1), ledger.entries))
    (one, paid), (other, paid_too) = fits
    assert json.dumps(one.synthesizer.encoder.to_json()) == json.dumps(other.synthesizer.encoder.to_json())
    assert paid == paid_too and one.n_rows == other.n_rows
    assert [m.clique for m in one.measurements] == [m.clique for m in other.measurements]
    for a, b in zip(one.measurements, other.measurements, strict=True):
        np.testing.assert_array_equal(a.counts, b.counts)
    assert one.synthesizer.draw(50, seed=2).table == other.synthesizer.draw(50, seed=2).table


GENERATORS = ("tree-fast", "tree", "independent", "bayes-net", "bootstrap", "few-shot", "mst")


def coding(table: pa.Table, path: Path) -> tuple[Schema, Encoder]:
    """Schema and encoder of a table, as every fit below takes them."""
    schema = detect(read(table))
    return schema, Encoder.fit(canonical(read(path), schema, lenient=True), schema, seed=3)


@pytest.mark.parametrize("name", GENERATORS)
def test_generators_learn_from_a_file_by_blocks_what_they_learn_from_memory(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same bytes of state, to the last array; whether rows are looked at or only counted."""
    monkeypatch.setattr(blocks_module, "_ROWS", 700)
    table, path = people(), tmp_path / "people.parquet"
    pq.write_table(table, path)
    schema, encoder = coding(table, path)
    settings = {"rounds": 20} if name in ("tree", "bayes-net") else {}
    states = []
    for held in both(path):
        rows = held.canonical(schema).codes(encoder.domain, lambda part: encoder.encode(part).codes)
        assert isinstance(rows, Coded if isinstance(held, MemoryRows) else CompactRows)
        states.append(registry.create(name, **settings).fit(rows, seed=5).state())
    one, other = states
    assert one.settings == other.settings and one.tensors.keys() == other.tensors.keys()
    for key, array in one.tensors.items():
        assert array.dtype == other.tensors[key].dtype and array.tobytes() == other.tensors[key].tobytes()


def test_coding_a_file_holds_a_block_of_values_and_a_byte_a_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks_module, "_ROWS", 4_000)
    table = pa.concat_tables([people()] * 40).combine_chunks()
    path = tmp_path / "people.parquet"
    pq.write_table(table, path, row_group_size=4_000)
    schema, encoder = coding(people(), path)
    size, n = table.nbytes, table.num_rows
    held, before = file_rows(path).canonical(schema), pa.default_memory_pool()
    del table
    pool = pa.proxy_memory_pool(before)
    pa.set_memory_pool(pool)
    tracemalloc.start()
    try:
        rows = held.codes(encoder.domain, lambda part: encoder.encode(part).codes)
        arrow, ours = pool.max_memory(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(before)
    assert rows.n_rows == n and arrow < size / 4
    # Two bytes a cell at most, once in pieces and once whole, and what one block takes.
    assert ours < 4 * n * len(encoder.domain) + 4_000_000


def test_units_are_bounded_and_held_out_as_one(file: Path) -> None:
    rows = file_rows(file)
    coins = rows.coins(Unit("patient_id", 3), 0.5)
    ids = np.array(people()["patient_id"].to_pylist())
    assert 0.4 < coins.mean() < 0.6
    assert not set(ids[coins]) & set(ids[~coins])
    assert (rows.coins(Unit("patient_id"), 0.5) != coins).any()
    kept = rows.only(coins).bounded(Unit("patient_id", 2))
    left = kept.table()["patient_id"].to_pylist()
    numbers = np.unique(left, return_counts=True)[1]
    assert numbers.max() == 2 and kept.n_rows == len(left)
    expected = np.minimum(np.unique(ids[coins], return_counts=True)[1], 2).sum()
    assert len(left) == expected
    again = rows.only(coins).bounded(Unit("patient_id", 2)).table()
    assert again["age"].to_pylist() != kept.table()["age"].to_pylist()


def test_rows_without_a_unit_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("who,x\na,1\n,2\na,3\n,4\nb,5\n")
    for rows in both(path, ["who", "x"]):
        assert sorted(rows.bounded(Unit("who", 5)).table()["x"].to_pylist()) == ["1", "3", "5"]
        assert rows.coins(Unit(), 1.0).all() and not rows.coins(Unit(), 0.0).any()


def test_votes_in_a_database_are_those_in_memory() -> None:
    domain = Domain((Attribute("a", "a", 3, False), Attribute("b", "b", 300, True, 299)))
    rng = np.random.default_rng(1)
    codes = np.asfortranarray(
        np.stack([rng.integers(0, 3, 500), rng.integers(0, 300, 500)], axis=1, dtype=np.int32)
    )
    database = Database()
    table = CodedTable.create(domain, database)
    table.add(codes[:200])
    table.add(codes[200:])
    from locum.schema.domain import Coded

    np.testing.assert_array_equal(
        table.votes(codes[:40]), MemorySource(Coded(domain, codes)).votes(codes[:40])
    )
    database.close()


@pytest.mark.parametrize(
    ("name", "content", "error", "words"),
    [
        ("t.jsonl", b'{"a": 1}\n', UsageError, "not read in blocks"),
        ("t.csv", "a,b\n1,2\n".encode("utf-16"), UsageError, "utf-16"),
        ("t.csv", b'a, b\n1, "2"\n', UsageError, "blanks before quotes"),
        ("t.csv", b"", DataError, "empty"),
        ("t.csv", b"a,b\n" + b"1,2\n" * 99_000 + b"\xff,2\n", DataError, "not utf-8 all through"),
        ("t.csv", b"a,b\n1,2\n" + b"3,\0\n", DataError, "NUL"),
        ("t.parquet", b"no", DataError, "no readable Parquet"),
    ],
)
def test_what_is_not_read_in_blocks_says_so(
    tmp_path: Path, name: str, content: bytes, error: type[LocumError], words: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(error, match=words):
        open_blocks(path)


@pytest.mark.parametrize("line", ["3", "3,4,5", '3,"4', "\xff\xfe,4", "\x003,4\x00"])
def test_a_line_that_is_no_row_is_a_row_without_values_for_both(tmp_path: Path, line: str) -> None:
    """A file is never refused for one line: that it was would tell of that line."""
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,b\n1,2\n" + line.encode("latin-1") + b"\n5,6\n")
    read_by = [rows.table().to_pylist() for rows in both(path, ["a", "b"])]
    assert read_by[0] == read_by[1]
    nothing = {"a": "3", "b": "4"} if "\0" in line else {"a": None, "b": None}
    assert read_by[0] == [{"a": "1", "b": "2"}, nothing, {"a": "5", "b": "6"}]
