"""A data dictionary out of a file, whatever its kind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from locum.data.csv import read_csv
from locum.data.dictionaries.croissant import read_croissant
from locum.data.dictionaries.entry import Dictionary
from locum.data.dictionaries.excel import read_excel
from locum.data.dictionaries.json_schema import read_json_schema
from locum.data.dictionaries.sql import read_sql
from locum.data.dictionaries.table import read_rows
from locum.data.table_area import AreaAsked
from locum.errors import DataError, UsageError

_TABLES, _BOOKS = (".csv", ".tsv", ".txt", ".tab"), (".xlsx", ".xlsm")
_DOCUMENTS, _STATEMENTS = (".json", ".jsonld"), (".sql", ".ddl")
#: What a dictionary may be, in words.
KINDS_OF_FILE = "a table (.csv, .tsv, .xlsx), a JSON Schema or Croissant description (.json), or SQL (.sql)"
#: Most bytes of a dictionary.
_MOST_BYTES = 50_000_000


def read_dictionary(path: Path, table: str = "") -> Dictionary:
    """What a file says about the columns of a table.

    Parameters
    ----------
    path
        The dictionary; its name is who says so.
    table
        Name of the table, for files that describe several.

    Raises
    ------
    UsageError
        When it is of no known kind, or needs an extra that is not installed.
    DataError
        When it is absent, broken, or contradicts itself.
    """
    by, suffix = path.name, path.suffix.lower()
    if suffix not in (*_TABLES, *_BOOKS, *_DOCUMENTS, *_STATEMENTS):
        raise UsageError(
            f"locum does not know dictionaries that end in {suffix or 'nothing'}",
            where=str(path),
            expected=KINDS_OF_FILE,
        )
    content = _bytes(path)
    if suffix in _BOOKS:
        return read_excel(by, content)
    if suffix in _STATEMENTS:
        return read_sql(by, _text(content, by), table)
    if suffix in _DOCUMENTS:
        return _read_document(by, _text(content, by), table)
    delimiter = "\t" if suffix in (".tsv", ".tab") else None
    found, _, _ = read_csv(content, by, delimiter=delimiter, area=AreaAsked(None, 1, False, 0))
    rows = zip(*(column.to_pylist() for column in found.columns), strict=True)
    return read_rows(by, found.column_names, [[cell or "" for cell in row] for row in rows])


def _read_document(by: str, text: str, table: str) -> Dictionary:
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"this is no JSON: {str(error)[:80]}", where=by, do="repair it") from None
    if isinstance(document, Mapping) and "recordSet" in document:
        return read_croissant(by, document, table)
    if isinstance(document, Mapping):
        return read_json_schema(by, document)
    raise DataError(
        "this is neither a JSON Schema nor a Croissant description",
        where=by,
        expected="an object with properties, or with recordSet",
    )


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(
                "the dictionary is too large", where=str(path), expected=f"at most {_MOST_BYTES:,} bytes"
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise DataError(
            "there is no such file", where=str(path), do="check the spelling of the path"
        ) from None
    except OSError as error:
        raise DataError(f"the file cannot be read ({error.strerror})", where=str(path)) from error


def _text(content: bytes, by: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError("the file is not UTF-8", where=by, do="save it in UTF-8") from None
