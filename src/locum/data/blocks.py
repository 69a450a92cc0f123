"""Files larger than memory: the same table as `read` gives, one block of rows after the other."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from locum.data.csv import (
    EXCEL,
    SAMPLE_BYTES,
    as_text,
    find_encoding,
    sniff,
    splitting,
    without_blanks,
)
from locum.data.header import locate
from locum.data.origin import Dialect, Origin, held_as
from locum.data.read import kind_of_file, refuse_columns, refuse_headed, table_name
from locum.data.spreadsheet import SPREADSHEETS
from locum.data.statistics_file import STATISTICS_FILES
from locum.data.table_area import AreaAsked
from locum.errors import DataError, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

#: Bytes of CSV, and rows of other files, in one block.
_BYTES, _ROWS = 1 << 22, 1 << 16
_WAY_OUT = "write the table as Parquet, or as CSV in UTF-8"


@dataclass(frozen=True, slots=True)
class Blocks:
    """A file that is read block by block, as often as asked.

    Attributes
    ----------
    path, name
        The file, and the name of the table.
    schema
        Names and storage types of the columns; in CSV all are text.
    origin
        How the file is held, as `Raw.origin`.
    start, quoted
        Of CSV: where the rows begin, in bytes, and whether there are quotes.
    """

    path: Path
    name: str
    schema: pa.Schema
    origin: Origin
    start: int = 0
    quoted: bool = False

    def read(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The rows in order, a block at a time; of some columns only where they are named.

        Raises
        ------
        DataError
            When the file cannot be split into its columns. The words may quote a value of it.
        """
        import pyarrow as pa

        names = list(self.schema.names if columns is None else dict.fromkeys(columns))
        try:
            if self.origin.backend == "csv":
                yield from self._csv(names)
            elif self.origin.backend == "parquet":
                yield from self._parquet(names)
            else:
                yield from self._arrow(names)
        except pa.ArrowException as error:
            raise DataError(f"the file cannot be read ({error})", where=str(self.path)) from error

    def _csv(self, names: list[str]) -> Iterator[pa.Table]:
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        dialect = self.origin.dialect or Dialect()
        every = self.schema.names
        converting = as_text(every)
        converting.include_columns = names
        with self.path.open("rb") as file:
            file.seek(self.start)
            reader = arrow_csv.open_csv(
                pa.PythonFile(file, mode="r"),
                arrow_csv.ReadOptions(
                    use_threads=False, column_names=every, block_size=_BYTES, encoding=_plain(dialect)
                ),
                splitting(dialect, quoted=self.quoted),
                converting,
            )
            for batch in reader:
                table = pa.Table.from_batches([batch])
                yield without_blanks(table) if dialect.space else table

    def _parquet(self, names: list[str]) -> Iterator[pa.Table]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        with pq.ParquetFile(self.path) as file:
            for batch in file.iter_batches(_ROWS, columns=names):
                yield pa.Table.from_batches([batch]).select(names).replace_schema_metadata(None)

    def _arrow(self, names: list[str]) -> Iterator[pa.Table]:
        import pyarrow as pa

        with pa.memory_map(str(self.path)) as mapped, pa.ipc.open_file(mapped) as file:
            for i in range(file.num_record_batches):
                table = pa.Table.from_batches([file.get_batch(i)])
                yield table.select(names).replace_schema_metadata(None)


def open_blocks(
    path: Path,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
    missing: Sequence[str] = (),
    header: bool | None = None,
    names: Sequence[str] = (),
    skip_rows: int | None = None,
    header_rows: int | None = None,
    units_row: bool | None = None,
    footer_rows: int | None = None,
    scan: bool = True,
) -> Blocks:
    """A file as blocks; options and result as in `read`, without its notes.

    Without `scan` only the first lines of a CSV file are looked at, for names and spelling of its columns;
    the result then serves to ask for these.

    Raises
    ------
    DataError
        When the file is absent, empty, broken, or has columns that locum cannot hold.
    UsageError
        For a format that is not read in blocks: JSON lines, compressed text, UTF-16, and CSV with blanks
        before quotes.
    """
    if not path.is_file():
        raise DataError("there is no such file", where=str(path), do="check the spelling of the path")
    suffix, packing = kind_of_file(path)
    if header is False:
        refuse_headed(path)
    if packing or footer_rows or suffix in (".jsonl", ".ndjson", ".zip", *SPREADSHEETS, *STATISTICS_FILES):
        raise UsageError("such a file is not read in blocks", where=str(path), do=_WAY_OUT)
    if suffix in (".csv", ".tsv", ".txt", ".tab"):
        if delimiter in ("tab", "\\t"):
            delimiter = "\t"
        heads = header_rows if header_rows is not None else 1 if header is None else int(header)
        area = AreaAsked(skip_rows, heads, bool(units_row), 0)
        named = () if heads else tuple(names)
        found = _open_csv(path, suffix, delimiter, encoding, decimal, named, area, scan)
    else:
        found = typed_blocks(path, suffix)
    refuse_columns(found.schema, found.name)
    return replace(found, origin=replace(found.origin, missing=tuple(missing)))


