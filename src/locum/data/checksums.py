"""Check digits of account, card and identity numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

_VERHOEFF_D = (
    "0123456789",
    "1234067895",
    "2340178956",
    "3401289567",
    "4012395678",
    "5987604321",
    "6598710432",
    "7659821043",
    "8765932104",
    "9876543210",
)
_VERHOEFF_P = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)

#: Length of an IBAN by country (ISO 13616 registry); other countries are not believed.
_IBAN_LENGTHS = {
    "AD": 24,
    "AE": 23,
    "AL": 28,
    "AT": 20,
    "AZ": 28,
    "BA": 20,
    "BE": 16,
    "BG": 22,
    "BH": 22,
    "BR": 29,
    "CH": 21,
    "CR": 22,
    "CY": 28,
    "CZ": 24,
    "DE": 22,
    "DK": 18,
    "DO": 28,
    "EE": 20,
    "EG": 29,
    "ES": 24,
    "FI": 18,
    "FO": 18,
    "FR": 27,
    "GB": 22,
    "GE": 22,
    "GI": 23,
    "GL": 18,
    "GR": 27,
    "GT": 28,
    "HR": 21,
    "HU": 28,
    "IE": 22,
    "IL": 23,
    "IS": 26,
    "IT": 27,
    "JO": 30,
    "KW": 30,
    "KZ": 20,
    "LB": 28,
    "LI": 21,
    "LT": 20,
    "LU": 20,
    "LV": 21,
    "MC": 27,
    "MD": 24,
    "ME": 22,
    "MK": 19,
    "MT": 31,
    "MU": 30,
    "NL": 18,
    "NO": 15,
    "PK": 24,
    "PL": 28,
    "PS": 29,
    "PT": 25,
    "QA": 29,
    "RO": 24,
    "RS": 22,
    "SA": 24,
    "SE": 24,
    "SI": 19,
    "SK": 24,
    "SM": 27,
    "TN": 24,
    "TR": 26,
    "UA": 29,
    "VA": 22,
    "VG": 24,
    "XK": 20,
}


def luhn_valid(digits: str) -> bool:
    """Luhn check digit (ISO/IEC 7812-1); False for anything but digits, and for one digit repeated.

    >>> luhn_valid("4111111111111111"), luhn_valid("4111111111111112")
    (True, False)
    """
    if not (digits.isascii() and digits.isdigit()) or len(set(digits)) == 1:
        return False
    total = 0
    for i, char in enumerate(reversed(digits)):
        value = int(char) * (1 + i % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def iban_valid(text: str) -> bool:
    """IBAN: known country, its length, and remainder 1 modulo 97 (ISO 13616).

    >>> iban_valid("DE89370400440532013000"), iban_valid("DE88370400440532013000")
    (True, False)
    """
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", text) or _IBAN_LENGTHS.get(text[:2]) != len(text):
        return False
    return int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 == 1


def luhn_digit(digits: str) -> str:
    """The digit that makes a number pass Luhn's test.

    >>> luhn_digit("7992739871")
    '3'
    """
    total = 0
    for i, char in enumerate(reversed(digits)):
        value = int(char) * (2 - i % 2)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def ean_digit(digits: str) -> str:
    """The check digit of EAN, UPC, ISBN-13 and GTIN: weights 3 and 1 from the right, modulo 10.

    >>> ean_digit("978030640615")
    '7'
    """
    return str(-sum(int(char) * (3 - 2 * (i % 2)) for i, char in enumerate(reversed(digits))) % 10)


def isbn10_digit(digits: str) -> str:
    """The check digit of ISBN-10 (X for ten): weights 10 to 2 from the left, modulo 11.

    >>> isbn10_digit("030640615")
    '2'
    """
    return "0123456789X"[-sum(int(char) * (10 - i) for i, char in enumerate(digits)) % 11]


def verhoeff_digit(digits: str) -> str:
    """The check digit of Verhoeff's scheme."""
    return next(d for d in "0123456789" if aadhaar_valid(digits + d))


def mod97_digits(digits: str) -> str:
    """Two check digits that make a number leave 1 modulo 97 (ISO 7064)."""
    return f"{98 - int(digits + '00') % 97:02d}"


#: Check digits at the end of a number, by name: what computes them, how many, and for which lengths.
CHECK_DIGITS: Mapping[str, tuple[Callable[[str], str], int, frozenset[int]]] = MappingProxyType(
    {
        "ean": (ean_digit, 1, frozenset({8, 12, 13, 14, 18})),
        "isbn10": (isbn10_digit, 1, frozenset({10})),
        "luhn": (luhn_digit, 1, frozenset(range(5, 20))),
        "verhoeff": (verhoeff_digit, 1, frozenset(range(5, 20))),
        "mod97": (mod97_digits, 2, frozenset(range(6, 31))),
    }
)


