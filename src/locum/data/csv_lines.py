"""Delimited text read line by line: nothing that one line holds changes how another is read.

A row is a line. Encoding and delimiter are told, or follow from the header; nothing is guessed from rows. A
line that is not in the encoding, or has another number of fields, is a row without any value. A quote that is
opened and not closed ends with its line, so that it swallows no other row; values with line ends in them
cannot be read in this way.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import numpy as np

from locum.arrays import BoolArray, IntArray
from locum.data.csv import DELIMITERS, EXCEL, as_text, splitting
from locum.data.origin import Dialect
from locum.data.table_area import NOTHING_ASKED, VALUE, AreaAsked
from locum.errors import DataError, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

#: The end of a line.
_END = 10
#: Bytes that are read at once.
_BYTES = 1 << 22
#: Longest line; what is longer is cut there, and is then a row without values.
_MOST_LINE = 1 << 24
#: Longest line that is not looked at one by one: no field of it is too long for the `csv` module.
_MOST_PLAIN = 1 << 16


@dataclass(frozen=True, slots=True)
class LineForm:
    """How the lines of a text file are spelled: told or taken from its header, never from its rows.

    Attributes
    ----------
    fields
        Name of each field of a line, in the order of the file.
    delimiter, encoding
        As in `Dialect`.
    start
        Where the rows begin, in bytes.
    footer
        Lines below the last row, as declared.
    """

    fields: tuple[str, ...]
    delimiter: str
    encoding: str
    start: int
    footer: int = 0


def line_form(
    file: IO[bytes],
    where: str,
    *,
    names: Sequence[str] | None,
    delimiter: str | None = None,
    encoding: str | None = None,
    header: bool = True,
    area: AreaAsked = NOTHING_ASKED,
) -> LineForm:
    """How the lines of a file are spelled.

    Parameters
    ----------
    file
        At its start.
    where
        The file, for errors.
    names
        Names of columns that were declared; None takes those of the first line.
    delimiter, encoding
        As declared; None means the delimiter that the header uses, and UTF-8.
    header
        Whether the first line names the columns; otherwise the names are those of the fields in order.
    area
        Where the table lies, as declared; what was not declared is not there.

    Raises
    ------
    UsageError
        For an encoding that cannot be read line by line, or no header and no names.
    DataError
        When the file is empty or its first line does not name the columns; no word of the line is told.
    """
    encoding = _line_encoding(encoding, where)
    start = len(codecs.BOM_UTF8) if file.read(3) == codecs.BOM_UTF8 else 0
    start = _after_lines(file, start, area.skip_rows or 0)
    footer = area.footer_rows or 0
    # without a header line the first line is a row, whatever it looks like
    if header and (said := EXCEL.fullmatch(file.readline(64))) is not None:
        start, delimiter = file.tell(), delimiter or said[1].decode()
    if not header:
        if names is None:
            raise UsageError(
                "without a header line nothing says what the columns are called",
                where=where,
                do="declare their names in the order of the fields, e.g. --columns age,town,kids",
            )
        return LineForm(tuple(names), delimiter or ",", encoding, start, footer)
    file.seek(start)
    first = b""
    while not first.strip() and (first := file.readline(_MOST_LINE)):
        start = file.tell()
    start = _after_lines(file, start, int(bool(area.units_row)))
    if not first.strip():
        raise DataError("the file is empty", where=where, expected="a header line and rows")
    try:
        line = first.decode(encoding).strip("\r\n")
    except UnicodeDecodeError:
        raise DataError(
            f"the header line is not {encoding}", where=where, do="name the right encoding with --encoding"
        ) from None
    marks = DELIMITERS if delimiter is None else (delimiter,)
    found = {mark: _fields(line, mark) or [] for mark in marks}
    if names is None:
        best = max(marks, key=lambda mark: len(found[mark]))
        _check_header(found[best], where)
        return LineForm(tuple(found[best]), best, encoding, start, footer)
    for mark, fields in found.items():
        if all(fields.count(name) == 1 for name in names):
            return LineForm(tuple(fields), mark, encoding, start, footer)
    best = max(marks, key=lambda mark: sum(name in found[mark] for name in names))
    lost = [name for name in names if found[best].count(name) != 1]
    raise DataError(
        f"the first line of the file does not name {', '.join(lost[:5])}"
        f"{f' and {len(lost) - 5} more' if len(lost) > 5 else ''} (once)",
        where=where,
        expected="a header line with the declared columns, in any order",
        do="correct the names that were declared (--columns, a schema or a public table), give --delimiter, "
        "or --no-header where there is no header line",
    )


def _after_lines(file: IO[bytes], start: int, lines: int) -> int:
    """The byte after so many lines from `start`; the file is then there."""
    file.seek(start)
    for _ in range(lines):
        file.readline(_MOST_LINE)
    return file.tell()


def read_lines(file: IO[bytes], form: LineForm, columns: Sequence[str]) -> Iterator[pa.Table]:
    """The rows of a file in blocks, some columns only; every cell is a text without blanks around it."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    names = [f"f{i}" for i in range(len(form.fields))]
    wanted = {column: names[form.fields.index(column)] for column in columns}
    converting = as_text(names, quoted_nulls=True)
    converting.include_columns = list(dict.fromkeys(wanted.values()))
    for block in _without_last(_blocks(file, form.start), form.footer):
        text = _tidy(block, form)
        if not text:
            continue
        table = arrow_csv.read_csv(
            pa.BufferReader(text),
            arrow_csv.ReadOptions(column_names=names, block_size=len(text) + 1, use_threads=False),
            splitting(Dialect(form.delimiter), quoted=False),
            converting,
        )
        yield _trim(table.select(list(wanted.values())).rename_columns(list(wanted)))