def _open_csv(
    path: Path,
    suffix: str,
    delimiter: str | None,
    encoding: str | None,
    decimal: str | None,
    named: tuple[str, ...],
    area: AreaAsked,
    scan: bool,
) -> Blocks:
    import pyarrow as pa

    where = str(path)
    with path.open("rb") as file:
        head = file.read(SAMPLE_BYTES)
    whole = len(head) < SAMPLE_BYTES
    if not whole and b"\n" in head:  # the last line may be cut within a letter
        head = head[: head.rindex(b"\n") + 1]
    encoding = find_encoding(head, encoding, where, [])
    if encoding.startswith(("utf-16", "utf-32")):
        raise UsageError(f"{encoding} is not read in blocks", where=where, do=_WAY_OUT)
    if delimiter is None and suffix in (".tsv", ".tab") and b"\t" in head:
        delimiter = "\t"
    start = len(codecs.BOM_UTF8) if encoding == "utf-8-sig" else 0
    text = head[start:].decode(_plain_name(encoding), errors="replace").encode()
    if (said := EXCEL.match(text)) is not None:
        delimiter, start, text = delimiter or said[1].decode(), start + said.end(), text[said.end() :]
    if not text.strip():
        raise DataError("the file is empty", where=where, expected="a header line and rows")
    dialect = sniff(text.decode("utf-8", errors="ignore"), whole, delimiter, where, [])
    dialect = replace(dialect, encoding=encoding, decimal=decimal)
    located = locate(text, dialect, where, area, named)
    names, dialect = located.names, replace(dialect, row=located.row, row_form=located.row_form)
    start += len(text[: located.start].decode().encode(_plain_name(encoding), errors="replace"))
    quoted = scan and _scan(path, _plain_name(encoding))
    if dialect.space and quoted:
        raise UsageError("blanks before quotes are not read in blocks", where=where, do=_WAY_OUT)
    schema = pa.schema([(name, pa.string()) for name in names])
    return Blocks(path, table_name(path), schema, Origin("csv", held_as(schema), dialect), start, quoted)


def typed_blocks(path: Path, suffix: str) -> Blocks:
    """A Parquet or Arrow file as blocks, told apart by its ending; its columns may be of any type.

    Raises
    ------
    DataError
        When it is no such file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if suffix in (".parquet", ".pq"):
            schema, backend = pq.read_schema(path), "parquet"
        else:
            with pa.memory_map(str(path)) as mapped:
                schema, backend = pa.ipc.open_file(mapped).schema, "arrow"
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            "the file is no readable Parquet or Arrow file", where=str(path), do="write or copy it anew"
        ) from error
    fields: list[Any] = [f for f in schema if not f.name.startswith("__index_level_")]
    schema = pa.schema(fields)
    held = Origin("parquet" if backend == "parquet" else "arrow", held_as(schema))
    return Blocks(path, table_name(path), schema, held)


def _plain_name(encoding: str) -> str:
    """The encoding without a mark at the start, which is skipped by its length."""
    return "utf-8" if encoding == "utf-8-sig" else encoding


def _plain(dialect: Dialect) -> str:
    return "utf8" if _plain_name(dialect.encoding) == "utf-8" else dialect.encoding


def _scan(path: Path, encoding: str) -> bool:
    """Read the file once for what would break a block in its middle; says whether there are quotes."""
    decoder = codecs.getincrementaldecoder(encoding)()
    quoted = False
    with path.open("rb") as file:
        try:
            for part in _parts(file):
                text = decoder.decode(part)
                if "\0" in text:
                    raise DataError("the file holds a NUL byte", where=str(path), expected="text")
                quoted = quoted or '"' in text
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            raise DataError(
                f"the file is not {encoding} all through",
                where=str(path),
                do="name the right encoding with --encoding",
            ) from None
    return quoted


def _parts(file: IO[bytes]) -> Iterator[bytes]:
    while part := file.read(_BYTES):
        yield part
