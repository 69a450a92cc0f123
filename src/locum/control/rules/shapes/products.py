"""Products and quotients of two numbers, also with a fixed factor and with a square (``bmi``)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from locum.arrays import BoolArray, FloatArray, IntArray
from locum.control.rules.chance import AGAINST
from locum.control.rules.shapes.digits import shortest, significant, written
from locum.control.rules.shapes.probe import probe_rows, triples
from locum.control.rules.shapes.sheet import RuleCandidate, Sheet
from locum.control.where.token import quote

#: Most columns among which squares are looked for; the work grows with their cube.
MOST_SQUARES = 40
#: A value that is known worse than this says nothing about a product.
COARSE = 0.1
#: A tolerance above this share of the spread of the column makes a rule worthless.
LOOSE = 0.05
#: Rows that are looked at before a factor is fitted to all.
GLANCE = 200


def products(sheet: Sheet, defined: Mapping[str, object]) -> tuple[list[RuleCandidate], int]:
    """Candidates ``c = a * b``, and how many were tried; columns that are `defined` already take no part."""
    names = [n for n in sheet.names("number") if n not in defined and len(sheet.levels[n]) > 3]
    if len(names) < 2:
        return [], 0
    data = sheet.matrix(names)
    rows = probe_rows(data)
    found: list[RuleCandidate] = []
    tried = 0
    for power in (1, 2) if len(names) <= MOST_SQUARES else (1,):
        tried += len(names) ** 3 // (2 if power == 1 else 1)
        meets = _Logs(sheet, names, data, rows, power)
        for triple in triples(names, rows, meets, ordered=power == 2):
            candidate = _written(sheet, triple.whole, triple.parts, power)
            found += [candidate] if candidate else []
    return found, tried


class _Logs:
    """Whether a row allows that the logarithms of two columns give that of a third, but for a constant."""

    def __init__(self, sheet: Sheet, names: list[str], data: FloatArray, rows: IntArray, power: int) -> None:
        self.power = power
        with np.errstate(divide="ignore", invalid="ignore"):
            size = np.where(data == 0, np.nan, np.abs(data))
            self.logs = np.log(size)
            halves = np.array([sheet.half_unit(n) for n in names])
            whole = np.array([sheet.schema[n].kind == "integer" for n in names])
            self.of_whole = halves / size + 1e-9
            self.of_part = np.where(whole, 0.0, halves) / size
        self.first = int(rows[np.argmax((~np.isnan(self.logs[rows])).sum(axis=1))])

    def __call__(self, row: int, i: int, j: IntArray) -> BoolArray:
        (one, near_one), (two, near_two) = self._off(row, i, j), self._off(self.first, i, j)
        with np.errstate(invalid="ignore"):
            near = near_one + near_two
            good = np.abs(one - two) <= near
        return good | np.isnan(one - two) | (near > COARSE)

    def _off(self, row: int, i: int, j: IntArray) -> tuple[FloatArray, FloatArray]:
        logs, part = self.logs[row], self.of_part[row]
        off = logs[None, :] - (logs[i] + self.power * logs[j])[:, None]
        near = self.of_whole[row][None, :] + (part[i] + self.power * part[j])[:, None]
        return off, near


def _written(sheet: Sheet, whole: str, parts: tuple[str, str], power: int) -> RuleCandidate | None:
    """The product in the way that needs no tolerance, if there is one."""
    a, b = parts
    x, y, z = sheet.data[a], sheet.data[b] ** power, sheet.data[whole]
    if not _steady(x[:GLANCE], y[:GLANCE], z[:GLANCE], sheet.half_unit(whole)):
        return None
    with np.errstate(invalid="ignore"):
        full = ~np.isnan(x) & ~np.isnan(y) & ~np.isnan(z) & (x * y != 0)
    if full.sum() < 20:
        return None
    factor = _factor(sheet, whole, parts, power, full)
    if factor is None:
        return None
    second = quote(b) if power == 1 else f"({quote(b)} * {quote(b)})"
    ways = [(whole, f"{quote(a)} * {second}", x * y * factor, factor, (a, b))]
    with np.errstate(divide="ignore", invalid="ignore"):
        ways.append((a, f"{quote(whole)} / {second}", z / y / factor, 1 / factor, (whole, b)))
        if power == 1:
            ways.append((b, f"{quote(whole)} / {quote(a)}", z / x / factor, 1 / factor, (whole, a)))
    options: list[tuple[bool, int, RuleCandidate]] = []
    for place, (to, text, value, scale, sources) in enumerate(ways):
        with np.errstate(invalid="ignore"):
            off = np.abs(sheet.data[to] - value)
        off = off[np.isfinite(off)]
        exact = sheet.half_unit(to) * (1 + 1e-9) + 1e-12 * np.nanmax(np.abs(sheet.data[to]))
        line = f"{quote(to)} = {text}{_times(scale)}"
        if len(off) and (off <= exact).mean() >= 1 - 2 * AGAINST:
            options.append((False, place, RuleCandidate("product", line, to, sources)))
        elif len(off):
            room = float(np.quantile(off, 1 - AGAINST)) * 1.5 + exact
            if room <= LOOSE * float(np.nanstd(sheet.data[to])):
                line += f" within {written(significant(room, 2))}"
                options.append((True, place, RuleCandidate("product", line, to, sources)))
    return min(options, key=lambda option: option[:2])[2] if options else None


def _steady(x: FloatArray, y: FloatArray, z: FloatArray, half: float) -> bool:
    """Whether the ratio of a column to a product is nearly the same in the first rows."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = z / (x * y)
        ratio = ratio[np.isfinite(ratio) & (np.abs(z) > half / COARSE)]
    if len(ratio) < 5:
        return True
    low, middle, high = np.quantile(ratio, (0.1, 0.5, 0.9))
    return bool(high - low <= 2 * COARSE * abs(middle))


def _factor(sheet: Sheet, whole: str, parts: tuple[str, str], power: int, full: BoolArray) -> float | None:
    """The constant in ``whole = a * b * constant``, with as few digits as the rounding of the file allows."""
    a, b = parts
    product = sheet.data[a][full] * sheet.data[b][full] ** power
    value = sheet.data[whole][full]
    near = sheet.half_unit(whole) / np.abs(product)
    for name, times in ((a, 1), (b, power)):
        if sheet.schema[name].kind != "integer":
            near = near + times * sheet.half_unit(name) / np.abs(sheet.data[name][full]) * np.abs(
                value / product
            )
    ratio = value / product
    good = near <= COARSE * np.abs(ratio)
    if good.sum() < 20:
        return None
    ratio, near = ratio[good], near[good] + 1e-12 * np.abs(ratio[good])
    middle = float(np.median(ratio))
    inside = np.abs(ratio - middle) <= 3 * near + 1e-9 * abs(middle)
    if inside.mean() < 1 - 2 * AGAINST or middle == 0:
        return None
    low, high = float((ratio - near)[inside].max()), float((ratio + near)[inside].min())
    if low > high:
        return significant(middle, 6)
    found, inverse = shortest(low, high), shortest(1 / high, 1 / low) if low * high > 0 else 0.0
    return 1 / inverse if inverse and len(written(inverse)) < len(written(found)) else found


def _times(factor: float) -> str:
    if factor == 1:
        return ""
    inverse = 1 / factor
    short = significant(inverse, 9)
    if len(written(short)) < len(written(factor)) and abs(short - inverse) <= 1e-12 * abs(inverse):
        return f" / {written(short)}"
    return f" * {written(factor)}"
