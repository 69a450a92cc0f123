"""Private rows in a file larger than memory: read in blocks by our own reader, kept as codes by DuckDB.

Every block goes through the same functions as a table in memory, row by row; only what holds the codes and
counts them is another. DuckDB also decides which rows of a unit are kept, for there may be more units than
memory. Its temporary folder holds codes, labels and unit ids, and goes when the rows do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from locum.data.origin import Backend
from locum.data.private_table import PrivateTable
from locum.privacy.group_keys import Part
from locum.privacy.random_bits import SystemBits
from locum.privacy.unit import Unit
from locum.schema.domain import CompactRows, Domain
from locum.schema.table import Schema
from locum.sources.database import CodedTable, Database
from locum.sources.rows import Coder, Mask, typed_rows, unit_ids

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True, eq=False)
class FileRows:
    """Rows of a file; see `Rows`. Make it with `open`.

    Attributes
    ----------
    file
        The table in its file.
    database
        Where codes go.
    kept
        Which rows of the file these are; one byte a row is all that grows with the file.
    typed
        The schema whose canonical types the rows have; None for rows as read.
    """

    file: PrivateTable
    database: Database
    kept: Mask
    typed: Schema | None = None

    @classmethod
    def of(cls, file: PrivateTable, *, memory: int = 700) -> FileRows:
        """Rows of a private table, which is read again for each question that is put to all rows.

        Parameters
        ----------
        file
            The table.
        memory
            Memory limit of the database, in megabytes.

        Raises
        ------
        UsageError
            When duckdb is not installed.

        Notes
        -----
        Cost: one pass over the file, and one more for each question that is put to all rows.
        """
        database = Database(memory)
        database.lock()
        first = file.names[:1]
        n = sum(block.num_rows for block in file.read(first))
        return cls(file, database, np.ones(n, dtype=np.bool_))

    @property
    def name(self) -> str:
        """Name of the table."""
        return self.file.name

    @property
    def names(self) -> Sequence[str]:
        """Names of the columns, those of the schema where there is one."""
        return self.file.names if self.typed is None else self.typed.names

    @property
    def backend(self) -> Backend:
        """Its container."""
        return self.file.backend

    @property
    def n_rows(self) -> int:
        """Exact number of rows."""
        return int(np.count_nonzero(self.kept))

    def only(self, kept: Mask) -> FileRows:
        """Some of the rows."""
        return replace(self, kept=_within(self.kept, kept))

    def bounded(self, unit: Unit) -> FileRows:
        """At most k rows of each unit: those whose secret random numbers are smallest."""
        if unit.column is None:
            return self
        with self._units(unit.column) as table:
            kept = self._places(
                "SELECT place FROM (SELECT place, row_number() OVER "
                f"(PARTITION BY unit ORDER BY drawn, place) AS turn FROM {table} WHERE unit IS NOT NULL) "
                "WHERE turn <= ?",
                unit.rows,
            )
        return self.only(kept)

    def crowded(self, unit: Unit) -> int:
        """How many units have more than k rows."""
        if unit.column is None:
            return 0
        with self._units(unit.column) as table:
            statement = (
                f"SELECT count(*) FROM (SELECT unit FROM {table} WHERE unit IS NOT NULL "
                "GROUP BY unit HAVING count(*) > ?)"
            )
            return sum(
                int(batch.column(0)[0].as_py()) for batch in self.database.batches(statement, [unit.rows])
            )

    def coins(self, unit: Unit, chance: float) -> Mask:
        """A secret coin for each unit; a row of nobody known has one of its own."""
        limit = min(2**64 - 1, round(chance * 2**64))
        if unit.column is None:
            return np.asarray(SystemBits().words(self.n_rows) < np.uint64(limit))
        with self._units(unit.column) as table:
            # the secret random number of a unit's first row is its coin; nobody's rows are left out later
            return self._places(
                f"SELECT place FROM {table} JOIN (SELECT unit, arg_min(drawn, place) AS coin FROM {table} "
                "WHERE unit IS NOT NULL GROUP BY unit) USING (unit) WHERE coin < CAST(? AS UBIGINT)",
                str(limit),
            )

    def canonical(self, schema: Schema) -> FileRows:
        """The same rows in canonical types."""
        return replace(self, typed=schema)

    def coded(self, domain: Domain, code: Coder) -> CodedTable:
        """Counts of the coded rows; one pass."""
        table = CodedTable.create(domain, self.database)
        for block in self._read([a.column for a in domain]):
            table.add(code(block))
        return table

    def codes(self, domain: Domain, code: Coder) -> CompactRows:
        """The coded rows in the smallest integers, in one pass; only a block is held as values."""
        return CompactRows(domain, (code(block) for block in self._read(self.names)))

    def tallies(self, columns: Sequence[str]) -> list[Iterator[Part]]:
        """Labels of some columns and their numbers of rows; one pass for all columns."""
        import pyarrow as pa
        import pyarrow.compute as pc

        tables = [self.database.name("labels") for _ in columns]
        for table in tables:
            self.database.run(f"CREATE TABLE {table} (value VARCHAR, n BIGINT)")
        for block in self._read(columns):
            for table, name in zip(tables, columns, strict=True):
                found = pc.value_counts(block.column(name).drop_null())
                rows = {"value": found.field("values").cast(pa.string()), "n": found.field("counts")}
                self.database.append(table, pa.table(rows))
        return [self._labels(table) for table in tables]

    def table(self) -> pa.Table:
        """The rows themselves, in memory: ask `only` for few of them first."""
        import pyarrow as pa

        found = list(self._read(self.names))
        return pa.concat_tables(found) if found else pa.table({})

    def _read(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """The rows that are kept, some columns, typed if they are to be; block by block."""
        import pyarrow as pa

        at = 0
        schema = None if self.typed is None else _part_of(self.typed, columns)
        for block in self.file.read(columns):
            kept = self.kept[at : at + block.num_rows]
            at += block.num_rows
            if not kept.any():
                continue
            block = block if kept.all() else block.filter(pa.array(kept))
            yield block if schema is None else typed_rows(block, schema)

    @contextmanager
    def _units(self, column: str) -> Iterator[str]:
        """A table of the rows' places, units and secret random numbers, for as long as it is needed."""
        import pyarrow as pa

        table = self.database.name("units")
        self.database.run(f"CREATE TABLE {table} (place BIGINT, unit VARCHAR, drawn UBIGINT)")
        at, bits = 0, SystemBits()
        for block in replace(self, typed=None)._read([column]):
            n = block.num_rows
            rows = {
                "place": np.arange(at, at + n),
                "unit": unit_ids(block.column(column)),
                "drawn": bits.words(n),
            }
            self.database.append(table, pa.table(rows))
            at += n
        try:
            yield table
        finally:
            self.database.drop(table)

    def _places(self, statement: str, value: int | str) -> Mask:
        """The rows whose places a statement gives, as a mask."""
        mask = np.zeros(self.n_rows, dtype=np.bool_)
        for batch in self.database.batches(statement, [value]):
            mask[batch.column(0).to_numpy()] = True
        return mask

    def _labels(self, table: str) -> Iterator[Part]:
        statement = f"SELECT value, CAST(sum(n) AS BIGINT) FROM {table} GROUP BY value ORDER BY value"
        for batch in self.database.batches(statement):
            yield batch.column(0).to_pylist(), batch.column(1).to_pylist()
        self.database.drop(table)


def _part_of(schema: Schema, columns: Sequence[str]) -> Schema:
    """The schema of some columns only."""
    names = set(columns)
    return Schema(tuple(c for c in schema if c.name in names), name=schema.name)


def _within(all_of: Mask, kept: Mask) -> Mask:
    """The mask of all rows out of one of those that were left."""
    out = all_of.copy()
    out[all_of] = kept
    return out
