"""Fresh identifiers in the shape of the real ones: numbers, prefix and digits, UUIDs, patterns of letters and digits.

Real identifiers are not stored. Numbers are taken from above the highest real one, so they cannot collide;
UUIDs and long patterns collide by chance only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.codes.codebook import IntArray
from locum.codes.wire import Wire

Form = Literal["sequence", "random", "uuid", "masks"]

#: A mask or prefix must be shared by so many values before it is kept.
_SHARED = 3
_MAX_MASKS = 50
_MAX_MASK_LENGTH = 256
#: Whole numbers of up to so many digits are handled as numbers.
_MAX_DIGITS = 17
_STORAGE_MAX = {"int8": 2**7, "uint8": 2**8, "int16": 2**15, "uint16": 2**16, "int32": 2**31, "uint32": 2**32}
_UPPER, _LOWER, _DIGIT, _HEX = (
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "abcdefghijklmnopqrstuvwxyz",
    "0123456789",
    "0123456789abcdef",
)


@dataclass(frozen=True, slots=True)
class IdMaker:
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

    name: ClassVar[str] = "id"

    form: Form
    prefix: str = ""
    width: int = 0
    low: int = 0
    high: int = 0
    masks: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    alphabet: str = _DIGIT
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
        if high - low < 4 * n:
            low, high = 10**size, 10 ** (size + 1)
        if high > limit:
            low, high = (low, limit) if limit - low >= 4 * n else (0, limit)
        dense = n >= _SHARED and highest - lowest < 4 * n
        return cls("sequence" if dense else "random", prefix=prefix, width=width, low=low, high=high)

    @classmethod
    def _masks(cls, values: pa.Array) -> IdMaker:
        fine = pc.replace_substring_regex(values, r"[0-9]", "9")
        fine = pc.replace_substring_regex(fine, r"\p{Lu}", "A")
        fine = pc.replace_substring_regex(fine, r"\p{Ll}", "a")
        masks, counts = _shared_masks(fine)
        alphabet = _DIGIT
        if counts.sum() < 0.8 * len(values):
            masks, counts = _shared_masks(pc.replace_substring_regex(values, r"[\p{L}0-9]", "*"))
            lower = bool(pc.any(pc.match_substring_regex(values, r"[a-z]")).as_py())
            upper = bool(pc.any(pc.match_substring_regex(values, r"[A-Z]")).as_py())
            if not pc.any(pc.match_substring_regex(values, r"[g-zG-Z]")).as_py():
                alphabet = _HEX if lower or not upper else _HEX.upper()
            else:
                alphabet = _DIGIT + (_UPPER if upper else "") + (_LOWER if lower else "")
        if not masks:
            masks, counts = ("*" * 8,), np.array([1])
        shares = np.round(counts / counts.sum(), 4)
        return cls("masks", masks=masks, shares=tuple(shares.tolist()), alphabet=alphabet)

    def make(self, n: int, rng: np.random.Generator) -> pa.Array:
        """`n` different identifiers; strings."""
        if self.form == "uuid":
            return _uuids(n, rng, self.upper)
        if self.form == "masks":
            return _distinct_texts(n, self._from_masks, rng)
        if self.form == "sequence" and self.low + n < 10 ** (_MAX_DIGITS + 1):
            numbers = np.arange(self.low, self.low + n)
        else:
            numbers = _distinct_numbers(n, self.low, max(self.high, self.low + 4 * n), rng)
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
                parts.append(_fill(mask, len(at), self.alphabet, rng))
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

    def to_json(self) -> dict[str, Any]:
        """JSON-ready state."""
        return {
            "form": self.form,
            "prefix": self.prefix,
            "width": self.width,
            "low": self.low,
            "high": self.high,
            "masks": list(self.masks),
            "shares": list(self.shares),
            "alphabet": self.alphabet,
            "upper": self.upper,
        }

    @classmethod
    def from_json(cls, wire: Wire) -> IdMaker:
        """Read back what `to_json` gave; FileFormatError on anything else."""
        form = wire.text("form")
        if form not in ("sequence", "random", "uuid", "masks"):
            raise wire.fail("form", "a known form")
        masks = wire.texts("masks")
        if len(masks) > _MAX_MASKS or any(len(m) > _MAX_MASK_LENGTH for m in masks):
            raise wire.fail("masks", "a few short patterns")
        shares = wire.numbers("shares", length=len(masks), low=0.0, high=1.0)
        alphabet, prefix = wire.text("alphabet"), wire.text("prefix")
        if form == "masks" and (not masks or shares.sum() <= 0 or not 1 <= len(alphabet) <= 256):
            raise wire.fail("masks", "patterns with shares")
        limit = 10 ** (_MAX_DIGITS + 1)
        low, high = wire.integer("low", low=0, high=limit), wire.integer("high", low=0, high=limit)
        width = wire.integer("width", low=0, high=_MAX_DIGITS + 1)
        if len(prefix) > _MAX_MASK_LENGTH:
            raise wire.fail("prefix", "a short text")
        return cls(
            form,
            prefix,
            width,
            low,
            high,
            tuple(masks),
            tuple(shares.tolist()),
            alphabet,
            wire.boolean("upper"),
        )


def _common_prefix(values: pa.Array) -> str:
    """Longest text that all values start with, without digits at its end; empty when few values share it."""
    if len(values) < _SHARED:
        return ""
    extremes = pc.min_max(values).as_py()
    low, high = extremes["min"], extremes["max"]
    same = 0
    while same < min(len(low), len(high)) and low[same] == high[same]:
        same += 1
    return str(low[:same].rstrip(_DIGIT))


def _shared_masks(masks: pa.Array) -> tuple[tuple[str, ...], IntArray]:
    """The masks that enough values share, the most frequent first."""
    tally = pc.value_counts(masks)
    texts, counts = tally.field("values"), np.asarray(tally.field("counts"), dtype=np.int64)
    lengths = np.asarray(pc.utf8_length(texts))
    order = np.argsort(-counts, kind="stable")[:_MAX_MASKS]
    order = order[(counts[order] >= _SHARED) & (lengths[order] <= _MAX_MASK_LENGTH)]
    return tuple(texts.take(pa.array(order)).to_pylist()), counts[order]


def _fill(mask: str, n: int, alphabet: str, rng: np.random.Generator) -> pa.Array:
    """`n` texts that follow a mask."""
    if not mask:
        return pa.array([""] * n, type=pa.string())
    letters = {"A": _UPPER, "a": _LOWER, "9": _DIGIT, "*": alphabet}
    chars = np.empty((n, len(mask)), dtype=np.uint32)
    for i, sign in enumerate(mask):
        choices = np.array([ord(c) for c in letters.get(sign, sign)], dtype=np.uint32)
        chars[:, i] = choices[rng.integers(len(choices), size=n)] if len(choices) > 1 else choices[0]
    return pa.array(np.ascontiguousarray(chars).view(f"<U{len(mask)}").ravel(), type=pa.string())


def _uuids(n: int, rng: np.random.Generator, upper: bool) -> pa.Array:
    """Random UUIDs of version 4."""
    mask = "********-****-4***-0***-************"
    texts = _fill(mask, n, _HEX.upper() if upper else _HEX, rng)
    variant = _fill("*", n, "89AB" if upper else "89ab", rng)
    return pc.binary_join_element_wise(
        pc.utf8_slice_codeunits(texts, 0, 19), variant, pc.utf8_slice_codeunits(texts, 20), ""
    )


def _distinct_numbers(n: int, low: int, high: int, rng: np.random.Generator) -> IntArray:
    """`n` different numbers from low to high - 1, in random order; `high - low` is at least 4 n."""
    numbers = np.zeros(0, dtype=np.int64)
    while len(numbers) < n:
        drawn = rng.integers(low, high, size=n - len(numbers) + 16)
        _, first = np.unique(np.concatenate([numbers, drawn]), return_index=True)
        numbers = np.concatenate([numbers, drawn])[np.sort(first)]
    return numbers[:n]


def _distinct_texts(n: int, make: Any, rng: np.random.Generator) -> pa.Array:
    """`n` different texts; a counter is appended where the patterns do not hold that many."""
    texts = pa.array([], type=pa.string())
    for _ in range(8):
        texts = pc.unique(pa.concat_arrays([texts, make(n - len(texts), rng)]))
        if len(texts) >= n:
            return texts.slice(0, n)
    missing = n - len(texts)
    counted = pa.array(np.arange(missing)).cast(pa.string())
    more = pc.binary_join_element_wise(make(missing, rng), counted, "-")
    return pa.concat_arrays([texts, more])
