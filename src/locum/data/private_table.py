"""A table of private rows as it may be read: declared columns only, each cell from its own value alone.

What is known of it before a row is read is its name, the names of its columns and the kind of its container.
Types, category lists, spellings of missing, encoding and line ends of the data stay behind here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol, cast

from locum.data.arrowtypes import family
from locum.data.blocks import Blocks, typed_blocks
from locum.data.cell_texts import column_texts, texts_of
from locum.data.csv_lines import LineForm, line_form, read_lines
from locum.data.origin import Backend, parts_fields
from locum.data.packing import reading as unpacked
from locum.data.parts import parts_of
from locum.data.read import JSON_FILES, SUFFIXES, TEXT_FILES, kind_of_file, read, table_name
from locum.data.spreadsheet import SPREADSHEETS
from locum.data.statistics_file import STATISTICS_FILES
from locum.data.table_area import AreaAsked
from locum.errors import DataError, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

#: Lines of JSON, and rows of other files, in one block.
_ROWS = 1 << 16


class PrivateTable(Protocol):
    """Private rows in a file or frame.

    Attributes
    ----------
    name
        Of the table.
    names
        Its columns in order.
    backend
        Its container.
    fields
        Names of all fields of a text file with a header, also of those that are not read; else `names`.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def names(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def backend(self) -> Backend: ...  # noqa: D102

    @property
    def fields(self) -> tuple[str, ...]: ...  # noqa: D102

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The rows in order, a block at a time; some columns only where they are named."""
        ...


def open_private(
    source: Any,
    names: Sequence[str] | None = None,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
    skip_rows: int | None = None,
    header_rows: int | None = None,
    units_row: bool | None = None,
    footer_rows: int | None = None,
    **ignored: Any,
) -> PrivateTable:
    """A path or frame as a table of private rows; no row is read yet.

    Parameters
    ----------
    source
        As for `read`.
    names
        The columns that were declared; no other is read. None takes those that the first line of a CSV file
        names.
    delimiter, encoding, header
        How a text file is spelled, as declared; see `line_form`.
    skip_rows, header_rows, units_row, footer_rows
        Where the table lies in a text file, as declared: nothing of it is found out.
    ignored
        Other options of `read`, which have no effect on private rows.

    Raises
    ------
    UsageError
        When the names must be declared and are not: for everything but CSV files with a header line.
    DataError
        When the file is absent, no file of its kind, or lacks a column.
    """
    if names is not None and (
        len(set(names)) != len(names) or not all(n.strip() for n in names) or not names
    ):
        raise UsageError(
            "the declared names of columns are not usable", where="columns", expected="different names"
        )
    if not isinstance(source, str | Path):
        return _Frame.of(source, _declared(names, "a data frame"))
    path = Path(source)
    if not path.is_file():
        if parts_of(path, SUFFIXES):
            raise UsageError(
                "private rows are read from one file",
                where=str(path),
                do="put the parts together in one CSV or Parquet file first",
            )
        read(path)  # says what is wrong with the path
    suffix, packing = kind_of_file(path)
    if suffix in (*SPREADSHEETS, *STATISTICS_FILES, ".zip"):
        raise UsageError(
            f"private rows are not read from {suffix} files",
            where=str(path),
            expected="CSV, JSON Lines, Parquet or Arrow",
            do="save the table as CSV first",
        )
    name = table_name(path)
    if suffix in TEXT_FILES:
        if delimiter in ("tab", "\\t") or (delimiter is None and suffix in (".tsv", ".tab")):
            delimiter = "\t"
        if delimiter is not None and not parts_fields(delimiter):
            raise UsageError(
                f"{delimiter!r} cannot be a delimiter",
                where="delimiter",
                expected="one character such as , ; |",
            )
        headed = header is not False if header_rows is None else header_rows == 1
        above = (skip_rows or 0) + (0 if headed else (header_rows or 0) + bool(units_row))
        area = AreaAsked(above, 1, headed and units_row, footer_rows)
        with _bytes_of(path, packing) as file:
            form = line_form(
                file, str(path), names=names, delimiter=delimiter, encoding=encoding, header=headed, area=area
            )
        return _Lines(path, packing, name, tuple(names or form.fields), form)
    what = {True: "a JSON Lines file", False: "a file of typed columns"}[suffix in JSON_FILES]
    declared = _declared(names, what)
    if suffix in JSON_FILES:
        return _Records(path, packing, name, declared)
    blocks = typed_blocks(path, suffix)
    _need(declared, blocks.schema.names, str(path))
    return _TypedFile(blocks, declared)


def _declared(names: Sequence[str] | None, what: str) -> tuple[str, ...]:
    if names is None:
        raise UsageError(
            f"the columns of {what} must be declared, for a single row can add a column to it",
            where="private data",
            expected="the names of the columns that may be known",
            do="declare them: --columns age,town,kids, columns=[...] in Python, or in locum.toml",
        )
    return tuple(names)


@contextmanager
def _bytes_of(path: Path, packing: str) -> Iterator[IO[bytes]]:
    with path.open("rb") as file, unpacked(file, packing) as inner:
        yield inner


@dataclass(frozen=True, slots=True)
class _Lines:
    """A CSV file."""

    path: Path
    packing: str
    name: str
    names: tuple[str, ...]
    form: LineForm
    backend: Backend = "csv"

    @property
    def fields(self) -> tuple[str, ...]:
        return self.form.fields

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        with _bytes_of(self.path, self.packing) as file:
            yield from read_lines(file, self.form, columns or self.names)


@dataclass(frozen=True, slots=True)
class _Records:
    """A file of JSON objects, one a line; a line that is none is a row without values."""

    path: Path
    packing: str
    name: str
    names: tuple[str, ...]
    backend: Backend = "jsonl"

    @property
    def fields(self) -> tuple[str, ...]:
        return self.names

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        names = tuple(columns or self.names)
        held: list[Mapping[str, Any]] = []
        with _bytes_of(self.path, self.packing) as file:
            for line in file:
                if line.strip():
                    held.append(_record(line))
                if len(held) >= _ROWS:
                    yield _texts(held, names)
                    held = []
        if held:
            yield _texts(held, names)


def _record(line: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _texts(records: Sequence[Mapping[str, Any]], names: Sequence[str]) -> pa.Table:
    import pyarrow as pa

    return pa.table([texts_of(r.get(n) for r in records) for n in names], names=list(names))


@dataclass(frozen=True, slots=True)
class _TypedFile:
    """A Parquet or Arrow file."""

    blocks: Blocks
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.blocks.name

    @property
    def backend(self) -> Backend:
        return self.blocks.origin.backend

    @property
    def fields(self) -> tuple[str, ...]:
        return self.names

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        for block in self.blocks.read(columns or self.names):
            yield _plain(block)


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """A data frame; its columns are read one by one, so that none has an effect on another."""

    frame: Any
    names: tuple[str, ...]
    backend: Backend
    name: str = "table"

    @property
    def fields(self) -> tuple[str, ...]:
        return self.names

    @classmethod
    def of(cls, source: Any, names: tuple[str, ...]) -> _Frame:
        from locum.data.native import frame_backend, frame_labels

        if hasattr(source, "to_struct_array"):  # a record batch, of which a table is made
            import pyarrow as pa

            source = pa.Table.from_batches([source]) if isinstance(source, pa.RecordBatch) else source
        _need(names, frame_labels(source), "table")
        return cls(source, names, frame_backend(source))

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        import pyarrow as pa

        from locum.data.native import frame_column

        names = list(columns or self.names)
        yield _plain(pa.table([frame_column(self.frame, n) for n in names], names=names))


def _need(names: Sequence[str], found: Sequence[str], where: str) -> None:
    """Refuse declared columns that are not there, or twice; names of other columns are not told."""
    lost = [name for name in names if list(found).count(name) != 1]
    if lost:
        raise DataError(
            f"the data does not have the declared {'column' if len(lost) == 1 else 'columns'} "
            f"{', '.join(lost[:5])} (once)",
            where=where,
            do="correct the names that were declared (--columns, a schema or a public table)",
        )


def _plain(table: pa.Table) -> pa.Table:
    """The table without lists of categories and without columns of objects that are no values."""
    import pyarrow as pa

    columns = [
        column_texts(column) if family(column.type) in ("text", "other", "null") else _flat(column)
        for column in table.columns
    ]
    return pa.table(columns, names=table.column_names)


def _flat(column: pa.ChunkedArray) -> pa.ChunkedArray:
    from locum.data.distinct import plain

    return cast("pa.ChunkedArray", plain(column))
