"""Texts and numbers that stand for "missing"."""

from __future__ import annotations

import re
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


_CONTINENTS = frozenset(("AF", "AN", "AS", "EU", "NA", "OC", "SA"))
_STATES = frozenset(
    re.findall(
        "..",
        "ALAKAZARCACOCTDEFLGAHIIDILINIAKSKYLAMEMDMAMIMNMSMOMTNENVNHNJNMNYNCNDOHOKORPARISCSDTNTXUTVTVAWAWVWIWY"
        "DCPRGUVIASMP",
    )
)
#: Names of columns that hold names of people.
_NAME = re.compile(r"name|nachname|\bnom\b|apellido|cognome|owner|author", re.IGNORECASE)


def missing_texts(
    texts: pa.Array, counts: IntArray, declared: Collection[str], *, typed: bool, name: str = ""
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
    name
        Name of the column.

    Notes
    -----
    ``NA`` stays a level among codes of countries (Namibia) or continents and among many other codes of two
    letters, but not among states of the USA, of which it is none; ``-`` where ``+`` is there too; and
    ``NULL`` in a column of names, where it is no more frequent than other names.
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
        for text in [text for text in found if text not in declared and _is_level(text, texts, counts, name)]:
            del found[text]
    return tuple(sorted(found, key=lambda text: (-found[text], text)))


def says_missing(text: str) -> bool:
    """Whether a text stands for missing among numbers or dates."""
    plain = text.strip()
    return plain in _ALWAYS or plain.lower() in _TYPED


def _is_level(text: str, texts: pa.Array, counts: IntArray, name: str) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    if text in ("-", "--"):
        return bool(pc.any(pc.is_in(texts, value_set=pa.array(["+", "++"], texts.type))).as_py())
    if text == "NA":
        return _among_codes(set(texts.to_pylist()) - {"NA", *_ALWAYS, ""}) if len(texts) < 1000 else False
    if text in ("NULL", "null") and _NAME.search(name) and len(texts) >= 20:
        alike = pc.utf8_is_upper(texts) if text == "NULL" else pc.utf8_is_lower(texts)
        own = int(counts[pc.equal(texts, text).to_numpy(zero_copy_only=False)].sum())
        return bool(pc.mean(alike.cast("float64")).as_py() >= 0.9 and own <= 2 * np.median(counts))
    return False


def _among_codes(others: set[str]) -> bool:
    """Whether ``NA`` is one more code among these: of a country, a continent, or of two letters at large."""
    if len(others) < 3:
        return False
    if others <= _CONTINENTS:
        return True
    if len(others - _STATES) <= 0.05 * len(others):
        return False
    from faker.providers.address import Provider

    countries = sum(text in Provider.alpha_2_country_codes for text in others)
    letters = sum(len(text) == 2 and text.isascii() and text.isupper() for text in others)
    return countries >= 0.9 * len(others) or (len(others) >= 10 and letters >= 0.8 * len(others))


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
