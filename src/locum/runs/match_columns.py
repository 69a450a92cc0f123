"""Another table's columns under a schema: the same values in another spelling fit, the rest is listed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from locum.data.origin import Raw
from locum.errors import DataError
from locum.schema.column import Column
from locum.schema.table import Schema
from locum.wording import count

if TYPE_CHECKING:
    import pyarrow as pa

#: Names listed in one sentence at most.
LISTED = 5


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A column that cannot be compared, and why.

    Attributes
    ----------
    column, reason
        Its name, and a sentence without an end.
    error
        Where values are the reason, what is wrong with them; None where there is no such column.
    near
        A column of the other table that is called about the same, where there is no such column.
    """

    column: str
    reason: str
    error: DataError | None = None
    near: str = ""


@dataclass(frozen=True, slots=True)
class Matched:
    """A table brought to a schema.

    Attributes
    ----------
    table
        Canonical, with the schema's columns in order but those that are unmatched.
    schema
        As given, a kind widened where this table needs it (whole numbers to numbers, dates to datetimes).
    unmatched
        Columns that are absent or cannot be read as their kind.
    notes
        What was left out, renamed or read in another spelling.
    """

    table: pa.Table
    schema: Schema
    unmatched: tuple[Unmatched, ...] = ()
    notes: tuple[str, ...] = ()


def match(schema: Schema, raw: Raw, real: Raw | None = None) -> Matched:
    """Bring a table to a schema as far as it goes.

    The order of columns may differ, and names may differ in case or blanks around them. A column that is not
    of its kind as the schema spells it is read as this table spells it: its own form of dates and numbers,
    its own words for yes and no, its own codes for missing. Labels that are the same number (``1.0`` for
    ``1``) become the label of `real`.

    Parameters
    ----------
    schema
        Columns to be met.
    raw
        The table, as read.
    real
        The table that the schema was made from; without it labels stay as they are.

    Raises
    ------
    SchemaError
        When the schema contradicts itself.
    """
    import pyarrow as pa

    from locum.schema.validate import check

    check(schema)
    names, told = _names(schema, raw.table.column_names)
    surplus = [name for name in raw.table.column_names if name not in names.values()]
    notes = [f"{raw.name}: column {theirs!r} was taken for {ours!r}." for ours, theirs in told]
    if surplus:
        notes.insert(
            0,
            f"{raw.name} has {count(len(surplus), 'column')} that the real table has not "
            f"({list_names(surplus)}); left out.",
        )
    arrays: dict[str, pa.Array] = {}
    columns: list[Column] = []
    unmatched: list[Unmatched] = []
    for column in schema:
        name = names.get(column.name)
        if name is None:
            near = get_close_matches(column.name, surplus, n=1, cutoff=0.6)
            hint = f" (it has {near[0]!r})" if near else ""
            reason = f"{raw.name} has no such column{hint}"
            unmatched.append(Unmatched(column.name, reason, near=near[0] if near else ""))
            columns.append(column)
            continue
        try:
            array, kept, note = _read(raw, name, column)
            if real is not None and column.kind == "category" and column.name in real.table.column_names:
                array = _same_labels(array, column, real)
        except DataError as error:
            examples = f" (e.g. {', '.join(error.examples)})" if error.examples else ""
            unmatched.append(Unmatched(column.name, f"{error.what}{examples} in {raw.name}", error))
            columns.append(column)
            continue
        arrays[column.name] = array
        columns.append(kept)
        if note:
            notes.append(f"{raw.name}: {note}.")
    return Matched(pa.table(arrays), replace(schema, columns=tuple(columns)), tuple(unmatched), tuple(notes))


def list_names(names: list[str] | tuple[str, ...]) -> str:
    """Names in a row, the first `LISTED` of them."""
    return f"{', '.join(names[:LISTED])}{', ...' if len(names) > LISTED else ''}"


def drop_columns(schema: Schema, names: set[str]) -> Schema:
    """The schema without some columns, and without the dependencies and rules that may name them."""
    if not names:
        return schema
    return replace(
        schema,
        columns=tuple(c for c in schema if c.name not in names),
        dependencies=tuple(
            d for d in schema.dependencies if d.determinant not in names and d.dependent not in names
        ),
        rules=(),
        entity=None if schema.entity in names else schema.entity,
    )


