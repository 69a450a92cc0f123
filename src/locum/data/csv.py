"""Delimited text: find out how it is spelled, read every column as text, name what is wrong with it."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from locum.data.header import Located, check_names, locate, looks_like_data, refuse_unsure, taken_for_row
from locum.data.origin import Dialect, parts_fields
from locum.data.table_area import NOTHING_ASKED, AreaAsked
from locum.errors import DataError, UsageError

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

DELIMITERS = (",", ";", "\t", "|")
SAMPLE_BYTES = 1 << 18
_SAMPLE_ROWS = 300
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
EXCEL = re.compile(rb"sep=([,;\t|])\r?\n")
_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


def read_csv(
    data: bytes,
    where: str,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
    headed: bool | None = None,
    names: Sequence[str] = (),
    area: AreaAsked = NOTHING_ASKED,
    ask: bool = False,
) -> tuple[pa.Table, Dialect, tuple[str, ...]]:
    """Read delimited text into a table of text columns.

    An empty field is null, an empty pair of quotes is empty text (in a table of one column both are null,
    for an empty line could not be told from no line). What the arguments leave open is sniffed, also where
    in the text the table lies; a text that is not `headed` has no line of names. With `ask` a first line that
    looks like a row is an error, else it is taken for one, with a note.

    Returns
    -------
    table, dialect, notes
        Text columns; how the file is spelled; sentences for the user.

    Raises
    ------
    DataError
        Empty file, header only, header names twice or empty, rows of different length (with the line),
        NUL bytes, text that is not in the encoding, mixed encodings, a quote that is never closed.
    UsageError
        Delimiter that is none (see `parts_fields`), unknown encoding.
    """
    if delimiter is not None and not parts_fields(delimiter):
        raise UsageError(
            f"{delimiter!r} cannot be a delimiter",
            where="delimiter",
            expected="one character such as , ; | or a tab",
        )
    notes: list[str] = []
    encoding = find_encoding(data, encoding, where, notes)
    text = _utf8(data, encoding, where)
    _refuse_nul(text, where)
    if not text.strip():
        raise DataError("the file is empty", where=where, expected="a header line and rows")
    if (said := EXCEL.match(text)) is not None:  # Excel's own line "sep=;" before the header
        text = text[said.end() :]
        delimiter = delimiter or said[1].decode()
    head = text[:SAMPLE_BYTES].decode("utf-8", errors="ignore")
    whole = len(text) <= SAMPLE_BYTES
    dialect = sniff(head, whole, delimiter, where, notes)
    dialect = replace(dialect, encoding=encoding, decimal=decimal)
    if headed is not None and area.header_rows is None:
        area = replace(area, header_rows=int(headed))
    found = locate(text, dialect, where, area, names)
    if found.question:
        refuse_unsure(found, where, ask=ask)
        bare = locate(text, dialect, where, replace(area, header_rows=0))
        found = replace(bare, question=found.question, notes=(*bare.notes, taken_for_row(bare.names)))
    text, named = text[: found.end], found.names
    if not text[found.start :].strip(b" \r\n"):
        raise DataError("the file has a header line but no rows", where=where, expected="at least one row")
    notes += found.notes
    if area.header_rows is None and not found.question and looks_like_data(named):
        notes.append(
            "The first line looks like data; locum takes it as the header. If it is a row, give --no-header "
            "(header=False in Python)."
        )
    if found.start == 0 and area.header_rows == 0 and not names:
        notes.append(f"Without a header line, the columns are called c1 to c{len(named)}.")
    slow = dialect.space and b'"' in text
    table = (_slow if slow else _fast)(text, named, found.start, dialect, where)
    table = _without_spare(table, found, where, notes)
    if area.header_rows is None and not found.question:
        table = _without_repeats(table, notes)
    if found.row:
        dialect = replace(dialect, row=found.row, row_form=found.row_form)
        notes.append(row_note(table, found, where))
    return table, dialect, tuple(notes)


def _without_spare(table: pa.Table, found: Located, where: str, notes: list[str]) -> pa.Table:
    """The table without a last column that has neither name nor value: a delimiter at line ends."""
    if not found.spare:
        return table
    if table.column(found.spare).null_count < table.num_rows:
        check_names([*found.names[:-1], ""], where)
    notes.append("A delimiter at the end of each line makes a last column without name and values; left out.")
    return table.drop_columns([found.spare])


def _without_repeats(table: pa.Table, notes: list[str]) -> pa.Table:
    """The table without lines that repeat the names, as files that were put together have."""
    import pyarrow.compute as pc

    same = pc.equal(table.column(0), table.column_names[0]).fill_null(False)
    if table.num_columns < 2 or not pc.any(same).as_py():
        return table
    for i, name in enumerate(table.column_names[1:], start=1):
        same = pc.and_(same, pc.equal(table.column(i), name).fill_null(False))
    n = pc.sum(same).as_py() or 0
    if not n:
        return table
    lines = "1 line repeats" if n == 1 else f"{n:,} lines repeat"
    notes.append(f"{lines} the names of the columns and {'is' if n == 1 else 'are'} left out.")
    return table.filter(pc.invert(same))


def row_note(table: pa.Table, found: Located, where: str) -> str:
    """What became of the column without a name; it must tell each row from every other."""
    import pyarrow.compute as pc

    values = table.column(found.row)
    if values.null_count or pc.count_distinct(values).as_py() < len(values):
        raise DataError(
            "column 1 has no name in the header line, and does not number the rows",
            where=where,
            expected="a name for every column",
            do="name it in the header line",
        )
    return (
        f"The first column has no name and tells rows apart: it is called {found.row}, is made afresh and "
        "not judged, and is written without a name again."
    )


def find_encoding(data: bytes, asked: str | None, where: str, notes: list[str]) -> str:
    """The encoding of a file: as asked, by its byte-order mark, else UTF-8 or what bytes suggest."""
    bom = next((name for mark, name in _BOMS if data.startswith(mark)), None)
    if asked is not None:
        try:
            name = codecs.lookup(asked).name
        except LookupError as error:
            raise UsageError(
                f"there is no encoding {asked!r}",
                where="encoding",
                expected="utf-8, utf-16, cp1252, latin-1 ...",
            ) from error
        return "utf-8-sig" if name == "utf-8" and bom == "utf-8-sig" else name
    if bom is not None:
        return bom
    if (start := _invalid_utf8(data)) is None and b"\0" not in data[:4096]:
        return "utf-8"
    for wide in ("utf-16-le", "utf-16-be"):
        zeros = data[1 if wide == "utf-16-le" else 0 : 4096 : 2]
        if len(data) % 2 == 0 and zeros and zeros.count(0) > 0.7 * len(zeros):
            return wide
    if start is None:  # valid UTF-8 with NUL bytes; refused later with the line
        return "utf-8"
    high = sum(byte >= 0x80 for byte in data[: 1 << 20])
    good = sum(len(match) for match in _MULTIBYTE.findall(data[: 1 << 20]))
    if good > high / 2:
        raise DataError(
            f"the file mixes encodings: mostly UTF-8, but line {_line(data, start):,} is not",
            where=where,
            do="repair the file, or read it with --encoding latin-1 and accept wrong letters",
        )
    name = "cp1252"
    try:
        data.decode(name)
    except UnicodeDecodeError:
        name = "latin-1"
    notes.append(f"The file is not UTF-8; read as {name}. Give --encoding if letters look wrong.")
    return name


def _invalid_utf8(data: bytes) -> int | None:
    """Offset of the first byte that is not UTF-8; None when all is well."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return None


