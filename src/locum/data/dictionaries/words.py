"""Words of data dictionaries: names of types, lists of levels, yes and no, forms of dates."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from locum.schema.column import KINDS, Kind

_WORDS: Mapping[Kind, str] = {
    "integer": "int bigint smallint tinyint mediumint int2 int4 int8 int16 int32 int64 uint uint8 uint16 "
    "uint32 uint64 ubigint usmallint utinyint umediumint long short whole whole_number count "
    "year serial bigserial smallserial",
    "number": "numeric decimal float float4 float8 float16 float32 float64 double real money smallmoney "
    "continuous quantitative fixed calc slider double_precision udecimal udouble bigdecimal decimal32 "
    "decimal64 decimal128",
    "category": "categorical factor enum enumeration nominal ordinal code coded codes radio dropdown choice "
    "select coded_value single_choice enum8 enum16 label",
    "boolean": "bool logical binary bit yesno yes/no truefalse true/false flag checkbox",
    "date": "date32 dates date_ymd date_mdy date_dmy",
    "datetime": "timestamp date_time date-time timestamptz timestampntz timestampltz timestamp_ntz "
    "timestamp_ltz timestamp_tz datetime2 datetime64 smalldatetime datetimeoffset "
    "timestamp_without_time_zone "
    "timestamp_with_time_zone datetime_ymd datetime_mdy datetime_dmy timestamp_s timestamp_ms timestamp_ns",
    "duration": "interval timedelta time timetz time_of_day",
    "id": "identifier uuid guid uniqueidentifier key primary_key record_id",
    "text": "free_text freetext notes note memo comment comments narrative",
    "pii.email": "email e-mail email_address idn-email",
    "pii.phone": "phone telephone phone_number",
    "pii.ip": "ipv4 ipv6 inet ip_address",
    "pii.url": "url uri iri anyuri",
    "pii.iban": "iban",
}
_KINDS: Mapping[str, Kind] = {
    **{word: kind for kind, words in _WORDS.items() for word in words.split()},
    **{kind: kind for kind in KINDS},
}
_YES = frozenset({"yes", "y", "true", "t", "1", "x", "required", "mandatory", "not null"})
_NO = frozenset({"no", "n", "false", "f", "0", "", "optional", "-", "null"})
#: Parts of forms of dates as people write them, the longest first.
_PARTS = (
    ("yyyy", "%Y"),
    ("yy", "%y"),
    ("mmm", "%b"),
    ("mm", "%m"),
    ("dd", "%d"),
    ("hh24", "%H"),
    ("hh", "%H"),
    ("mi", "%M"),
    ("ss", "%S"),
)
_RANGE = re.compile(
    r"^\s*(-?[\d.]+|\d{4}-\d\d-\d\d\S*)\s*(?:-|–|\.\.\.?|…|to|:)\s*(-?[\d.]+|\d{4}-\d\d-\d\d\S*)\s*$"
)


def kind_of(word: str) -> tuple[Kind | None, int | None]:
    """The kind that a word for a type means, and digits after the point where it says so.

    None for words that leave the kind open (``string``, ``VARCHAR(40)``) and for unknown ones.
    """
    head, _, rest = word.strip().lower().partition("(")
    plain = "_".join(head.split())
    kind = _KINDS.get(plain)
    sizes = re.findall(r"\d+", rest)
    if kind == "number" and rest and plain in ("numeric", "decimal", "fixed", "number"):
        scale = int(sizes[1]) if len(sizes) > 1 else 0
        return ("integer", None) if scale == 0 else ("number", min(scale, 15))
    return kind, None


def levels_of(text: str) -> tuple[str, ...] | None:
    """The levels in a cell, None if it is empty: ``1=male; 2=female``, ``a|b``, ``a;b``, a JSON list ...

    Of ``1=male`` and ``1, male`` the code is the level, for that is what stands in the data.
    """
    text = text.strip()
    if not text:
        return None
    if text.startswith("["):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, list) and all(isinstance(item, str | int | float) for item in found):
            return tuple(_written(item) for item in found)
    mark = next((mark for mark in ("|", ";", "\n") if mark in text), None)
    parts = [part.strip() for part in (text.split(mark) if mark else _split_commas(text))]
    parts = [part for part in parts if part]
    # "1: male" and "1, male" have a blank, "12:30" and "1,5" have none
    for sign in ("=", ": ", ", ") if mark else ("=", ": "):
        pairs = [part.split(sign, 1) for part in parts]
        if all(len(pair) == 2 and _is_code(pair[0], sign) for pair in pairs):
            return tuple(pair[0].strip() for pair in pairs)
    return tuple(parts)


def _split_commas(text: str) -> list[str]:
    return text.split(",") if "," in text else [text]


def _is_code(text: str, sign: str) -> bool:
    """Whether what stands before a sign is a code and not a part of the level."""
    text = text.strip()
    return bool(text) if sign == "=" else bool(re.fullmatch(r"-?[\w.]{1,12}", text))


def _written(item: object) -> str:
    """A level as it stands in a file."""
    if isinstance(item, bool):
        return "true" if item else "false"
    return str(int(item)) if isinstance(item, float) and item.is_integer() else str(item)


def range_of(text: str) -> tuple[str, str] | None:
    """The ends of ``0-110``, ``0..110`` or ``0 to 110``; None when the text is no range."""
    found = _RANGE.match(text)
    return (found[1], found[2]) if found else None


def yes_or_no(text: str) -> bool | None:
    """Whether a cell says yes; None when it says neither."""
    word = text.strip().lower()
    return True if word in _YES else False if word in _NO else None


def time_form(text: str) -> str:
    """A form such as ``DD/MM/YYYY HH:MM`` in the codes of `locum.data.times`; others are given back."""
    if "%" in text or not re.search(r"[yY]{2}", text):
        return text
    out, rest, clock = "", text.strip().lower(), False
    while rest:
        for part, code in _PARTS:
            if rest.startswith(part):
                # after the hour, mm are minutes
                out += "%M" if clock and part == "mm" else code
                clock = clock or part.startswith("hh")
                rest = rest[len(part) :]
                break
        else:
            out, rest = out + (rest[0].upper() if rest[0] == "t" else rest[0]), rest[1:]
    return out
