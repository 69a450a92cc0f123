"""Orders: one number, date or span of time never above another."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from locum.arrays import FloatArray
from locum.control.rules.chance import AGAINST, LEAST
from locum.control.rules.shapes.sheet import RuleCandidate, Sheet
from locum.control.where.evaluate import column_values
from locum.control.where.names import Sort
from locum.control.where.token import quote

#: Rows next to a tie that must be seen before the lack of ties is taken for a law: chance 1e-6.
NEAR_TIES = 14
_GROUPS: tuple[Sort, ...] = ("number", "moment", "span")


def orders(sheet: Sheet) -> tuple[list[RuleCandidate], int]:
    """Candidates ``a <= b``, and how many were tried."""
    found, tried = [], 0
    for sort in _GROUPS:
        names = sheet.names(sort)
        tried += len(names) * (len(names) - 1)
        for a, b in _pairs(sheet, names):
            share = _above_by_chance(sheet.data[a], sheet.data[b])
            found.append(RuleCandidate("order", f"{quote(a)} <= {quote(b)}", by_chance=share))
    return found, tried


def _pairs(sheet: Sheet, names: list[str]) -> Iterator[tuple[str, str]]:
    data = sheet.matrix(names)
    there = ~np.isnan(data)
    for i, a in enumerate(names):
        left = data[:, [i]]
        with np.errstate(invalid="ignore"):
            above, same = (left > data).sum(axis=0), (left == data).sum(axis=0)
        both = (there[:, [i]] & there).sum(axis=0)
        for j, b in enumerate(names):
            zones = sheet.schema[a].timezone, sheet.schema[b].timezone
            if i == j or both[j] < min(LEAST, sheet.n) or bool(zones[0]) != bool(zones[1]):
                continue
            if above[j] <= 2 * AGAINST * both[j] and same[j] < both[j]:
                yield a, b


def _above_by_chance(low: FloatArray, high: FloatArray) -> float:
    """Share of all pairs of a value of one column and a value of the other in which the first is above."""
    both = ~np.isnan(low) & ~np.isnan(high)
    high = np.sort(high[both])
    return float(np.searchsorted(high, low[both], side="left").mean() / max(1, len(high)))


def never_ties(sheet: Sheet, low: str, high: str) -> bool:
    """Whether no row of the table has equal values although many come as near as values can."""
    one, two = column_values(sheet.table, low), column_values(sheet.table, high)
    both = one.present & two.present
    gap = two.data[both] - one.data[both]
    if len(gap) == 0 or (gap <= 0).any():
        return False
    step = 2 * max(sheet.half_unit(low), sheet.half_unit(high)) or gap.min()
    return bool((gap <= step * 1.001).sum() >= NEAR_TIES)