def _utf8(data: bytes, encoding: str, where: str) -> bytes:
    """The text in UTF-8, without a byte-order mark."""
    if encoding == "utf-8-sig":
        data = data.removeprefix(codecs.BOM_UTF8)
    if encoding in ("utf-8", "utf-8-sig"):
        if (start := _invalid_utf8(data)) is not None:
            raise DataError(
                f"line {_line(data, start):,} is not {encoding}",
                where=where,
                do="name the right encoding with --encoding",
            )
        return data
    try:
        return data.decode(encoding).encode("utf-8")
    except UnicodeError as error:
        at = f"line {_line(data, error.start):,}" if isinstance(error, UnicodeDecodeError) else "some text"
        raise DataError(
            f"{at} is not {encoding}", where=where, do="name the right encoding with --encoding"
        ) from error


def _line(data: bytes, offset: int) -> int:
    return data.count(b"\n", 0, offset) + 1


def _refuse_nul(text: bytes, where: str) -> None:
    at = text.find(b"\0")
    if at >= 0:
        raise DataError(
            f"line {_line(text, at):,} holds a NUL byte",
            where=where,
            expected="text",
            do="check that this is a text file; for UTF-16 give --encoding utf-16",
        )


def _records(head: str, delimiter: str, whole: bool) -> list[list[str]]:
    """The first records of the text under a delimiter; empty when the text cannot be split by it."""
    lines = head.splitlines(keepends=True)
    if not whole:
        lines = lines[:-1] or lines  # the last line may be cut
    records: list[list[str]] = []
    try:
        for record in csv.reader(lines, delimiter=delimiter):
            if record:
                records.append(record)
            if len(records) >= _SAMPLE_ROWS:
                break
    except csv.Error:
        return []
    return records