def check_scheme(numbers: Sequence[str]) -> str:
    """The scheme that all of these numbers pass, empty when none fits or chance might explain it.

    Parameters
    ----------
    numbers
        Different numbers of one length, digits only but for a last X.
    """
    for name, (digit, size, lengths) in CHECK_DIGITS.items():
        if len(numbers) < 12 or len(numbers[0]) not in lengths:
            continue
        if all(n[:-size].isdigit() and digit(n[:-size]) == n[-size:] for n in numbers):
            return name
    return ""


def _digits(text: str) -> list[int]:
    return [int(c) for c in text if c.isdigit()]


def _weighted(digits: Sequence[int], weights: Sequence[int]) -> int:
    return sum(d * w for d, w in zip(digits, weights, strict=False))


def ssn_plausible(text: str) -> bool:
    """US social security number: areas 000, 666, 9xx, group 00, serial 0000 do not exist (no check digit)."""
    area, group, serial = text.split("-")
    return area not in ("000", "666") and area[0] != "9" and group != "00" and serial != "0000"


def cpf_valid(text: str) -> bool:
    """Brazilian CPF: two check digits modulo 11."""
    d = _digits(text)
    if len(d) != 11 or len(set(d)) == 1:
        return False
    return all(_weighted(d, range(n + 1, 1, -1)) * 10 % 11 % 10 == d[n] for n in (9, 10))


def dni_valid(text: str) -> bool:
    """Spanish DNI or NIE: check letter modulo 23."""
    number = text[:-1].replace("-", "").translate(str.maketrans("XYZ", "012"))
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == text[-1]


def pesel_valid(text: str) -> bool:
    """Polish PESEL: weighted sum modulo 10, and a possible month and day."""
    d = _digits(text)
    month, day = int(text[2:4]) % 20, int(text[4:6])
    right = (10 - _weighted(d, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10) % 10 == d[10]
    return right and 1 <= month <= 12 and 1 <= day <= 31


def bsn_valid(text: str) -> bool:
    """Dutch BSN: the eleven test."""
    d = _digits(text)
    return any(d) and (_weighted(d, (9, 8, 7, 6, 5, 4, 3, 2)) - d[8]) % 11 == 0


def hetu_valid(text: str) -> bool:
    """Finnish HETU: check character modulo 31."""
    return "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(text[:6] + text[7:10]) % 31] == text[10]


def nir_valid(text: str) -> bool:
    """French NIR: key is 97 minus the number modulo 97; Corsica's 2A and 2B count as 19 and 18."""
    plain = text.replace(" ", "")
    number = int(plain[:13].replace("2A", "19").replace("2B", "18"))
    return 97 - number % 97 == int(plain[13:])


def fiscal_code_valid(text: str) -> bool:
    """Italian codice fiscale: check letter modulo 26 (odd places have their own table)."""
    odd = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
    total = 0
    for i, char in enumerate(text[:15]):
        place = int(char) if char.isdigit() else ord(char) - ord("A")
        total += odd[place] if i % 2 == 0 else place
    return chr(ord("A") + total % 26) == text[15]


def aadhaar_valid(text: str) -> bool:
    """Indian Aadhaar: Verhoeff check digit."""
    check = 0
    for i, digit in enumerate(reversed(_digits(text))):
        check = int(_VERHOEFF_D[check][int(_VERHOEFF_P[i % 8][digit])])
    return check == 0


#: Name, shape, test, and how often an ordinary text of that shape passes.
CHECKED_IDS: tuple[tuple[str, re.Pattern[str], Callable[[str], bool], float], ...] = (
    ("US social security numbers", re.compile(r"\d{3}-\d{2}-\d{4}"), ssn_plausible, 0.05),
    (
        "UK national insurance numbers",
        re.compile(r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]"),
        lambda _: True,
        0.05,
    ),
    ("Brazilian CPF numbers", re.compile(r"\d{3}\.\d{3}\.\d{3}-\d{2}|\d{11}"), cpf_valid, 0.01),
    ("Spanish DNI or NIE numbers", re.compile(r"(\d{8}|[XYZ]-?\d{7})-?[A-HJ-NP-TV-Z]"), dni_valid, 1 / 23),
    ("Polish PESEL numbers", re.compile(r"\d{11}"), pesel_valid, 0.06),
    ("Dutch BSN numbers", re.compile(r"\d{9}"), bsn_valid, 1 / 11),
    ("Finnish personal identity codes", re.compile(r"\d{6}[+\-A]\d{3}[0-9A-Y]"), hetu_valid, 1 / 31),
    (
        "French social security numbers",
        re.compile(r"[12] ?\d{2} ?\d{2} ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}"),
        nir_valid,
        1 / 97,
    ),
    (
        "Italian fiscal codes",
        re.compile(r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]"),
        fiscal_code_valid,
        1 / 26,
    ),
    ("Indian Aadhaar numbers", re.compile(r"[2-9]\d{3} ?\d{4} ?\d{4}"), aadhaar_valid, 0.1),
)
