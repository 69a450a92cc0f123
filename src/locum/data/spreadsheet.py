"""Excel and OpenDocument workbooks: one sheet as records of texts."""

from __future__ import annotations

import datetime as dt
import io
from typing import TYPE_CHECKING, Any

from locum.data.cell_texts import cell_text
from locum.data.csv import row_note
from locum.data.header import locate_records
from locum.data.table_area import AreaAsked
from locum.errors import DataError, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

#: Endings of workbooks.
SPREADSHEETS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")


def read_spreadsheet(
    data: bytes,
    where: str,
    *,
    sheet: str | None,
    area: AreaAsked,
    names: tuple[str, ...] = (),
    ask: bool = False,
) -> tuple[pa.Table, str, str, tuple[str, ...]]:
    """One sheet of a workbook as a table of texts.

    Parameters
    ----------
    data, where
        The file, and its name for errors.
    sheet
        Name of the sheet; None takes the only one that holds anything.
    area, names, ask
        As in `locum.data.csv.read_csv`.

    Returns
    -------
    table, row, row_form, notes
        Columns of texts; the column of row numbers without a name, as in `Dialect`; sentences for the user.

    Raises
    ------
    UsageError
        When the library that reads workbooks is not installed, or there is no such sheet.
    DataError
        When the file is broken, locked or empty, or several sheets hold something and none was named.
    """
    import pyarrow as pa

    name, rows = _sheet(data, where, sheet)
    records = [[_text(value) for value in row] for row in rows]
    records = [record + [""] * (max(map(len, records)) - len(record)) for record in records]
    place = f"{where}, sheet {name!r}"
    found, begin, end = locate_records(records, place, area, names, ask=ask)
    body = records[begin:end]
    body = [record for record in body if any(record)]
    if not body:
        raise DataError(
            "the sheet has names of columns but no rows", where=place, expected="at least one row"
        )
    columns = [_dates([value or None for value in column]) for column in zip(*body, strict=True)]
    table = pa.table([pa.array(column, pa.string()) for column in columns], names=found.names)
    note = f"Read from the sheet {name!r}; rows are written as CSV unless another format is asked for."
    notes = (*found.notes, row_note(table, found, place)) if found.row else found.notes
    return table, found.row, found.row_form, (note, *notes)


def _sheet(data: bytes, where: str, asked: str | None) -> tuple[str, list[list[Any]]]:
    """Name and rows of the sheet."""
    try:
        import python_calamine as calamine
    except ImportError as error:
        raise UsageError(
            "workbooks are read by python-calamine, which is not installed",
            where=where,
            do="install it with: pip install 'locum[excel]', or save the sheet as CSV",
        ) from error
    try:
        book = calamine.load_workbook(io.BytesIO(data))
        sheets = list(book.sheet_names)
        if asked is not None and asked not in sheets:
            raise UsageError(
                f"there is no sheet {asked!r}", where="--sheet", expected=f"one of {', '.join(sheets[:12])}"
            )
        held = {s: book.get_sheet_by_name(s).to_python() for s in ([asked] if asked else sheets)}
    except calamine.PasswordError as error:
        raise DataError(
            "the workbook is locked with a password", where=where, do="save a copy without one"
        ) from error
    except (calamine.CalamineError, OSError, ValueError) as error:
        locked = data.startswith(b"\xd0\xcf\x11\xe0") and "ncrypt" in data.decode(
            "utf-16-le", errors="ignore"
        )
        raise DataError(
            "the workbook is locked with a password" if locked else "the file is no readable workbook",
            where=where,
            do="save a copy without a password" if locked else "open and save it anew, or save it as CSV",
        ) from error
    filled = {s: rows for s, rows in held.items() if any(map(any, rows))}
    if not filled:
        raise DataError("the workbook is empty", where=where, expected="names of columns and rows")
    if len(filled) > 1:
        raise DataError(
            f"{len(filled)} sheets hold something: {', '.join(list(filled)[:6])}",
            where=where,
            expected="one table",
            do=f"name the sheet, e.g. --sheet {next(iter(filled))!r} (sheet= in Python and in locum.toml)",
        )
    return next(iter(filled.items()))


def _text(value: Any) -> str:
    """A cell as text; nothing is empty text."""
    if isinstance(value, dt.datetime | dt.date | dt.time | dt.timedelta | bool | float | int):
        if isinstance(value, dt.time):
            return value.isoformat()
        return cell_text(value) or ""
    return str(value).strip() if value is not None else ""


def _dates(values: list[str | None]) -> list[str | None]:
    """Moments that are all at midnight are dates."""
    some = [value for value in values if value]
    if some and all(len(v) == 19 and v.endswith(" 00:00:00") and v[4] == "-" for v in some):
        return [value and value[:10] for value in values]
    return values
