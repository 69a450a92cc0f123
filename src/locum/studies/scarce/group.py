"""The group that is amplified: ``COLUMN=VALUE`` as a reader of the table writes it, or a condition."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from locum.control.rules.clause import Clause, clauses_of
from locum.control.where.names import Names
from locum.control.where.token import literal, quote
from locum.data.canonical import to_kind
from locum.errors import DataError, SchemaError, UsageError
from locum.evaluation.learn.cells import levels_of
from locum.runs.tables import need_column
from locum.schema.column import Column
from locum.schema.offsets import zone_of
from locum.schema.table import Schema

if TYPE_CHECKING:
    import pyarrow as pa

#: Where the group is asked for, in messages; values that a message lists at most.
WHERE, LISTED = "--amplify", 12
#: What people write for a cell without a value.
MISSING = frozenset({"", "missing", "null", "none", "na", "n/a", "nan", "empty"})
#: What makes a text more than one value: a comparison, or a word that joins conditions.
_CONDITION = re.compile(r"[<>!=(]|\b(and|or|between|in|is|not)\b", re.IGNORECASE)
_COMPARISON = re.compile(r"[<>=!]|\b(between|in|is)\b", re.IGNORECASE)
_QUOTES = "'\"`"


def group_of(text: str, schema: Schema, table: pa.Table, cells: pa.Table) -> tuple[str, tuple[Clause, ...]]:
    """The condition of a group, and its parts.

    A value may be written as the file spells it (``1,200.50``, ``01.02.2024``, ``J``), as the column's kind
    is usually written (``yes``, ``2024-02-01``, a day of a moment), in other case, in quotes or without, and
    as nothing or ``missing`` for rows without a value.

    Parameters
    ----------
    text
        ``COLUMN=VALUE``, or a condition such as ``age >= 65``.
    schema, table
        The columns, and the rows as a canonical table.
    cells
        The same rows as they were read.

    Raises
    ------
    UsageError
        When there is no such column, no row has the value (the message says which there are), or the
        condition is none or holds in no row.
    """
    names = Names(schema)
    pair = _pair(text, schema)
    if pair is None:
        return _condition(text, names, table)
    name, value = pair
    for written in _candidates(schema[name], value, table.column(name), cells.column(name)):
        clauses = _bound(written, names)
        if clauses and _rows(clauses, table).any():
            return written, clauses
    rest = value.strip()
    if schema[name].regenerated:
        raise UsageError(
            f"values of {name!r} are made afresh in every row, so that no rows of one can be generated",
            where=WHERE,
            do="name the group by a column of labels, numbers or dates",
        )
    if _CONDITION.search(rest) and _bound(text, names):
        return _condition(text, names, table)
    parts = re.split(r"\s+and\s+", text, flags=re.IGNORECASE)
    if len(parts) > 1 and all(_COMPARISON.search(_bare(part)) for part in parts):
        return _condition(
            " and ".join(group_of(part, schema, table, cells)[0] for part in parts), names, table
        )
    raise UsageError(
        f"no row has {_unquoted(rest)!r} in {name!r}",
        where=WHERE,
        expected=_values(schema[name], table.column(name), cells.column(name)),
    )


def _pair(text: str, schema: Schema) -> tuple[str, str] | None:
    """Column and value of ``COLUMN=VALUE``; None where the text is a condition of another form."""
    text = text.strip()
    for name in sorted(schema.names, key=len, reverse=True):
        for form in (name, *(f"{q}{name}{q}" for q in _QUOTES)):
            rest = text[len(form) :].lstrip()
            if text.startswith(form) and rest.startswith("="):
                return name, rest.removeprefix("=").removeprefix("=")
    head, equals, _ = text.partition("=")
    if equals and not _CONDITION.search(head):
        need_column(_unquoted(head.strip()), schema.names, where=WHERE)
    return None


def _condition(text: str, names: Names, table: pa.Table) -> tuple[str, tuple[Clause, ...]]:
    clauses = tuple(clauses_of(text, "where", names))
    if not _rows(clauses, table).any():
        raise UsageError(f"no row has {text.strip()}", where=WHERE, do="ask for a group that has rows")
    return text.strip(), clauses


def _candidates(column: Column, value: str, held: pa.ChunkedArray, cells: pa.ChunkedArray) -> Iterator[str]:
    """Conditions that the value may mean, the most literal first."""
    name, plain = quote(column.name), value.strip()
    for text in dict.fromkeys((plain, _unquoted(plain))):
        if column.kind == "category":
            yield from (f"{name} = {literal(level)}" for level in _levels(text, levels_of(held)))
        else:
            yield from (f"{name} = {written}" for written in _read(text, column))
        if column.kind == "duration":
            yield f"{name} = {text}"
    for text in dict.fromkeys((plain, _unquoted(plain))):
        if (found := _spelled(text, held, cells)) is not None:
            yield f"{name} = {_written(found, column)}"
    text = _unquoted(plain)
    if column.kind == "datetime" and (day := _day(text, column)) is not None:
        after = day + timedelta(days=1)
        yield f"{name} >= '{day.isoformat()}' and {name} < '{after.isoformat()}'"
    if text.lower() in MISSING or text in column.missing:
        yield f"{name} is null"


def _levels(text: str, levels: tuple[str, ...]) -> list[str]:
    """The level that is written so; else the only one in other case or blanks, or the same number."""
    if text in levels:
        return [text]
    folded = " ".join(text.split()).casefold()
    alike = [level for level in levels if " ".join(level.split()).casefold() == folded]
    same = [level for level in levels if (n := _number(level)) is not None and n == _number(text)]
    return [only[0] for only in (alike, same) if len(only) == 1]


def _read(text: str, column: Column) -> Iterator[str]:
    """The value in the column's own form, and as its kind is usually written."""
    import pyarrow as pa

    if column.regenerated:
        return
    forms = dict.fromkeys((column.format, "", "iso8601" if column.kind == "duration" else ""))
    for form in forms:
        for spelled in dict.fromkeys((text, text.lower(), text.upper())):
            like = replace(column, format=form, missing=(), storage="string")
            try:
                found = to_kind(pa.chunked_array([[spelled]], pa.string()), like, column.name)
            except (DataError, SchemaError):
                continue
            if found.null_count == 0:
                yield _written(found[0].as_py(), column)


