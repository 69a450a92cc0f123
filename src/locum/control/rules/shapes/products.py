"""Products and quotients of two or three factors, also with a constant, a square, a rate, or a term."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from locum.arrays import BoolArray, FloatArray, IntArray
from locum.control.rules.chance import AGAINST
from locum.control.rules.shapes.digits import shortest, significant, written
from locum.control.rules.shapes.probe import allowed, probe_rows
from locum.control.rules.shapes.sheet import RuleCandidate, Sheet
from locum.control.where.token import quote

#: Most columns among which squares, three factors and terms beside a product are looked for.
MOST_SQUARES, MOST_THREE = 40, 30
#: Columns of no more values than this are no factors and no whole.
FEW_VALUES = 3
#: A value that is known worse than this says nothing about a product.
COARSE = 0.1
#: A tolerance above this share of the spread of the column makes a rule worthless.
LOOSE = 0.05
#: Rows that are looked at before a factor is fitted to all.
GLANCE = 200


@dataclass(frozen=True, slots=True, eq=False)
class _Factor:
    """A column as a factor, or what a rate leaves of one (``1 - rate``)."""

    formula: str
    column: str
    values: FloatArray
    half: float


def products(sheet: Sheet, defined: Collection[str]) -> tuple[list[RuleCandidate], int]:
    """Candidates ``c = a * b`` and the like, and how many were tried; `defined` columns are no whole."""
    every = sheet.amounts()
    names = [n for n in every if len(sheet.levels[n]) > FEW_VALUES]
    if len(names) < 2:
        return [], 0
    factors = [f for n in names for f in _factors(sheet, n)]
    rates = [f for n in sheet.amounts() for f in _rates(sheet, n)]
    k, r = len(names), len(rates)
    found = [*_by_logs(sheet, names, factors, rates, defined)]
    tried = k**3 * (1 if k <= MOST_SQUARES else 2) + k * k * r
    if len(every) <= MOST_THREE:
        tried += k**3 * (k + r) + len(every) * k**3
        found += _with_term(sheet, every, defined)
    return found, tried


def plain_products(sheet: Sheet, defined: Collection[str]) -> tuple[list[RuleCandidate], int]:
    """Candidates ``c = a * b`` to the last digit, without a constant, and how many were tried.

    They go before sums: a total that is a price times a quantity is not what a discount and a net price make.
    """
    names = sheet.amounts()
    if len(names) < 3:
        return [], 0
    data = sheet.matrix(names)
    rows = probe_rows(data)
    halves = np.array([sheet.half_unit(n) for n in names])
    found = []
    for a, b in combinations(range(len(names)), 2):
        made = data[rows, a] * data[rows, b]
        with np.errstate(invalid="ignore"):
            off = np.abs(data[rows] - made[:, None])
            against = (off > halves + 1e-9 * np.abs(made[:, None])).sum(axis=0)
        for c in np.flatnonzero(against <= 1):
            whole = names[c]
            if (
                c in (a, b)
                or whole in defined
                or len(sheet.levels[whole]) <= FEW_VALUES
                or np.isnan(off[:, c]).mean() > 0.5
            ):
                continue
            text = f"{quote(whole)} = {quote(names[a])} * {quote(names[b])}"
            found.append(RuleCandidate("product", text, whole, (names[a], names[b])))
    return found, len(names) ** 3


def _factors(sheet: Sheet, name: str) -> Iterator[_Factor]:
    half = 0.0 if sheet.schema[name].kind == "integer" else sheet.half_unit(name)
    yield _Factor(quote(name), name, sheet.data[name], half)


def _rates(sheet: Sheet, name: str) -> Iterator[_Factor]:
    """What a share or percentage leaves, and what it adds."""
    data = sheet.data[name]
    low, high = float(np.nanmin(data)), float(np.nanmax(data))
    column = quote(name)
    if low >= 0 and high <= 1 and sheet.schema[name].kind == "number":
        yield _Factor(f"(1 - {column})", name, 1 - data, 0.0)
        yield _Factor(f"(1 + {column})", name, 1 + data, 0.0)
    elif low >= 0 and 1 < high <= 100:
        yield _Factor(f"(1 - {column} / 100)", name, 1 - data / 100, 0.0)
        yield _Factor(f"(1 + {column} / 100)", name, 1 + data / 100, 0.0)


def _by_logs(
    sheet: Sheet, names: list[str], factors: list[_Factor], rates: list[_Factor], defined: Collection[str]
) -> Iterator[RuleCandidate]:
    every = [*factors, *rates]
    k = len(factors)
    meets = _Logs(sheet, names, every)
    rows = meets.rows
    seen: set[frozenset[str]] = set()
    for firsts, partners in _passes(k, len(every)):
        for parts, whole in allowed(firsts, partners, rows, meets):
            some = [every[i] for i in parts]
            columns = {names[whole], *(f.column for f in some)}
            if names[whole] in {f.column for f in some} or len({f.column for f in some}) < len(set(parts)):
                continue
            # Three factors of which two make up the whole already say nothing new.
            if any(known <= columns for known in seen):
                continue
            candidate = _written(sheet, names[whole], some, defined)
            if candidate is not None:
                seen.add(frozenset(columns))
                yield candidate


def _passes(k: int, every: int) -> Iterator[tuple[list[tuple[int, ...]], Callable[..., IntArray]]]:
    """Two different factors, then a square and a factor, a square alone, and three factors."""
    singles: list[tuple[int, ...]] = [(i,) for i in range(k)]
    yield singles, lambda first: np.arange(first[-1] + 1, every)
    if k <= MOST_SQUARES:
        yield [(i, i) for i in range(k)], lambda first: np.array([j for j in range(k) if j != first[0]])
        yield singles, lambda first: np.array([first[0]])
    if k <= MOST_THREE:
        yield list(combinations(range(k), 2)), lambda first: np.arange(first[-1] + 1, every)


class _Logs:
    """Whether a row allows that the logarithms of factors add up to that of a column, but for a constant."""

    def __init__(self, sheet: Sheet, names: list[str], factors: list[_Factor]) -> None:
        data = sheet.matrix(names)
        self.rows = probe_rows(data)
        some = np.column_stack([f.values for f in factors])
        with np.errstate(divide="ignore", invalid="ignore"):
            size = np.where(data == 0, np.nan, np.abs(data))
            sizes = np.where(some == 0, np.nan, np.abs(some))
            self.whole, self.part = np.log(size), np.log(sizes)
            self.of_whole = np.array([sheet.half_unit(n) for n in names]) / size + 1e-9
            self.of_part = np.array([f.half for f in factors]) / sizes
        there = ~np.isnan(self.whole[self.rows])
        self.first = int(self.rows[np.argmax(there.sum(axis=1))])

    def __call__(self, row: int, first: tuple[int, ...], others: IntArray) -> tuple[BoolArray, BoolArray]:
        (one, near_one), (two, near_two) = self._off(row, first, others), self._off(self.first, first, others)
        with np.errstate(invalid="ignore"):
            near, off = near_one + near_two, np.abs(one - two)
            fine = near <= COARSE
            return (off <= near) & fine, (off > near) & fine

    def _off(self, row: int, first: tuple[int, ...], others: IntArray) -> tuple[FloatArray, FloatArray]:
        some = list(first)
        logs, near = self.part[row], self.of_part[row]
        off = self.whole[row][None, :] - (logs[some].sum() + logs[others])[:, None]
        room = self.of_whole[row][None, :] + (near[some].sum() + near[others])[:, None]
        return off, room


def _written(
    sheet: Sheet, whole: str, factors: list[_Factor], defined: Collection[str]
) -> RuleCandidate | None:
    """The product in the way that needs no tolerance, if there is one: solved for the whole or one factor."""
    z = sheet.data[whole]
    product = np.prod([f.values for f in factors], axis=0)
    if not _steady(product[:GLANCE], z[:GLANCE], sheet.half_unit(whole)):
        return None
    constant = _constant(sheet, whole, factors, product)
    if constant is None:
        return None
    options: list[tuple[tuple[bool, float, int], RuleCandidate]] = []
    for place, (to, text, value) in enumerate(_ways(sheet, whole, factors, product, constant)):
        if to in defined:
            continue
        with np.errstate(invalid="ignore"):
            off = np.abs(sheet.data[to] - value)
        off = off[np.isfinite(off)]
        if len(off) == 0:
            continue
        sources = tuple(dict.fromkeys(n for n in (whole, *(f.column for f in factors)) if n != to))
        exact = sheet.half_unit(to) * (1 + 1e-9) + 1e-12 * float(np.nanmax(np.abs(sheet.data[to])))
        broken = float((off > exact).mean())
        if broken <= 2 * AGAINST:
            options.append(((False, broken, place), RuleCandidate("product", text, to, sources)))
            continue
        room = float(np.quantile(off, 1 - AGAINST)) * 1.5 + exact
        if room <= LOOSE * float(np.nanstd(sheet.data[to])):
            text += f" within {written(significant(room, 2))}"
            options.append(((True, 0.0, place), RuleCandidate("product", text, to, sources)))
    return min(options, key=lambda option: option[0])[1] if options else None


def _ways(
    sheet: Sheet, whole: str, factors: list[_Factor], product: FloatArray, constant: float
) -> Iterator[tuple[str, str, FloatArray]]:
    """The column that is calculated, the rule, and the values."""
    formulas = [f.formula for f in factors]
    if len(factors) == 3 and formulas[0] == formulas[1]:
        formulas = [formulas[2], f"({formulas[0]} * {formulas[1]})"]
        factors = [factors[2], _Factor(formulas[1], factors[0].column, factors[0].values ** 2, 0.0)]
    yield whole, f"{quote(whole)} = {' * '.join(formulas)}{_times(constant)}", product * constant
    for at, factor in enumerate(factors):
        if factor.formula != quote(factor.column) or sum(f.column == factor.column for f in factors) > 1:
            continue
        rest = [f for i, f in enumerate(formulas) if i != at]
        below = rest[0] if len(rest) == 1 else f"({' * '.join(rest)})"
        others = np.prod([f.values for i, f in enumerate(factors) if i != at], axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = sheet.data[whole] / others / constant
        yield factor.column, f"{quote(factor.column)} = {quote(whole)} / {below}{_times(1 / constant)}", value


def _steady(product: FloatArray, z: FloatArray, half: float) -> bool:
    """Whether the ratio of a column to a product is nearly the same in the first rows."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = z / product
        ratio = ratio[np.isfinite(ratio) & (np.abs(z) > half / COARSE)]
    if len(ratio) < 5:
        return True
    ratio.sort()
    tenth = len(ratio) // 10
    return bool(ratio[-1 - tenth] - ratio[tenth] <= 2 * COARSE * abs(ratio[len(ratio) // 2]))


def _constant(sheet: Sheet, whole: str, factors: list[_Factor], product: FloatArray) -> float | None:
    """The constant in ``whole = a * b * constant``, with as few digits as the rounding of the file allows."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = sheet.data[whole] / product
        near = sheet.half_unit(whole) / np.abs(product)
        for factor in factors:
            near = near + factor.half / np.abs(factor.values) * np.abs(ratio)
        good = np.isfinite(ratio) & (near <= COARSE * np.abs(ratio))
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


def _times(constant: float) -> str:
    if constant == 1:
        return ""
    inverse = 1 / constant
    short = significant(inverse, 9)
    if len(written(short)) < len(written(constant)) and abs(short - inverse) <= 1e-12 * abs(inverse):
        return f" / {written(short)}"
    return f" * {written(constant)}"


def _with_term(sheet: Sheet, names: list[str], defined: Collection[str]) -> Iterator[RuleCandidate]:
    """``total = quantity * price - discount``, and with ``+``."""
    data = sheet.matrix(names)
    rows = probe_rows(data)
    values = data[rows]
    pairs = np.array(list(combinations(range(len(names)), 2)))
    # a bonus or a fee may have two or three values only
    few = {n for n in names if len(sheet.levels[n]) <= FEW_VALUES}
    made = values[:, pairs[:, 0]] * values[:, pairs[:, 1]]
    halves = np.array([sheet.half_unit(n) for n in names])
    # The larger of two columns first: a total is a product less a discount, not the other way round.
    order = np.argsort(-np.nan_to_num(np.nanmean(np.abs(data), axis=0)), kind="stable")
    for c, d in ((c, d) for c in order for d in order if c != d):
        if names[c] in defined or names[c] in few:
            continue
        for sign, left in (("-", values[:, c] + values[:, d]), ("+", values[:, c] - values[:, d])):
            with np.errstate(invalid="ignore"):
                off = np.abs(left[:, None] - made)
                against = (off > halves[c] + halves[d] + 1e-9 * np.abs(made)).sum(axis=0)
            for at in np.flatnonzero(against <= 1):
                a, b = (names[i] for i in pairs[at])
                if {a, b} & {names[c], names[d], *few} or np.isnan(off[:, at]).sum() > len(rows) // 2:
                    continue
                text = f"{quote(names[c])} = {quote(a)} * {quote(b)} {sign} {quote(names[d])}"
                yield RuleCandidate("product", text, names[c], (a, b, names[d]))
