"""Personal data by pattern, checksum and look; works offline and looks at a sample of the values.

A pattern alone is believed only where ordinary data cannot have it by chance: checksums must hold for every
value, digits-only kinds need a telling column name, and addresses need name and shape.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from locum.data.checksums import CHECKED_IDS, iban_valid, luhn_valid
from locum.data.id_names import snake
from locum.data.person_column import judge_names, says_login
from locum.schema.column import Kind

#: Share of the sampled values that must have the pattern; and of patterns that nothing else has.
ENOUGH, PLAIN = 0.9, 0.8

_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[A-Za-z]{2,24}")
_URL = re.compile(r"(?:https?|ftp)://\S+|www\.[\w-]+\.\S+", re.IGNORECASE)
_CARD = re.compile(r"[3-6]\d{12,18}")
_PHONE = re.compile(r"\+?\(?\d[\d\s().\-/]{5,20}\d(\s?(x|ext\.?)\s?\d{1,6})?", re.IGNORECASE)
_NANP = re.compile(r"((\+|00)?1[\s.-]?)?(\(\d{3}\)\s?|\d{3}[.-])\d{3}[.-]\d{4}(\s?x\d+)?")
_TEN = re.compile(r"(\+?1)?\d{10}")
_HANDLE = re.compile(r"@\w[\w.\-]{1,40}")
_HOUSE = re.compile(r"\D{3,60}\d+\s?[a-zA-Z]?([/\-]\d+)?(,.*)?|\d+\w?[\s,]+\D{3,60}(,.*)?")
_STREET = re.compile(
    r"\d+\w?[\s,]+(\w+\.?\s+){0,4}(street|st|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd|court|ct|way|square|"
    r"place|pl|terrace|highway|hwy|parkway|circle)\b.*|"
    r"([\w.\-]+\s*){1,4}(straße|strasse|str\.|weg|allee|platz|gasse|straat|laan|gade|vej|ulica)\s*\d+.*|"
    r"(\d+\w?[\s,]+)?(rue|avenue|via|calle|avenida|rua|plaza|piazza|chemin)\s+\D+\d*.*",
    re.IGNORECASE,
)
_LOGIN = re.compile(r"[^\s@]*[^\W\d][^\s@]*")
_NAMES = {
    "phone": r"phone|telephone|(^|_)tel(_|$)|mobile|(^|_)cell(_|$|phone)|(^|_)fax(_|$)|telefon|handy",
    "address": r"address|(^|_)addr|street|strasse|adresse|direccion|residence_line",
    "card": r"card|(^|_)cc(_|$)|(^|_)pan(_|$)|credit",
    "national": r"(^|_)(ssn|sin|nino|nin|dni|nie|cpf|pesel|bsn|hetu|nir|aadhaar|personnummer|tax_?id|"
    r"fiscal_?code|passport(_?(no|number))?|national_?id|social_?security(_?(no|number))?|insurance_?(no|number))(_|$)",
}
_NAME_PATTERNS = {key: re.compile(text) for key, text in _NAMES.items()}


@dataclass(frozen=True, slots=True)
class Finding:
    """Personal data found: kind, confidence (0-1) and a reason without data values."""

    kind: Kind
    confidence: float
    reason: str


def find_pii(name: str, values: Sequence[str], distinct: int, rows: int) -> Finding | None:
    """Say whether a column holds personal data.

    Parameters
    ----------
    name
        Column name; ``homePhone`` and ``home phone`` are read as ``home_phone``.
    values
        Some different values, trimmed, at least one.
    distinct, rows
        Different values and rows with a value in the whole column.

    Notes
    -----
    Cost: a few regular expressions a value; give it some hundred values, not millions.
    """
    if not values:
        return None
    says = {key for key, pattern in _NAME_PATTERNS.items() if pattern.search(snake(name))}
    for look in (_by_pattern, _by_checksum, _by_name):
        found = look(values, says, distinct, rows)
        if found is not None:
            return found
    return _by_look(name, values, distinct, rows)


def _share(values: Sequence[str], test: Callable[[str], object]) -> float:
    return sum(bool(test(value)) for value in values) / len(values)


def _by_pattern(values: Sequence[str], says: set[str], distinct: int, rows: int) -> Finding | None:
    for kind, test, words in (
        ("pii.email", _EMAIL.fullmatch, "e-mail addresses"),
        ("pii.url", _URL.fullmatch, "web addresses"),
        ("pii.ip", is_ip, "IP addresses"),
    ):
        share = _share(values, test)
        if share >= PLAIN:
            return Finding(kind, 0.99 if share == 1 else 0.9, f"values look like {words}")  # type: ignore[arg-type]
    return _several_kinds(values, distinct)


def _several_kinds(values: Sequence[str], distinct: int) -> Finding | None:
    """Ways to reach a person, of several kinds in one column."""
    mail, phone = _share(values, _EMAIL.fullmatch), _share(values, _NANP.fullmatch)
    other = _share(values, lambda v: _is_phone(v) and not _NANP.fullmatch(v))
    if distinct >= 5 and mail >= 0.1 and mail + phone + other >= PLAIN:
        kind: Kind = "pii.email" if mail >= phone + other else "pii.phone"
        return Finding(kind, 0.85, "values look like e-mail addresses and phone numbers")
    if distinct >= 5 and _share(values, _HANDLE.fullmatch) >= PLAIN:
        return Finding("id", 0.85, "values look like names of accounts, with a leading @")
    return None


def is_ip(text: str) -> bool:
    """Whether a text is an IP address of either version, and no time of day."""
    if text.count(".") != 3 and text.count(":") < 2:
        return False
    if re.fullmatch(r"\d{1,2}:\d{2}:\d{2}", text):
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _by_checksum(values: Sequence[str], says: set[str], distinct: int, rows: int) -> Finding | None:
    compact = [re.sub(r"[\s\-]", "", value) for value in values]
    if _share(compact, iban_valid) >= PLAIN:
        return Finding("pii.iban", 0.99, "values are IBANs with valid check digits")
    # One number in ten passes Luhn by chance: all must pass, and enough of them, unless the name says so.
    cards = [text for text in compact if _CARD.fullmatch(text)]
    if len(cards) >= ENOUGH * len(compact):
        passing = _share(cards, luhn_valid)
        if passing == 1 and (len(cards) >= 8 or "card" in says):
            return Finding("pii.card", 0.97, "values have the length and the check digit of payment cards")
    for label, shape, test, chance in CHECKED_IDS:
        fitting = [value for value in values if shape.fullmatch(value)]
        if len(fitting) < ENOUGH * len(values) or _share(fitting, test) < 1:
            continue
        # `chance` is how often an ordinary text of that shape passes.
        if chance ** len(fitting) < 1e-6 or ("national" in says and chance ** len(fitting) < 0.2):
            return Finding("pii.national_id", 0.95, f"values have the form of {label}")
    return None


def _by_name(values: Sequence[str], says: set[str], distinct: int, rows: int) -> Finding | None:
    # Some of them may be written as ten digits only.
    nanp = _share(values, _NANP.fullmatch)
    if nanp >= 0.5 and distinct > 1 and nanp + _share(values, _TEN.fullmatch) >= PLAIN:
        return Finding("pii.phone", 0.95, "values look like phone numbers")
    international = _share(
        values, lambda v: v.startswith("+") and _is_phone(v) and re.search(r"\d{2}\D|\d{8}", v)
    )
    if international >= ENOUGH and distinct > 1:
        return Finding("pii.phone", 0.9, "values look like international phone numbers")
    if "phone" in says and _share(values, _is_phone) >= 0.8:
        return Finding("pii.phone", 0.95, "the name says phone, and values look like phone numbers")
    if "national" in says and _share(values, lambda v: sum(c.isdigit() for c in v) >= 5) >= ENOUGH:
        return Finding("pii.national_id", 0.8, "the name says identity number, and values are mostly digits")
    # Few names that repeat often are labels (drug names, ward names), not persons.
    many = distinct >= 5 and distinct > 0.02 * rows
    if (
        "address" in says
        and many
        and _share(values, lambda v: re.search(r"\d", v) and re.search(r"[^\W\d_]{2}", v)) >= 0.6
    ):
        return Finding("pii.address", 0.9, "the name says address, and values hold words and house numbers")
    streets = _share(values, _STREET.fullmatch) if distinct >= 5 else 0.0
    if streets >= ENOUGH or (streets >= 0.5 and _share(values, _HOUSE.fullmatch) >= ENOUGH):
        return Finding("pii.address", 0.85, "values look like street addresses")
    return None


def _by_look(name: str, values: Sequence[str], distinct: int, rows: int) -> Finding | None:
    verdict = judge_names(name, values, distinct, rows)
    if verdict is not None and verdict.personal:
        return Finding("pii.name", verdict.confidence, verdict.reason)
    if (
        says_login(name)
        and distinct >= 10
        and distinct > 0.02 * rows
        and _share(values, _LOGIN.fullmatch) >= ENOUGH
    ):
        return Finding("id", 0.8, "the name says login, and values are single words or codes")
    return None


def _is_phone(text: str) -> bool:
    digits = sum(c.isdigit() for c in text)
    return 7 <= digits <= 18 and bool(_PHONE.fullmatch(text))


def integer_pii(name: str, values: Sequence[str], distinct: int, rows: int) -> Finding | None:
    """`find_pii` for whole numbers: only kinds that are written in digits alone.

    Cards need their check digit, phones and identity numbers a telling name.
    """
    digits = [value for value in values if value.isdigit()]
    if len(digits) < len(values) or distinct < 2:
        return None
    found = find_pii(name, digits, distinct, rows)
    return found if found and found.kind in ("pii.card", "pii.phone", "pii.national_id") else None
