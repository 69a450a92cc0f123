"""Rules that say what one column is: solved for each column that they can be solved for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.control.rules.clause import Clause
from locum.control.where.bind import Term, bind
from locum.control.where.names import Names, sort_of
from locum.control.where.token import quote
from locum.data.distinct import as_numbers
from locum.errors import UsageError
from locum.schema.table import Schema

_NUMBERS = ("number", "moment", "span")


@dataclass(frozen=True, slots=True)
class Equation:
    """A rule solved for a column.

    Attributes
    ----------
    column
        What is calculated.
    value
        The expression, bound.
    rule
        The rule as written.
    slack
        How far the column may be from the expression, where both are numbers.
    """

    column: str
    value: Term
    rule: str
    slack: float = 0.0

    @property
    def inputs(self) -> tuple[str, ...]:
        """Columns of the expression."""
        return self.value.columns

    @property
    def text(self) -> str:
        """The rule, without a stop at its end."""
        return self.rule.rstrip(".")

    def agree(self, own: pa.Array, value: pa.Array) -> bool:
        """Whether a column is what was calculated for it, wherever both are present."""
        both = pc.and_(pc.is_valid(own), pc.is_valid(value))
        own, value = own.filter(both), value.filter(both)
        if not pa.types.is_floating(own.type):
            return bool(pc.all(pc.equal(own, value)).as_py())
        a, b = (np.asarray(as_numbers(v)).astype(np.float64) for v in (own, value))
        # the calculated value is rounded too: both may be off by as much
        return bool((np.abs(a - b) <= 2 * self.slack + 1e-9 * np.maximum(np.abs(a), 1e-3)).all())


def equations_of(clause: Clause, schema: Schema) -> Iterator[Equation]:
    """The ways in which a rule gives a column, the one as written first.

    ``c = expression`` gives `c`; where the expression is a sum of columns it gives each of them too, solved.
    """
    term = clause.term
    if clause.origin != "rule" or term.op != "=":
        return
    sides = term.args
    for left, right in (sides, sides[::-1]):
        name = _written(left)
        if name is not None and name not in right.columns and right.columns:
            yield Equation(name, right, clause.text, term.slack)
            continue
        if left.op == "name" and left.node.value not in right.columns and right.columns:
            yield Equation(left.node.value, right, clause.text, term.slack)
    for left, right in (sides, sides[::-1]):
        if left.op != "name" or left.sort not in _NUMBERS or left.node.value in right.columns:
            continue
        for name, factor in _factors(left.node.value, right, schema):
            yield Equation(name, factor, clause.text, term.slack)
        terms = _sum(right)
        if terms is None or len(terms) < 2:
            continue
        for name in right.columns:
            solved = _solved(left.node.value, terms, name, schema)
            if solved is not None:
                yield Equation(name, solved, clause.text, term.slack)


def _factors(total: str, right: Term, schema: Schema) -> Iterator[tuple[str, Term]]:
    """A product or quotient of two columns solved for each of them."""
    if right.op not in ("*", "/") or any(a.op != "name" or a.sort != "number" for a in right.args):
        return
    a, b = (arg.node.value for arg in right.args)
    if a == b:
        return
    c, x, y = quote(total), quote(a), quote(b)
    ways = {a: f"{c} / {y}", b: f"{c} / {x}"} if right.op == "*" else {a: f"{c} * {y}", b: f"{x} / {c}"}
    for name, text in ways.items():
        yield name, bind(f"{quote(name)} = {text}", Names(schema), strict=False).args[1]


def _written(term: Term) -> str | None:
    """The column of a text that holds a number, as in ``number(ticket) = ...``; None for anything else."""
    if term.op == "call" and term.node.value == "number" and term.args[0].op == "name":
        return str(term.args[0].node.value)
    return None


def _sum(term: Term, sign: int = 1) -> list[tuple[int, str]] | None:
    """A sum of different columns as signs and names; None for anything else."""
    if term.op == "name" and term.sort in _NUMBERS:
        return [(sign, term.node.value)]
    if term.op not in ("+", "-"):
        return None
    left, right = _sum(term.args[0], sign), _sum(term.args[1], sign if term.op == "+" else -sign)
    if left is None or right is None:
        return None
    names = [name for _, name in left + right]
    return left + right if len(set(names)) == len(names) else None


def _solved(total: str, terms: list[tuple[int, str]], name: str, schema: Schema) -> Term | None:
    """The sum solved for one of its columns, bound; None where that has no sense (a date minus a number)."""
    own = next(sign for sign, other in terms if other == name)
    parts = [(own, total), *((-own * sign, other) for sign, other in terms if other != name)]
    parts.sort(key=lambda part: (-part[0], sort_of(schema[part[1]]) != "moment"))
    if parts[0][0] < 0:
        return None
    text = quote(parts[0][1]) + "".join(f" {'+' if s > 0 else '-'} {quote(n)}" for s, n in parts[1:])
    try:
        return bind(f"{quote(name)} = {text}", Names(schema), strict=False).args[1]
    except UsageError:
        return None
