"""A data dictionary that is a JSON Schema: properties of the object that one row is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from locum.data.dictionaries.entry import Dictionary, DictionaryEntry, dictionary
from locum.errors import DataError
from locum.schema.column import Kind

_TYPES: Mapping[str, Kind] = {"integer": "integer", "number": "number", "boolean": "boolean"}
_FORMATS: Mapping[str, Kind] = {
    "date": "date",
    "date-time": "datetime",
    "time": "duration",
    "duration": "duration",
    "email": "pii.email",
    "idn-email": "pii.email",
    "ipv4": "pii.ip",
    "ipv6": "pii.ip",
    "uri": "pii.url",
    "iri": "pii.url",
    "uuid": "id",
}
#: Most references that are followed one after the other.
_MOST_STEPS = 10


def read_json_schema(by: str, document: Mapping[str, Any]) -> Dictionary:
    """A dictionary out of a JSON Schema of a row, or of an array of rows.

    Raises
    ------
    DataError
        When it has no properties, or a part of it is of the wrong type.
    """
    row = _followed(document, document, by)
    if "properties" not in row and isinstance(row.get("items"), Mapping):
        row = _followed(row["items"], document, by)
    properties = row.get("properties")
    if not isinstance(properties, Mapping):
        raise DataError(
            "the JSON Schema describes no properties", where=by, expected="an object with properties"
        )
    required = row.get("required", [])
    if not isinstance(required, list):
        raise DataError("required is no list", where=by, expected="a list of names")
    entries = []
    for name, said in properties.items():
        if not isinstance(said, Mapping):
            raise DataError("the property is no object", where=f"{by}: {name}", expected="an object")
        entries.append(_entry(str(name), _followed(said, document, by), name in required, by))
    return dictionary(by, entries)


def _followed(said: Mapping[str, Any], document: Mapping[str, Any], by: str) -> Mapping[str, Any]:
    """The part itself where it only refers to another part of the document."""
    for _ in range(_MOST_STEPS):
        target = said.get("$ref")
        if target is None:
            return said
        found: Any = document
        parts = str(target).split("/")
        if parts[0] != "#":
            raise DataError(f"{target!r} lies outside of the file", where=by, do="put it into the file")
        for part in parts[1:]:
            found = (
                found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
            )
        if not isinstance(found, Mapping):
            raise DataError(f"{target!r} is not in the file", where=by, do="correct the reference")
        said = {**found, **{key: value for key, value in said.items() if key != "$ref"}}
    raise DataError("references go in a circle", where=by, do="correct them")


def _entry(name: str, said: Mapping[str, Any], required: bool, by: str) -> DictionaryEntry:
    where = f"{by}: {name}"
    types, null = _types(said, where)
    levels = _levels(said, where)
    null = null or (levels is not None and None in levels)
    kept = None if levels is None else tuple(_text(level, where) for level in levels if level is not None)
    kind = (
        _TYPES.get(types[0]) if len(types) == 1 else "number" if set(types) == {"integer", "number"} else None
    )
    told = []
    form = said.get("format")
    if kind is None and isinstance(form, str):
        kind = _FORMATS.get(form)
    if kind is None and kept is None:
        told = [f"type {' or '.join(types)}"] if types else []
        told += [f"{key} {said[key]}" for key in ("format", "pattern", "maxLength") if key in said]
    low, high = _ends(said, kind, where)
    decimals = _decimals(said.get("multipleOf")) if kind == "number" else None
    about = said.get("description") or said.get("title") or ""
    return DictionaryEntry(
        name,
        kind,
        nullable=null or not required,
        levels=kept,
        low=low,
        high=high,
        decimals=decimals,
        about=about if isinstance(about, str) else "",
        said=tuple(told),
    )


def _types(said: Mapping[str, Any], where: str) -> tuple[list[str], bool]:
    """The types that are not null, and whether null is one."""
    types = said.get("type", [])
    if isinstance(said.get("anyOf"), list) and not types:
        parts = [part for part in said["anyOf"] if isinstance(part, Mapping)]
        types = [part["type"] for part in parts if isinstance(part.get("type"), str)]
    types = [types] if isinstance(types, str) else types
    if not isinstance(types, list) or not all(isinstance(one, str) for one in types):
        raise DataError("the type is neither a word nor a list of words", where=where)
    nested = [one for one in types if one in ("object", "array")]
    if nested:
        raise DataError(
            f"a column of {nested[0]}s cannot be synthesised",
            where=where,
            expected="numbers, texts, dates or true/false",
            do="leave the column out, or split it into plain columns",
        )
    return [one for one in types if one != "null"], "null" in types or said.get("nullable") is True


def _levels(said: Mapping[str, Any], where: str) -> list[Any] | None:
    if isinstance(said.get("oneOf"), list):
        parts = [part for part in said["oneOf"] if isinstance(part, Mapping) and "const" in part]
        if parts and len(parts) == len(said["oneOf"]):
            return [part["const"] for part in parts]
    if "const" in said:
        return [said["const"]]
    levels = said.get("enum")
    if levels is not None and not isinstance(levels, list):
        raise DataError("enum is no list", where=where, expected="a list of values")
    return levels


def _text(level: Any, where: str) -> str:
    if isinstance(level, bool):
        return "true" if level else "false"
    if isinstance(level, str | int | float):
        return str(int(level)) if isinstance(level, float) and level.is_integer() else str(level)
    raise DataError("a level is no plain value", where=where, expected="texts or numbers")


def _ends(
    said: Mapping[str, Any], kind: Kind | None, where: str
) -> tuple[float | str | None, float | str | None]:
    found: list[float | str | None] = []
    for plain, beyond, step, dated in (
        ("minimum", "exclusiveMinimum", 1, "formatMinimum"),
        ("maximum", "exclusiveMaximum", -1, "formatMaximum"),
    ):
        value, outside = said.get(plain, said.get(dated)), said.get(beyond)
        if isinstance(outside, int | float) and not isinstance(outside, bool) and value is None:
            # beyond a whole number the next one is the end; of numbers none is nearer than the end itself
            value = outside + step if kind == "integer" and float(outside).is_integer() else outside
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float | str)):
            raise DataError(f"{plain} is no number", where=where)
        found.append(value)
    return found[0], found[1]


def _decimals(step: Any) -> int | None:
    """Digits after the point of a step such as 0.01."""
    if isinstance(step, bool) or not isinstance(step, int | float):
        return None
    return next((d for d in range(16) if abs(step * 10**d - 1) < 1e-9), None)