def _spelled(text: str, held: pa.ChunkedArray, cells: pa.ChunkedArray) -> Any:
    """The one value of the rows whose cell is spelled so; None where there is none, or several."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if cells.type != pa.string():
        try:
            cells = pc.cast(cells, pa.string())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return None
    for spelled in (cells, pc.utf8_lower(cells)):
        wanted = text if spelled is cells else text.lower()
        rows = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(spelled), wanted), False)
        found = pc.unique(held.filter(rows).drop_null())
        if len(found) == 1:
            return found[0].as_py()
    return None


def _written(value: Any, column: Column) -> str:
    """A value as it is written in a condition."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(value, datetime):
        if value.tzinfo is not None:
            zoned = pa.scalar(value, pa.timestamp("us", tz=zone_of(column.timezone or "UTC")))
            value = pc.local_timestamp(zoned).as_py()
        return literal(value.isoformat(sep=" "))
    if isinstance(value, date):
        return literal(value.isoformat())
    if isinstance(value, timedelta):
        return f"{value.total_seconds():.6f} seconds"
    return literal(value)


def _day(text: str, column: Column) -> date | None:
    """A day, in the column's form without its time or as ISO 8601."""
    import pyarrow as pa

    for form in (re.split(r"[ T]", column.format)[0], ""):
        like = Column(column.name, "date", format=form)
        try:
            found = to_kind(pa.chunked_array([[text]], pa.string()), like, column.name)
        except (DataError, SchemaError):
            continue
        if found.null_count == 0:
            return found[0].as_py()  # type: ignore[no-any-return]
    return None


def _bound(text: str, names: Names) -> tuple[Clause, ...]:
    """The parts of a condition; none where it is not one."""
    try:
        return tuple(clauses_of(text, "where", names))
    except UsageError:
        return ()


def _rows(clauses: tuple[Clause, ...], table: pa.Table) -> np.ndarray:
    return np.asarray(np.logical_and.reduce([clause.holds(table) for clause in clauses]))


def _values(column: Column, held: pa.ChunkedArray, cells: pa.ChunkedArray) -> str:
    """Which values there are, as the data spell them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if held.null_count == len(held):
        return "a column with values: this one has none"
    distinct = pc.count_distinct(held).as_py()
    if column.ordered and distinct > LISTED:
        ends = pc.min_max(held)
        low, high = (_written(ends[end].as_py(), column).strip("'") for end in ("min", "max"))
        example = f"{quote(column.name)} >= {_middle(held, column)}"
        return f"a value from {low} to {high}, or a condition such as {example}"
    if column.ordered:
        order = pc.sort_indices(held)
        held, cells = held.take(order), cells.take(order)
    known = pc.is_valid(held)
    try:
        texts = pc.cast(cells.filter(known), pa.string()).to_pylist()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        texts = [_written(value, column) for value in held.filter(known).to_pylist()]
    listed = list(dict.fromkeys(texts)) if column.ordered else [t for t, _ in Counter(texts).most_common()]
    more = ", ..." if len(listed) > LISTED else ""
    nothing = ", or nothing after = for rows without a value" if held.null_count else ""
    return f"one of {', '.join(listed[:LISTED])}{more}{nothing}"


def _middle(held: pa.ChunkedArray, column: Column) -> str:
    """A value from the middle of the column, for an example."""
    import pyarrow.compute as pc

    known = held.drop_null().combine_chunks()
    order = pc.sort_indices(known)
    return _written(known[order[len(order) // 2].as_py()].as_py(), column)


def _bare(text: str) -> str:
    """A text without what stands in quotes."""
    return re.sub(r"'[^']*'|\"[^\"]*\"", "", text)


def _unquoted(text: str) -> str:
    """A text without the quotes around it, if both are there."""
    return text[1:-1] if len(text) > 1 and text[0] in _QUOTES and text[0] == text[-1] else text


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