def _names(schema: Schema, have: list[str]) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The other table's name of each column it has, and those that are spelled in another way."""
    found = {name: name for name in schema.names if name in have}
    free: dict[str, list[str]] = {}
    for name in have:
        if name not in found:
            free.setdefault(name.strip().casefold(), []).append(name)
    told = []
    absent = [name for name in schema.names if name not in found]
    for name in absent:
        key = name.strip().casefold()
        alone = sum(other.strip().casefold() == key for other in absent) == 1
        if alone and len(free.get(key, [])) == 1:
            found[name] = free[key][0]
            told.append((name, found[name]))
    return found, told


def _read(raw: Raw, name: str, column: Column) -> tuple[pa.Array, Column, str]:
    """A column under the schema's spelling or, failing that, its own; with a note on the latter."""
    import pyarrow as pa

    from locum.data.arrowtypes import parse_type
    from locum.data.canonical import to_kind
    from locum.data.detect import detect
    from locum.schema.validate import canonical_type

    values, where = raw.table.column(name), f"{raw.name}.{name}"
    try:
        return to_kind(values, column, where), column, ""
    except DataError as error:
        first = error
    own = detect(replace(raw, table=pa.table({name: values})))[name]
    for reading, kept in _readings(column, own):
        try:
            array = to_kind(values, reading, where)
        except DataError:
            continue
        return array.cast(parse_type(canonical_type(kept))), kept, _note(column, reading, kept)
    raise first


def _readings(column: Column, own: Column) -> Iterator[tuple[Column, Column]]:
    """Ways to read a column of another table, best first, each with the column that then fits both."""
    missing = (*column.missing, *(code for code in own.missing if code not in column.missing))
    same = replace(column, missing=missing)
    yield same, column
    numbers, moments = ("integer", "number"), ("date", "datetime")
    if column.kind == "boolean":
        yield replace(same, format=""), column
    if column.kind == own.kind or {column.kind, own.kind} <= set(numbers):
        yield replace(same, format=own.format), column
    if column.kind == "integer" and own.kind == "number":
        wider = replace(column, kind="number", decimals=None)
        yield replace(same, kind="number", decimals=None), wider
        yield replace(same, kind="number", decimals=None, format=own.format), wider
    if column.kind in numbers and own.kind == "boolean":
        yield replace(own, missing=missing), column
    if column.kind == "datetime" and own.kind == "date":
        yield replace(same, format=own.format), column
    if column.kind == "date" and own.kind in moments:
        # With a format of its own a time of day would be cut off unseen; as a datetime it is kept.
        yield (
            replace(same, kind="datetime", format=own.format, timezone=own.timezone),
            replace(column, kind="datetime", timezone=own.timezone),
        )


def _note(column: Column, reading: Column, kept: Column) -> str:
    """What the reader should know of a column that was not read as the schema spells it; "" if nothing."""
    words = {"integer": "whole numbers", "number": "numbers", "date": "dates", "datetime": "dates with times"}
    if kept.kind != column.kind:
        return (
            f"{column.name!r} holds {words[kept.kind]} where the real table holds {words[column.kind]}; "
            f"both were read as {words[kept.kind]}"
        )
    if reading.kind != kept.kind:
        return f"{column.name!r} holds booleans where the real table holds numbers; read as 0 and 1"
    if reading.format != column.format:
        return (
            f"{column.name!r} is written in another way than in the real table "
            f"({_form(reading)} instead of {_form(column)}), and was read so"
        )
    extra = [code for code in reading.missing if code not in column.missing]
    if extra:
        return f"{', '.join(map(repr, extra))} in {column.name!r} was read as missing"
    return ""


def _form(column: Column) -> str:
    plain = {"boolean": "true or false, 1 or 0, yes or no"}
    return column.format.replace("|", " or ") or plain.get(column.kind, "plainly")


def _same_labels(array: pa.Array, column: Column, real: Raw) -> pa.Array:
    """Labels that are a number which a label of the real table is as well, as the real table writes them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from locum.data.canonical import to_kind

    known = set(pc.unique(to_kind(real.table.column(column.name), column, column.name)).to_pylist())
    coded = array.dictionary_encode()
    levels = coded.dictionary.to_pylist()
    if all(level in known for level in levels):
        return array
    spelled: dict[float, str] = {}
    for level in known:
        number = _number(level)
        if number is not None:
            spelled.setdefault(number, level)
    renamed = []
    for level in levels:
        number = None if level in known else _number(level)
        renamed.append(level if number is None else spelled.get(number, level))
    if renamed == levels:
        return array
    return pa.array(renamed, array.type).take(coded.indices)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if abs(value) < 2**53 else None
