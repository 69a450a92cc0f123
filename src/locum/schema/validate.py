"""Whether a schema makes sense, and whether a table keeps to it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from locum.errors import SchemaError
from locum.schema.column import KINDS, Bounds, Column, is_regenerated
from locum.schema.offsets import several_offsets
from locum.schema.table import Schema

if TYPE_CHECKING:
    import pyarrow as pa

#: Arrow type of each kind in a canonical table (docs/architecture.md); every other kind is ``string``.
CANONICAL = {
    "boolean": "bool",
    "integer": "int64",
    "number": "double",
    "datetime": "timestamp[us]",
    "date": "date32[day]",
    "duration": "duration[us]",
}


def canonical_type(column: Column) -> str:
    """The Arrow type, as text, in which a canonical table holds `column`."""
    plain = CANONICAL.get(column.kind, "string")
    return "timestamp[us, tz=UTC]" if column.kind == "datetime" and column.timezone else plain


def check(schema: Schema, table: pa.Table | None = None) -> None:
    """Refuse a schema that contradicts itself, or a canonical table that breaks it.

    Raises
    ------
    SchemaError
        The first of `problems`, with the number of further ones.
    """
    found = list(problems(schema, table))
    if not found:
        return
    first = found[0]
    more = f" ({len(found) - 1} more to mend)" if len(found) > 1 else ""
    raise SchemaError(first.what + more, where=first.where, expected=first.expected, do=first.do)


def problems(schema: Schema, table: pa.Table | None = None) -> Iterator[SchemaError]:
    """Everything that is wrong, as errors that are not raised; the cheap checks come first."""
    for column in schema:
        for what, expected in _column_problems(column):
            yield SchemaError(what, where=f"{schema.name}.{column.name}", expected=expected)
    yield from _role_problems(schema)
    if table is not None:
        yield from _table_problems(schema, table)


def _column_problems(column: Column) -> Iterator[tuple[str, str]]:
    if column.kind not in KINDS:
        close = get_close_matches(str(column.kind), KINDS, n=1)
        yield f"there is no kind {column.kind!r}", close[0] if close else f"one of {', '.join(KINDS)}"
        return
    if column.decimals is not None and column.kind != "number":
        yield f"a column of kind {column.kind} has no decimals", "decimals for kind number only"
    elif column.decimals is not None and not 0 <= column.decimals <= 15:
        yield f"{column.decimals} decimals are not possible", "0 to 15"
    if column.timezone and column.kind != "datetime":
        yield f"a column of kind {column.kind} has no time zone", "a timezone for kind datetime only"
    elif column.timezone and not several_offsets(column.timezone) and not zone_exists(column.timezone):
        yield (
            f"there is no time zone {column.timezone!r}",
            "a name such as Europe/Berlin, UTC, or offsets such as +01:00*9|Z*1",
        )
    if column.levels is not None:
        if column.kind not in ("category", "boolean"):
            yield f"a column of kind {column.kind} has no levels", "levels for kind category only"
        elif len(set(column.levels)) != len(column.levels) or not column.levels:
            yield "the levels are empty or name one twice", "each level once"
    if column.format and not column.ordered and column.kind != "boolean":
        yield f"a column of kind {column.kind} has no format", "a format for dates, numbers and booleans"
    if column.kind == "boolean" and column.format:
        words = column.format.split("|")
        if len(words) != 2 or words[0] == words[1] or not all(words):
            yield "the format of a boolean is not two texts", "no|yes, the false one first"
    if column.bounds is not None:
        yield from _bounds_problems(column, column.bounds)


def _bounds_problems(column: Column, bounds: Bounds) -> Iterator[tuple[str, str]]:
    if not column.ordered:
        yield f"a column of kind {column.kind} has no bounds", "bounds for numbers, dates and durations"
        return
    low, high = (limit(column, value) for value in (bounds.low, bounds.high))
    calendar = column.kind in ("date", "datetime")
    for given, read in ((bounds.low, low), (bounds.high, high)):
        if given is not None and read is None:
            yield "a bound cannot be read", "an ISO date, e.g. 2020-01-31" if calendar else "a number"
            return
    if low is not None and high is not None and low > high:
        yield "the lower bound is above the upper one", "low <= high"


def limit(column: Column, value: float | str | None) -> Any:
    """A bound as a comparable value: number, date, or datetime in UTC without a zone; None if unreadable."""
    if value is None:
        return None
    if column.kind not in ("date", "datetime"):
        usable = isinstance(value, int | float) and not isinstance(value, bool) and value == value
        return value if usable else None
    if not isinstance(value, str):
        return None
    try:
        if column.kind == "date":
            return dt.date.fromisoformat(value)
        moment = dt.datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment


def zone_exists(name: str) -> bool:
    """Whether a time zone can be used: a name of the zone database, or an offset such as ``+02:00``."""
    if re.fullmatch(r"[+-]\d{2}:\d{2}", name):
        return True
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return not available_timezones()  # a machine without a zone database cannot say
    return True


def _role_problems(schema: Schema) -> Iterator[SchemaError]:
    roles = [("target", schema.target)] if schema.target else []
    roles += [("protected column", name) for name in schema.protected]
    dependents = {d.dependent for d in schema.dependencies}
    for role, name in roles:
        where = f"{schema.name}.{name}"
        if is_regenerated(schema[name].kind):
            yield SchemaError(
                f"the {role} is of kind {schema[name].kind}, which is made afresh and never learned",
                where=where,
                do='set kind = "category", or name another column',
            )
        if name in dependents:
            yield SchemaError(
                f"the {role} is determined by another column", where=where, do="remove that [[dependency]]"
            )
    for dependency in schema.dependencies:
        for name in (dependency.determinant, dependency.dependent):
            if is_regenerated(schema[name].kind):
                yield SchemaError(
                    f"a column of kind {schema[name].kind} cannot take part in a dependency",
                    where=f"{schema.name}.{name}",
                    do="remove the [[dependency]], or change the kind",
                )


def _table_problems(schema: Schema, table: pa.Table) -> Iterator[SchemaError]:
    have = set(table.column_names)
    for column in schema:
        where = f"{schema.name}.{column.name}"
        if column.name not in have:
            close = get_close_matches(column.name, sorted(have), n=1)
            yield SchemaError(
                "the data has no such column",
                where=where,
                do=f"did you mean {close[0]!r}?" if close else "remove it from the schema",
            )
            continue
        values = table.column(column.name)
        if str(values.type) not in (canonical_type(column), CANONICAL.get(column.kind, "string")):
            yield SchemaError(
                f"the values are {values.type}", where=where, expected=f"{canonical_type(column)}"
            )
            continue
        yield from _value_problems(column, values, where)
    for name in table.column_names:
        if name not in schema.names:
            yield SchemaError(
                "the data has a column that the schema does not have", where=f"{schema.name}.{name}"
            )


def _value_problems(column: Column, values: pa.ChunkedArray, where: str) -> Iterator[SchemaError]:
    import pyarrow.compute as pc

    if not column.nullable and values.null_count:
        yield SchemaError(
            f"{values.null_count:,} of {len(values):,} values are missing",
            where=where,
            expected="no missing value",
            do="remove `nullable = false`",
        )
    if column.kind == "number" and pc.any(pc.is_nan(values)).as_py():
        yield SchemaError("there are NaN values", where=where, expected="missing values as null")
    if column.levels is not None and column.kind == "category":
        import pyarrow as pa

        known = pc.is_in(values, value_set=pa.array(column.levels, values.type))
        strange = int(pc.sum(pc.and_(pc.is_valid(values), pc.invert(known))).as_py() or 0)
        if strange:
            yield SchemaError(
                f"{strange:,} of {len(values):,} values are not among the declared levels",
                where=where,
                do="add the levels, or remove `levels`",
            )
    if column.bounds is not None and column.ordered:
        yield from _range_problems(column, column.bounds, values, where)


def _range_problems(
    column: Column, bounds: Bounds, values: pa.ChunkedArray, where: str
) -> Iterator[SchemaError]:
    import pyarrow as pa
    import pyarrow.compute as pc

    low, high = (limit(column, value) for value in (bounds.low, bounds.high))
    if column.kind == "duration":
        values = pc.divide(values.cast(pa.int64()).cast(pa.float64()), 1e6)
    elif column.kind == "datetime":
        values = values.cast(pa.timestamp("us"))
    outside = 0
    for edge, beyond in ((low, pc.less), (high, pc.greater)):
        if edge is not None:
            typed = (
                pa.scalar(edge)
                if column.kind in ("integer", "number", "duration")
                else pa.scalar(edge, values.type)
            )
            outside += int(pc.sum(beyond(values, typed)).as_py() or 0)
    if outside:
        yield SchemaError(
            f"{outside:,} of {len(values):,} values lie outside the bounds",
            where=where,
            do="widen the bounds, or mend the data",
        )
