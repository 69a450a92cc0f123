"""Thresholds: two levels that a number, or the difference of two, separates without overlap."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import pairwise

import numpy as np

from locum.arrays import BoolArray, FloatArray, IntArray
from locum.control.rules.chance import LEAST
from locum.control.rules.shapes.atoms import statement
from locum.control.rules.shapes.digits import shortest, written
from locum.control.rules.shapes.sheet import RuleCandidate, Sheet
from locum.control.where.call import DAY
from locum.control.where.names import Sort, sort_of
from locum.control.where.token import UNITS, quote

#: Fewest rows of the smaller side, and most levels that a number may cut itself into.
LEAST_SIDE, MOST_BINS = 20, 20
#: Share of rows that one number may hold; a spike is a rule of another shape.
MOST_SPIKE = 0.5
_UNITS = ("day", "hour", "minute", "second")


def thresholds(
    sheet: Sheet, defined: Collection[str], tied: Collection[frozenset[str]], together: list[list[str]]
) -> tuple[list[RuleCandidate], int]:
    """Candidates ``kind = 'inpatient' exactly if end - start > 48 hours``, and how many were tried.

    Notes
    -----
    Were the number independent of the level, each order of the rows would be as likely as any other; that the
    `LEAST_SIDE` rows of the smaller side all stand on one end has a chance far below the limit.
    """
    found: list[RuleCandidate] = []
    tried = 0
    numbers = sheet.amounts()
    moments = sheet.names("moment")
    later = {n for names in together for n in names[1:]}
    for column in sheet.schema:
        name, sort = column.name, sort_of(column)
        is_null = ~sheet.present(name)
        sides: list[tuple[str, BoolArray, BoolArray]] = []
        if name not in later and LEAST_SIDE <= is_null.sum() <= sheet.n - LEAST_SIDE:
            sides.append((f"{quote(name)} is null", is_null, np.ones(sheet.n, bool)))
        levels = sheet.levels[name]
        if sort in ("label", "truth") and len(levels) == 2 and name not in defined:
            value = _named(levels)
            sides.append(
                (statement(name, [value]), sheet.codes[name] == levels.index(value), sheet.present(name))
            )
        for text, yes, known in sides:
            tried += len(numbers) + len(moments) ** 2 + len(numbers) ** 2
            found += _separators(sheet, name, text, yes & known, known, numbers, moments, tied)
        if sort == "label" and 3 <= len(levels) <= MOST_BINS and name not in defined:
            tried += len(numbers)
            found += _bins(sheet, name, numbers, tied)
    return found, tried


def _named(levels: list[object]) -> object:
    """The level that a rule names: true, or the first by alphabet."""
    return True if True in levels else sorted(levels, key=str)[0]


def _separators(
    sheet: Sheet,
    name: str,
    text: str,
    yes: BoolArray,
    known: BoolArray,
    numbers: list[str],
    moments: list[str],
    tied: Collection[frozenset[str]],
) -> Iterator[RuleCandidate]:
    """The first number, else the first difference, that separates two sides."""
    if min(yes[known].sum(), (~yes[known]).sum()) < LEAST_SIDE:
        return
    for x in (*numbers, *moments):
        if x == name or frozenset((x, name)) in tied:
            continue
        cut = _cut(sheet.data[x], yes, known)
        if cut is not None and not _is_spike(sheet, x):
            sign, low, high = cut
            limit = _limit(sheet, x, sign, low, high)
            yield RuleCandidate("condition", f"{text} exactly if {quote(x)} {sign} {limit}", name, (x,))
            return
    groups: tuple[tuple[Sort, list[str]], ...] = (("moment", moments), ("number", numbers))
    for sort, group in groups:
        names = [n for n in group if n != name]
        data = sheet.matrix(names)
        for i, a in enumerate(names):
            gaps = data[:, [i]] - data[:, i + 1 :]
            for j in _separated(gaps, yes, known):
                b = names[i + 1 + j]
                cut = _cut(gaps[:, j], yes, known)
                if cut is not None and not {frozenset((a, name)), frozenset((b, name))} & set(tied):
                    yield RuleCandidate(
                        "condition", f"{text} exactly if {_difference(a, b, cut, sort)}", name, (a, b)
                    )
                    return


def _is_spike(sheet: Sheet, name: str) -> bool:
    counts = np.bincount(sheet.codes[name][sheet.present(name)])
    return bool(len(counts) <= 2 or (counts.max() > MOST_SPIKE * counts.sum() and len(counts) < 10))


def _separated(gaps: FloatArray, yes: BoolArray, known: BoolArray) -> list[int]:
    """Columns of differences that two sides do not share a range of."""
    if gaps.shape[1] == 0:
        return []
    one, two = gaps[yes & known], gaps[~yes & known]
    with np.errstate(invalid="ignore"):
        enough = (~np.isnan(one)).sum(axis=0) >= LEAST_SIDE
        enough &= (~np.isnan(two)).sum(axis=0) >= LEAST_SIDE
        apart = np.zeros(gaps.shape[1], bool)
        if enough.any():
            some = np.flatnonzero(enough)
            low_one, high_one = np.nanmin(one[:, some], axis=0), np.nanmax(one[:, some], axis=0)
            low_two, high_two = np.nanmin(two[:, some], axis=0), np.nanmax(two[:, some], axis=0)
            apart[some] = (high_one < low_two) | (high_two < low_one)
    return [int(j) for j in np.flatnonzero(apart)]


def _cut(values: FloatArray, yes: BoolArray, known: BoolArray) -> tuple[str, float, float] | None:
    """Which side is above, and between which values the threshold lies."""
    there = known & ~np.isnan(values)
    one, two = values[there & yes], values[there & ~yes]
    if min(len(one), len(two)) < LEAST_SIDE or there.sum() < LEAST:
        return None
    if two.max() < one.min():
        return ">", float(two.max()), float(one.min())
    if one.max() < two.min():
        return "<", float(one.max()), float(two.min())
    return None


def _limit(sheet: Sheet, name: str, sign: str, low: float, high: float) -> str:
    """A short threshold between two values, as it stands in a rule."""
    if sort_of(sheet.schema[name]) == "moment":
        day = np.ceil((low + 1) / DAY) * DAY
        at = day if day < high else (low + high) // 2
        form = "D" if day < high else "s"
        return f"'{str(np.datetime64(int(at), 'us').astype(f'M8[{form}]')).replace('T', ' ')}'"
    return written(_between(sign, low, high))


def _between(sign: str, low: float, high: float) -> float:
    """A short number that parts two values: not below the lower for ``>``, not above the upper for ``<``."""
    if sign == ">":
        return shortest(low, float(np.nextafter(high, low)))
    return shortest(float(np.nextafter(low, high)), high)


def _difference(a: str, b: str, cut: tuple[str, float, float], sort: Sort) -> str:
    """``b - a > 48 hours``, written with the difference that is positive."""
    sign, low, high = cut
    if low < 0 < high or high == 0 or low == 0:
        # Zero separates: one column is above the other. A tie belongs to the side that has it.
        if low == 0:
            return f"{quote(a)} {sign} {quote(b)}" if sign == ">" else f"{quote(a)} <= {quote(b)}"
        if high == 0:
            return f"{quote(a)} >= {quote(b)}" if sign == ">" else f"{quote(a)} < {quote(b)}"
        return f"{quote(a)} {sign} {quote(b)}"
    if high < 0:
        a, b, low, high, sign = b, a, -high, -low, {">": "<", "<": ">"}[sign]
    if sort != "moment":
        return f"{quote(a)} - {quote(b)} {sign} {written(_between(sign, low, high))}"
    # The unit in which the threshold is shortest, the largest of equals.
    texts = {unit: written(_between(sign, low / UNITS[unit], high / UNITS[unit])) for unit in _UNITS}
    unit = min(_UNITS, key=lambda u: (len(texts[u].replace(".", "00")), _UNITS.index(u)))
    return f"{quote(a)} - {quote(b)} {sign} {texts[unit]} {unit}s"


def _bins(
    sheet: Sheet, name: str, numbers: list[str], tied: Collection[frozenset[str]]
) -> list[RuleCandidate]:
    """Levels that are ranges of a number, or of a difference (``under``, ``normal`` ... of ``bmi``)."""
    codes = sheet.codes[name]
    for x in numbers:
        if frozenset((x, name)) in tied or len(sheet.levels[x]) < 10:
            continue
        cuts = _ranges(codes, sheet.data[x])
        if cuts is not None:
            return _range_rules(sheet, name, quote(x), cuts, (x,))
    for i, a in enumerate(numbers):
        for b in numbers[i + 1 :]:
            gap = sheet.data[a] - sheet.data[b]
            if {frozenset((a, name)), frozenset((b, name))} & set(tied) or _ranges(
                codes[:200], gap[:200]
            ) is None:
                continue
            cuts = _ranges(codes, gap)
            if cuts is not None:
                return _range_rules(sheet, name, f"{quote(a)} - {quote(b)}", cuts, (a, b))
    return []


def _ranges(codes: IntArray, values: FloatArray) -> list[tuple[int, float, float]] | None:
    """Levels in the order of their ranges, with their lowest and highest values; None where they overlap."""
    there = (codes >= 0) & ~np.isnan(values)
    code, value = codes[there], values[there]
    if len(code) < LEAST:
        return None
    size = int(code.max()) + 1
    low, high, counts = np.full(size, np.inf), np.full(size, -np.inf), np.bincount(code, minlength=size)
    np.minimum.at(low, code, value)
    np.maximum.at(high, code, value)
    order = [int(c) for c in np.argsort(low) if counts[c]]
    if len(order) < 3 or counts[order].min() < 2:
        return None
    if any(high[a] >= low[b] for a, b in pairwise(order)):
        return None
    return [(c, float(low[c]), float(high[c])) for c in order]


def _range_rules(
    sheet: Sheet, name: str, formula: str, ranges: list[tuple[int, float, float]], sources: tuple[str, ...]
) -> list[RuleCandidate]:
    cuts = [_between("<", before[2], after[1]) for before, after in pairwise(ranges)]
    out = []
    for at, (code, low, high) in enumerate(ranges):
        sides = [f"{formula} >= {written(cuts[at - 1])}"] if at else []
        sides += [f"{formula} < {written(cuts[at])}"] if at < len(cuts) else []
        if low == high and 0 < at < len(cuts):
            sides = [f"{formula} = {written(low)}"]
        text = f"{statement(name, [sheet.levels[name][code]])} exactly if {' and '.join(sides)}"
        out.append(RuleCandidate("condition", text, name, sources))
    return out
