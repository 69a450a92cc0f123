"""Columns of objects of several types: each value as a label that tells its type, and back."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from collections.abc import Callable, Iterable, Mapping
from numbers import Integral, Real
from typing import Any

#: Types that may be mixed, in the order in which a label is tried; what none reads is text.
_READERS: Mapping[str, Callable[[str], Any]] = {
    "bool": lambda text: {"True": True, "False": False}[text],
    "int": int,
    "float": float,
    "Decimal": decimal.Decimal,
    "date": dt.date.fromisoformat,
    "datetime": dt.datetime.fromisoformat,
    "time": dt.time.fromisoformat,
    "UUID": uuid.UUID,
}
TYPES = (*_READERS, "str")


def type_name(value: Any) -> str:
    """Name of the type of a value among `TYPES`; empty when it is none of them.

    >>> [type_name(v) for v in (3, True, 2.5, "a", None)]
    ['int', 'bool', 'float', 'str', '']
    """
    if isinstance(value, str):
        return "str"
    if isinstance(value, bool) or type(value).__name__ == "bool_":
        return "bool"
    if isinstance(value, decimal.Decimal):
        return "Decimal"
    if isinstance(value, Integral):
        return "int"
    if isinstance(value, Real):
        return "float"
    kinds = ((dt.datetime, "datetime"), (dt.date, "date"), (dt.time, "time"), (uuid.UUID, "UUID"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "")


def types_of(values: Iterable[Any]) -> tuple[str, ...]:
    """Types of some values, none of them missing, in the order of `TYPES`; empty when one is not known."""
    found = {type_name(value) for value in values}
    return () if "" in found else tuple(name for name in TYPES if name in found)


def to_label(value: Any, types: tuple[str, ...]) -> str:
    """The label of a value in a column of these types: its text, in quotes where that would be another type.

    >>> [to_label(v, ("int", "str")) for v in (3, "3", "many")]
    ['3', "'3'", 'many']
    """
    name = type_name(value)
    if name == "str":
        plain = _read(value, types)
        return value if isinstance(plain, str) and not _quoted(value) else f"'{value}'"
    if name == "float":
        return repr(float(value))
    if name in ("date", "datetime", "time"):
        text: str = value.isoformat()
        return text
    return str(value)


def from_label(label: str, types: tuple[str, ...]) -> Any:
    """The value of a label; `to_label` turned round."""
    if _quoted(label) and "str" in types:
        return label[1:-1]
    return _read(label, types)


def _quoted(text: str) -> bool:
    return len(text) > 1 and text[0] == text[-1] == "'"


def _read(text: str, types: tuple[str, ...]) -> Any:
    for name in types:
        if name == "str":
            continue
        try:
            return _READERS[name](text)
        except (ValueError, KeyError, ArithmeticError):
            continue
    return text
