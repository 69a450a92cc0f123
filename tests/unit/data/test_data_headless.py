"""Text tables without a header line: no row becomes names, and names are said or counted."""

from __future__ import annotations

import gzip

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.data.blocks import open_blocks
from locum.data.read import read
from locum.errors import DataError, UsageError

cells = st.text("ab1 .\"'", min_size=1, max_size=4).filter(lambda text: text == text.strip())


def write(path, rows, delimiter=","):
    quoted = (delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)
    path.write_text("".join(line + "\n" for line in quoted))
    return path


@given(st.integers(2, 4).flatmap(lambda k: st.lists(st.tuples(*[cells] * k), min_size=2, max_size=8)))
def test_every_line_is_a_row(tmp_path_factory, rows):
    path = write(tmp_path_factory.mktemp("headless") / "t.csv", rows)
    raw = read(path, delimiter=",", header=False)
    assert raw.table.column_names == [f"c{i + 1}" for i in range(len(rows[0]))]
    assert list(zip(*raw.table.to_pydict().values(), strict=True)) == rows
    assert any("called c1" in note for note in raw.notes)
    blocks = open_blocks(path, delimiter=",", header=False)
    assert pa.concat_tables(blocks.read()).to_pydict() == raw.table.to_pydict()


def test_names_are_those_that_were_said(tmp_path):
    path = write(tmp_path / "t.csv", [("1", "x"), ("2", "y")])
    raw = read(path, header=False, names=("age", "town"))
    assert raw.table.to_pydict() == {"age": ["1", "2"], "town": ["x", "y"]}
    assert raw.notes == ()
    assert read(path, names=("age", "town")).table.column_names == ["1", "x"]
    for reader in (read, open_blocks):
        with pytest.raises(DataError, match="first line has 2 fields, and 1 columns are named"):
            reader(path, header=False, names=("age",))


def test_blanks_after_commas_and_packed_files(tmp_path):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b'1, "a, b"\n2, "c"\n3, "d"\n'))
    assert read(path, header=False).table.to_pydict() == {"c1": ["1", "2", "3"], "c2": ["a, b", "c", "d"]}


def test_ragged_lines_are_told_without_a_header(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("1,2\n3,4\n5\n")
    with pytest.raises(DataError, match="line 3 has 1 fields, the first has 2"):
        read(path, header=False)


def test_other_files_have_names_of_their_own(tmp_path):
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"a": [1, 2]}), tmp_path / "t.parquet")
    for reader in (read, open_blocks):
        with pytest.raises(UsageError, match="names its columns itself"):
            reader(tmp_path / "t.parquet", header=False)


def test_the_note_on_a_first_line_of_numbers_says_what_to_do(tmp_path):
    path = write(tmp_path / "t.csv", [("6", "148"), ("1", "85")])
    assert "--no-header" in read(path).notes[0]


def test_a_run_of_a_file_without_a_header(tmp_path):
    from locum.runs.config import load_config
    from locum.runs.execute import run

    rows = [(str(i % 7), "ab"[i % 2], str(i % 5)) for i in range(120)]
    path = write(tmp_path / "t.csv", rows)
    (tmp_path / "locum.toml").write_text(
        'version = 1\n[data.t]\npath = "t.csv"\nheader = false\ncolumns = ["age", "sex", "ward"]\n'
    )
    out = run(path, tmp_path / "run", seed=3)
    made = read(out.folder / "synthetic.csv")
    assert made.table.column_names == ["age", "sex", "ward"]
    assert made.table.num_rows == 120
    assert "--no-header" in (out.folder / "report.html").read_text()
    # the config beside the rows fits them
    assert load_config(out.folder / "locum.toml").header
    again = run(path, tmp_path / "again", seed=3, header=False, config=out.folder / "locum.toml")
    assert (again.folder / "synthetic.csv").read_bytes() == (out.folder / "synthetic.csv").read_bytes()
