"""Texts that are no numbers and no dates: labels, identifiers, free text, yes and no."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from locum.arrays import IntArray
from locum.data.id_names import is_code_name, is_id_name, is_label_id_name, is_person_id_name, is_thing_name
from locum.schema.column import Kind

if TYPE_CHECKING:
    import pyarrow as pa

_YES_NO = (
    ("no", "yes"),
    ("n", "y"),
    ("false", "true"),
    ("f", "t"),
    ("off", "on"),
    ("nein", "ja"),
    ("non", "oui"),
    ("no", "si"),
    ("no", "sí"),
    ("nej", "ja"),
    ("nee", "ja"),
    ("nie", "tak"),
    ("не", "да"),
    ("нет", "да"),
    ("absent", "present"),
    ("inactive", "active"),
)

#: Fewer rows than this say nothing about whether values repeat.
FEW_ROWS = 10
#: So many persons with several rows each are told from labels by the name of their column.
PERSONS = 20
#: A value with more rows than this, and more than so many times the mean, is a label among labels.
_OFTEN, _TIMES = 5, 5


def guess_boolean(texts: pa.Array) -> str:
    """The format ``no|yes`` when there are exactly two texts and they are a known pair; else empty."""
    if len(texts) != 2:
        return ""
    first, second = texts.to_pylist()
    for no, yes in _YES_NO:
        for low, high in ((first, second), (second, first)):
            if low.casefold() == no and high.casefold() == yes and "|" not in low + high:
                return f"{low}|{high}"
    return ""


def guess_label(name: str, texts: pa.Array, counts: IntArray) -> tuple[Kind, float, str]:
    """Kind, confidence and reason for texts that are neither numbers nor dates.

    Rules, n rows with a value and d different ones: another value in every row is an ``id`` when short or
    patterned, ``text`` when long; nearly so (d > 0.5 n, or 0.2 n with a name that says id) when patterned or
    long and no value is frequent; codes of persons, by the name, also where each has many rows. Everything
    else is a ``category``.
    """
    import pyarrow.compute as pc

    d, n = len(texts), int(counts.sum())
    if d <= 1:
        return "category", 0.95, "the same text in every row"
    length = float(np.average(pc.utf8_length(texts).to_numpy(zero_copy_only=False), weights=counts))
    blanks = pc.count_substring_regex(texts, r"\s+").to_numpy(zero_copy_only=False)
    words = 1 + float(np.average(blanks, weights=counts))
    share, long = d / n, words >= 5 or length >= 50
    if n < FEW_ROWS:
        return ("text", 0.6, "long texts") if long else ("category", 0.6, "a few short texts")
    if d == n:
        if long or (words >= 3 and length > 25):
            return "text", 0.9, "another long text in every row"
        sure = 0.95 if is_id_name(name) or (words < 1.2 and _patterned(texts)) else 0.7
        return "id", sure, "another short text in every row"
    if long and d > 50 and share > 0.2:
        return "text", 0.85, "long texts that hardly repeat"
    if d >= PERSONS and words < 1.2 and is_person_id_name(name) and _coded(texts):
        return "id", 0.8, "the name says that it tells persons apart, and values repeat"
    if (
        d > 50
        and not _labels(name, counts)
        and (share > 0.5 or (is_id_name(name) and (share > 0.2 or d > 1000)))
    ):
        if words < 1.2 and _patterned(texts):
            return "id", 0.75, "codes of one pattern that hardly repeat"
        if is_id_name(name) and words < 1.2:
            return "id", 0.7, "the name says identifier, and values hardly repeat"
        if share > 0.9:
            return (
                ("text", 0.6, "texts that hardly repeat")
                if words > 1.5
                else ("id", 0.6, "short texts that hardly repeat")
            )
        return "category", 0.5, "short texts, many of them seen once"
    if d > 200 and share > 0.05:
        return "category", 0.7, "labels, with many different ones"
    return "category", 0.95 if share < 0.2 else 0.75, "a set of labels that repeat"


def _labels(name: str, counts: IntArray) -> bool:
    """Whether some value has far more rows than others, as products do, or the name says thing."""
    top = int(counts.max())
    return top > max(_OFTEN, _TIMES * float(counts.mean())) or (top > 1 and is_thing_name(name))


def _coded(texts: pa.Array) -> bool:
    """Whether most texts hold a digit or are of one pattern, as codes do and words do not."""
    import pyarrow as pa
    import pyarrow.compute as pc

    sample = texts.slice(0, 2000)
    return float(
        pc.mean(pc.match_substring_regex(sample, r"\d").cast(pa.float64())).as_py()
    ) >= 0.9 or _patterned(sample)


def _patterned(texts: pa.Array) -> bool:
    """Whether most texts share one shape of letters and digits, or one length without blanks (hex, uuid)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    sample = texts.slice(0, 2000)
    shapes = pc.replace_substring_regex(sample, r"[A-Za-z]", "a")
    shapes = pc.replace_substring_regex(shapes, r"\d+", "9")
    digits = pc.mean(pc.match_substring_regex(sample, r"\d").cast(pa.float64())).as_py()
    if digits < 0.5:
        return False
    top = max(entry["counts"] for entry in pc.value_counts(shapes).to_pylist())
    lengths = pc.value_counts(pc.utf8_length(sample)).to_pylist()
    same = max(entry["counts"] for entry in lengths)
    hexed = pc.all(pc.match_substring_regex(sample, r"^[0-9a-fA-F-]+$")).as_py()
    return bool(top >= 0.8 * len(sample) or (hexed and same == len(sample)))


