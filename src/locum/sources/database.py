"""A DuckDB of our own in a temporary folder (extra ``duckdb``), and counts of a table of codes in it."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from locum.errors import DataError, UsageError
from locum.schema.domain import Codes, Domain
from locum.sources.base import Counts, n_cells
from locum.sources.cover import CountedRows
from locum.sources.sql import count_statement, identifier, text
from locum.sources.votes import nearest_votes

if TYPE_CHECKING:
    import pyarrow as pa

#: Cells of a table that is counted in one query for all tables within it.
_GROUPED = 1 << 15
#: Rows fetched at a time.
_ROWS = 1 << 17


class Database:
    """A database that spills to a folder of its own beyond its memory limit and sees no file but that.

    Parameters
    ----------
    memory
        Memory limit in megabytes.
    threads
        Threads of the database.

    Raises
    ------
    UsageError
        When duckdb is not installed.
    """

    def __init__(self, memory: int = 700, threads: int = 1) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="locum-")
        self.folder = Path(self._folder.name)
        self._connection = _connect(self.folder, memory, threads)
        self._tables = 0

    def run(self, statement: str, values: Sequence[Any] = ()) -> Any:
        """Run a statement; raises DataError, without the engine's own words, for they may quote a value."""
        import duckdb

        try:
            return self._connection.execute(statement, list(values))
        except duckdb.Error as error:
            raise _failed(error) from None

    def batches(self, statement: str, values: Sequence[Any] = ()) -> Iterator[pa.RecordBatch]:
        """The answer in parts; no other statement may run before it has been read to its end."""
        import duckdb

        try:
            relation = self._connection.sql(statement, params=list(values))
            yield from relation.to_arrow_reader(_ROWS)
        except duckdb.Error as error:
            raise _failed(error) from None

    def append(self, table: str, rows: pa.Table) -> None:
        """Add the rows of an Arrow table to a table with the same columns."""
        self._connection.register("block", rows)
        try:
            self.run(f"INSERT INTO {identifier(table)} SELECT * FROM block")
        finally:
            self._connection.unregister("block")

    def name(self, of: str) -> str:
        """A name for a table that no other has."""
        self._tables += 1
        return f"{of}{self._tables}"

    def drop(self, table: str) -> None:
        """Remove a table; nothing happens when the database is closed already."""
        import duckdb

        try:
            self._connection.execute(f"DROP TABLE IF EXISTS {identifier(table)}")
        except duckdb.Error:
            # closed before: the table went with it
            return

    def lock(self) -> None:
        """No file outside the folder is read from now on, and no setting changes."""
        self.run("SET enable_external_access=false")
        self.run("SET lock_configuration=true")

    def close(self) -> None:
        """Close it and remove its files; calling it again does nothing."""
        self._connection.close()
        self._folder.cleanup()


class CodedTable(CountedRows):
    """A table of codes in a database that answers counts; dropped when nobody holds it any more.

    Parameters
    ----------
    domain
        What its columns ``a0, a1, ...`` are; codes are within their sizes.
    database, table
        Where it is.
    """

    most_cells: ClassVar[int] = _GROUPED

    def __init__(self, domain: Domain, database: Database, table: str) -> None:
        self.domain = domain
        self._database, self._table = database, table
        weakref.finalize(self, database.drop, table).atexit = False

    @classmethod
    def create(cls, domain: Domain, database: Database) -> CodedTable:
        """An empty table for the codes of a domain."""
        table = database.name("coded")
        columns = ", ".join(f"{column_name(i)} {column_type(a.size)}" for i, a in enumerate(domain))
        database.run(f"CREATE TABLE {identifier(table)} ({columns or 'nothing UTINYINT'})")
        return cls(domain, database, table)

    def add(self, codes: Codes) -> None:
        """Add rows; a code below 0 counts as 0, one too large as the last."""
        import pyarrow as pa

        columns = {}
        for i, size in enumerate(self.domain.sizes):
            kind = np.min_scalar_type(max(size - 1, 0))
            columns[column_name(i)] = np.clip(codes[:, i], 0, size - 1).astype(kind)
        if not columns:
            columns["nothing"] = np.ones(len(codes), dtype=np.uint8)
        self._database.append(self._table, pa.table(columns))

    def votes(self, proposed: Codes) -> Counts:
        """Number of rows nearest to each proposed row; see `nearest_votes`."""
        total = np.zeros(len(proposed), dtype=np.int64)
        for codes in self._codes():
            total += nearest_votes(codes, self.domain, proposed)
        return total

    def _codes(self) -> Iterator[Codes]:
        for batch in self._database.batches(f"SELECT * FROM {identifier(self._table)}"):
            codes = np.empty((batch.num_rows, len(self.domain)), dtype=np.int32, order="F")
            for i in range(len(self.domain)):
                codes[:, i] = batch.column(i).to_numpy(zero_copy_only=False)
            yield codes

    def _count(self, names: Sequence[str]) -> Counts:
        sizes = [self.domain.attributes[self.domain.index(n)].size for n in names]
        columns = [(column_name(self.domain.index(n)), size) for n, size in zip(names, sizes, strict=True)]
        answer = self._database.run(count_statement(self._table, columns)).fetchnumpy()
        counts = np.zeros(n_cells(self.domain, names), dtype=np.int64)
        counts[np.asarray(answer["cell"], dtype=np.int64)] = answer["n"]
        return counts


def _failed(error: Exception) -> DataError:
    """What is told of a failure: no word of the engine's own, for it may quote a value."""
    return DataError(
        f"the database could not do this ({type(error).__name__})",
        where="DuckDB",
        do="check that the files are CSV or Parquet with the schema's columns, and the memory limit",
    )


def _connect(folder: Path, memory: int, threads: int) -> Any:
    try:
        import duckdb
    except ImportError as error:
        raise UsageError(
            "counting in files needs DuckDB", where="sources", do="install locum[duckdb]"
        ) from error
    for name, value in (("memory", memory), ("threads", threads)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise UsageError(f"{name} is not usable", where="DuckDB", expected="a whole number from 1")
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


def column_name(i: int) -> str:
    """Name of the i-th column of a coded table."""
    return f"a{i}"


def column_type(size: int) -> str:
    """The smallest type of DuckDB that holds `size` codes."""
    return "UTINYINT" if size <= 1 << 8 else "USMALLINT" if size <= 1 << 16 else "UINTEGER"
