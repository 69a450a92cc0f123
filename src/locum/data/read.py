"""Read a table from a file or a data frame; nothing is typed or judged here."""

from __future__ import annotations

import difflib
import gzip
import os
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.data.arrowtypes import cannot_hold, family
from locum.data.csv import read_csv
from locum.data.lineage_stamp import stamp_in, stamp_of_file
from locum.data.origin import Backend, Origin, Raw, held_as
from locum.data.plain_columns import as_plain
from locum.errors import DataError, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

TEXT_FILES = (".csv", ".tsv", ".txt", ".tab")
JSON_FILES = (".jsonl", ".ndjson")
PARQUET_FILES = (".parquet", ".pq")
ARROW_FILES = (".arrow", ".feather", ".ipc")
SUFFIXES = (*TEXT_FILES, *JSON_FILES, *PARQUET_FILES, *ARROW_FILES)


def read(
    source: Any,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
    missing: Sequence[str] | str | None = None,
    header: bool = True,
    names: Sequence[str] = (),
) -> Raw:
    """Read a table from a path or a data frame.

    Parameters
    ----------
    source
        Path of a ``.csv``, ``.tsv``, ``.txt``, ``.jsonl``, ``.ndjson`` (each also with ``.gz``),
        ``.parquet``, ``.arrow`` or ``.feather`` file; or a pandas, polars, pyarrow or narwhals frame.
    delimiter, encoding, decimal
        Spelling of a CSV file where sniffing got it wrong. `decimal` is ``.`` or ``,``.
    missing
        Texts that mean "missing", besides the usual ones.
    header
        False when the first line of a text table is a row and not the names of the columns.
    names
        Names of the columns of a table without a header line; c1, c2, ... when there are none.

    Raises
    ------
    DataError
        File absent, empty, broken, or with columns that locum cannot hold (nested, binary).
    UsageError
        A source of an unknown kind, a bad option.
    """
    if decimal not in (None, ".", ","):
        raise UsageError(f"decimal sign {decimal!r} is not known", where="decimal", expected="'.' or ','")
    tokens = (missing,) if isinstance(missing, str) else tuple(missing or ())
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if not header:
            refuse_headed(path)
        raw = _read_path(
            path,
            delimiter=delimiter,
            encoding=encoding,
            decimal=decimal,
            headed=header,
            names=() if header else names,
        )
    else:
        raw = _read_frame(source)
    if tokens:
        origin = replace(raw.origin, missing=tokens)
        raw = replace(raw, origin=origin)
    raw = as_plain(raw)
    _check(raw)
    return raw


def refuse_headed(path: Path) -> None:
    """Refuse a file that holds the names of its columns in any case, where it is said to have no header line.

    Raises
    ------
    UsageError
        For all but CSV and the like.
    """
    suffix, _ = kind_of_file(path)
    if suffix not in TEXT_FILES:
        raise UsageError(
            f"a {suffix} file names its columns itself and has no header line",
            where="--no-header",
            do="leave it out",
        )


def _read_path(path: Path, *, delimiter: str | None, **reading: Any) -> Raw:
    where = str(path)
    suffix, zipped = kind_of_file(path)
    data = _bytes(path, where)
    lineage, said = stamp_of_file(path, data)
    if zipped:
        data = _unzip(data, where)
    name = table_name(path)
    if suffix in TEXT_FILES:
        _refuse_disguised(data, where)
        if delimiter is None and suffix in (".tsv", ".tab") and b"\t" in data[:65536]:
            delimiter = "\t"
        if delimiter in ("tab", "\\t"):
            delimiter = "\t"
        table, dialect, notes = read_csv(data, where, delimiter=delimiter, **reading)
        return Raw(table, Origin("csv", held_as(table.schema), dialect), name, (*notes, *said), lineage)
    if suffix in JSON_FILES:
        table = _jsonl(data, where)
        return Raw(table, Origin("jsonl", held_as(table.schema)), name, said, lineage)
    typed = _parquet(data, where) if suffix in PARQUET_FILES else _arrow(data, where)
    lineage = stamp_in(typed.schema.metadata) or lineage
    table, notes = _without_index(typed)
    backend: Backend = "parquet" if suffix in PARQUET_FILES else "arrow"
    return Raw(table, Origin(backend, held_as(table.schema)), name, (*notes, *said), lineage)


