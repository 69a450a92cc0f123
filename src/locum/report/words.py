"""Texts from the data as the report shows them: made harmless, cut, and set with proper signs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from locum.wording import MINUS, NARROW, NONE

KINDS: Mapping[str, str] = {
    "pii.email": "e-mail address",
    "pii.phone": "phone number",
    "pii.name": "personal name",
    "pii.address": "postal address",
    "pii.iban": "IBAN",
    "pii.card": "card number",
    "pii.ip": "IP address",
    "pii.url": "web address",
    "pii.national_id": "national id",
    "boolean": "yes or no",
    "integer": "whole number",
    "datetime": "date and time",
}


def moment(created: str) -> str:
    """ISO 8601 time as people write it; unchanged when it is something else.

    >>> moment("2026-11-22T09:30:00+00:00")
    '22 November 2026, 09:30 UTC'
    """
    try:
        at = datetime.fromisoformat(created)
    except ValueError:
        return visible(created)
    text = f"{at.day} {at:%B %Y}, {at:%H:%M}"
    return f"{text} {at.tzname()}" if at.tzinfo else text


def visible(text: object, limit: int = 300) -> str:
    """Text from the data in a form that can be looked at.

    It is `harmless`, an empty text says so, and anything longer than `limit` is cut with an ellipsis. Markup
    is not touched here: the templates and charts escape it.

    >>> visible("a\\x00b"), visible("")
    ('a�b', '(empty)')
    """
    shown = harmless(str(text)[: limit + 1])
    if not shown.strip():
        return "(empty)" if not shown else "(blank)"
    return shown if len(shown) <= limit else shown[: limit - 1] + "\u2026"


def lead(text: str) -> tuple[str, str]:
    """What an answer says before its numbers: one sentence, and those after it without a digit; and the rest.

    >>> lead("Yes, as far as was tested. A judge is right 51.7 times in 100.")
    ('Yes, as far as was tested.', 'A judge is right 51.7 times in 100.')
    """
    parts = re.split(r"(?<=[.!?]) (?=[A-Z])", text)
    first = 1
    while first < len(parts) and not re.search(r"\d", " ".join(parts[: first + 1])):
        first += 1
    return " ".join(parts[:first]), " ".join(parts[first:])


def sentence(text: object, limit: int = 900) -> str:
    """A sentence of ours as the page sets it: minus signs, and numbers that stay with their per cent sign.

    >>> sentence("-0.003 of 50 % (95 % interval -0.011 to +0.004)").replace(NARROW, "_")
    '−0.003 of 50_% (95_% interval −0.011 to +0.004)'
    """
    shown = re.sub(r"(?<=\d) %", f"{NARROW}%", visible(text, limit))
    return re.sub(r"(?<![^\s(])-(?=\d)", MINUS, shown)


def harmless(text: str) -> str:
    """Text that stays in its place: it cannot switch the writing direction, and every file can hold it.

    Line breaks and tabs become spaces; other control characters, lone surrogates and direction marks become
    the replacement character.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_harmless(c) for c in text)


def _harmless(c: str) -> str:
    if c in "\n\r\t":
        return " "
    return "\ufffd" if unicodedata.category(c) in _UNSEEN and c not in _JOINERS else c


#: Control, format, surrogate, line and paragraph separator.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
#: Zero-width non-joiner and joiner: several scripts and many emoji are written with them.
_JOINERS = frozenset({"\u200c", "\u200d"})


def brief(text: object, limit: int = 28) -> str:
    """`visible` text short enough for an axis or a table cell."""
    return visible(text, limit)


def axis(text: object, limit: int = 18) -> str:
    """`brief`, with the words for a range made shorter: an axis has little room.

    >>> axis("below 22"), axis("64,670 to below 104,421"), axis("64 and more")
    ('< 22', '64,670–104,421', '≥ 64')
    """
    found = _RANGE.fullmatch(str(text))
    if found is None:
        return brief(text, limit)
    below, low, high, least = found.groups()
    return brief(f"< {below}" if below else f"\u2265 {least}" if least else f"{low}\u2013{high}", limit)


_RANGE = re.compile(r"below ([\d,.-]+)|([\d,.-]+) to below ([\d,.-]+)|([\d,.-]+) and more")


def words_of_key(key: object) -> str:
    """A settings or detail key as words: ``early_stopping`` becomes ``early stopping``."""
    return visible(str(key).replace("_", " ").replace(".", " "), 80)


def setting(value: Any) -> str:
    """A settings value as text, nested ones on one line."""
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        # Settings are copied back into commands, so they keep all their digits.
        return str(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{words_of_key(k)}: {setting(v)}" for k, v in value.items()) or NONE
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(setting(v) for v in value) or NONE
    return visible(value)