def _score(records: Sequence[Sequence[str]]) -> tuple[float, int]:
    """How well a delimiter fits: share of rows as long as most, and that length."""
    lengths = Counter(map(len, records))
    width = max(lengths, key=lambda n: (lengths[n], n), default=1)
    if width < 2 and records and lengths[len(records[0])] * 2 > len(records):
        return 0.0, 1
    return (lengths[width] / len(records), width) if width > 1 else (0.0, 1)


def sniff(head: str, whole: bool, asked: str | None, where: str, notes: list[str]) -> Dialect:
    """How a file is spelled, from its first lines."""
    scores = {mark: _score(_records(head, mark, whole)) for mark in DELIMITERS}
    best = max(DELIMITERS, key=lambda mark: (round(scores[mark][0], 1), scores[mark][1]))
    if scores[best][0] < 0.3:  # ragged under every delimiter: take the one the header has most of
        first = head.split("\n", 1)[0]
        best = max(DELIMITERS, key=first.count)
    if asked is not None and len(_first(head, asked)) == 1 and scores[best][0] > 0.9 and best != asked:
        raise DataError(
            f"with delimiter {asked!r} there is one column only",
            where=where,
            do=f"try --delimiter {_spell(best)}, which gives {scores[best][1]} columns",
        )
    delimiter = asked or best
    if asked is None and scores[delimiter][1] == 1 and len(_first(head, delimiter)) == 1:
        delimiter = ","
        notes.append("There is one column only. If that is wrong, name the delimiter with --delimiter.")
    records = _records(head, delimiter, whole)
    later = [field for record in records for field in record[1:]]
    space = bool(later) and sum(field.startswith(" ") for field in later) >= 0.98 * len(later)
    newline = "\r\n" if "\r\n" in head else "\n"
    return Dialect(delimiter, newline=newline, quote_all=_all_quoted(head, delimiter, whole), space=space)


def _first(head: str, delimiter: str) -> list[str]:
    records = _records(head, delimiter, True)
    return records[0] if records else [""]


def _spell(delimiter: str) -> str:
    return "tab" if delimiter == "\t" else f"'{delimiter}'"


def _all_quoted(head: str, delimiter: str, whole: bool) -> bool:
    lines = [line for line in head.splitlines()[: None if whole else -1] if line][:50]
    field = r'"(?:[^"]|"")*"'
    record = re.compile(f"{field}(?:{re.escape(delimiter)}{field})*")
    return bool(lines) and all(record.fullmatch(line) for line in lines)