def table_name(path: Path) -> str:
    """Name of the table that a file holds: the file's own without its endings."""
    return path.name.split(".")[0] or "table"


#: What to do with a file of another kind.
_CONVERT = {
    **dict.fromkeys((".xlsx", ".xls", ".ods"), "save the sheet as CSV"),
    ".json": "write one JSON object a line and name the file .jsonl",
    ".zip": "unpack it and name the file inside",
}


def kind_of_file(path: Path) -> tuple[str, bool]:
    """The ending that decides the format, and whether the file is gzipped.

    Raises
    ------
    UsageError
        When locum does not know the ending.
    """
    endings = [ending.lower() for ending in path.suffixes]
    zipped = bool(endings) and endings[-1] == ".gz"
    suffix = endings[-2] if zipped and len(endings) > 1 else (endings[-1] if endings and not zipped else "")
    if suffix not in SUFFIXES or (zipped and suffix not in (*TEXT_FILES, *JSON_FILES)):
        if path.is_dir():
            _refuse_folder(path)
        hint = _CONVERT.get(suffix, "rename or convert it")
        raise UsageError(
            f"locum does not know files that end in {''.join(endings[-2:]) or 'nothing'}",
            where=str(path),
            expected=f"one of {', '.join(SUFFIXES)}, or .csv.gz, .jsonl.gz",
            do=hint,
        )
    return suffix, zipped


#: First bytes of files that are no text tables, with what they are and what to do.
_DISGUISED = (
    (b"PK\x03\x04", "an Excel workbook or ZIP archive", "save the sheet as CSV, or unpack it"),
    (b"PAR1", "a Parquet file", "rename it to end in .parquet"),
    (b"ARROW1", "an Arrow file", "rename it to end in .arrow"),
    (b"\x1f\x8b", "a gzip file", "rename it to end in .csv.gz"),
    (b'{"', "JSON", "write one JSON object a line and name the file .jsonl"),
    (b"[{", "JSON", "write one JSON object a line and name the file .jsonl"),
)


def _refuse_disguised(data: bytes, where: str) -> None:
    """Refuse another kind of file under the name of a text table."""
    start = data[:64].lstrip()
    for magic, what, do in _DISGUISED:
        if start.startswith(magic):
            raise DataError(f"this is {what}, not a text table", where=where, expected="lines of text", do=do)


def _refuse_folder(path: Path) -> None:
    inside = [entry.name for entry in sorted(path.iterdir()) if entry.suffix.lower() in SUFFIXES]
    raise DataError(
        "this is a folder, not a file",
        where=str(path),
        expected="one file with one table",
        do=f"name a file in it, e.g. {path / inside[0]}" if inside else "name a file",
    )


