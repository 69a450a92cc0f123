"""Counts of files larger than memory, by DuckDB (extra ``duckdb``).

The files are read once; their codes, one or two bytes a value, go into a table of DuckDB's own, which
spills to a temporary folder beyond the memory limit. Counts are grouped queries on that table.
"""

from __future__ import annotations

import csv
import secrets
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from locum.errors import DataError, UsageError
from locum.schema.domain import Domain
from locum.sources.base import Counts, check_clique, n_cells, summed
from locum.sources.cover import cover
from locum.sources.sql import Coding, count_statement, identifier, text

_CODED = "coded"
#: Cells of a table that is counted in one query for all tables within it.
_GROUPED = 1 << 15


class DuckDBSource:
    """Rows in CSV or Parquet files that answer counts.

    Parameters
    ----------
    files
        One file or several with the same columns, all ``.parquet`` or all CSV (comma, header line).
    codings
        How each attribute is computed.
    unit
        Id column whose values are the units of privacy; None when each row is one. Rows without an id are
        left out.
    k
        Rows kept of each unit, chosen by a keyed hash whose key comes from the operating system.
    memory
        Memory limit of the database in megabytes.
    threads
        Threads of the database.

    Raises
    ------
    UsageError
        When duckdb is not installed, or the files have not the columns that are coded.
    DataError
        When a file cannot be read. The reason is kept back: it might quote the data.

    Notes
    -----
    CSV lines that cannot be split into the header's columns are left out. Call `close`, or use it as a
    context, to remove the temporary folder.
    """

    def __init__(
        self,
        files: str | Path | Sequence[str | Path],
        codings: Sequence[Coding],
        *,
        unit: str | None = None,
        k: int = 1,
        memory: int = 700,
        threads: int = 1,
    ) -> None:
        paths = [Path(f) for f in ([files] if isinstance(files, str | Path) else files)]
        self.domain = Domain(tuple(c.attribute for c in codings))
        folded = [n.casefold() for n in self.domain.names]
        if len(set(folded)) != len(folded):
            raise UsageError("two attributes have the same name but for case", where="DuckDBSource")
        self._folder = tempfile.TemporaryDirectory(prefix="locum-")
        self._connection = _connect(Path(self._folder.name), memory, threads)
        try:
            self._load(paths, codings, unit, k)
        except BaseException:
            self.close()
            raise

    def marginal(self, attributes: Sequence[str]) -> Counts:
        """Number of rows in each combination of codes; see `Source.marginal`."""
        return self._count(check_clique(self.domain, attributes))

    def marginals(self, cliques: Sequence[Sequence[str]]) -> list[Counts]:
        """Several tables of counts; see `Source.marginals`."""
        checked = [check_clique(self.domain, c) for c in cliques]
        out: list[Counts] = [np.zeros(0, dtype=np.int64)] * len(checked)
        for names, answered in cover(self.domain, checked, _GROUPED):
            table = self._count(names)
            for i in answered:
                out[i] = summed(table, self.domain, names, checked[i])
        return out

    def close(self) -> None:
        """Close the database and remove its files; calling it again does nothing."""
        self._connection.close()
        self._folder.cleanup()

    def __enter__(self) -> DuckDBSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _count(self, names: Sequence[str]) -> Counts:
        sizes = [self.domain.attributes[self.domain.index(n)].size for n in names]
        columns = [(_column(self.domain.index(n)), size) for n, size in zip(names, sizes, strict=True)]
        answer = self._run(count_statement(_CODED, columns)).fetchnumpy()
        counts = np.zeros(n_cells(self.domain, names), dtype=np.int64)
        counts[np.asarray(answer["cell"], dtype=np.int64)] = answer["n"]
        return counts

    def _load(self, paths: Sequence[Path], codings: Sequence[Coding], unit: str | None, k: int) -> None:
        reader, names, typed = self._reader(paths)
        wanted = [c.attribute.column for c in codings] + ([unit] if unit is not None else [])
        missing = [name for name in wanted if name not in names]
        if missing:
            raise UsageError("there is no such column in the files", where=missing[0])
        parts, joins = [], []
        for i, coding in enumerate(codings):
            raw = f"r.{identifier(coding.attribute.column)}"
            # a cast straight on a CSV column moves into the reader, which then drops the rows it cannot cast
            number = raw if typed else f"concat({raw}, '')"
            if coding.rows:
                levels = f"levels{i}"
                self._run(f"CREATE TABLE {levels} (value VARCHAR, code INTEGER)")
                values, codes = zip(*coding.rows, strict=True)
                self._run(f"INSERT INTO {levels} SELECT unnest(?), unnest(?)", [list(values), list(codes)])
                joins.append(f"LEFT JOIN {levels} ON {levels}.value = CAST({raw} AS VARCHAR)")
            joined = f"levels{i}.code" if coding.rows else "NULL"
            kind = _type(coding.attribute.size)
            parts.append(f"CAST({coding.sql(raw, number, joined)} AS {kind}) AS {_column(i)}")
        if unit is not None:
            parts.append(f"CAST(r.{identifier(unit)} AS VARCHAR) AS unit")
        selected = ", ".join(parts) or "1::UTINYINT AS nothing"
        target = "raw" if unit is not None else _CODED
        self._run(f"CREATE TABLE {target} AS SELECT {selected} FROM {reader} AS r {' '.join(joins)}")
        if unit is not None:
            self._bound(len(codings), k)
        self._run("SET enable_external_access=false")
        self._run("SET lock_configuration=true")

    def _bound(self, n: int, k: int) -> None:
        """Keep `k` rows of each unit: those whose keyed hash is smallest."""
        kept = ", ".join(_column(i) for i in range(n)) or "1::UTINYINT AS nothing"
        # 60 bits of the hash: a whole one as text would need much memory
        order = "CAST('0x' || left(sha256(? || CAST(rowid AS VARCHAR)), 15) AS BIGINT)"
        self._run(
            f"CREATE TABLE {_CODED} AS SELECT {kept} FROM (SELECT *, row_number() OVER "
            f"(PARTITION BY unit ORDER BY {order}) AS place FROM raw WHERE unit IS NOT NULL) "
            "WHERE place <= ?",
            [secrets.token_hex(32), k],
        )
        self._run("DROP TABLE raw")

    def _reader(self, paths: Sequence[Path]) -> tuple[str, list[str], bool]:
        """Table function over the files, the names of their columns, and whether these have types."""
        listed = "[" + ", ".join(text(str(p)) for p in paths) + "]"
        if not paths or not all(p.is_file() for p in paths):
            raise DataError(
                "there is no such file", where=str(next((p for p in paths if not p.is_file()), ""))
            )
        if all(p.suffix.lower() in (".parquet", ".pq") for p in paths):
            reader = f"read_parquet({listed})"
            described = self._run(f"DESCRIBE SELECT * FROM {reader}").fetchall()
            return reader, [row[0] for row in described], True
        with paths[0].open(encoding="utf-8-sig", newline="") as file:
            names = next(csv.reader(file), [])
        # every column is text, and nothing about the dialect is guessed from the rows
        columns = ", ".join(f"{text(n)}: 'VARCHAR'" for n in names)
        options = (
            "header=true, auto_detect=false, delim=',', quote='\"', escape='\"', null_padding=true, "
            "ignore_errors=true, strict_mode=false, parallel=false"
        )
        return f"read_csv({listed}, columns={{{columns}}}, {options})", names, False

    def _run(self, statement: str, values: Sequence[Any] = ()) -> Any:
        import duckdb

        try:
            return self._connection.execute(statement, list(values))
        except duckdb.Error as error:
            # the engine's own words may quote a value
            raise DataError(
                f"the database could not do this ({type(error).__name__})",
                where="DuckDBSource",
                do="check that the files are CSV or Parquet with the schema's columns, and the memory limit",
            ) from None


def _connect(folder: Path, memory: int, threads: int) -> Any:
    try:
        import duckdb
    except ImportError as error:
        raise UsageError(
            "counting in files needs DuckDB", where="sources", do="install locum[duckdb]"
        ) from error
    for name, value in (("memory", memory), ("threads", threads)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise UsageError(f"{name} is not usable", where="DuckDBSource", expected="a whole number from 1")
    connection = duckdb.connect(":memory:")
    for setting in (
        f"memory_limit='{memory}MB'",
        f"threads={threads}",
        f"temp_directory={text(str(folder))}",
        "autoinstall_known_extensions=false",
        "autoload_known_extensions=false",
        "preserve_insertion_order=false",
        "enable_progress_bar=false",
    ):
        connection.execute(f"SET {setting}")
    return connection


def _column(i: int) -> str:
    return f"a{i}"


def _type(size: int) -> str:
    return "UTINYINT" if size <= 1 << 8 else "USMALLINT" if size <= 1 << 16 else "UINTEGER"
