from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.errors import DataError, LocumError, UsageError
from locum.schema.domain import Attribute
from locum.sources.duckdb import DuckDBSource
from locum.sources.sql import Edges, Levels, Ready, identifier, text

HOSTILE = [
    'a"; DROP TABLE coded; --',
    "b'); DELETE FROM coded; --",
    "c\\",
    "d\n; e",
    "$1 ? :x {}",
    "coded",
    "sel ect",
]


def write_csv(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def test_levels_other_and_missing(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "t.csv", [["c", "d"], ["a", "1"], ["b", "1"], ["zz", "1"], ["", "1"], ["a", "1"]]
    )
    with DuckDBSource(path, [Levels("c", "c", ("a", "b", "never"))]) as source:
        np.testing.assert_array_equal(source.marginal(("c",)), [2, 1, 0, 1, 1])


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_hostile_names_and_values_are_only_names_and_values(tmp_path: Path, name: str, kind: str) -> None:
    values = [*HOSTILE, "plain", "plain"]
    if kind == "csv":
        path = write_csv(tmp_path / "it's.csv", [[name, "u"], *([v, "1"] for v in values)])
    else:
        path = tmp_path / "it's.parquet"
        pq.write_table(pa.table({name: values, "u": ["1"] * len(values)}), path)
    codings = [Levels(name, name, (*HOSTILE[:3], "plain")), Ready(Attribute("u", "u", 3, False))]
    with DuckDBSource(path, codings, unit=None) as source:
        np.testing.assert_array_equal(source.marginal((name,)), [1, 1, 1, 2, len(HOSTILE) - 3, 0])
        np.testing.assert_array_equal(source.marginal(("u",)), [0, len(values), 0])
    with DuckDBSource(path, codings, unit=name, k=1) as source:
        np.testing.assert_array_equal(source.marginal((name,)), [1, 1, 1, 1, len(HOSTILE) - 3, 0])


@given(st.text(min_size=1).filter(lambda s: "\0" not in s))
def test_quoting_is_undone_by_the_database(name: str) -> None:
    duckdb = pytest.importorskip("duckdb")
    try:
        name.encode()
    except UnicodeEncodeError:
        return
    got = duckdb.sql(f"SELECT {text(name)} AS {identifier(name)}")
    assert got.columns == [name]
    assert got.fetchall() == [(name,)]


def test_names_without_characters_are_refused() -> None:
    for bad in ("", "a\0b"):
        with pytest.raises(UsageError):
            identifier(bad)
    with pytest.raises(UsageError):
        text("a\0")


def test_edges_find_the_cell_of_every_number(tmp_path: Path) -> None:
    edges = (-2.5, 0.0, 0.1, 7.0, 1e300)
    values = ["-3", "-2.5", "0", "0.09999", "0.1", "6.999", "7", "1e301", "inf", "-inf", "nan", "", "abc"]
    path = write_csv(tmp_path / "n.csv", [["x", "y"], *([v, "1"] for v in values)])
    numbers = np.array([-3, -2.5, 0, 0.09999, 0.1, 6.999, 7, 1e301, np.inf, -np.inf])
    cells = np.searchsorted(np.array(edges), numbers, side="right")
    wanted = np.bincount(cells, minlength=len(edges) + 2)
    wanted[-1] = 3
    with DuckDBSource(path, [Edges("x", "x", edges)]) as source:
        np.testing.assert_array_equal(source.marginal(("x",)), wanted)


def test_no_unit_keeps_more_than_k_rows_and_unknown_units_keep_none(tmp_path: Path) -> None:
    rows = [[u, str(i % 3)] for i in range(30) for u in ("ann", "bob")] + [["cy", "1"], ["", "2"]]
    path = write_csv(tmp_path / "u.csv", [["who", "v"], *rows])
    codings = [Levels("who", "who", ("ann", "bob", "cy")), Ready(Attribute("v", "v", 3, False))]
    seen = set()
    for _ in range(12):
        with DuckDBSource(path, codings, unit="who", k=2) as source:
            np.testing.assert_array_equal(source.marginal(("who",)), [2, 2, 1, 0, 0])
            seen.add(tuple(source.marginal(("v",)).tolist()))
    # the same choice every time has a probability far below 1e-6
    assert len(seen) > 1


def test_errors_do_not_quote_the_data(tmp_path: Path) -> None:
    broken = tmp_path / "secret.parquet"
    broken.write_bytes(b"PAR1 alice@example.org PAR1")
    with pytest.raises(DataError) as caught:
        DuckDBSource(broken, [Levels("c", "c", ("a",))])
    assert "alice" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_missing_files_columns_and_doubtful_names(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", [["c", "C"], ["a", "b"]])
    with pytest.raises(LocumError, match="no such file"):
        DuckDBSource(tmp_path / "none.csv", [])
    with pytest.raises(UsageError, match="no such column"):
        DuckDBSource(path, [Levels("x", "x", ("a",))])
    with pytest.raises(UsageError, match="but for case"):
        DuckDBSource(path, [Levels("c", "c", ("a",)), Levels("C", "C", ("a",))])


def test_ragged_lines_do_not_stop_the_count(tmp_path: Path) -> None:
    path = tmp_path / "ragged.csv"
    path.write_text('a,b\nx,1\nx\nx,1,2,3\n"x,1\n')
    with DuckDBSource(path, [Levels("a", "a", ("x",))]) as source:
        assert source.marginal(("a",)).shape == (3,)


def test_the_temporary_folder_goes(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", [["c", "d"], ["a", "b"]])
    source = DuckDBSource(path, [Levels("c", "c", ("a",))])
    folder = source._database.folder
    assert folder.is_dir()
    source.close()
    source.close()
    assert not folder.exists()
