"""Rules of the form "if this, then a column is missing, or has this value"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from locum.codes.encoder import arrow_type
from locum.control.rules.clause import Clause
from locum.control.where.bind import Term, bind
from locum.control.where.names import Names
from locum.control.where.token import quote
from locum.schema.table import Schema


@dataclass(frozen=True, slots=True)
class Implication:
    """Where a condition holds, a column has one value.

    Attributes
    ----------
    column
        What is said something about.
    condition
        Bound; about other columns.
    value
        The value that the column has then; None for missing.
    rule
        The rule as written.
    exactly
        Whether the rule says too that the column has that value nowhere else.
    """

    column: str
    condition: Term
    value: pa.Scalar | None
    rule: str
    exactly: bool = False

    @property
    def inputs(self) -> tuple[str, ...]:
        """Columns of the condition."""
        return self.condition.columns


def implications_of(clause: Clause, schema: Schema) -> Iterator[Implication]:
    """What a rule says about single columns; the first column of several that are missing together leads."""
    term = clause.term
    if clause.origin != "rule":
        return
    if term.op == "together":
        first, *others = term.columns
        condition = bind(f"{quote(first)} is null", Names(schema), strict=False)
        for name in others:
            yield Implication(name, condition, None, clause.text, True)
    elif term.op == "or" and len(term.args) == 2 and term.args[0].op == "not":
        yield from _said(term.args[1], term.args[0].args[0], clause, schema, exactly=False)
    elif term.op == "exactly":
        for this, other in (term.args, term.args[::-1]):
            yield from _said(this, other, clause, schema, exactly=True)


def _said(
    said: Term, condition: Term, clause: Clause, schema: Schema, *, exactly: bool
) -> Iterator[Implication]:
    """The column and value of ``column is null``, ``column = value`` or a plain truth column."""
    name, value = None, None
    if said.op == "isnull" and said.args[0].op == "name":
        name = said.args[0].node.value
    elif said.op == "name" and said.sort == "truth":
        name, value = said.node.value, True
    elif said.op == "not" and said.args[0].op == "name" and said.args[0].sort == "truth":
        name, value = said.args[0].node.value, False
    elif said.op == "=" and said.args[0].op == "name" and said.args[1].op in ("number", "text", "truth"):
        name, value = said.args[0].node.value, said.args[1].node.value
    if name is None or name in condition.columns or not condition.columns:
        return
    scalar = None if said.op == "isnull" else _scalar(value, schema, name)
    if said.op == "isnull" or scalar is not None:
        yield Implication(name, condition, scalar, clause.text, exactly)


def _scalar(value: Any, schema: Schema, name: str) -> pa.Scalar | None:
    """The value as the column holds it; None where it cannot, or where it is a time."""
    column = schema[name]
    if column.kind in ("date", "datetime", "duration") or column.regenerated:
        return None
    if column.kind == "integer" and value != int(value):
        return None
    return pa.scalar(int(value) if column.kind == "integer" else value, arrow_type(column))
