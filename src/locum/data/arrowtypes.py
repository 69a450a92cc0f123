"""Arrow types as text and back, and the families of types that locum reads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from locum.errors import DataError, SchemaError

if TYPE_CHECKING:
    import pyarrow as pa

Family = Literal[
    "text", "boolean", "integer", "float", "decimal", "date", "timestamp", "time", "duration", "null", "other"
]

_ALIASES = {"double": "float64", "float": "float32", "halffloat": "float16"}
_DECIMAL = re.compile(r"decimal(32|64|128|256)\((\d+), (-?\d+)\)")
_TIMESTAMP = re.compile(r"timestamp\[(s|ms|us|ns), tz=(.+)\]")
_DICTIONARY = re.compile(r"dictionary<values=(.+), indices=(u?int\d+), ordered=([01])>")


def parse_type(text: str) -> pa.DataType:
    """The Arrow type that ``str(type)`` spells as `text`.

    Raises
    ------
    SchemaError
        When the text names no type that locum can hold.
    """
    import pyarrow as pa

    try:
        if match := _DECIMAL.fullmatch(text):
            return getattr(pa, f"decimal{match[1]}")(int(match[2]), int(match[3]))
        if match := _TIMESTAMP.fullmatch(text):
            return pa.timestamp(match[1], tz=match[2])
        if match := _DICTIONARY.fullmatch(text):
            return pa.dictionary(parse_type(match[2]), parse_type(match[1]), ordered=match[3] == "1")
        return pa.type_for_alias(_ALIASES.get(text, text))
    except (ValueError, AttributeError, pa.ArrowException) as error:
        raise SchemaError(
            f"{text!r} is no storage type",
            where="storage",
            expected="an Arrow type such as string, int64, double, timestamp[us]",
        ) from error


def family(kind: pa.DataType) -> Family:
    """The family of an Arrow type; dictionaries belong to the family of their values."""
    import pyarrow.types as at

    if at.is_dictionary(kind):
        return family(kind.value_type)
    tests: tuple[tuple[Family, bool], ...] = (
        ("text", at.is_string(kind) or at.is_large_string(kind) or at.is_string_view(kind)),
        ("boolean", at.is_boolean(kind)),
        ("integer", at.is_integer(kind)),
        ("float", at.is_floating(kind)),
        ("decimal", at.is_decimal(kind)),
        ("date", at.is_date(kind)),
        ("timestamp", at.is_timestamp(kind)),
        ("time", at.is_time(kind)),
        ("duration", at.is_duration(kind)),
        ("null", at.is_null(kind)),
    )
    return next((name for name, holds in tests if holds), "other")


#: What to do with values of a type that has no plain form here; by the start of its name.
_WAYS_OUT = (
    (
        ("list", "large_list", "fixed_size_list", "map", "struct", "List", "Array", "Struct"),
        "unnest it into plain columns",
    ),
    (
        ("binary", "large_binary", "fixed_size_binary", "Binary", "bytes"),
        "write its bytes as text, e.g. in hexadecimal digits",
    ),
    (("complex",), "split it into a column of real and one of imaginary parts"),
    (("interval",), "give its two ends as two columns, or turn it into text"),
)


def cannot_hold(kind: str, where: str) -> DataError:
    """The error about a column of a type that locum does not hold."""
    ways = (way for starts, way in _WAYS_OUT if kind.startswith(starts))
    return DataError(
        f"values of type {kind} cannot be synthesised",
        where=where,
        expected="numbers, text, dates, times or true/false",
        do=f"leave the column out, or {next(ways, 'turn it into plain columns')}",
    )
