"""Invented people: names, addresses, mail, phones, cards and the like, from ranges that belong to nobody.

Words come from Faker; numbers come from ranges set aside for documentation, or that cannot be assigned:
example.com, phones 555-01xx, 198.18.0.0/15, IBANs of bank code 00000000, cards of issuer 999999, social
security numbers from 900 on. Checksums are right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.arrays import IntArray
from locum.codes.json_fields import JsonFields, Wire
from locum.codes.patterns import distinct_numbers, distinct_texts, fill, shared_masks, to_mask
from locum.data.person_names import likeliest_locale, look_at
from locum.randomness import child_seed

#: Language and country of names where nothing else is known.
LOCALE = "en_US"
#: Names that are looked at for their form and language.
_LOOKED = 2000
#: Words asked of Faker per vocabulary.
_POOL = 400
_MAX_MASK = 64


@dataclass(frozen=True, slots=True)
class PersonMaker(JsonFields):
    """Maker of one kind of personal value.

    Attributes
    ----------
    kind
        ``pii.email`` and so on.
    style
        Form the real values share: for names ``first last``, ``last, first``, ``lastfirst`` (without a
        blank), ``first`` or ``last``; for phones, cards, IBANs and national ids the most
        frequent mask (``9`` digit, ``A`` and ``a`` letters), empty when none is shared; for network addresses
        ``4`` or ``6``.
    locale
        Language and country of names, as Faker calls them.
    """

    kind: str
    style: str
    locale: str = LOCALE

    @classmethod
    def fit(cls, values: pa.Array, kind: str) -> PersonMaker:
        """Find the form; `values` are strings without nulls, at least one."""
        if kind == "pii.name":
            some = pc.unique(values.slice(0, _LOOKED)).to_pylist()
            return cls(kind, _style_of_names(some), likeliest_locale(some))
        if kind == "pii.ip":
            colon = float(pc.mean(pc.match_substring(values, ":").cast(pa.float64())).as_py())
            return cls(kind, "6" if colon > 0.5 else "4")
        if kind in ("pii.phone", "pii.card", "pii.iban", "pii.national_id"):
            masks, _ = shared_masks(to_mask(values))
            return cls(kind, masks[0] if masks and len(masks[0]) <= _MAX_MASK else "")
        return cls(kind, "")

    def make(self, n: int, rng: np.random.Generator) -> pa.Array:
        """`n` different values; strings."""
        makers: dict[str, Callable[[int, np.random.Generator], pa.Array]] = {
            "pii.email": _emails,
            "pii.name": self._names,
            "pii.address": _addresses,
            "pii.phone": self._phones,
            "pii.card": self._cards,
            "pii.iban": self._ibans,
            "pii.ip": self._networks,
            "pii.url": _urls,
            "pii.national_id": self._national_ids,
        }
        return distinct_texts(n, makers[self.kind], rng)

    def _names(self, n: int, rng: np.random.Generator) -> pa.Array:
        fake = _faker(rng, self.locale)
        last = _pick(fake.last_name, n, rng)
        if self.style == "last":
            return last
        first = _pick(fake.first_name, n, rng)
        if self.style == "first":
            return first
        if self.style == "lastfirst":
            return _join(last, first)
        if n > _POOL * _POOL // 8:
            # the vocabulary runs out of pairs: add a middle initial
            first = _join(first, fill("A", n, "", rng), sep=" ")
        return _join(last, first, sep=", ") if self.style == "last, first" else _join(first, last, sep=" ")

    def _phones(self, n: int, rng: np.random.Generator) -> pa.Array:
        area = rng.integers(200, 1000, size=n)
        # 100 fictional numbers per area code; beyond that, area codes that start with 0 or 1 do not exist
        scarce = n > 40_000
        numbers = (rng.integers(0, 200, size=n) if scarce else area) * 10**7
        numbers += rng.integers(0, 10**7, size=n) if scarce else 5_550_100 + rng.integers(0, 100, size=n)
        return _masked(numbers, 10, self.style, "+1 999-999-9999")

    def _cards(self, n: int, rng: np.random.Generator) -> pa.Array:
        numbers = 999_999 * 10**9 + distinct_numbers(n, 0, max(10**9, 4 * n), rng)
        total = np.zeros(n, dtype=np.int64)
        for place in range(15):
            digit = numbers // 10**place % 10
            doubled = digit * 2 if place % 2 == 0 else digit
            total += doubled // 10 + doubled % 10
        return _masked(numbers * 10 + (-total) % 10, 16, self.style, "9999999999999999")

    def _ibans(self, n: int, rng: np.random.Generator) -> pa.Array:
        account = distinct_numbers(n, 10**9, 10**10, rng)
        # DE with bank code 00000000: check = 98 - (account, then "DE00" as 131400) mod 97
        check = 98 - (account % 97 * (10**6 % 97) + 131_400) % 97
        texts = _join(pa.scalar("DE"), _padded(check, 2), pa.scalar("00000000"), _padded(account, 10))
        if " " not in self.style:
            return texts
        return _join(*[pc.utf8_slice_codeunits(texts, i, i + 4) for i in range(0, 22, 4)], sep=" ")

    def _networks(self, n: int, rng: np.random.Generator) -> pa.Array:
        if self.style == "6":
            blocks = [fill("****", n, "0123456789abcdef", rng) for _ in range(2)]
            return _join(pa.array(["2001:db8:"] * n), *blocks, sep=":")
        # benchmark network first; beyond 60,000 addresses the reserved block 240.0.0.0/4
        base, size = (198 * 2**24 + 18 * 2**16, 2**17) if n <= 60_000 else (240 * 2**24, 2**28 - 2**24)
        number = base + distinct_numbers(n, 0, max(size, 4 * n), rng) % size
        return _join(*[pa.array(number >> s & 255).cast(pa.string()) for s in (24, 16, 8, 0)], sep=".")

    def _national_ids(self, n: int, rng: np.random.Generator) -> pa.Array:
        digits = self.style.count("9")
        if digits == 9 and not set(self.style) - set("9- "):
            return _masked(rng.integers(9 * 10**8, 10**9, size=n), 9, self.style, "999-99-9999")
        return fill(self.style or "AA999999", n, "", rng)

    def describe(self) -> str:
        """What is made, as a clause."""
        return f"invented values ({self.kind.removeprefix('pii.').replace('_', ' ')}) that belong to nobody"

    @classmethod
    def from_json(cls, wire: Wire) -> PersonMaker:
        """Read back what `to_json` gave; FileFormatError on anything else."""
        kind, style = wire.text("kind"), wire.text("style")
        if not kind.startswith("pii.") or len(style) > _MAX_MASK:
            raise wire.fail("style", "a short form")
        # files of earlier versions name no locale
        locale = wire.text("locale") if "locale" in wire.data else LOCALE
        if locale != LOCALE:
            from faker.config import AVAILABLE_LOCALES

            if locale not in AVAILABLE_LOCALES:
                raise wire.fail("locale", "a locale of Faker")
        return cls(kind, style, locale)


def _style_of_names(values: list[str]) -> str:
    """How most of some names are written."""
    half = len(values) / 2
    if sum("," in v for v in values) > half:
        return "last, first"
    if sum(" " in v.strip() for v in values) > half:
        return "first last"
    look = look_at(values)
    if look.unspaced > 0.5:
        return "lastfirst"
    return "first" if look.first > look.last else "last"


def _faker(rng: np.random.Generator, locale: str = LOCALE) -> Any:
    from faker import Faker

    fake = Faker(locale, use_weighting=False)
    fake.seed_instance(child_seed(int(rng.integers(2**31)), "faker"))
    return fake


def _pick(make: Callable[[], str], n: int, rng: np.random.Generator) -> pa.Array:
    """`n` draws from a pool of words."""
    pool = pa.array(sorted({make() for _ in range(min(_POOL, 2 * n + 8))}), type=pa.string())
    return pool.take(pa.array(rng.integers(len(pool), size=n)))


def _join(*parts: pa.Array, sep: str = "") -> pa.Array:
    return pc.binary_join_element_wise(*parts, sep)


def _padded(numbers: IntArray, width: int) -> pa.Array:
    return pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width, "0")


def _masked(numbers: IntArray, width: int, mask: str, default: str) -> pa.Array:
    """Numbers written in a mask that has just as many digits, else in the default one."""
    mask = mask if mask.count("9") == width and not set(mask) & set("Aa*") else default
    digits = _padded(numbers, width)
    parts: list[Any] = []
    at = 0
    for sign in mask:
        if sign != "9":
            parts.append(pa.scalar(sign))
        else:
            parts.append(pc.utf8_slice_codeunits(digits, at, at + 1))
            at += 1
    return pc.binary_join_element_wise(*parts, "")


def _emails(n: int, rng: np.random.Generator) -> pa.Array:
    fake = _faker(rng)
    user = _join(_pick(fake.first_name, n, rng), _pick(fake.last_name, n, rng), sep=".")
    user = pc.replace_substring_regex(pc.utf8_lower(user), r"[^a-z.]", "")
    number = pa.array(rng.integers(1, max(100, n // 50), size=n)).cast(pa.string())
    domain = pa.array(["example.com", "example.org", "example.net"]).take(pa.array(rng.integers(3, size=n)))
    return _join(_join(user, number), domain, sep="@")


def _addresses(n: int, rng: np.random.Generator) -> pa.Array:
    fake = _faker(rng)
    number = pa.array(rng.integers(1, max(1000, n // 100), size=n)).cast(pa.string())
    street = _join(number, _pick(fake.street_name, n, rng), sep=" ")
    return _join(street, _pick(fake.city, n, rng), sep=", ")


def _urls(n: int, rng: np.random.Generator) -> pa.Array:
    fake = _faker(rng)
    domain = pa.array(["example.com", "example.org", "example.net"]).take(pa.array(rng.integers(3, size=n)))
    page = pa.array(rng.integers(1, max(1000, n), size=n)).cast(pa.string())
    words = [_pick(lambda: str(fake.word()), n, rng) for _ in range(2)]
    slash, dash = pa.scalar("/"), pa.scalar("-")
    return _join(pa.scalar("https://"), domain, slash, words[0], slash, words[1], dash, page)
