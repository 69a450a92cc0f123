"""Counts of files larger than memory, by DuckDB (extra ``duckdb``).

The files are read once; their codes, one or two bytes a value, go into a table of DuckDB's own, which
spills to a temporary folder beyond the memory limit. Counts are grouped queries on that table.
"""

from __future__ import annotations

import csv
import secrets
from collections.abc import Sequence
from pathlib import Path

from locum.errors import DataError, UsageError
from locum.schema.domain import Domain
from locum.sources.database import CodedTable, Database, column_name, column_type
from locum.sources.sql import Coding, identifier, text

_CODED = "coded"


class DuckDBSource(CodedTable):
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
        domain = Domain(tuple(c.attribute for c in codings))
        folded = [n.casefold() for n in domain.names]
        if len(set(folded)) != len(folded):
            raise UsageError("two attributes have the same name but for case", where="DuckDBSource")
        database = Database(memory, threads)
        super().__init__(domain, database, _CODED)
        try:
            self._load(paths, codings, unit, k)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the database and remove its files; calling it again does nothing."""
        self._database.close()

    def __enter__(self) -> DuckDBSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

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
                self._database.run(f"CREATE TABLE {levels} (value VARCHAR, code INTEGER)")
                values, codes = zip(*coding.rows, strict=True)
                self._database.run(
                    f"INSERT INTO {levels} SELECT unnest(?), unnest(?)", [list(values), list(codes)]
                )
                joins.append(f"LEFT JOIN {levels} ON {levels}.value = CAST({raw} AS VARCHAR)")
            joined = f"levels{i}.code" if coding.rows else "NULL"
            kind = column_type(coding.attribute.size)
            parts.append(f"CAST({coding.sql(raw, number, joined)} AS {kind}) AS {column_name(i)}")
        if unit is not None:
            parts.append(f"CAST(r.{identifier(unit)} AS VARCHAR) AS unit")
        selected = ", ".join(parts) or "1::UTINYINT AS nothing"
        target = "raw" if unit is not None else _CODED
        self._database.run(f"CREATE TABLE {target} AS SELECT {selected} FROM {reader} AS r {' '.join(joins)}")
        if unit is not None:
            self._bound(len(codings), k)
        self._database.lock()

    def _bound(self, n: int, k: int) -> None:
        """Keep `k` rows of each unit: those whose keyed hash is smallest."""
        kept = ", ".join(column_name(i) for i in range(n)) or "1::UTINYINT AS nothing"
        # 60 bits of the hash: a whole one as text would need much memory
        order = "CAST('0x' || left(sha256(? || CAST(rowid AS VARCHAR)), 15) AS BIGINT)"
        self._database.run(
            f"CREATE TABLE {_CODED} AS SELECT {kept} FROM (SELECT *, row_number() OVER "
            f"(PARTITION BY unit ORDER BY {order}) AS place FROM raw WHERE unit IS NOT NULL) "
            "WHERE place <= ?",
            [secrets.token_hex(32), k],
        )
        self._database.run("DROP TABLE raw")

    def _reader(self, paths: Sequence[Path]) -> tuple[str, list[str], bool]:
        """Table function over the files, the names of their columns, and whether these have types."""
        listed = "[" + ", ".join(text(str(p)) for p in paths) + "]"
        if not paths or not all(p.is_file() for p in paths):
            raise DataError(
                "there is no such file", where=str(next((p for p in paths if not p.is_file()), ""))
            )
        if all(p.suffix.lower() in (".parquet", ".pq") for p in paths):
            reader = f"read_parquet({listed})"
            described = self._database.run(f"DESCRIBE SELECT * FROM {reader}").fetchall()
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