def _fast(text: bytes, names: list[str], offset: int, dialect: Dialect, where: str) -> pa.Table:
    """Read with Arrow; on failure find the line and say what is wrong with it."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    rows = pa.py_buffer(text).slice(offset)
    quoted = b'"' in text
    block = 1 << 24
    while True:
        try:
            table = arrow_csv.read_csv(
                pa.BufferReader(rows),
                arrow_csv.ReadOptions(column_names=names, block_size=block),
                splitting(dialect, quoted=quoted),
                as_text(names),
            )
            break
        except pa.ArrowInvalid as error:
            if "straddl" in str(error) and block < len(text):
                block = len(text) + 1
                continue
            _blame(text, names, offset, dialect, where, error)
    last = table.column(table.num_columns - 1)[-1].as_py()
    if quoted and text.count(b'"') % 2 and last is not None and last.endswith("\n"):
        raise DataError(
            "a quote is opened and never closed", where=where, do='write a quote inside a field as ""'
        )
    return without_blanks(table) if dialect.space else table


def as_text(names: Sequence[str], *, quoted_nulls: bool = False) -> arrow_csv.ConvertOptions:
    """Every column is text; an empty field is null, an empty pair of quotes only with `quoted_nulls`."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    return arrow_csv.ConvertOptions(
        column_types={name: pa.string() for name in names},
        strings_can_be_null=True,
        quoted_strings_can_be_null=quoted_nulls or len(names) == 1,
        null_values=[""],
    )


def splitting(dialect: Dialect, *, quoted: bool) -> arrow_csv.ParseOptions:
    """How Arrow splits the lines; `quoted` says that there are quotes, in which lines may end."""
    from pyarrow import csv as arrow_csv

    return arrow_csv.ParseOptions(
        delimiter=dialect.delimiter, quote_char='"', newlines_in_values=quoted, ignore_empty_lines=True
    )


def without_blanks(table: pa.Table) -> pa.Table:
    """The same texts without the blanks before them; what is then empty is null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = [pc.utf8_ltrim(column, characters=" ") for column in table.columns]
    columns = [pc.if_else(pc.equal(column, ""), None, column) for column in columns]
    return pa.table(dict(zip(table.column_names, columns, strict=True)))


def _python_reader(text: bytes, dialect: Dialect) -> Any:
    lines = io.StringIO(text.decode("utf-8"), newline="")
    return csv.reader(lines, delimiter=dialect.delimiter, skipinitialspace=dialect.space)


def _blame(
    text: bytes, names: Sequence[str], offset: int, dialect: Dialect, where: str, error: Exception
) -> None:
    """Raise the error that names the first line whose length is off."""
    reader = _python_reader(text[offset:], dialect)
    above = text.count(b"\n", 0, offset) or text.count(b"\r", 0, offset)
    odd, first, got = 0, 0, 0
    try:
        for record in reader:
            if record and len(record) != len(names):
                odd += 1
                if odd == 1:
                    first, got = above + reader.line_num, len(record)
    except csv.Error:
        odd = 0
    if not odd:
        raise DataError(
            f"the file cannot be split into columns ({str(error).split(':')[0]})",
            where=where,
            do="check quotes and delimiter, or give --delimiter",
        ) from error
    more = f"; {odd:,} such lines in all" if odd > 1 else ""
    raise DataError(
        f"line {first:,} has {got} fields, the {'header' if offset else 'first'} has {len(names)}{more}",
        where=where,
        expected=f"{len(names)} fields in every line",
        do=f"repair the line, quote fields that hold {_spell(dialect.delimiter)}, or name the --delimiter",
    ) from error


def _slow(text: bytes, names: list[str], offset: int, dialect: Dialect, where: str) -> pa.Table:
    """Read with Python's reader, which alone copes with a blank before a quote; about 1 us a field."""
    import pyarrow as pa

    records = [record for record in _python_reader(text[offset:], dialect) if record]
    if any(len(record) != len(names) for record in records):
        _blame(text, names, offset, dialect, where, ValueError("ragged"))
    columns = zip(*records, strict=True)
    return pa.table(
        {
            name: pa.array([field or None for field in column], pa.string())
            for name, column in zip(names, columns, strict=True)
        }
    )
