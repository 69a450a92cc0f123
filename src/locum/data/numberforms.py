"""Numbers as people write them: thousands separators, decimal commas, units, a fixed number of digits."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from locum.errors import SchemaError

if TYPE_CHECKING:
    import pyarrow as pa

#: Separators that would be lost between blanks go by name in `Column.format`.
_SPELLED = {" ": "space", "\u00a0": "nbsp", "\u202f": "narrow"}
_MEANT = {name: sign for sign, name in _SPELLED.items()}
_TOKEN = re.compile(r"(thousands|decimal|digits|prefix|suffix|significant|exponent|when|sign|gap)=(\S+)")
_EXPONENT = re.compile(r"[eE]\+?0{1,3}")


@dataclass(frozen=True, slots=True)
class NumberForm:
    """How numbers of one column are written.

    Attributes
    ----------
    thousands, decimal
        Separator of groups of three digits (empty for none), and decimal sign.
    digits
        Fewest digits after the decimal sign (``12.50`` has 2); the most is `Column.decimals`.
    prefix, suffix
        Unit that stands before or after every number, e.g. ``$`` or ``%``.
    significant
        Most digits that count, from the first that is not 0 (``0.00123`` has 3); 0 for any number of them.
    exponent
        How powers of ten are written: ``e+00`` as in ``1.5e+03``, ``E0`` as in ``1.5E3``; empty for never.
    shorter
        Whether they are written only where that is shorter, as R does.
    plus
        Whether positive numbers carry a sign.
    gap
        Whether a blank parts number and unit.
    """

    thousands: str = ""
    decimal: str = "."
    digits: int = 0
    prefix: str = ""
    suffix: str = ""
    significant: int = 0
    exponent: str = ""
    shorter: bool = False
    plus: bool = False
    gap: bool = False

    @property
    def pattern(self) -> str:
        """RE2 pattern of a whole number-text in this form; no leading zeros, an exponent is allowed."""
        whole = r"(0|[1-9]\d*)"
        if self.thousands:
            whole = rf"(0|[1-9]\d{{0,2}}({re.escape(self.thousands)}\d{{3}})+|[1-9]\d*)"
        point = re.escape(self.decimal)
        number = rf"({whole}({point}\d*)?|{point}\d+)([eE][+-]?\d{{1,3}})?"
        prefix = rf"{re.escape(self.prefix)} ?" if self.prefix else ""
        suffix = rf" ?{re.escape(self.suffix)}" if self.suffix else ""
        return rf"^[+-]?{prefix}({number}|(?i:inf|infinity)){suffix}$"

    def __str__(self) -> str:
        parts = [
            f"thousands={_SPELLED.get(self.thousands, self.thousands)}" if self.thousands else "",
            f"decimal={self.decimal}" if self.decimal != "." else "",
            f"digits={self.digits}" if self.digits else "",
            f"prefix={self.prefix}" if self.prefix else "",
            f"suffix={self.suffix}" if self.suffix else "",
            f"significant={self.significant}" if self.significant else "",
            f"exponent={self.exponent}" if self.exponent else "",
            "when=shorter" if self.shorter else "",
            "sign=plus" if self.plus else "",
            "gap=space" if self.gap else "",
        ]
        return " ".join(part for part in parts if part)


def number_form(text: str) -> NumberForm:
    """Read `Column.format` of a number; the empty text is the plain form.

    Raises
    ------
    SchemaError
        On words that are no part of a `NumberForm`.
    """
    found: dict[str, str] = {}
    for word in text.split():
        match = _TOKEN.fullmatch(word)
        if match is None:
            raise SchemaError(
                f"{word!r} is no format of a number",
                where="format",
                expected="thousands=, decimal=, digits=, prefix= or suffix=, e.g. 'thousands=. decimal=,'",
            )
        found[match[1]] = match[2]
    thousands = found.get("thousands", "")
    digits, significant = found.get("digits", "0"), found.get("significant", "0")
    form = NumberForm(
        _MEANT.get(thousands, thousands),
        found.get("decimal", "."),
        int(digits) if digits.isdigit() and int(digits) <= 15 else -1,
        found.get("prefix", ""),
        found.get("suffix", ""),
        int(significant) if significant.isdigit() and int(significant) <= 17 else -1,
        found.get("exponent", ""),
        found.get("when", "") == "shorter",
        found.get("sign", "") == "plus",
        found.get("gap", "") == "space",
    )
    if (
        form.digits < 0
        or form.significant < 0
        or not (form.exponent == "" or _EXPONENT.fullmatch(form.exponent))
        or len(form.thousands) > 1
        or form.decimal not in (".", ",")
        or form.decimal == form.thousands
    ):
        raise SchemaError(
            f"{text!r} is no format of a number",
            where="format",
            expected="one sign for thousands, '.' or ',' for the decimal, 0 to 15 digits, exponent e+00",
        )
    return form


def fits(values: pa.Array, form: NumberForm) -> pa.Array:
    """Whether each text is a number in this form; null stays null."""
    import pyarrow.compute as pc

    return pc.match_substring_regex(values, form.pattern)


def bare(values: pa.Array, form: NumberForm) -> pa.Array:
    """The texts in plain form (``-1234.5``); null where a text is no number in this form."""
    import pyarrow as pa
    import pyarrow.compute as pc

    right = fits(values, form)
    if not pc.all(right).as_py():
        values = pc.if_else(right, values, pa.scalar(None, values.type))
    for sign, plain in ((form.prefix, ""), (form.suffix, ""), (form.thousands, "")):
        if sign:
            values = pc.replace_substring(values, sign, plain)
    if form.prefix or form.suffix:
        values = pc.replace_substring(values, " ", "")
    if form.decimal != ".":
        values = pc.replace_substring(values, form.decimal, ".")
    return pc.utf8_ltrim(values, characters="+")


def to_float(values: pa.Array, form: NumberForm) -> pa.Array:
    """Parse to float64; null where a text is no number. Too large numbers become infinite."""
    import pyarrow as pa

    return bare(values, form).cast(pa.float64())


def to_int(values: pa.Array, form: NumberForm) -> pa.Array:
    """Parse to int64; null where a text is no whole number or leaves the range of 64 bits.

    ``12.0`` counts as whole. Exact for all of int64, because the text never passes through a float.
    """
    return whole_numbers(bare(values, form))


def whole_numbers(texts: pa.Array) -> pa.Array:
    """Bare texts to int64, as `to_int`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pc.any(pc.match_substring(texts, ".")).as_py():
        texts = pc.replace_substring_regex(texts, r"\.0*$", "")
    whole = pc.match_substring_regex(texts, r"^-?\d{1,19}$")
    if not pc.all(whole).as_py():
        texts = pc.if_else(whole, texts, pa.scalar(None, texts.type))
    try:
        return texts.cast(pa.int64())
    except pa.ArrowInvalid:  # nineteen digits may be too many: settle each one by itself
        return pa.array(
            [
                None if text is None or not -(2**63) <= int(text) < 2**63 else int(text)
                for text in texts.to_pylist()
            ],
            pa.int64(),
        )