def guess_integer(name: str, values: np.ndarray, counts: IntArray, in_order: bool) -> tuple[Kind, float, str]:
    """``id``, ``integer`` or ``category`` for whole numbers.

    An id is a different number in every row that either runs without gaps, or whose column's name says id; a
    number that hardly repeats is a measurement otherwise (``fnlwgt`` in the census). Years are never ids.
    Numbers of persons are ids also where they repeat, those of things are not. Digits of one length under
    the name of a code (zip, SIC) are labels.

    Parameters
    ----------
    name
        Column name.
    values, counts
        Different numbers and their rows; shape (n_distinct,).
    in_order
        Whether the rows are in ascending order of the number.
    """
    d, n = len(values), int(counts.sum())
    if d <= 1:
        return "integer", 0.95, "the same whole number in every row"
    named = is_id_name(name)
    if d == n and n >= FEW_ROWS:
        low, high = int(values.min()), int(values.max())
        gapless = high - low == d - 1 and not (low >= 1500 and high <= 2200)
        if gapless and (in_order or named):
            return "id", 0.95, "a running number"
        if named:
            return "id", 0.9, "another whole number in every row, and the name says identifier"
        if gapless and n >= 100:
            return "id", 0.75, "every whole number of a range, each once"
    if d >= PERSONS and is_person_id_name(name) and values.min() >= 0:
        return "id", 0.8, "the name says that it tells persons apart, and numbers repeat"
    if (
        is_code_name(name)
        and values.min() >= 100
        and len(str(int(values.min()))) == len(str(int(values.max())))
    ):
        return "category", 0.8, "digits of one length, and the name says that they are a code"
    if named and n >= FEW_ROWS and d > 50 and (d > 0.2 * n or d > 1000) and not _labels(name, counts):
        return "id", 0.75, "the name says identifier, and there are many different whole numbers"
    if d <= 2 and set(values.tolist()) <= {0, 1}:
        return "integer", 0.8, "zeros and ones"
    if is_label_id_name(name) and n >= FEW_ROWS and 2 * d <= n and values.min() >= 0:
        return "category", 0.75, "the name says that the numbers are labels, and they repeat"
    return "integer", 0.95, "whole numbers"
