"""Sums: a number that others add up to, exactly or but for the rounding of the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from locum.arrays import BoolArray, FloatArray, IntArray
from locum.control.rules.chance import AGAINST, LEAST
from locum.control.rules.definition import Definition
from locum.control.rules.shapes.copies import straight
from locum.control.rules.shapes.digits import significant, written
from locum.control.rules.shapes.probe import allowed, probe_rows
from locum.control.rules.shapes.sheet import RuleCandidate, Sheet
from locum.control.where.token import quote

#: Most terms of a sum, and most of one with weights.
MOST_TERMS, MOST_WEIGHTED = 8, 4
#: Most columns among which all sums of three terms are tried one by one.
MOST_TRIPLES = 40
#: Columns with a larger share of missing values take no part in sums of three terms or more.
MOST_MISSING = 0.5
#: Rows to which sums are fitted.
FITTED = 2000
#: A term counts when its weight is so many standard errors from nothing.
SURE = 6.0


def sums(sheet: Sheet, defined: Mapping[str, Definition]) -> tuple[list[RuleCandidate], int]:
    """Candidates with two or three terms, and how many were tried; columns that are `defined` are no sum."""
    names = _varied(sheet, defined)
    k = len(names)
    if k < 3:
        return [], 0
    found = [c for parts, whole in _few_terms(sheet, names) if (c := _bare(sheet, parts, whole, defined))]
    return found, k * k * (k - 1) // 2 + (k**4 // 6 if k <= MOST_TRIPLES else 0)


def _bare(
    sheet: Sheet, parts: tuple[str, ...], whole: str, defined: Mapping[str, Definition]
) -> RuleCandidate | None:
    if whole in parts:
        return None
    return _written(sheet, whole, dict.fromkeys(parts, 1.0), 0.0, defined)


def long_sums(sheet: Sheet, defined: Mapping[str, Definition]) -> tuple[list[RuleCandidate], int]:
    """Candidates with three terms or more, or with weights, by least squares on the columns left over."""
    names = [n for n in _varied(sheet, defined) if n not in defined]
    names = [n for n in names if sheet.present(n).mean() >= 1 - MOST_MISSING]
    rows = np.logical_and.reduce([sheet.present(n) for n in names]) if names else np.zeros(0, bool)
    while names and rows.sum() < max(LEAST, 3 * len(names)):
        names.remove(max(names, key=lambda n: (~sheet.present(n)).sum()))
        rows = np.logical_and.reduce([sheet.present(n) for n in names]) if names else np.zeros(0, bool)
    rows[np.flatnonzero(rows)[FITTED:]] = False
    found: list[RuleCandidate] = []
    free = list(names)
    for whole in sorted(names, key=lambda n: -float(np.nanmean(np.abs(sheet.data[n])))):
        others = [n for n in free if n != whole and not _same_line(sheet, n, whole, rows)]
        candidate = _least_squares(sheet, whole, others, rows) if len(others) > 1 else None
        if candidate:
            found.append(candidate)
            free.remove(whole)
    return found, len(names) * max(1, len(names)) ** 3


def _varied(sheet: Sheet, defined: Mapping[str, Definition]) -> list[str]:
    """Numbers that may take part: not those that equal another column."""
    copies = {d.column for d in defined.values() if d.kind == "copy" and d.plain}
    return [n for n in sheet.amounts() if n not in copies and len(sheet.levels[n]) > 2]


def _few_terms(sheet: Sheet, names: list[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    data = sheet.matrix(names)
    rows = probe_rows(data)
    halves = np.array([sheet.half_unit(n) for n in names])
    halves = np.where([sheet.schema[n].kind == "integer" for n in names], 0.05, halves)
    tiny = 1e-9 * np.nanmax(np.abs(data[rows]), axis=0)

    def meets(row: int, first: tuple[int, ...], others: IntArray) -> tuple[BoolArray, BoolArray]:
        values, some = data[row], list(first)
        with np.errstate(invalid="ignore"):
            off = np.abs(values[None, :] - (values[some].sum() + values[others])[:, None])
            room = halves[None, :] + halves[some].sum() + halves[others][:, None] + tiny
            return off <= room, off > room

    k = len(names)
    firsts: list[tuple[int, ...]] = [(i,) for i in range(k)]
    if k <= MOST_TRIPLES:
        firsts += list(combinations(range(k), 2))
    for parts, whole in allowed(firsts, lambda first: np.arange(first[-1] + 1, k), rows, meets):
        yield tuple(names[i] for i in parts), names[whole]


def _same_line(sheet: Sheet, a: str, b: str, rows: BoolArray) -> bool:
    """Whether one column is the other in a different unit."""
    x, y = sheet.data[a][rows], sheet.data[b][rows]
    return bool(straight(x, y, sheet.half_unit(a), sheet.half_unit(b)))


def _least_squares(sheet: Sheet, whole: str, others: list[str], rows: BoolArray) -> RuleCandidate | None:
    """The sum of some of the others that gives a column, if least squares leaves nothing but rounding."""
    data = sheet.matrix([*others, whole])[rows]
    x, y = data[:, :-1], data[:, -1]
    halves = np.array([sheet.half_unit(n) for n in others])
    room = sheet.half_unit(whole) + halves.sum() + 1e-9 * np.abs(y).max()
    kept = np.arange(len(others))
    slopes = np.zeros(0)
    for _ in range(4):
        slopes, errors, rest = _fit(x[:, kept], y)
        if np.quantile(np.abs(rest), 1 - 2 * AGAINST) > room or y.std() < 20 * rest.std():
            return None
        clear = np.abs(slopes) > SURE * errors
        if clear.all():
            break
        kept = kept[clear]
        if len(kept) < 2:
            return None
    if not 2 <= len(kept) <= MOST_TERMS:
        return None
    units = bool((np.abs(np.abs(slopes) - 1) < 0.05).all())
    if not units and len(kept) > MOST_WEIGHTED:
        return None
    for digits in range(1, 5):
        some = {
            others[k]: float(np.sign(w)) if units else significant(float(w), digits)
            for k, w in zip(kept, slopes, strict=True)
        }
        level = y - sum(w * x[:, others.index(n)] for n, w in some.items())
        middle = float(np.median(level))
        near = sheet.half_unit(whole) + 0.05 + sum(halves[others.index(n)] * abs(w) for n, w in some.items())
        if np.quantile(np.abs(level - middle), 1 - 2 * AGAINST) <= near:
            return _written(sheet, whole, some, middle, {})
    return None


def _fit(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Slopes of least squares with a constant, their standard errors, and what is left of `y`."""
    scale = x.std(axis=0)
    scale[scale == 0] = 1
    design = np.column_stack([(x - x.mean(axis=0)) / scale, np.ones(len(x))])
    inverse = np.linalg.pinv(design.T @ design, rcond=1e-12, hermitian=True)
    weights = inverse @ (design.T @ y)
    weights = weights + inverse @ (design.T @ (y - design @ weights))
    rest = y - design @ weights
    noise = max(float(rest.std()), 1e-9 * float(np.abs(y).max()))
    errors = noise * np.sqrt(np.maximum(np.diag(inverse), 0))
    return weights[:-1] / scale, errors[:-1] / scale, rest


