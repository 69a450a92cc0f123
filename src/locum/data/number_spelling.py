"""How the numbers of a column are written: powers of ten, digits that count, plus signs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from locum.arrays import FloatArray
from locum.data.numberforms import NumberForm, format_float

_POWER = re.compile(r"([eE])([+-]?)(\d+)$")
#: Texts that are looked at.
_LOOKED = 2_000
#: Numbers that could have more digits than any has, from which that is no chance.
_BINDING = 5


def spelling(
    form: NumberForm, texts: Sequence[str], plain: Sequence[str], values: FloatArray, decimals: int | None
) -> tuple[NumberForm, int | None]:
    """The form with what it leaves open, and the digits after the point.

    Parameters
    ----------
    form
        Separators, unit and fewest digits after the point.
    texts, plain, values
        Different numbers as they stand, in plain form, and as floats; shape (n_distinct,).
    decimals
        Most digits after the point; None for as many as it takes.
    """
    finite = np.isfinite(values)
    some = [i for i in np.flatnonzero(finite)[:_LOOKED].tolist() if plain[i]]
    if not some:
        return form, decimals
    form = _signs(form, [texts[i] for i in some])
    powers = [m for i in some if (m := _POWER.search(plain[i])) is not None]
    if powers:
        return _powers(form, [plain[i] for i in some], values[some], powers, decimals)
    most = max(_digits(plain[i]) for i in some)
    if decimals and most <= 15:
        sizes = np.floor(np.log10(np.abs(values[some], where=values[some] != 0, out=np.ones(len(some)))))
        if int((sizes + 1 + decimals > most).sum()) >= _BINDING:
            return replace(form, significant=most), decimals
    return form, decimals


def _signs(form: NumberForm, texts: Sequence[str]) -> NumberForm:
    """With a plus before all positive numbers, and a blank between number and unit, where they have these."""
    positive = [text for text in texts if not text.startswith("-") and any(c in "123456789" for c in text)]
    plus = bool(positive) and all(text.startswith("+") for text in positive)
    unit = form.prefix or form.suffix
    gap = bool(unit) and all(
        f"{form.prefix} " in text if form.prefix else f" {form.suffix}" in text for text in texts
    )
    return replace(form, plus=plus, gap=gap)


def _powers(
    form: NumberForm,
    plain: Sequence[str],
    values: FloatArray,
    powers: Sequence[re.Match[str]],
    decimals: int | None,
) -> tuple[NumberForm, int | None]:
    """Powers of ten always, where that is shorter (as R), or of very small and large numbers (as Python)."""
    most = max(map(_digits, plain))
    zeros = "0" * min(len(power[3]) for power in powers)
    plus = "+" if any(power[2] == "+" for power in powers) else ""
    exponent = f"{powers[0][1]}{plus or '+' * all(power[2] == '-' for power in powers)}{zeros[:3]}"
    parts = [len(text.lower().split("e")[0].partition(".")[2]) for text in plain if "e" in text.lower()]
    significant = most if most <= 15 else 0
    bare = replace(form, digits=0, significant=significant)
    always = replace(bare, digits=min(parts), significant=max(parts) + 1, exponent=exponent)
    tries = (
        (always, None),
        (replace(bare, exponent=exponent, shorter=True), decimals),
        (bare, None),
    )
    wanted = [text.lstrip("+") for text in plain]
    shares = []
    for tried, places in tries:
        made = format_float(
            values, replace(tried, prefix="", suffix="", thousands="", decimal=".", plus=False), places
        )
        shares.append(sum(a == b for a, b in zip(made, wanted, strict=True)) / len(wanted))
    best = int(np.argmax(shares))
    return tries[best] if shares[best] > 0 else (bare, None)


def _digits(text: str) -> int:
    """Digits that count: from the first that is not 0, but for zeros at the end of whole numbers."""
    mantissa = text.lower().partition("e")[0].lstrip("+-")
    digits = mantissa.replace(".", "").lstrip("0")
    return max(1, len(digits if "." in mantissa else digits.rstrip("0")))
