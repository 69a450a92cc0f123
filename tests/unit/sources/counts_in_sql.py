"""Codes computed and counted in SQL: what every source of counts must agree with.

DuckDB reads the files once; their codes, one or two bytes a value, go into a table of its own, which spills
to a temporary folder beyond the memory limit. Counts are grouped queries on that table. Levels are bound as
parameters of a table of their own (`Levels.rows`), never written into a statement.
"""

from __future__ import annotations

import csv
import math
import secrets
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from locum.errors import DataError, UsageError
from locum.schema.domain import Attribute, Domain
from locum.sources.database import CodedTable, Database, column_name, column_type
from locum.sources.sql import identifier, text

_CODED = "coded"


class Coding(ABC):
    """One attribute, and the SQL that computes its codes."""

    __slots__ = ()

    @property
    @abstractmethod
    def attribute(self) -> Attribute:
        """The attribute that the codes belong to."""

    @property
    def rows(self) -> tuple[tuple[str, int], ...]:
        """Pairs (value, code) to be joined on the column's text; empty when codes are computed."""
        return ()

    @abstractmethod
    def sql(self, raw: str, number: str, joined: str) -> str:
        """Expression of the code.

        Given the raw column, what to cast where a number is wanted, and the joined code.
        """


@dataclass(frozen=True, slots=True)
class Levels(Coding):
    """Texts as codes: the levels in order, then ``other``, then missing.

    Attributes
    ----------
    name, column
        Of the attribute and of the raw column.
    levels
        Distinct texts.
    """

    name: str
    column: str
    levels: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.levels)) != len(self.levels):
            raise UsageError("a level comes twice", where=self.column)

    @property
    def attribute(self) -> Attribute:
        """Codes 0 .. n-1 are the levels, n is any other text, n + 1 is missing."""
        n = len(self.levels)
        return Attribute(self.name, self.column, n + 2, False, n + 1)

    @property
    def rows(self) -> tuple[tuple[str, int], ...]:
        """The levels with their codes."""
        return tuple((level, i) for i, level in enumerate(self.levels))

    def sql(self, raw: str, number: str, joined: str) -> str:
        """Expression of the code."""
        n = len(self.levels)
        return f"CASE WHEN {raw} IS NULL THEN {n + 1} ELSE coalesce({joined}, {n}) END"


@dataclass(frozen=True, slots=True)
class Edges(Coding):
    """Numbers as codes: the number of edges at or below the value; what is no number is missing.

    Attributes
    ----------
    name, column
        Of the attribute and of the raw column.
    edges
        Finite, ascending. Code 0 is below the first edge, ``len(edges)`` at or above the last.
    """

    name: str
    column: str
    edges: tuple[float, ...]

    def __post_init__(self) -> None:
        pairs = zip(self.edges, self.edges[1:], strict=False)
        if not all(math.isfinite(e) for e in self.edges) or any(a >= b for a, b in pairs):
            raise UsageError("edges must be finite and ascend", where=self.column)

    @property
    def attribute(self) -> Attribute:
        """Cells in ascending order, then missing."""
        n = len(self.edges)
        return Attribute(self.name, self.column, n + 2, True, n + 1)

    def sql(self, raw: str, number: str, joined: str) -> str:
        """Expression of the code: a search tree of comparisons."""
        value = f"TRY_CAST({number} AS DOUBLE)"
        missing = f"{value} IS NULL OR isnan({value})"
        return f"CASE WHEN {missing} THEN {len(self.edges) + 1} ELSE {self._search(value, 0)} END"

    def _search(self, value: str, low: int, high: int | None = None) -> str:
        high = len(self.edges) if high is None else high
        if low == high:
            return str(low)
        middle = (low + high) // 2
        less, more = self._search(value, low, middle), self._search(value, middle + 1, high)
        return f"CASE WHEN {value} < {float(self.edges[middle])!r}::DOUBLE THEN {less} ELSE {more} END"


@dataclass(frozen=True, slots=True)
class Ready(Coding):
    """A column that holds codes already: below 0 counts as 0, too large or no number as the last.

    Attributes
    ----------
    of
        The attribute.
    """

    of: Attribute

    @property
    def attribute(self) -> Attribute:
        """The attribute as given."""
        return self.of

    def sql(self, raw: str, number: str, joined: str) -> str:
        """Expression of the code."""
        last = int(self.of.size) - 1
        return f"least(greatest(coalesce(TRY_CAST({number} AS BIGINT), {last}), 0), {last})"


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
