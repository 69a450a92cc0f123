"""Proof that inequalities contradict each other: difference constraints and a negative cycle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from locum.control.rules.clause import Clause
from locum.control.where.bind import Term
from locum.control.where.tree import COMPARISONS

#: Stands for the number zero among the columns.
_ZERO = ""


@dataclass(frozen=True, slots=True)
class _Edge:
    """``low - high <= limit``, or ``<`` where `strict`; `clause` is -1 for the range of a column."""

    low: str
    high: str
    limit: float
    strict: bool
    clause: int


def contradiction(
    clauses: Sequence[Clause], ranges: Mapping[str, tuple[float, float]], present: frozenset[str]
) -> list[Clause]:
    """Clauses that cannot hold together; empty when these inequalities can.

    Only comparisons of the form ``a <= b + constant`` or ``a <= constant`` are looked at, so an empty answer
    proves nothing.

    Parameters
    ----------
    clauses
        What must hold.
    ranges
        Lowest and highest value of columns, in the units of `locum.control.where.evaluate` (moments:
        microseconds).
    present
        Columns that are never missing; a rule about another column can hold by its being missing.

    Notes
    -----
    Bellman-Ford on the constraint graph (Shostak 1981, doi:10.1145/322276.322288, for two variables per
    inequality; here differences only): columns x clauses steps.
    """
    edges: list[_Edge] = []
    for i, clause in enumerate(clauses):
        if clause.origin == "rule" and not set(clause.columns) <= present:
            continue
        edges += _edges(clause.term, i)
    asked = {name for e in edges for name in (e.low, e.high)}
    for name, (low, high) in ranges.items():
        if name in asked:
            edges += [_Edge(name, _ZERO, high, False, -1), _Edge(_ZERO, name, -low, False, -1)]
    return [clauses[i] for i in sorted(_cycle(edges)) if i >= 0]


def _cycle(edges: Sequence[_Edge]) -> set[int]:
    """Clauses on a cycle whose limits sum to less than nothing; empty when there is none."""
    names = {n for e in edges for n in (e.low, e.high)}
    distance = dict.fromkeys(names, (0.0, 0))
    by: dict[str, _Edge] = {}
    last = None
    for _ in range(len(names) + 1):
        last = None
        for edge in edges:
            far, strict = distance[edge.high]
            new = (far + edge.limit, strict - edge.strict)
            if new < distance[edge.low]:
                distance[edge.low], by[edge.low], last = new, edge, edge.low
        if last is None:
            return set()
    if last is None:
        return set()
    at = last
    for _ in range(len(names)):
        at = by[at].high
    found, start = set(), at
    while True:
        found.add(by[at].clause)
        at = by[at].high
        if at == start:
            return found


def _edges(term: Term, clause: int) -> list[_Edge]:
    if term.op not in COMPARISONS or term.op == "!=":
        return []
    left, right = (_linear(a) for a in term.args)
    if left is None or right is None:
        return []
    weight = {n: left[0].get(n, 0) - right[0].get(n, 0) for n in {*left[0], *right[0]}}
    weight = {n: w for n, w in weight.items() if w}
    limit, slack = right[1] - left[1], term.slack if term.op == "=" else 0.0
    up = [n for n, w in weight.items() if w == 1]
    down = [n for n, w in weight.items() if w == -1]
    if not weight or len(up) + len(down) != len(weight) or len(up) > 1 or len(down) > 1:
        return []
    a, b = (up or [_ZERO])[0], (down or [_ZERO])[0]
    below = _Edge(a, b, limit + slack, term.op == "<", clause)
    above = _Edge(b, a, slack - limit, term.op == ">", clause)
    return [below] if term.op in ("<", "<=") else [above] if term.op in (">", ">=") else [below, above]


def _linear(term: Term) -> tuple[dict[str, float], float] | None:
    """A sum of columns and a constant, None for anything else."""
    if term.sort not in ("number", "moment", "span"):
        return None
    if term.op == "name":
        return {term.node.value: 1}, 0.0
    if term.op in ("number", "span"):
        return {}, float(term.node.value)
    parts = [_linear(a) for a in term.args]
    if term.op not in ("+", "-", "neg") or any(p is None for p in parts):
        return None
    first = parts[0]
    assert first is not None
    if term.op == "neg":
        return {n: -w for n, w in first[0].items()}, -first[1]
    second, sign = parts[1], 1 if term.op == "+" else -1
    assert second is not None
    weight = {n: first[0].get(n, 0) + sign * second[0].get(n, 0) for n in {*first[0], *second[0]}}
    return weight, first[1] + sign * second[1]