def decimals_of(values: np.ndarray) -> int | None:
    """Fewest digits after the point that write every finite value exactly, 0 to 15; None when more are due.

    Exact while ``|value| * 10**d < 2**53``: the nearest double to a decimal text of d digits is found again.
    """
    left = values[np.isfinite(values)]
    for digits in range(16):
        with np.errstate(over="ignore", invalid="ignore"):
            left = left[np.round(left, digits) != left]
        if not left.size:
            return digits
    return None


def format_float(values: Iterable[float], form: NumberForm, decimals: int | None) -> list[str]:
    """Write floats: at most `decimals` digits after the point, at least ``form.digits``.

    With `decimals` None the shortest text that reads back as the same double is written.
    """
    texts = []
    for value in values:
        if not math.isfinite(value):
            texts.append(f"{'-' if value < 0 else ''}{form.prefix}inf{form.suffix}")
            continue
        text = _plain_text(float(value), form, decimals)
        if form.exponent:
            power = _with_exponent(float(value), form)
            text = power if not form.shorter or len(power) < len(text) else text
        texts.append(_dress(text, form))
    return texts


def _plain_text(value: float, form: NumberForm, decimals: int | None) -> str:
    """A number without separators and units, and with no exponent where `decimals` says how many digits."""
    least = form.digits if not form.exponent else 0
    if form.significant and value:
        places = form.significant - 1 - math.floor(math.log10(abs(value)))
        decimals = None if decimals is None else max(0, min(places, decimals))
        value = round(value, places)
    text = repr(value) if decimals is None else f"{value:.{max(decimals, least)}f}"
    if "e" not in text and "." in text:
        text = text.rstrip("0")
        short = least - (len(text) - text.index(".") - 1)
        text = text + "0" * short if short > 0 else text
        text = text.rstrip(".") if least == 0 else text
    return text


def _with_exponent(value: float, form: NumberForm) -> str:
    """A number as mantissa and power of ten, in the form's own spelling of both."""
    places = max(form.significant - 1, form.digits, 0) if form.significant or form.digits else 0
    mantissa, power = f"{value:.{places}e}".split("e")
    if "." in mantissa:
        whole, part = mantissa.split(".")
        part = part.rstrip("0").ljust(form.digits, "0")
        mantissa = f"{whole}.{part}" if part else whole
    minus, size = power[0] == "-", power[1:].lstrip("0").rjust(form.exponent.count("0"), "0")
    sign = "-" if minus else "+" if "+" in form.exponent else ""
    return f"{mantissa}{form.exponent[0]}{sign}{size}"


def format_int(values: Iterable[int], form: NumberForm) -> list[str]:
    """Write whole numbers, with ``.0`` when the form asks for digits after the point."""
    tail = "." + "0" * form.digits if form.digits else ""
    if str(form) == "":
        return [str(value) for value in values]
    return [_dress(f"{value}{tail}", form) for value in values]


def _dress(text: str, form: NumberForm) -> str:
    """Put separators and units on a plain number."""
    if text == "-0":
        text = "0"
    sign, body = ("-", text[1:]) if text.startswith("-") else ("+" * form.plus, text)
    whole, point, part = body.partition(".")
    if form.thousands and whole.isdigit():
        whole = f"{int(whole):,}".replace(",", form.thousands)
    gap = " " * form.gap
    before = f"{form.prefix}{gap}" if form.prefix else ""
    after = f"{gap}{form.suffix}" if form.suffix else ""
    return f"{sign}{before}{whole}{form.decimal if point else ''}{part}{after}"
