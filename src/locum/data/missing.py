"""Texts and numbers that stand for "missing"."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from locum.arrays import IntArray

if TYPE_CHECKING:
    import pyarrow as pa

#: Missing in every kind of column, spelled exactly so.
_ALWAYS = ("?", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "<NA>", "NaT", "-", "--", "\\N")
#: Missing besides those where everything else is a number or a date; compared without case.
_TYPED = (
    "na",
    "n.a.",
    "n.a",
    "nil",
    "none",
    "nd",
    "n/d",
    "missing",
    "unknown",
    "unk",
    "not available",
    "not known",
    "not applicable",
    "undefined",
    "---",
    "–",
    "—",
    ".",
    "..",
    "*",
    "**",
    "??",
    "#value!",
    "#div/0!",
    "#ref!",
    "#num!",
    "#name?",
    "<null>",
    "(null)",
    "(blank)",
    "blank",
    "empty",
)


def missing_texts(
    texts: pa.Array, counts: IntArray, declared: Collection[str], *, typed: bool
) -> tuple[str, ...]:
    """Those of the different texts that stand for missing, most frequent first.

    Parameters
    ----------
    texts
        Different texts of a column, trimmed; shape (n_distinct,).
    counts
        Rows of each.
    declared
        Texts that the user said are missing.
    typed
        Whether the other values are numbers, dates or durations; then more words count, and blanks.

    Notes
    -----
    ``NA`` stays a level among two-letter codes (Namibia), ``-`` where ``+`` is there too.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    known = pc.is_in(texts, value_set=pa.array([*_ALWAYS, *declared, *[""] * typed], texts.type))
    if typed:
        lower = pc.utf8_lower(texts)
        known = pc.or_(
            known, pc.is_in(lower, value_set=pa.array([w.lower() for w in (*_ALWAYS, *_TYPED)], texts.type))
        )
    places = np.flatnonzero(known.to_numpy(zero_copy_only=False))
    found: dict[str, int] = {}
    for i in places:
        text = texts[int(i)].as_py()
        found[text] = found.get(text, 0) + int(counts[i])
    if not typed:
        for text in [text for text in found if text not in declared and _is_level(text, texts)]:
            del found[text]
    return tuple(sorted(found, key=lambda text: (-found[text], text)))


def _is_level(text: str, texts: pa.Array) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    if text in ("-", "--"):
        return bool(pc.any(pc.is_in(texts, value_set=pa.array(["+", "++"], texts.type))).as_py())
    if text == "NA" and len(texts) > 10:
        codes = pc.match_substring_regex(texts, r"^[A-Z]{2}$")
        return bool(pc.mean(codes.cast("float64")).as_py() >= 0.8)
    return False


def numbers_among(texts: Iterable[str]) -> list[float]:
    """Those of the texts that are numbers; NaN is none."""
    found = []
    for text in texts:
        try:
            found.append(float(text))
        except ValueError:
            continue
    return [value for value in found if value == value]


def sentinels(values: npt.NDArray[np.float64], counts: IntArray) -> IntArray:
    """Places of numbers that stand for missing: nines, clearly detached from everything else.

    Negative ones (-99, -999 ...) count when no other value is below zero, or when the gap to the rest is more
    than twice the rest's range; positive ones (999, 9999 ...) only in the second case. A real top code such
    as 99,999 above incomes of up to 41,310 is not detached and stays a value. At least two rows must hold it,
    and three different other values must exist.

    Parameters
    ----------
    values
        Different numbers of a column; shape (n_distinct,).
    counts
        Rows of each.
    """
    finite = np.isfinite(values)
    size = np.abs(values)
    nines = np.zeros(len(values), np.bool_)
    for digits in range(2, 10):
        nines |= size == 10**digits - 1
    nines &= finite & (counts >= 2) & ((values < 0) | (size >= 999))
    rest = values[finite & ~nines]
    if not nines.any() or rest.size < 3:
        return np.empty(0, np.int64)
    low, high = float(rest.min()), float(rest.max())
    gap = np.where(values < low, low - values, values - high)
    detached = (gap > 2 * (high - low)) | ((values < 0) & (low >= 0))
    found: IntArray = np.flatnonzero(nines & detached & ((values < low) | (values > high)))
    return found[np.argsort(-counts[found], kind="stable")]
