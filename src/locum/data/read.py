"""Read a table from a file or a data frame; nothing is typed or judged here."""

from __future__ import annotations

import difflib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from locum.data.arrowtypes import cannot_hold, family
from locum.data.csv import read_csv
from locum.data.lineage_stamp import stamp_in, stamp_of_file
from locum.data.origin import Backend, Dialect, Origin, Raw, held_as
from locum.data.packing import PACKINGS, only_member, packing_of, unpack
from locum.data.parts import parts_of, read_parts
from locum.data.plain_columns import as_plain
from locum.data.spreadsheet import SPREADSHEETS, read_spreadsheet
from locum.data.statistics_file import STATISTICS_FILES, read_statistics_file
from locum.data.table_area import AreaAsked
from locum.errors import DataError, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

TEXT_FILES = (".csv", ".tsv", ".txt", ".tab")
JSON_FILES = (".jsonl", ".ndjson")
PARQUET_FILES = (".parquet", ".pq")
ARROW_FILES = (".arrow", ".feather", ".ipc")
#: Formats that rows are written in, and all that are read.
WRITTEN = (*TEXT_FILES, *JSON_FILES, *PARQUET_FILES, *ARROW_FILES)
SUFFIXES = (*WRITTEN, *SPREADSHEETS, *STATISTICS_FILES, ".zip")


def read(
    source: Any,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
    missing: Sequence[str] | str | None = None,
    header: bool | None = None,
    names: Sequence[str] = (),
    skip_rows: int | None = None,
    header_rows: int | None = None,
    units_row: bool | None = None,
    footer_rows: int | None = None,
    sheet: str | None = None,
    ask: bool = False,
) -> Raw:
    """Read a table from a path or a data frame.

    Parameters
    ----------
    source
        Path of a ``.csv``, ``.tsv``, ``.txt``, ``.jsonl``, ``.ndjson`` (each also packed: ``.gz``, ``.zst``,
        ``.bz2``, ``.xz``), ``.parquet``, ``.arrow``, ``.feather`` file, of a workbook (``.xlsx``, ``.xls``,
        ``.ods``), of a file of SPSS, Stata or SAS, of a ``.zip`` with one of these, a folder or a pattern
        such as ``part-*.csv`` of the parts of one table; or a pandas, polars, pyarrow or narwhals frame.
    delimiter, encoding, decimal
        Spelling of a CSV file where sniffing got it wrong. `decimal` is ``.`` or ``,``.
    missing
        Texts that mean "missing", besides the usual ones.
    header
        False when the first line of a text table is a row and not the names of the columns, True when it
        holds them whatever it looks like; None finds out.
    skip_rows, header_rows, units_row, footer_rows
        Where the table lies in the text or sheet, see `locum.data.table_area.AreaAsked`; None finds out.
    sheet
        Sheet of a workbook, where several hold something.
    ask
        Whether a first line that looks like a row is an error that asks; else it is taken for one.
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
        if header is not None and header_rows is None:
            header_rows = int(header) if not header else None
        area = AreaAsked(skip_rows, header_rows, units_row, footer_rows)
        wanted = _Wanted(delimiter, encoding, decimal, header, tuple(names), area, sheet, ask)
        raw = _read_files(Path(source), wanted)
    else:
        raw = _read_frame(source)
    if tokens:
        origin = replace(raw.origin, missing=tokens)
        raw = replace(raw, origin=origin)
    raw = as_plain(raw)
    _check(raw)
    return raw


@dataclass(frozen=True, slots=True)
class _Wanted:
    """How to read a file, as far as it was said; see `read`."""

    delimiter: str | None
    encoding: str | None
    decimal: str | None
    header: bool | None
    names: tuple[str, ...]
    area: AreaAsked
    sheet: str | None
    ask: bool


def _read_files(path: Path, wanted: _Wanted) -> Raw:
    """One file, or the files of one table that a pattern or a folder stands for."""
    files = parts_of(path, SUFFIXES)
    if not files:
        return _read_path(path, wanted)
    name = table_name(path).rstrip("*?-_. ") or table_name(files[0])
    return read_parts(files, name, lambda part: _read_path(part, wanted))


def refuse_headed(path: Path) -> None:
    """Refuse a file that holds the names of its columns in any case, where it is said to have no header line.

    Raises
    ------
    UsageError
        For all but CSV and the like.
    """
    suffix, _ = kind_of_file(path)
    if suffix not in (*TEXT_FILES, *SPREADSHEETS, ".zip"):
        raise UsageError(
            f"a {suffix} file names its columns itself and has no header line",
            where="--no-header",
            do="leave it out",
        )


def _read_path(path: Path, wanted: _Wanted) -> Raw:
    where = str(path)
    suffix, packing = kind_of_file(path)
    if wanted.area.header_rows == 0:
        refuse_headed(path)
    if wanted.sheet is not None and suffix not in SPREADSHEETS:
        raise UsageError("only workbooks have sheets", where="--sheet", do="leave it out")
    data = _bytes(path, where)
    lineage, said = stamp_of_file(path, data)
    packing = packing_of(data) or packing
    if packing and suffix in (*TEXT_FILES, *JSON_FILES):
        data = unpack(data, packing, where)
    if suffix == ".zip":
        inside, data = only_member(data, where)
        suffix = PurePath(inside).suffix.lower()
        if suffix not in SUFFIXES or suffix == ".zip":
            raise _unknown(PurePath(inside), where)
    name = table_name(path)
    if suffix in SPREADSHEETS:
        names = () if wanted.header else wanted.names
        table, row, form, notes = read_spreadsheet(
            data, where, sheet=wanted.sheet, area=wanted.area, names=names, ask=wanted.ask
        )
        dialect = Dialect(decimal=wanted.decimal, row=row, row_form=form)
        return Raw(table, Origin("csv", held_as(table.schema), dialect), name, (*notes, *said), lineage)
    if suffix in STATISTICS_FILES:
        table, notes = read_statistics_file(data, suffix, where)
        return Raw(table, Origin("csv", held_as(table.schema), Dialect()), name, (*notes, *said), lineage)
    if suffix in TEXT_FILES:
        _refuse_disguised(data, where)
        table, dialect, notes = _read_text(data, suffix, where, wanted)
        return Raw(table, Origin("csv", held_as(table.schema), dialect), name, (*notes, *said), lineage)
    if suffix in JSON_FILES:
        table = _jsonl(data, where)
        return Raw(table, Origin("jsonl", held_as(table.schema)), name, said, lineage)
    typed = _parquet(data, where) if suffix in PARQUET_FILES else _arrow(data, where)
    lineage = stamp_in(typed.schema.metadata) or lineage
    table, notes = _without_index(typed)
    backend: Backend = "parquet" if suffix in PARQUET_FILES else "arrow"
    return Raw(table, Origin(backend, held_as(table.schema)), name, (*notes, *said), lineage)


def _read_text(
    data: bytes, suffix: str, where: str, wanted: _Wanted
) -> tuple[pa.Table, Dialect, tuple[str, ...]]:
    delimiter = wanted.delimiter
    if delimiter is None and suffix in (".tsv", ".tab") and b"\t" in data[:65536]:
        delimiter = "\t"
    if delimiter in ("tab", "\\t"):
        delimiter = "\t"
    return read_csv(
        data,
        where,
        delimiter=delimiter,
        encoding=wanted.encoding,
        decimal=wanted.decimal,
        headed=wanted.header,
        names=wanted.names if wanted.area.header_rows == 0 else (),
        area=wanted.area,
        ask=wanted.ask,
    )


def table_name(path: Path) -> str:
    """Name of the table that a file holds: the file's own without its endings."""
    return path.name.split(".")[0] or "table"