def is_value(field: str) -> bool:
    """Whether the field of a first line is a value rather than the name of a column."""
    return VALUE.fullmatch(field) is not None


def _check_header(fields: Sequence[str], where: str) -> None:
    """Refuse a first line that is a row, for its fields would be published as names of columns."""
    if not fields:
        raise DataError(
            "the header line cannot be read: a quote is not closed, or lines end in carriage returns alone",
            where=where,
            expected="names of columns in one line",
            do="mend the first line, and write the file with usual line ends",
        )
    if len(fields) == 1 and " " in fields[0]:  # a title, rather than a name
        raise DataError(
            "the first line of the file names one column only",
            where=where,
            expected="the names of all columns",
            do="say --skip-rows N if the names stand below N other lines, --delimiter if they are parted by "
            "another sign, or declare the name (--columns) if there is one column",
        )
    values = sum(map(is_value, fields))
    if values or len(set(fields)) != len(fields):
        what = f"{values} of its {len(fields)} fields are values" if values else "a field appears twice"
        raise DataError(
            f"the first line of the file does not look like names of columns: {what}",
            where=where,
            expected="names of columns, for they are published",
            do="declare the names (--columns or locum.toml), with --no-header if the first line is a row",
        )


def _line_encoding(asked: str | None, where: str) -> str:
    """The declared encoding, if a line can be read in it without the lines before."""
    try:
        name = codecs.lookup(asked or "utf-8").name
        stateless = all(f"a{end}".encode(name) == f"a{end}".encode() for end in ("\n", ",", '"', "0~\\"))
        stateless = stateless and not name.startswith(("iso2022", "hz", "utf-7", "utf_7"))
    except (LookupError, UnicodeError, AttributeError):
        raise UsageError(
            f"there is no encoding {asked!r}", where=where, expected="utf-8, cp1252, ..."
        ) from None
    if name in ("utf-8-sig",):
        return "utf-8"
    if not stateless:
        raise UsageError(
            f"{name} cannot be read line by line, as private rows are",
            where=where,
            do="write the file in UTF-8 first",
        )
    return name


def _blocks(file: IO[bytes], start: int) -> Iterator[bytes]:
    """Whole lines, some megabytes at a time, each with its end."""
    file.seek(start)
    rest = b""
    while part := file.read(_BYTES):
        whole, end, rest = (rest + part).rpartition(b"\n")
        if end:
            yield whole + end
        if len(rest) > _MOST_LINE:  # no line of a table: what follows of it is a row without values, too
            rest = rest[:_MOST_LINE]
    if rest:
        yield rest + b"\n"


