"""Write a canonical table to a file, all or nothing."""

from __future__ import annotations

import codecs
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from locum.data.distinct import plain
from locum.data.kept_cells import KeptCells
from locum.data.lineage_stamp import metadata
from locum.data.origin import Dialect, Origin
from locum.data.packing import writing as packed_into
from locum.data.read import WRITTEN, kind_of_file
from locum.data.restore import as_stored, in_order
from locum.data.texts import to_text
from locum.errors import UsageError
from locum.files import atomic
from locum.schema.lineage import Lineage
from locum.schema.table import Schema

if TYPE_CHECKING:
    import pyarrow as pa

_BLOCK = 1 << 16


def write(
    table: pa.Table,
    path: str | os.PathLike[str],
    *,
    schema: Schema,
    origin: Origin | None = None,
    lineage: Lineage | None = None,
    kept: KeptCells | None = None,
) -> None:
    """Write a canonical table; see `write_blocks`. Cells that are `kept` are written as they were read."""
    write_blocks((table,), path, schema=schema, origin=origin, lineage=lineage, kept=kept)


def write_blocks(
    blocks: Iterable[pa.Table],
    path: str | os.PathLike[str],
    *,
    schema: Schema,
    origin: Origin | None = None,
    lineage: Lineage | None = None,
    kept: KeptCells | None = None,
) -> None:
    """Write the blocks of a canonical table, at least one; the file's ending decides the format.

    ``.csv``, ``.tsv``, ``.txt``, ``.jsonl`` (each also with ``.gz``), ``.parquet``, ``.arrow``, ``.feather``.
    Text follows the spelling in `schema`, and the dialect of `origin` when that was CSV; typed files get the
    types of `origin` when that had types, else the canonical ones. A file of that name is replaced, but only
    once the new one is complete. Parquet and Arrow files carry `lineage`; for text files see
    `locum.data.lineage_stamp.write_stamp`.

    Raises
    ------
    FolderError
        Folder absent, no permission, no space left; nothing is left behind.
    UsageError
        An ending that is not known.
    """
    target = Path(path)
    suffix, packing = kind_of_file(target)
    if suffix not in WRITTEN:
        raise UsageError(
            f"rows are not written as {suffix}",
            where=str(path),
            expected=f"one of {', '.join(WRITTEN)}",
            do="choose .csv, which workbooks and statistics programs read",
        )
    tables = (block.select(in_order(block.column_names, origin)) for block in blocks)
    with atomic.replacing(target) as part, part.open("wb") as file, packed_into(file, packing) as out:
        if suffix in (".csv", ".tsv", ".tab", ".txt"):
            dialect = (origin.dialect if origin else None) or Dialect()
            if suffix in (".tsv", ".tab"):
                dialect = replace(dialect, delimiter="\t")
            for i, table in enumerate(tables):
                for lines in csv_blocks(table, schema, dialect, header=i == 0, kept=kept):
                    out.write(lines)
        elif suffix in (".jsonl", ".ndjson"):
            for table in tables:
                for lines in _jsonl_blocks(_typed(table, schema, origin, kept)):
                    out.write(lines)
        else:
            _binary((_typed(table, schema, origin, kept) for table in tables), suffix, out, lineage)


def _typed(table: pa.Table, schema: Schema, origin: Origin | None, kept: KeptCells | None) -> pa.Table:
    """The table in the types of its origin; text files have none, so theirs is the canonical table."""
    if origin is None or origin.backend == "csv":
        return table
    return as_stored(table, schema, origin, kept)


def _binary(tables: Iterator[pa.Table], suffix: str, out: IO[bytes], lineage: Lineage | None) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    first = next(tables)
    if suffix in (".parquet", ".pq"):
        first = _for_parquet(first)
    held = first.schema if lineage is None else first.schema.with_metadata(metadata(lineage))
    opened = pq.ParquetWriter if suffix in (".parquet", ".pq") else pa.ipc.new_file
    with opened(out, held) as writer:
        writer.write_table(first.cast(held))
        for table in tables:
            writer.write_table((_for_parquet(table) if suffix in (".parquet", ".pq") else table).cast(held))


