"""A data dictionary that is a Croissant description (MLCommons): the fields of one of its record sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from locum.data.dictionaries.entry import Dictionary, DictionaryEntry, dictionary
from locum.errors import DataError
from locum.schema.column import Kind

_TYPES: Mapping[str, Kind] = {
    "integer": "integer",
    "float": "number",
    "number": "number",
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
    "time": "duration",
    "url": "pii.url",
}


def read_croissant(by: str, document: Mapping[str, Any], table: str = "") -> Dictionary:
    """A dictionary out of a Croissant document; of several tables the one of that name.

    A field that refers to a record set with values written out is a category with these levels.

    Raises
    ------
    DataError
        When no record set, or more than one that could be meant, has fields.
    """
    sets = [part for part in _list(document.get("recordSet")) if isinstance(part, Mapping)]
    levels = {_name(part): _values(part) for part in sets if _list(part.get("data"))}
    tables = [part for part in sets if _list(part.get("field")) and _name(part) not in levels]
    chosen = [part for part in tables if _name(part) == table] or tables
    if len(chosen) != 1:
        names = ", ".join(_name(part) for part in chosen[:8])
        raise DataError(
            f"the description has {len(chosen) or 'no'} tables{': ' + names if names else ''}",
            where=by,
            expected="one, or one named like the data" if chosen else "a recordSet with fields",
        )
    entries = [_entry(part, levels, by) for part in _list(chosen[0]["field"])]
    return dictionary(by, entries)


def _entry(said: Any, levels: Mapping[str, tuple[str, ...]], by: str) -> DictionaryEntry:
    if not isinstance(said, Mapping):
        raise DataError("a field is no object", where=by, expected="an object with a name and a dataType")
    name = _column(said)
    if _list(said.get("subField")) or said.get("repeated") is True or said.get("isArray") is True:
        raise DataError(
            "a field of several values cannot be synthesised",
            where=f"{by}: {name}",
            do="leave the column out, or split it into plain columns",
        )
    types = [str(one).rsplit("/", 1)[-1].rsplit(":", 1)[-1].lower() for one in _list(said.get("dataType"))]
    kind = next((_TYPES[one] for one in types if one in _TYPES), None)
    told = (f"type {' or '.join(types)}",) if kind is None and types else ()
    about = said.get("description", "")
    target = said.get("references")
    wanted = None
    if isinstance(target, Mapping):
        inner = target.get("field", target)
        place = str(inner.get("@id", "") if isinstance(inner, Mapping) else inner)
        wanted = levels.get(place.split("/")[0])
    return DictionaryEntry(
        name,
        kind,
        levels=wanted,
        about=about if isinstance(about, str) else "",
        said=told if wanted is None else (),
    )


def _column(said: Mapping[str, Any]) -> str:
    """The column in the file that a field is taken from, else the field's own name."""
    source = said.get("source")
    extract = source.get("extract") if isinstance(source, Mapping) else None
    column = extract.get("column") if isinstance(extract, Mapping) else None
    return column if isinstance(column, str) else _name(said)


def _name(part: Mapping[str, Any]) -> str:
    return str(part.get("name") or str(part.get("@id", "")).rsplit("/", 1)[-1])


def _values(part: Mapping[str, Any]) -> tuple[str, ...]:
    """The values of the key of a record set that is written out."""
    rows = [row for row in _list(part.get("data")) if isinstance(row, Mapping)]
    key = part.get("key")
    wanted = str(key.get("@id", "") if isinstance(key, Mapping) else key or "")
    fields = [str(f.get("@id", _name(f))) for f in _list(part.get("field")) if isinstance(f, Mapping)]
    place = wanted or (fields[0] if fields else next(iter(rows[0]), "") if rows else "")
    found = (row.get(place, row.get(place.rsplit("/", 1)[-1])) for row in rows)
    return tuple(dict.fromkeys(str(value) for value in found if value is not None))


def _list(value: Any) -> Sequence[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