def _without_last(blocks: Iterator[bytes], lines: int) -> Iterator[bytes]:
    """The blocks without so many lines at the end."""
    held = b""
    for block in blocks:
        if not lines:
            yield block
            continue
        kept = (held + block).splitlines(keepends=True)
        held = b"".join(kept[-lines:])
        if len(kept) > lines:
            yield b"".join(kept[:-lines])


def _tidy(block: bytes, form: LineForm) -> bytes:
    """The lines in UTF-8, one for each that is not blank, each with the right number of fields."""
    block = block.replace(b"\r\n", b"\n")
    empty = form.delimiter.encode() * (len(form.fields) - 1) or b'""'
    starts, plain = _plain_lines(block, form)
    out, at = [], 0
    for i in np.flatnonzero(~plain):
        start, end = int(starts[i]), int(starts[i + 1])
        line = block[start : end - 1].removesuffix(b"\r")
        out.append(block[at:start])
        if line.strip(b" "):
            out += [_slow(line, form) or empty, b"\n"]
        at = end
    return b"".join([*out, block[at:]])


def _plain_lines(block: bytes, form: LineForm) -> tuple[IntArray, BoolArray]:
    """Where lines begin (and the last ends), and which of them are rows that Arrow splits as we do.

    These hold the right number of fields, no byte that needs a second look, and quotes only around whole
    fields. All others are looked at one by one.
    """
    data = np.frombuffer(block, dtype=np.uint8)
    starts = np.concatenate([[0], np.flatnonzero(data == _END) + 1])
    first, lengths = starts[:-1], np.diff(starts)
    mark, quote = data == ord(form.delimiter), data == ord('"')
    odd = (data == 0) | (data == ord("\r"))
    if form.encoding != "utf-8" or not _is_utf8(block):
        odd |= data >= 0x80
    if quote.any():
        so_far = np.cumsum(quote, dtype=np.int32)
        inside = (so_far - np.repeat(so_far[first] - quote[first], lengths)) % 2 == 1
        edge = mark | (data == _END)
        before, after = np.concatenate([[True], edge[:-1]]), np.concatenate([edge[1:], [True]])
        odd |= (quote & inside & ~before) | (quote & ~inside & ~after) | ((data == _END) & inside)
        mark = mark & ~inside
    plain = np.add.reduceat(mark, first, dtype=np.int64) == len(form.fields) - 1
    plain &= ~np.logical_or.reduceat(odd, first)
    # a field that is too long for one of the readers must be so for both
    plain &= lengths <= _MOST_PLAIN
    # Arrow takes a mark at the start away where a block begins; a blank line might be a row of one field
    return starts, plain & (data[first] != codecs.BOM_UTF8[0]) & (len(form.fields) > 1)


def _slow(line: bytes, form: LineForm) -> bytes | None:
    """An unusual line as a plain one; None when it is no row."""
    try:
        text = line.decode(form.encoding)
    except UnicodeDecodeError:
        return None
    fields = _fields(text.replace("\0", ""), form.delimiter)
    if fields is None or len(fields) != len(form.fields):
        return None
    out = io.StringIO()
    plain = [re.sub(r"[\r\n]+", " ", field) for field in fields]
    csv.writer(out, delimiter=form.delimiter, quoting=csv.QUOTE_ALL, lineterminator="").writerow(plain)
    return out.getvalue().encode("utf-8", "replace")


def _fields(line: str, mark: str) -> list[str] | None:
    """The fields of one line, without blanks around them; None when its quotes do not fit."""
    try:
        (fields,) = csv.reader([line], delimiter=mark, strict=True, skipinitialspace=True)
    except (csv.Error, ValueError):
        return None
    return [field.strip(" ") for field in fields]


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _trim(table: pa.Table) -> pa.Table:
    """Texts without blanks around them; what is then empty is missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = [pc.utf8_trim(column, characters=" ") for column in table.columns]
    columns = [pc.if_else(pc.equal(column, ""), None, column) for column in columns]
    return pa.table(columns, names=table.column_names)
