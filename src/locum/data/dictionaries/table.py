"""A data dictionary that is a table: one row a column of the data, under headings in many people's words."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any

from locum.data.dictionaries.entry import Dictionary, DictionaryEntry, dictionary
from locum.data.dictionaries.words import kind_of, levels_of, range_of, time_form, yes_or_no
from locum.errors import DataError
from locum.schema.column import ORDERED_KINDS, Kind

#: What a heading is about, by its words without signs, parted by bars; of several the first counts.
HEADINGS: Mapping[str, str] = {
    "name": "name|variable|variable name|variable field name|field|field name|column|column name|attribute|"
    "attribute name|item|varname|var name",
    "type": "kind|type|data type|datatype|field type|variable type|class",
    "levels": "levels|values|categories|codes|choices|allowed values|permitted values|enum|value labels|"
    "choices calculations or slider labels|permissible values|valid values|code list|codelist|options|value",
    "low": "min|low|minimum|lower|lower bound|lowest|min value|minimum value|text validation min",
    "high": "max|high|maximum|upper|upper bound|highest|max value|maximum value|text validation max",
    "decimals": "decimals|decimal places|scale",
    "format": "format|date format|text validation type or show slider number",
    "timezone": "timezone|time zone",
    "missing": "missing|missing values|missing codes|missing value codes|na values",
    "nullable": "nullable|null|allows null|null allowed|missing allowed|optional",
    "required": "required|mandatory|required field|not null",
    "unit": "unit|units|privacy unit",
    "about": "description|label|variable label|field label|definition|meaning|question",
}
#: Words in a column "unit" that mean the unit of privacy; any other is a unit of measurement.
_WHOSE = ("yes", "true", "x")
#: Types whose "choices" are a formula or the ends of a scale.
_FORMULAS = ("calc", "slider")
#: Longest level that is believed of a column whose type says nothing: prose is longer.
_LONGEST_LEVEL = 40


def read_rows(by: str, headings: Sequence[str], rows: Sequence[Sequence[str]], first: int = 2) -> Dictionary:
    """A dictionary out of cells; `first` is the number of the first row, for errors.

    Raises
    ------
    DataError
        When no heading says which column names the columns, or a cell cannot be.
    """
    places = _places(headings)
    if "name" not in places:
        raise DataError(
            "no heading says where the names of the columns are",
            where=by,
            expected="a heading such as name, variable or column",
            do="rename the heading above the names",
        )
    found: list[tuple[str, dict[str, str]]] = []
    for i, row in enumerate(rows):
        cells = {what: row[place].strip() if place < len(row) else "" for what, place in places.items()}
        if not cells["name"] and found and cells.get("levels"):
            # merged cells: one more level of the column above
            found[-1][1]["levels"] += "\n" + cells["levels"]
        elif any(cells.values()):
            found.append((f"{by}, row {first + i}", cells))
    return dictionary(by, [_entry(cells, where) for where, cells in found])


def names_columns(headings: Sequence[str]) -> bool:
    """Whether a row of cells is a heading over the names of columns, with something said about them."""
    found = _places(headings)
    return "name" in found and len(found) > 1


def _places(headings: Sequence[str]) -> dict[str, int]:
    plain = [" ".join(re.sub(r"[^a-z0-9]+", " ", heading.lower()).split()) for heading in headings]
    found = {}
    for what, words in HEADINGS.items():
        place = next((plain.index(word) for word in words.split("|") if word in plain), None)
        if place is not None:
            found[what] = place
    return found


def _entry(cells: Mapping[str, str], where: str) -> DictionaryEntry:
    name, word, form = cells["name"], cells.get("type", ""), cells.get("format", "")
    kind, decimals = kind_of(word)
    by_form = kind_of(form)[0] if form and kind in (None, "text") else None
    if by_form is not None:
        # REDCap: the type is "text", and what is checked in it stands in a column of its own
        kind, form = by_form, ""
    said = [] if kind is not None or not word else [f"type {word}"]
    if cells.get("decimals"):
        decimals = _digits(cells["decimals"], f"{where}, {name}")
        kind = "number" if kind is None else kind
    text, ends = cells.get("levels", ""), None
    if kind is None or kind in ORDERED_KINDS:
        ends = range_of(text)
    levels = None if ends or word.lower() in _FORMULAS else _listed(text, kind)
    if text and levels is None and ends is None:
        said.append(f"values {text}")
    unit = cells.get("unit", "")
    whose = unit.lower() in _WHOSE
    low, high = ends or ("", "")
    return DictionaryEntry(
        name,
        kind,
        _nullable(cells, f"{where}, {name}"),
        levels_of(cells.get("missing", "")) or (),
        levels,
        cells.get("low") or low or None,
        cells.get("high") or high or None,
        decimals,
        time_form(form) if kind in ("date", "datetime") else form,
        cells.get("timezone", ""),
        whose,
        cells.get("about", ""),
        tuple([*said, f"unit {unit}"] if unit and not whose and yes_or_no(unit) is not False else said),
    )


def _listed(text: str, kind: Kind | None) -> tuple[str, ...] | None:
    """The levels that a cell lists; None where it only speaks about the values, or names a list elsewhere."""
    levels = levels_of(text)
    if levels is None or text.startswith("["):
        return levels
    if len(levels) == 1 and "=" not in text:
        return None
    if kind in ("category", "boolean"):
        return levels
    if kind in ORDERED_KINDS:
        return levels if all(re.fullmatch(r"-?\d+(\.\d+)?", level) for level in levels) else None
    marked = any(mark in text for mark in "|;\n=")
    return levels if marked and max(map(len, levels)) <= _LONGEST_LEVEL else None


def _nullable(cells: Mapping[str, str], where: str) -> bool:
    for what, meaning in (("nullable", True), ("required", False)):
        text = cells.get(what, "")
        if text:
            said = yes_or_no(text)
            if said is None:
                raise DataError(f"{text!r} is neither yes nor no", where=where, expected="yes or no")
            return said is meaning
    return True


def _digits(text: str, where: str) -> int:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not found.is_integer() or not 0 <= found <= 15:
        raise DataError(f"{text!r} decimals are not possible", where=where, expected="0 to 15")
    return int(found)


def cell(value: Any) -> str:
    """A cell of a sheet as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dt.datetime):
        return value.isoformat() if value.time() != dt.time() else value.date().isoformat()
    return str(value)
