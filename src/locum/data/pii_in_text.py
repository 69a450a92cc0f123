"""Personal data that stand inside running text: by pattern, and by check digits where a kind has them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from locum.data.checksums import CHECKED_IDS, iban_valid, luhn_valid
from locum.data.pii import is_ip
from locum.schema.column import Kind

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,24}\b")
_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"')\]]+[\w/]", re.IGNORECASE)
_IP = re.compile(
    r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])|"
    r"(?<![\w:])(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{1,4}(?![\w:])",
    re.IGNORECASE,
)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
_CARD = re.compile(r"(?<![\d-])[3-6](?:[ -]?\d){12,18}(?![\d-])")
_PHONE = re.compile(r"(?<![\w.])\+?\(?\d[\d ()./-]{5,17}\d(?!\w)")
_STREET = re.compile(
    r"\b\d{1,5} (?:[A-Z][a-z]+ ){1,3}"
    r"(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct)\b"
)
_NAME = re.compile(r"(?<![.!?] )(?<!^)\b[A-Z][a-z]{1,20}(?: [A-Z]\.)?(?: [A-Z][a-z]{1,20}){1,2}\b")
_HANDLE = re.compile(r"(?<![\w@])@\w{3,30}")


def mentions(text: str) -> Iterator[tuple[Kind, str]]:
    """Kind and normal form of each mark of a person in a text; a place in the text counts once.

    Mail and web addresses, account handles (as ``pii.url``), IP addresses, IBANs, payment cards and identity
    numbers with valid check digits, telephone numbers of 7 to 15 digits, street addresses, and two or three
    capitalised words in a row that do not begin a sentence (``pii.name``, which also finds places and firms).
    Single names are not seen. Cost: a dozen regular expressions a text.
    """
    taken: list[tuple[int, int]] = []
    for kind, pattern, test in _KINDS:
        for match in pattern.finditer(text):
            if any(match.start() < b and a < match.end() for a, b in taken) or not test(match.group()):
                continue
            taken.append(match.span())
            yield kind, _normal(kind, match.group())


def _normal(kind: Kind, found: str) -> str:
    if kind in ("pii.phone", "pii.card", "pii.iban", "pii.national_id"):
        return re.sub(r"[^0-9A-Za-z]", "", found).lower()
    return " ".join(found.lower().split())


def _phone(found: str) -> bool:
    digits = sum(c.isdigit() for c in found)
    parts = re.split(r"[ ()./-]+", found.strip("+"))
    # two numbers, a date or a price are no telephone number
    return (
        7 <= digits <= 15 and not re.fullmatch(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}", found) and len(parts) <= 6
    )


def _identity(shape: re.Pattern[str], test: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda found: shape.fullmatch(found) is not None and test(found)


#: Kinds in the order in which they claim a place in a text; those with a check digit come before the loose.
_KINDS: tuple[tuple[Kind, re.Pattern[str], Callable[[str], bool]], ...] = (
    ("pii.email", _EMAIL, bool),
    ("pii.url", _URL, bool),
    ("pii.url", _HANDLE, bool),
    ("pii.ip", _IP, is_ip),
    ("pii.iban", _IBAN, lambda found: iban_valid(found.replace(" ", ""))),
    ("pii.card", _CARD, lambda found: luhn_valid(re.sub(r"\D", "", found))),
    *(
        # bare digits pass a check of one digit once in ten or so: only forms with marks are believed
        ("pii.national_id", re.compile(rf"(?<![\w-])(?:{shape.pattern})(?![\w-])"), _identity(shape, test))
        for _, shape, test, chance in CHECKED_IDS
        if chance <= 0.05 and r"|\d{11}" not in shape.pattern
    ),
    ("pii.phone", _PHONE, _phone),
    ("pii.address", _STREET, bool),
    ("pii.name", _NAME, bool),
)
