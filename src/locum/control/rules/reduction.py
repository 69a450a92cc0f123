"""Rules that follow from others, to be left out: orders by way of a third column, parts of a sum below it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from locum.control.rules.definition import Definition
from locum.control.rules.shapes.sheet import Sheet


@dataclass(frozen=True, slots=True)
class ColumnOrder:
    """``low <= high``, or ``<`` where `strict`."""

    low: str
    high: str
    strict: bool = False


def needed_orders(
    orders: Iterable[ColumnOrder], definitions: Iterable[Definition], sheet: Sheet
) -> list[ColumnOrder]:
    """Orders that do not follow from other orders and from what calculates a column.

    Notes
    -----
    Transitive reduction over the orders and over "a part is not above the sum of parts that are not
    negative". An order by way of a column counts only if that column is there wherever both ends are.
    """
    definitions = list(definitions)
    roots = single_roots(definitions)
    given = {(d, p) for d, p in _below_sums(definitions, sheet)}
    kept = [
        o
        for o in orders
        if roots.get(o.low, o.low) != roots.get(o.high, o.high) and (o.low, o.high) not in given
    ]
    looked_up = [{d.column, *d.sources} for d in definitions if d.kind == "look-up"]
    kept = [o for o in kept if not any({o.low, o.high} <= some for some in looked_up)]
    both = {d.column: frozenset(d.sources) for d in definitions}
    kept = [o for o in kept if o.low not in both or both[o.low] != both.get(o.high)]
    kept = [o for o in kept if not _is_copy(o.low, definitions) and not _is_copy(o.high, definitions)]
    edges: dict[str, dict[str, bool]] = {}
    for low, high, strict in [*((o.low, o.high, o.strict) for o in kept), *((a, b, False) for a, b in given)]:
        edges.setdefault(low, {})[high] = strict
    return [o for o in kept if not _by_way(o, edges, sheet)]


def single_roots(definitions: Iterable[Definition]) -> Mapping[str, str]:
    """For each column that is calculated from one other alone, the column at the start of that chain."""
    parent = {
        d.column: d.sources[0]
        for d in definitions
        if len(d.sources) == 1 and d.kind in ("copy", "date", "dependency")
    }
    out = {}
    for name in parent:
        at = name
        while at in parent:
            at = parent[at]
        out[name] = at
    return out


def _is_copy(name: str, definitions: Iterable[Definition]) -> bool:
    return any(d.column == name and d.kind == "copy" and d.plain for d in definitions)


def _below_sums(definitions: Iterable[Definition], sheet: Sheet) -> list[tuple[str, str]]:
    """Parts and the sums or products that they cannot be above: no part is negative, no factor below one."""
    out = []
    for d in definitions:
        if d.kind == "product" and d.plain and len(d.sources) == 2:
            for one, other in (d.sources, d.sources[::-1]):
                if np.nanmin(sheet.data[one]) >= 0 and np.nanmin(sheet.data[other]) >= 1:
                    out.append((one, d.column))
        if d.kind == "sum" and d.plain:
            negative = {p for p in d.sources if np.nanmin(sheet.data[p]) < 0}
            out += [(p, d.column) for p in d.sources if not negative - {p}]
    return out


def _by_way(order: ColumnOrder, edges: Mapping[str, Mapping[str, bool]], sheet: Sheet) -> bool:
    ends = sheet.present(order.low) & sheet.present(order.high)
    for middle, first in edges.get(order.low, {}).items():
        last = edges.get(middle, {}).get(order.high)
        if middle in (order.low, order.high) or last is None or (order.strict and not (first or last)):
            continue
        if sheet.present(middle)[ends].all():
            return True
    return False


def zero_follows(
    column: str, by: str, orders: Iterable[ColumnOrder], definitions: Iterable[Definition], sheet: Sheet
) -> bool:
    """Whether ``if by = 0 then column = 0`` follows from ``0 <= column <= by``, or from a product."""
    definitions = list(definitions)
    if any(d.column == column and by in d.sources and d.kind == "product" for d in definitions):
        return True
    if column not in sheet.data or np.nanmin(sheet.data[column]) < 0:
        return False
    below = {(o.low, o.high) for o in orders} | set(_below_sums(definitions, sheet))
    seen, stack = {column}, [column]
    while stack:
        at = stack.pop()
        for low, high in below:
            if low == at and high not in seen:
                seen.add(high)
                stack.append(high)
    return by in seen
