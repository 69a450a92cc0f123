"""Whether a column of texts is made of numbers, and how they are spelled."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from locum.arrays import IntArray
from locum.data.number_spelling import spelling
from locum.data.numberforms import NumberForm, bare, decimals_of, fits, whole_numbers
from locum.data.table_area import UNIT
from locum.schema.column import Kind

if TYPE_CHECKING:
    import pyarrow as pa

_UNITS_BEFORE = ("$", "€", "£", "¥", "US$")
_UNITS_AFTER = ("%", "€", "$", "£", "°C", "kr", "zł")
_SPACES = (" ", "\u00a0", "\u202f")


@dataclass(frozen=True, slots=True)
class NumberGuess:
    """A spelling under which texts are numbers.

    Attributes
    ----------
    form
        The spelling.
    plain
        The texts in plain form (``-1234.5``); shape (n_distinct,), null where a text is no number.
    values
        The numbers as float64, for counting only; shape (n_distinct,).
    share
        Share of rows that are numbers under it.
    """

    form: NumberForm
    plain: pa.Array
    values: pa.Array
    share: float


def guess_number(texts: pa.Array, counts: IntArray, decimal: str | None = None) -> NumberGuess | None:
    """The spelling under which most rows are numbers; None when less than half are.

    Parameters
    ----------
    texts
        Different texts, trimmed, without missing ones; shape (n_distinct,).
    counts
        Rows of each.
    decimal
        Decimal sign the user named; without it a dot counts as decimal sign wherever it can be one, and a
        comma as thousands separator wherever every comma parts groups of three digits.
    """
    import pyarrow as pa

    best: NumberGuess | None = None
    sample = texts.slice(0, 400)
    total = int(counts.sum())
    for form in _forms(sample, decimal):
        if form.thousands and not _grouped(sample, form):
            continue
        right = fits(sample, form).to_numpy(zero_copy_only=False)
        if not len(sample) or right.mean() < 0.5:
            continue
        plain = bare(texts, form)
        values = plain.cast(pa.float64())
        share = float(counts[values.is_valid().to_numpy(zero_copy_only=False)].sum()) / max(total, 1)
        if best is None or share > best.share:
            best = NumberGuess(form, plain, values, share)
        if share == 1:
            break
    return best if best is not None and best.share >= 0.5 else None


def _forms(sample: pa.Array, decimal: str | None) -> Iterator[NumberForm]:
    """Spellings in the order in which they are believed."""
    dot = [NumberForm(), NumberForm(","), *(NumberForm(space) for space in _SPACES), NumberForm("'")]
    comma = [NumberForm(decimal=","), NumberForm(".", ","), *(NumberForm(space, ",") for space in _SPACES)]
    plain = [*comma, *dot[2:]] if decimal == "," else dot if decimal == "." else [*dot, *comma]
    yield from plain
    texts = [text for text in sample.to_pylist() if text]
    before, after = _other_unit(texts)
    for unit in (*_UNITS_BEFORE, *before):
        if sum(text.lstrip("+-").startswith(unit) for text in texts) > 0.5 * len(texts):
            yield from (NumberForm(f.thousands, f.decimal, 0, unit, "") for f in plain)
    for unit in (*_UNITS_AFTER, *after):
        if sum(text.endswith(unit) for text in texts) > 0.5 * len(texts):
            yield from (NumberForm(f.thousands, f.decimal, 0, "", unit) for f in plain)


def _other_unit(texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """A word before or after the first number that may be a unit: parted by a blank, or a usual one."""
    found = re.fullmatch(r"[+-]?(\D{0,5}?)( ?)[+-]?[\d.,]*\d( ?)(\D{0,8}?)", texts[0]) if texts else None
    if found is None:
        return [], []
    before, gap, other_gap, after = found.groups()
    usable = re.compile(r"[^\s\d.,+-]+")
    return (
        [before] if gap and usable.fullmatch(before) else [],
        [after] if usable.fullmatch(after) and (other_gap or UNIT.fullmatch(after)) else [],
    )


def _grouped(sample: pa.Array, form: NumberForm) -> bool:
    import pyarrow.compute as pc

    return bool(pc.any(pc.match_substring(sample, form.thousands)).as_py())


def number_column(guess: NumberGuess, texts: pa.Array) -> tuple[Kind, int | None, str]:
    """Kind, decimals and format for `texts` that are all numbers.

    Whole numbers that fit 64 bits are ``integer`` (``12.0`` too); everything else is ``number``.
    """
    import pyarrow.compute as pc

    plain = guess.plain
    if pc.any(pc.match_substring(plain, ".")).as_py():
        digits = pc.extract_regex(plain, pattern=r"\.(?P<d>\d*)$")
        lengths = pc.utf8_length(pc.struct_field(digits, "d")).fill_null(0).to_numpy(zero_copy_only=False)
    else:
        lengths = np.zeros(len(plain), np.int32)
    finite = pc.is_finite(guess.values).to_numpy(zero_copy_only=False)
    least = int(lengths[finite].min()) if finite.any() else 0
    form = replace(guess.form, digits=least)
    values = guess.values.to_numpy(zero_copy_only=False)
    if whole_numbers(plain).null_count == 0:
        return "integer", None, str(spelling(form, texts.to_pylist(), plain.to_pylist(), values, None)[0])
    exponent = bool(pc.any(pc.match_substring_regex(plain, r"\d[eE][+-]?\d")).as_py())
    decimals = decimals_of(values) if exponent else int(lengths.max(initial=0))
    if decimals is not None and (decimals > 15 or _too_fine(values, decimals)):
        decimals = None
    form = replace(form, digits=min(least, 15 if decimals is None else decimals))
    form, decimals = spelling(form, texts.to_pylist(), plain.to_pylist(), values, decimals)
    return "number", decimals, str(form)


def _too_fine(values: np.ndarray, decimals: int) -> bool:
    """Whether writing with so many digits would not read back as the same doubles."""
    finite = values[np.isfinite(values)]
    return bool(finite.size and np.abs(finite).max() >= 2.0**53 / 10.0**decimals)


def number_details(guess: NumberGuess) -> str:
    """Words on the spelling, for the reason; empty for the plain one."""
    form = guess.form
    words = [
        "thousands separators" if form.thousands else "",
        "a decimal comma" if form.decimal == "," else "",
        "a unit" if form.prefix or form.suffix else "",
    ]
    given = [word for word in words if word]
    return f" with {' and '.join(given)}" if given else ""