def _bytes(path: Path, where: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise DataError("there is no such file", where=where, do=_did_you_mean(path)) from error
    except IsADirectoryError:
        _refuse_folder(path)
        raise
    except NotADirectoryError as error:
        raise DataError("a part of this path is a file, not a folder", where=where) from error
    except PermissionError as error:
        raise DataError(
            "the file may not be read", where=where, do="change its permissions or ask its owner"
        ) from error
    except OSError as error:
        raise DataError(f"the file cannot be read ({error.strerror})", where=where) from error


def _did_you_mean(path: Path) -> str:
    if "://" in str(path) or str(path).startswith(("http:", "https:", "s3:")):
        return "download it first; locum reads local files only"
    folder = path.parent
    if not folder.is_dir():
        return f"check the folder: {folder} does not exist"
    close = difflib.get_close_matches(path.name, [entry.name for entry in folder.iterdir()], n=1, cutoff=0.5)
    return f"did you mean {folder / close[0]}?" if close else "check the spelling of the path"


def _unzip(data: bytes, where: str) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError("the gzip file is broken or cut off", where=where, do="copy it anew") from error


def _jsonl(data: bytes, where: str) -> pa.Table:
    """One object a line; texts stay texts (Arrow alone would turn dates into timestamps)."""
    import pyarrow as pa
    import pyarrow.types as at
    from pyarrow import json as arrow_json

    if not data.strip():
        raise DataError("the file is empty", where=where, expected="one JSON object a line")
    block = arrow_json.ReadOptions(block_size=max(1 << 20, min(len(data), 1 << 28)))
    try:
        table = arrow_json.read_json(pa.BufferReader(data), read_options=block)
        dates = [f.name for f in table.schema if at.is_timestamp(f.type) or at.is_time(f.type)]
        if dates:
            parse = arrow_json.ParseOptions(
                explicit_schema=pa.schema([(name, pa.string()) for name in dates])
            )
            order = table.column_names
            table = arrow_json.read_json(pa.BufferReader(data), read_options=block, parse_options=parse)
            table = table.select(order)
    except pa.ArrowInvalid as error:
        # Arrow quotes no values here, only field names and row numbers.
        raise DataError(
            f"not readable as JSON lines ({str(error).removeprefix('JSON parse error: ')})",
            where=where,
            expected="one flat JSON object a line, each field of one type",
        ) from error
    return table


def _parquet(data: bytes, where: str) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(pa.BufferReader(data))
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            "the file is no readable Parquet file", where=where, do="write or copy it anew"
        ) from error


def _arrow(data: bytes, where: str) -> pa.Table:
    import pyarrow as pa

    try:
        if data.startswith(b"ARROW1"):
            return pa.ipc.open_file(pa.BufferReader(data)).read_all()
        return pa.ipc.open_stream(pa.BufferReader(data)).read_all()
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            "the file is no readable Arrow file", where=where, do="write or copy it anew"
        ) from error


def _without_index(table: pa.Table) -> tuple[pa.Table, tuple[str, ...]]:
    """Leave out the unnamed index that pandas hides in files."""
    hidden = [name for name in table.column_names if name.startswith("__index_level_")]
    table = table.replace_schema_metadata(None)
    if not hidden:
        return table, ()
    return table.drop_columns(hidden), ("The unnamed pandas index in the file is left out.",)


def _read_frame(source: Any) -> Raw:
    import pyarrow as pa

    if isinstance(source, pa.RecordBatch):
        source = pa.Table.from_batches([source])
    if isinstance(source, pa.Table):
        _refuse_duplicates(source.column_names)
        table, notes = _without_index(source)
        lineage = stamp_in(source.schema.metadata)
        return Raw(table, Origin("pyarrow", held_as(table.schema)), "table", notes, lineage)
    from locum.data.native import from_native

    return from_native(source)


def _refuse_duplicates(names: Sequence[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(
            f"{len(twice)} column {'name appears' if len(twice) == 1 else 'names appear'} twice",
            where="table",
            examples=[repr(name) for name in twice],
            do="rename the columns so that all differ",
        )


def _check(raw: Raw) -> None:
    """Refuse what no later step could use."""
    refuse_columns(raw.table.schema, raw.name)
    if raw.table.num_rows == 0:
        raise DataError("the table has no rows", where=raw.name, expected="at least one row")


def refuse_columns(schema: pa.Schema, where: str) -> None:
    """Refuse columns that locum cannot hold; raises DataError."""
    _refuse_duplicates(schema.names)
    if not schema.names:
        raise DataError("the table has no columns", where=where, expected="at least one column")
    for field in schema:
        if not field.name.strip():
            raise DataError("a column has no name", where=where, do="give every column a name")
        if family(field.type) == "other":
            raise cannot_hold(str(field.type), f"{where}.{field.name}")