def _written(
    sheet: Sheet,
    whole: str,
    weights: Mapping[str, float],
    level: float,
    defined: Mapping[str, Definition],
) -> RuleCandidate | None:
    """The sum in the way that needs no tolerance, if there is one, the whole being positive."""
    level = 0.0 if abs(level) < 1e-6 else float(f"{level:.10g}")
    ways = [way for way in _ways(whole, weights, level) if way[0] not in defined]
    for to, some, plus in ways:
        off = _off(sheet, to, some, plus)
        near = sheet.half_unit(to) * (1 + 1e-9) + 1e-9 * float(np.nanmax(np.abs(sheet.data[to])))
        if len(off) and (off <= near).mean() >= 1 - 2 * AGAINST:
            return RuleCandidate("sum", f"{quote(to)} = {_terms(some, plus)}", to, tuple(some))
    if not ways:
        return None
    to, some, plus = ways[0]
    off = _off(sheet, to, some, plus)
    room = sheet.half_unit(to) + sum(abs(w) * sheet.half_unit(n) for n, w in some.items())
    if len(off) == 0 or (off <= room * (1 + 1e-9)).mean() < 1 - 2 * AGAINST or room == 0:
        return None
    text = f"{quote(to)} = {_terms(some, plus)} within {written(significant(room * 1.0005, 4))}"
    return RuleCandidate("sum", text, to, tuple(some))


def _ways(
    whole: str, weights: Mapping[str, float], level: float
) -> list[tuple[str, dict[str, float], float]]:
    """The same sum solved for each of its columns that leaves short weights, most plus signs first."""
    row = {whole: -1.0, **weights}
    out = []
    for name, weight in row.items():
        some = {n: -w / weight for n, w in row.items() if n != name}
        if all(len(written(abs(w))) <= 6 for w in (*some.values(), level / weight)):
            out.append((name, some, -level / weight))
    out = out or [(whole, dict(weights), level)]
    return sorted(out, key=lambda way: (sum(w < 0 for w in way[1].values()), way[2] < 0))


def _off(sheet: Sheet, to: str, weights: Mapping[str, float], level: float) -> FloatArray:
    off = np.abs(sheet.data[to] - level - sum(w * sheet.data[n] for n, w in weights.items()))
    return off[~np.isnan(off)]


def _terms(weights: Mapping[str, float], level: float) -> str:
    parts: list[tuple[bool, str]] = []
    if level and all(w < 0 for w in weights.values()):
        parts.append((level > 0, written(abs(level))))
    for name, w in sorted(weights.items(), key=lambda item: item[1] < 0):
        parts.append((w > 0, quote(name) + ("" if abs(w) == 1 else f" * {written(abs(w))}")))
    if level and parts[0][1] != written(abs(level)):
        parts.append((level > 0, written(abs(level))))
    text = ("" if parts[0][0] else "-") + parts[0][1]
    return text + "".join(f" {'+' if plus else '-'} {part}" for plus, part in parts[1:])


def same_columns(candidates: Sequence[RuleCandidate]) -> list[RuleCandidate]:
    """One candidate for each set of columns, the one that comes first."""
    seen: dict[frozenset[str], RuleCandidate] = {}
    for candidate in candidates:
        seen.setdefault(frozenset((candidate.defines, *candidate.sources)), candidate)
    return list(seen.values())
