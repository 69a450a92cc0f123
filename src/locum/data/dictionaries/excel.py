"""A data dictionary in an Excel workbook: the first sheet with a heading that names columns."""

from __future__ import annotations

import io
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import ParseError

from locum.data.dictionaries.entry import Dictionary
from locum.data.dictionaries.table import cell, names_columns, read_rows
from locum.errors import DataError, UsageError
from locum.schema.json import MAX_COLUMNS

#: Most bytes of a workbook when unpacked, and cells of a row that are looked at.
_MOST_BYTES, _MOST_CELLS = 200_000_000, 200
#: Rows in which the heading is looked for.
_HEAD_ROWS = 20


def read_excel(by: str, content: bytes) -> Dictionary:
    """A dictionary out of an ``.xlsx`` file.

    Raises
    ------
    UsageError
        When the reader of workbooks is not installed.
    DataError
        When the workbook is broken or too large, or none of its sheets is a dictionary.
    """
    _refuse_bomb(by, content)
    try:
        from openpyxl import load_workbook
        from openpyxl.utils.exceptions import InvalidFileException
    except ImportError:
        raise UsageError(
            "Excel dictionaries need the extra 'dictionary'", where=by, do="pip install 'locum[dictionary]'"
        ) from None
    broken = (InvalidFileException, zipfile.BadZipFile, zlib.error, ParseError, OSError, EOFError)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and validations that nobody needs here
            book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            sheets = [list(_rows(sheet)) for sheet in book.worksheets]
            book.close()
    except (*broken, KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise DataError(
            "the workbook cannot be read", where=by, do="save it anew as .xlsx, or as CSV"
        ) from error
    for rows in sheets:
        for i, row in enumerate(rows[:_HEAD_ROWS]):
            if names_columns(row):
                return read_rows(by, row, rows[i + 1 :], first=i + 2)
    return read_rows(by, sheets[0][0] if sheets and sheets[0] else (), ())


def _refuse_bomb(by: str, content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            size = sum(member.file_size for member in packed.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DataError(
            "this is no .xlsx workbook", where=by, do="save it anew as .xlsx, or as CSV"
        ) from error
    if size > _MOST_BYTES:
        raise DataError(
            f"the workbook is too large ({size:,} bytes unpacked)", where=by, do="save the sheet as CSV"
        )


def _rows(sheet: Any) -> Iterator[list[str]]:
    for i, row in enumerate(sheet.iter_rows(values_only=True, max_col=_MOST_CELLS)):
        if i > MAX_COLUMNS:
            return
        yield [cell(value) for value in row]
