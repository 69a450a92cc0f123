"""Fresh identifiers in the shape of the real ones: numbers, prefix and digits, UUIDs, patterns of characters.

Real identifiers are not stored. Numbers are taken from above the highest real one, so they cannot collide;
UUIDs and long patterns collide by chance only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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

Form = Literal["sequence", "random", "uuid", "masks"]

#: Whole numbers of up to so many digits are handled as numbers.
_MAX_DIGITS = 17
_STORAGE_MAX = {"int8": 2**7, "uint8": 2**8, "int16": 2**15, "uint16": 2**16, "int32": 2**31, "uint32": 2**32}


@dataclass(frozen=True, slots=True)
class IdMaker(JsonFields):
    """Maker of identifiers.

    Attributes
    ----------
    form
        ``sequence`` (consecutive numbers), ``random`` (numbers), ``uuid``, or ``masks``.
    prefix
        Text in front, the same for all real values.
    width
        Digits to pad numbers to; 0 for no padding.
    low, high
        Numbers are taken from low (inclusive) to high (exclusive); a sequence starts at low.
    masks, shares
        Patterns (``A`` upper case, ``a`` lower case, ``9`` digit, ``*`` any of `alphabet`) and how often.
    alphabet
        Characters for ``*``.
    upper
        Whether UUIDs are written in upper case.
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

    @classmethod
    def fit(cls, values: pa.Array, storage: str = "string") -> IdMaker:
        """Find the shape of identifiers; `values` are strings without nulls, at least one."""
        distinct = pc.unique(values)
        uuid = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
        if pc.all(pc.match_substring_regex(distinct, uuid)).as_py():
            return cls("uuid", upper=bool(pc.all(pc.equal(pc.utf8_upper(distinct), distinct)).as_py()))
        prefix = _common_prefix(distinct)
        rest = pc.utf8_slice_codeunits(distinct, len(prefix))
        if pc.all(pc.match_substring_regex(rest, rf"^[0-9]{{1,{_MAX_DIGITS}}}$")).as_py():
            return cls._numbers(rest, prefix, storage)
        return cls._masks(values)

    @classmethod
    def _numbers(cls, digits: pa.Array, prefix: str, storage: str) -> IdMaker:
        numbers = np.asarray(digits.cast(pa.int64()))
        lengths = np.asarray(pc.utf8_length(digits))
        padded = bool((pc.starts_with(digits, "0").to_numpy(zero_copy_only=False) & (lengths > 1)).any())
        width = int(lengths.max()) if padded or (prefix and lengths.min() == lengths.max()) else 0
        lowest, highest, n = int(numbers.min()), int(numbers.max()), len(numbers)
        limit = _STORAGE_MAX.get(storage, 10 ** (_MAX_DIGITS + 1))
        size = width or len(str(highest))
        unit = 10 ** max(0, len(str(highest)) - 1)
        low, high = (highest // unit + 1) * unit, 10**size
        dense = n >= SHARED and highest - lowest < 4 * n
        if high - low < (n if dense else 4 * n):
            low, high = 10**size, 10 ** (size + 1)
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
            return _uuids(n, rng, self.upper)
        if self.form == "masks":
            return distinct_texts(n, self._from_masks, rng)
        if self.form == "sequence" and self.low + n < 10 ** (_MAX_DIGITS + 1):
            numbers = np.arange(self.low, self.low + n)
        else:
            numbers = distinct_numbers(n, self.low, max(self.high, self.low + 4 * n), rng)
        digits = pa.array(numbers).cast(pa.string())
        if self.width:
            digits = pc.utf8_lpad(digits, self.width, "0")
        return pc.binary_join_element_wise(pa.scalar(self.prefix), digits, "") if self.prefix else digits

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
        above = "above every real one" if self.low > 0 else "which may meet real ones by chance"
        return f"{'consecutive' if self.form == 'sequence' else 'random'} numbers {above}"

    @classmethod
    def from_json(cls, wire: Wire) -> IdMaker:
        """Read back what `to_json` gave; FileFormatError on anything else."""
        form = wire.text("form")
        if form not in ("sequence", "random", "uuid", "masks"):
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
        return cls(cast("Form", form), prefix, width, low, high, *kept, alphabet, upper)


def _common_prefix(values: pa.Array) -> str:
    """Longest text that all values start with, without digits at its end; empty when few values share it."""
    if len(values) < SHARED:
        return ""
    extremes = pc.min_max(values).as_py()
    low, high = extremes["min"], extremes["max"]
    same = 0
    while same < min(len(low), len(high)) and low[same] == high[same]:
        same += 1
    return str(low[:same].rstrip(DIGITS))


def _uuids(n: int, rng: np.random.Generator, upper: bool) -> pa.Array:
    """Random UUIDs of version 4."""
    mask = "********-****-4***-0***-************"
    texts = fill(mask, n, HEX.upper() if upper else HEX, rng)
    variant = fill("*", n, "89AB" if upper else "89ab", rng)
    return pc.binary_join_element_wise(
        pc.utf8_slice_codeunits(texts, 0, 19), variant, pc.utf8_slice_codeunits(texts, 20), ""
    )
