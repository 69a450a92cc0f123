"""Copies: a column that equals another, or is another in a different unit (fahrenheit, cents)."""

from __future__ import annotations

from collections.abc import Collection
from itertools import combinations

import numpy as np

from locum.arrays import BoolArray, FloatArray, IntArray
from locum.control.rules.chance import AGAINST, LEAST
from locum.control.rules.shapes.digits import shortest, significant, written
from locum.control.rules.shapes.sheet import RuleCandidate, Sheet
from locum.control.where.names import Sort
from locum.control.where.token import UNITS, quote

#: Fewest different values of two columns that are looked at for a change of unit.
LEAST_VALUES = 6
_ORDERED: tuple[Sort, ...] = ("number", "moment", "span")


def copies(sheet: Sheet) -> tuple[list[RuleCandidate], int]:
    """Candidates ``c = a``, and how many were tried."""
    found: list[RuleCandidate] = []
    tried = 0
    for sort in _ORDERED:
        for a, c in combinations(sheet.names(sort), 2):
            tried += 1
            if _equal(sheet.data[a], sheet.data[c]):
                found.append(RuleCandidate("copy", f"{quote(c)} = {quote(a)}", c, (a,)))
    texts = sheet.names("label", "made")
    codes = _common_codes(sheet, texts)
    for a, c in combinations(texts, 2):
        tried += 1
        both = (codes[a] >= 0) & (codes[c] >= 0)
        if both.sum() >= LEAST and (codes[a] == codes[c])[both].mean() >= 1 - 2 * AGAINST:
            found.append(RuleCandidate("copy", f"{quote(c)} = {quote(a)}", c, (a,)))
    return found, tried


def changed_copies(sheet: Sheet, defined: Collection[str]) -> tuple[list[RuleCandidate], int]:
    """Candidates ``c = a * s + t`` and ``c = a + 3 days``, and how many were tried."""
    found: list[RuleCandidate] = []
    tried = 0
    for sort in _ORDERED:
        names = sheet.amounts() if sort == "number" else sheet.names(sort)
        for a, c in combinations(names, 2):
            if {a, c} <= set(defined):
                continue
            tried += 1
            candidate = _pair(sheet, a, c, sort, defined)
            found += [candidate] if candidate is not None else []
    return found, tried


def _equal(x: FloatArray, y: FloatArray) -> bool:
    both = ~np.isnan(x) & ~np.isnan(y)
    same = (x == y)[both]
    return bool(
        len(same) >= min(LEAST, len(x)) and same[:50].mean() >= 0.9 and same.mean() >= 1 - 2 * AGAINST
    )


def _common_codes(sheet: Sheet, names: list[str]) -> dict[str, IntArray]:
    """Codes under which equal texts of different columns are equal."""
    number: dict[str, int] = {}
    out = {}
    for name in names:
        own = [number.setdefault(str(text), len(number)) for text in sheet.levels[name]]
        out[name] = np.array([*own, -1])[sheet.codes[name]]
    return out


def _pair(sheet: Sheet, a: str, c: str, sort: Sort, defined: Collection[str]) -> RuleCandidate | None:
    x, y = sheet.data[a], sheet.data[c]
    if min(len(sheet.levels[a]), len(sheet.levels[c])) < LEAST_VALUES:
        return None
    both = ~np.isnan(x) & ~np.isnan(y)
    if both.sum() < min(LEAST, sheet.n):
        return None
    x, y = x[both], y[both]
    if sort != "number":
        return _shift(a, c, x, y) if c not in defined else None
    if not straight(x, y, sheet.half_unit(a), sheet.half_unit(c)):
        return None
    ways = [(*_line(sheet, x, y, a, c), c, a), (*_line(sheet, y, x, c, a), a, c)]
    good = [way for way in ways if way[1] and way[2] not in defined]
    if not good:
        return None
    _, text, to, of = min(good, key=lambda way: (way[0], len(way[1])))
    return RuleCandidate("copy", text, to, (of,))


