"""Fresh identifiers in the shape of the real ones: numbers, prefix and digits, UUIDs, patterns of characters.

Real identifiers are not stored. What all share stays: prefix, suffix, fixed signs, alphabet, version of
UUIDs, check digits. Numbers are taken from above the highest real one or between two, so they cannot collide;
UUIDs and long patterns collide by chance only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.arrays import IntArray
from locum.codes.id_places import FIXED, alphabets_of, free_stretch, make_places, places_stretch
from locum.codes.json_fields import JsonFields, Wire
from locum.codes.patterns import (
    DIGITS,
    HEX,
    LOWER,
    MAX_MASK,
    MAX_MASKS,
    SHARED,
    UPPER,
    distinct_numbers,
    distinct_texts,
    fill,
    shared_masks,
    to_mask,
)
from locum.data.checksums import CHECK_DIGITS, check_scheme

Form = Literal["sequence", "random", "uuid", "masks", "places"]

_UUID = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
#: Whole numbers of up to so many digits are handled as numbers.
_MAX_DIGITS = 17
_STORAGE_MAX = {"int8": 2**7, "uint8": 2**8, "int16": 2**15, "uint16": 2**16, "int32": 2**31, "uint32": 2**32}


@dataclass(frozen=True, slots=True)
class IdMaker(JsonFields):
    """Maker of identifiers.

    Attributes
    ----------
    form
        ``sequence`` (consecutive numbers), ``random`` (numbers), ``uuid``, ``masks``, or ``places`` (texts of
        one length).
    prefix, suffix
        Text in front and at the end, the same for all real values.
    width
        Digits to pad numbers to; 0 for no padding.
    low, high
        Numbers are taken from low (inclusive) to high (exclusive); a sequence starts at low. For places, the
        numbers that the texts are in the base of each place; both 0 for anywhere.
    masks, shares
        Patterns (``A`` upper case, ``a`` lower case, ``9`` digit, ``*`` any of `alphabet`) and how often.
    alphabet
        Characters for ``*``.
    upper
        Whether UUIDs are written in upper case.
    version
        Version of UUIDs.
    alphabets
        For places, the signs of each place.
    check
        Scheme of the check digits at the end, a name of `locum.data.checksums.CHECK_DIGITS`; empty for none.
    spelling
        Where signs that are no digits stand among the digits with the check digits, as a mask; else empty.
    """

    form: Form
    prefix: str = ""
    width: int = 0
    low: int = 0
    high: int = 0
    masks: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    alphabet: str = DIGITS
    upper: bool = False
    suffix: str = ""
    version: str = "4"
    alphabets: tuple[str, ...] = ()
    check: str = ""
    spelling: str = ""

    @classmethod
    def fit(cls, values: pa.Array, storage: str = "string") -> IdMaker:
        """Find the shape of identifiers; `values` are strings without nulls, at least one."""
        distinct = pc.unique(values)
        if pc.all(pc.match_substring_regex(distinct, _UUID)).as_py():
            versions = pc.unique(pc.utf8_slice_codeunits(distinct, 14, 15)).to_pylist()
            upper = bool(pc.all(pc.equal(pc.utf8_upper(distinct), distinct)).as_py())
            return cls("uuid", upper=upper, version=versions[0] if len(versions) == 1 else "4")
        checked = cls._checked(distinct, storage)
        if checked is not None:
            return checked
        prefix, suffix = _common_ends(distinct)
        if storage in _STORAGE_MAX:
            prefix = prefix.rstrip(DIGITS)  # what fits is decided by the whole number
        while True:
            rest = pc.utf8_slice_codeunits(distinct, len(prefix), -len(suffix) if suffix else None)
            if not pc.all(pc.match_substring_regex(rest, rf"^[0-9]{{1,{_MAX_DIGITS}}}$")).as_py():
                break
            maker = replace(cls._numbers(rest, prefix, storage), suffix=suffix)
            # Shared digits go where the numbers behind them would become longer.
            if prefix[-1:] not in DIGITS or maker.high <= 10 ** len(rest[0].as_py()) or not prefix:
                return maker
            prefix = prefix[:-1]
        texts = distinct.to_pylist()
        alphabets = alphabets_of(texts)
        if alphabets:
            return cls._places(texts, alphabets)
        inner = pc.utf8_slice_codeunits(values, len(prefix), -len(suffix) if suffix else None)
        return replace(cls._masks(inner), prefix=prefix, suffix=suffix)

    @classmethod
    def _places(cls, texts: list[str], alphabets: tuple[str, ...]) -> IdMaker:
        """Texts of one length; one sign longer where no stretch is free of real ones."""
        stretch = places_stretch(texts, alphabets)
        if stretch is None:
            last = next(signs for signs in reversed(alphabets) if len(signs) > 1)
            stretch, alphabets = (0, 0), (*alphabets, last)
        return cls("places", alphabets=alphabets, low=stretch[0], high=stretch[1])

    @classmethod
    def _checked(cls, distinct: pa.Array, storage: str) -> IdMaker | None:
        """Numbers with check digits, where all of them pass one scheme."""
        bare = pc.replace_substring_regex(distinct, r"[ \-./]", "")
        texts = bare.to_pylist()
        if len({len(text) for text in texts}) != 1 or not texts[0][:-1].isdigit():
            return None
        check = check_scheme(texts)
        if not check:
            return None
        size = CHECK_DIGITS[check][1]
        prefix, _ = _common_ends(bare)
        prefix = prefix[: len(texts[0]) - size]
        body = pc.utf8_slice_codeunits(bare, len(prefix), len(texts[0]) - size)
        if len(body[0].as_py()) > _MAX_DIGITS or not body[0].as_py():
            return None
        masks, _ = shared_masks(pc.replace_substring_regex(distinct, r"[0-9X]", "9"))
        spelling = masks[0] if masks and set(masks[0]) - {"9"} else ""
        return replace(cls._numbers(body, prefix, storage, fixed=True), check=check, spelling=spelling)

    @classmethod
    def _numbers(cls, digits: pa.Array, prefix: str, storage: str, *, fixed: bool = False) -> IdMaker:
        """Numbers after a prefix; `fixed` where they may not become longer."""
        numbers = np.asarray(digits.cast(pa.int64()))
        lengths = np.asarray(pc.utf8_length(digits))
        padded = bool((pc.starts_with(digits, "0").to_numpy(zero_copy_only=False) & (lengths > 1)).any())
        same = bool(lengths.min() == lengths.max())
        width = int(lengths.max()) if padded or fixed or (prefix and same) else 0
        lowest, highest, n = int(numbers.min()), int(numbers.max()), len(numbers)
        limit = _STORAGE_MAX.get(storage, 10 ** (_MAX_DIGITS + 1))
        size = width or len(str(highest))
        unit = 10 ** max(0, len(str(highest)) - 1)
        low, high = (highest // unit + 1) * unit, 10**size
        dense = n >= SHARED and highest - lowest < 4 * n
        least = n if dense else 4 * n
        if high - low < least and same and n >= FIXED and not dense:
            low, high = free_stretch(numbers, 0 if width else 10 ** (size - 1), 10**size, least) or (
                low,
                high,
            )
        if high - low < least and not fixed:
            low, high = 10**size, 10 ** (size + 1)
        if high - low < least:
            low, high = free_stretch(numbers, 0, 10**size, least) or (0, 10**size)
        if high > limit:
            low, high = (low, limit) if limit - low >= 4 * n else (0, limit)
        return cls("sequence" if dense else "random", prefix=prefix, width=width, low=low, high=high)

    @classmethod
    def _masks(cls, values: pa.Array) -> IdMaker:
        masks, counts = shared_masks(to_mask(values))
        alphabet = DIGITS
        if counts.sum() < 0.8 * len(values):
            masks, counts = shared_masks(pc.replace_substring_regex(values, r"[\p{L}0-9]", "*"))
            lower = bool(pc.any(pc.match_substring_regex(values, r"[a-z]")).as_py())
            upper = bool(pc.any(pc.match_substring_regex(values, r"[A-Z]")).as_py())
            if not pc.any(pc.match_substring_regex(values, r"[g-zG-Z]")).as_py():
                alphabet = HEX if lower or not upper else HEX.upper()
            else:
                alphabet = DIGITS + (UPPER if upper else "") + (LOWER if lower else "")
        if not masks:
            masks, counts = ("*" * 8,), np.array([1])
        shares = np.round(counts / counts.sum(), 4)
        return cls("masks", masks=masks, shares=tuple(shares.tolist()), alphabet=alphabet)

    def make(self, n: int, rng: np.random.Generator) -> pa.Array:
        """`n` different identifiers; strings."""
        if self.form == "uuid":
            return _uuids(n, rng, self.upper, self.version)
        if self.form == "places":
            return distinct_texts(n, lambda m, r: make_places(self.alphabets, self.low, self.high, m, r), rng)
        if self.form == "masks":
            inner = distinct_texts(n, self._from_masks, rng)
        elif self.form == "sequence" and self.low + n < 10 ** (_MAX_DIGITS + 1):
            inner = self._padded(np.arange(self.low, self.low + n))
        else:
            inner = self._padded(distinct_numbers(n, self.low, max(self.high, self.low + 4 * n), rng))
        if self.check:
            return self._with_check(inner)
        if not (self.prefix or self.suffix):
            return inner
        return pc.binary_join_element_wise(pa.scalar(self.prefix), inner, pa.scalar(self.suffix), "")

    def _padded(self, numbers: IntArray) -> pa.Array:
        digits = pa.array(numbers).cast(pa.string())
        return pc.utf8_lpad(digits, self.width, "0") if self.width else digits

    def _with_check(self, digits: pa.Array) -> pa.Array:
        """Numbers with their check digits, spelled as the real ones are."""
        compute = CHECK_DIGITS[self.check][0]
        texts = [self.prefix + body for body in digits.to_pylist()]
        texts = [text + compute(text) for text in texts]
        if self.spelling.count("9") == len(texts[0] if texts else ""):
            texts = [_spelled(text, self.spelling) for text in texts]
        return pa.array(texts, pa.string())

    def _from_masks(self, n: int, rng: np.random.Generator) -> pa.Array:
        shares = np.array(self.shares)
        which = rng.choice(len(self.masks), size=n, p=shares / shares.sum())
        parts, places = [], []
        for i, mask in enumerate(self.masks):
            at = np.flatnonzero(which == i)
            if len(at):
                parts.append(fill(mask, len(at), self.alphabet, rng))
                places.append(at)
        order = np.argsort(np.concatenate(places)) if places else np.zeros(0, dtype=np.int64)
        return pa.concat_arrays(parts or [pa.array([], pa.string())]).take(pa.array(order))

    def describe(self) -> str:
        """What is made, as a clause."""
        if self.form == "uuid":
            return "random UUIDs"
        if self.form == "masks":
            return "random texts with the same pattern of letters and digits"
        if self.form == "places":
            where = " in a stretch without real ones" if self.high else ""
            return f"random texts with the same fixed signs and alphabet{where}"
        apart = "in a stretch without real ones" if self.low > 0 else "which may meet real ones by chance"
        ends = ", with valid check digits" if self.check else ""
        return f"{'consecutive' if self.form == 'sequence' else 'random'} numbers {apart}{ends}"

    @classmethod
    def from_json(cls, wire: Wire) -> IdMaker:
        """Read back what `to_json` gave; FileFormatError on anything else."""
        form = wire.text("form")
        if form not in get_args(Form):
            raise wire.fail("form", "a known form")
        masks = wire.texts("masks")
        if len(masks) > MAX_MASKS or any(len(m) > MAX_MASK for m in masks):
            raise wire.fail("masks", "a few short patterns")
        shares = wire.numbers("shares", length=len(masks), low=0.0, high=1.0)
        alphabet, prefix = wire.text("alphabet"), wire.text("prefix")
        if form == "masks" and (not masks or shares.sum() <= 0 or not 1 <= len(alphabet) <= 256):
            raise wire.fail("masks", "patterns with shares")
        limit = 10 ** (_MAX_DIGITS + 1)
        low, high = wire.integer("low", low=0, high=limit), wire.integer("high", low=0, high=limit)
        width = wire.integer("width", low=0, high=_MAX_DIGITS + 1)
        if len(prefix) > MAX_MASK:
            raise wire.fail("prefix", "a short text")
        upper = wire.boolean("upper")
        kept = tuple(masks), tuple(shares.tolist())
        maker = cls(cast("Form", form), prefix, width, low, high, *kept, alphabet, upper)
        return maker._more(wire) if "suffix" in wire.data else maker

    def _more(self, wire: Wire) -> IdMaker:
        """The maker with what files of the first version do not say."""
        suffix, version, check = wire.text("suffix"), wire.text("version"), wire.text("check")
        alphabets, spelling = wire.texts("alphabets"), wire.text("spelling")
        if max(len(suffix), len(spelling)) > MAX_MASK:
            raise wire.fail("suffix", "a short text")
        if len(version) != 1 or version not in HEX:
            raise wire.fail("version", "one hexadecimal digit")
        if check and (check not in CHECK_DIGITS or self.form not in ("sequence", "random")):
            raise wire.fail("check", "a known scheme, for numbers")
        if check and not (self.prefix + "0").isdigit():
            raise wire.fail("prefix", "digits")
        if (self.form == "places") != bool(alphabets) or len(alphabets) > MAX_MASK:
            raise wire.fail("alphabets", "signs for each place")
        if not all(1 <= len(signs) <= 256 for signs in alphabets):
            raise wire.fail("alphabets", "signs for each place")
        return replace(
            self, suffix=suffix, version=version, check=check, alphabets=tuple(alphabets), spelling=spelling
        )


def _common_ends(values: pa.Array) -> tuple[str, str]:
    """Longest texts that all values start and end with; empty when few values share them.

    Digits next to what changes belong to them only where all values are of one length and there are enough
    to rule out chance.
    """
    if len(values) < SHARED:
        return "", ""
    prefix = _common_start(values)
    lengths = pc.min_max(pc.utf8_length(values)).as_py()
    rest = lengths["min"] - len(prefix)
    suffix = _common_start(pc.utf8_reverse(values))[: max(0, rest)][::-1]
    if len(values) < FIXED or lengths["min"] != lengths["max"]:
        return prefix.rstrip(DIGITS), suffix.lstrip(DIGITS)
    return prefix, suffix.lstrip(DIGITS)


def _common_start(values: pa.Array) -> str:
    extremes = pc.min_max(values).as_py()
    low, high = extremes["min"], extremes["max"]
    same = 0
    while same < min(len(low), len(high)) and low[same] == high[same]:
        same += 1
    return str(low[:same])


def _spelled(digits: str, mask: str) -> str:
    """Digits with the other signs of a mask between them."""
    left = iter(digits)
    return "".join(next(left) if sign == "9" else sign for sign in mask)


def _uuids(n: int, rng: np.random.Generator, upper: bool, version: str) -> pa.Array:
    """Random UUIDs with the mark of a version."""
    mask = f"********-****-{version}***-0***-************"
    texts = fill(mask, n, HEX.upper() if upper else HEX, rng)
    variant = fill("*", n, "89AB" if upper else "89ab", rng)
    return pc.binary_join_element_wise(
        pc.utf8_slice_codeunits(texts, 0, 19), variant, pc.utf8_slice_codeunits(texts, 20), ""
    )