#: What to do with a file of another kind.
_CONVERT = {".json": "write one JSON object a line and name the file .jsonl"}


def kind_of_file(path: Path) -> tuple[str, str]:
    """The ending that decides the format, and how the file is packed by its name; empty when it is not.

    Raises
    ------
    UsageError
        When locum does not know the ending.
    """
    endings = [ending.lower() for ending in path.suffixes]
    packing = PACKINGS.get(endings[-1], "") if endings else ""
    inner = endings[:-1] if packing else endings
    suffix = inner[-1] if inner else ""
    if suffix not in SUFFIXES or (packing and suffix not in (*TEXT_FILES, *JSON_FILES)):
        if path.is_dir():
            _refuse_folder(path)
        raise _unknown(path, str(path))
    return suffix, packing


def _unknown(path: PurePath, where: str) -> UsageError:
    endings = [ending.lower() for ending in path.suffixes]
    packed = f"{', '.join(f'.csv{ending}' for ending in PACKINGS)}"
    return UsageError(
        f"locum does not know files that end in {''.join(endings[-2:]) or 'nothing'}",
        where=where,
        expected=f"one of {', '.join(SUFFIXES)}, or {packed} (.jsonl too)",
        do=_CONVERT.get(endings[-1] if endings else "", "rename or convert it"),
    )


#: First bytes of files that are no text tables, with what they are and what to do.
_DISGUISED = (
    (b"PK\x03\x04", "an Excel workbook or ZIP archive", "rename it to end in .xlsx or .zip"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook", "rename it to end in .xls"),
    (b"PAR1", "a Parquet file", "rename it to end in .parquet"),
    (b"ARROW1", "an Arrow file", "rename it to end in .arrow"),
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