def _shift(a: str, c: str, x: FloatArray, y: FloatArray) -> RuleCandidate | None:
    gap = y - x
    step = float(np.median(gap))
    if (gap == step).mean() < 1 - 2 * AGAINST:
        return None
    return RuleCandidate(
        "copy", f"{quote(c)} = {quote(a)} {'+' if step > 0 else '-'} {duration(abs(step))}", c, (a,)
    )


def duration(micros: float) -> str:
    """A span of time in the largest unit that makes it a short number."""
    for unit in ("day", "hour", "minute"):
        if micros % UNITS[unit] == 0:
            count = int(micros // UNITS[unit])
            return f"{count} {unit}{'s' if count != 1 else ''}"
    return f"{written(micros / UNITS['second'])} seconds"


def straight(x: FloatArray, y: FloatArray, half_x: float, half_y: float) -> BoolArray | bool:
    """Whether forty points lie on the line through the outermost two."""
    some = slice(0, 2000)
    low, high = int(np.argmin(x[some])), int(np.argmax(x[some]))
    if x[low] == x[high]:
        return False
    slope = (y[high] - y[low]) / (x[high] - x[low])
    at = np.linspace(0, len(x) - 1, 40).astype(int)
    off = np.abs(y[at] - y[low] - slope * (x[at] - x[low]))
    near = 3 * (half_y + abs(slope) * half_x) + 1e-9 * np.abs(y[at]).max()
    return slope != 0 and bool((off <= near).mean() >= 0.9)


def _line(sheet: Sheet, x: FloatArray, y: FloatArray, a: str, c: str) -> tuple[int, str]:
    """``c = a * s + t`` with the fewest digits that fit all rows, empty when none does; and how well it fits.

    It fits exactly (0), but for the rounding of `c` (1), or but for the rounding of both (2).
    """
    half_x, half_y = sheet.half_unit(a), sheet.half_unit(c)
    keep = _near_line(x, y)
    slope = float(np.polyfit(x[keep] - x[keep].mean(), y[keep], 1)[0])
    tiny = 1e-12 * float(np.abs(y).max())
    rooms = (0.02 * half_y + tiny, half_y * (1 + 1e-9) + tiny, half_y + abs(slope) * half_x + tiny)
    for tier, near in enumerate(rooms):
        for digits in range(1, 13):
            found = []
            # a third is 1 / 3, not 0.33333
            for below in (1.0, significant(1 / slope, digits)):
                s = 1 / below if below != 1 else significant(slope, digits)
                rest = y[keep] - s * x[keep]
                low, high = float(rest.max()) - near, float(rest.min()) + near
                if low <= high:
                    t = shortest(low, high)
                    more = f" within {_above(rest - t, near)}" if tier == 2 else ""
                    found.append(f"{quote(c)} = {_formula(a, s, t, below)}{more}")
            if found:
                # a fifth is 0.2
                return tier, min(found, key=lambda text: len(text) + 2 * (" / " in text))
    return 3, ""


def _near_line(x: FloatArray, y: FloatArray) -> BoolArray:
    """All rows but the hundredth that lies farthest off the line."""
    slope, level = np.polyfit(x, y, 1)
    off = np.abs(y - slope * x - level)
    keep: BoolArray = off <= np.quantile(off, 1 - AGAINST)
    return keep if keep.sum() > 2 and np.ptp(x[keep]) > 0 else np.ones(len(x), bool)


def _above(rest: FloatArray, near: float) -> str:
    return written(significant(max(float(np.abs(rest).max()), near) * 1.0005, 4))


def _formula(a: str, slope: float, level: float, below: float) -> str:
    name = quote(a)
    if below != 1:
        product = f"{name} / {written(below)}" if below > 0 else f"-{name} / {written(-below)}"
        return product + (f" {'+' if level > 0 else '-'} {written(abs(level))}" if level else "")
    if slope == -1 and level:
        return f"{written(level)} - {name}"
    product = name if slope == 1 else f"-{name}" if slope == -1 else f"{name} * {written(slope)}"
    if not level:
        return product
    return f"{product} {'+' if level > 0 else '-'} {written(abs(level))}"