def _for_parquet(table: pa.Table) -> pa.Table:
    """The table with the nearest type for each of the few that Parquet has not."""
    import pyarrow as pa

    for i, field in enumerate(table.schema):
        kind, column = field.type, table.column(i)
        if pa.types.is_dictionary(kind) and pa.types.is_string_view(kind.value_type):
            column = plain(column).dictionary_encode()
        elif pa.types.is_decimal(kind) and kind.scale < 0:
            column = column.cast(pa.decimal128(min(kind.precision - kind.scale, 38), 0))
        else:
            continue
        table = table.set_column(i, field.with_type(column.type), column)
    return table


def csv_blocks(
    table: pa.Table,
    schema: Schema,
    dialect: Dialect,
    *,
    header: bool = True,
    kept: KeptCells | None = None,
) -> Iterator[bytes]:
    """The lines of a CSV file, header first if wanted, in blocks of some ten thousand rows.

    A missing value is an empty field, empty text a pair of quotes (in a file of one column both are the pair
    of quotes, since readers skip empty lines). Letters that the encoding lacks become ``?``.
    """
    import pyarrow as pa

    encode = codecs.getincrementalencoder(dialect.encoding)(errors="replace").encode
    described = {column.name: column for column in schema}
    columns = {name: to_text(table.column(name), described[name]) for name in table.column_names}
    if kept is not None:
        columns = {name: kept.over(name, texts) for name, texts in columns.items()}
    heads = [name for name in columns if name != dialect.row or dialect.row_form != "absent"]
    shown = [None if name == dialect.row and dialect.row_form else name for name in heads]
    names = pa.table([pa.array([name], pa.string()) for name in shown], names=heads)
    texts = pa.table(columns)
    for part in (
        *([names] if header else []),
        *(texts.slice(i, _BLOCK) for i in range(0, texts.num_rows, _BLOCK)),
    ):
        lines = _lines(part, dialect)
        yield lines if dialect.encoding == "utf-8" else encode(lines.decode("utf-8"))


def _lines(part: pa.Table, dialect: Dialect) -> bytes:
    import pyarrow as pa
    import pyarrow.compute as pc

    single = part.num_columns == 1
    fields = [_quote(column.combine_chunks(), dialect, single) for column in part.columns]
    gap = dialect.delimiter + (" " if dialect.space else "")
    lines = fields[0] if single else pc.binary_join_element_wise(*fields, gap)
    lines = pc.binary_join_element_wise(lines, "", dialect.newline).cast(pa.large_string())
    data = lines.buffers()[2]
    return b"" if data is None else bytes(data)


def _quote(texts: pa.Array, dialect: Dialect, single: bool) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(texts, pa.ChunkedArray):
        texts = texts.cast(pa.large_string()).combine_chunks()
    inner = pc.replace_substring(texts, '"', '""')
    quoted = pc.binary_join_element_wise('"', inner, '"', "")
    if dialect.quote_all:
        return quoted.fill_null('""')
    special = pc.match_substring_regex(texts, f'["\\r\\n\\x{ord(dialect.delimiter):02x}]')
    if dialect.space:
        special = pc.or_(special, pc.starts_with(texts, " "))
    special = pc.or_(special, pc.equal(texts, ""))
    return pc.if_else(special, quoted, texts).fill_null('""' if single else "")


def _jsonl_blocks(table: pa.Table) -> Iterator[bytes]:
    names = table.column_names
    for start in range(0, table.num_rows, _BLOCK):
        part = table.slice(start, _BLOCK)
        columns = [part.column(name).to_pylist() for name in names]
        lines = [
            json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False, default=_jsonable)
            for row in zip(*columns, strict=True)
        ]
        yield ("\n".join(lines) + "\n").encode("utf-8", errors="replace")


def _jsonable(value: Any) -> Any:
    """Dates as ISO text, durations as seconds, everything else as text."""
    if hasattr(value, "total_seconds"):
        return value.total_seconds()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
