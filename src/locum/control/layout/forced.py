"""A column that has one value, or is missing, wherever a condition holds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.arrays import BoolArray
from locum.codes.json_fields import Wire
from locum.codes.recoding import Values
from locum.control.rules.clause import rule_clauses
from locum.control.rules.implication import Implication, implications_of
from locum.control.where.evaluate import evaluate
from locum.control.where.names import Names
from locum.data.distinct import flat
from locum.randomness import stream
from locum.schema.column import Column
from locum.schema.table import Schema


@dataclass(frozen=True, slots=True)
class Forced:
    """``if condition then column is null`` (or has a value), perhaps exactly if.

    Attributes
    ----------
    column
        What is coded in place of the column: itself, or what another recoding makes of it.
    implication
        The rule.
    hidden
        Whether the column is missing nowhere else, so that no missing value is coded: rows in which it must
        be missing get the value of some other row, which is taken away again when they are decoded.
    lets_missing
        Whether the column may be missing where the rule gives it a value; a rule lets missing values pass.
    """

    column: Column
    implication: Implication
    hidden: bool = False
    lets_missing: bool = False

    @classmethod
    def fit(cls, table: Values, column: Column, implication: Implication) -> Forced:
        """See whether the column is missing nowhere else; `column` is what is coded in place of it."""
        plain = cls(column, implication)
        missing = np.asarray(pc.is_null(table[column.name]))
        if implication.value is not None:
            return replace(plain, lets_missing=bool((missing & plain.applies(table)).any()))
        if not implication.exactly or missing.all() or (missing != plain.applies(table)).any():
            return plain
        return cls(replace(column, nullable=False), implication, True)

    @property
    def how(self) -> str:
        """How it keeps its rules, in a few words."""
        return "set where it applies"

    @property
    def gives(self) -> tuple[str, ...]:
        """The column."""
        return (self.column.name,)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Columns of the condition."""
        return self.implication.inputs

    @property
    def rules(self) -> tuple[str, ...]:
        """The rule."""
        return (self.implication.rule,)

    @property
    def coded(self) -> Column:
        """The column."""
        return self.column

    @property
    def alone(self) -> bool:
        """Yes, where it is present."""
        return True

    def forth(self, own: Values, table: Values) -> pa.Array:
        """The column, with values of other rows where the rule says what it is."""
        values = flat(own[self.column.name])
        if not self.hidden or not all(name in table for name in self.inputs):
            return values
        at = self.applies(table)
        free = np.flatnonzero(~at)
        if not self.column.nullable:
            at &= np.asarray(pc.is_null(values))
            free = np.flatnonzero(np.asarray(pc.is_valid(values)))
        if not len(free) or not at.any():
            return values
        rng = stream(0, "donors", self.column.name)
        index = np.arange(len(values))
        index[at] = rng.choice(free, size=int(at.sum()))
        return values.take(pa.array(index))

    def back(self, own: Any, table: Values) -> dict[str, pa.Array]:
        """The column with its value, or nothing, where the condition holds."""
        where = self.applies(table).copy()
        if self.lets_missing:
            where &= np.asarray(pc.is_valid(own))
        at = pa.array(where)
        value = self.implication.value
        fixed = pa.scalar(value if value is None else value.as_py(), own.type)
        return {self.column.name: pc.if_else(at, fixed, own)}

    def sentence(self) -> str:
        """What it does, in one sentence."""
        return f"Set by the rule: {self.implication.rule.rstrip('.')}."

    def to_json(self) -> dict[str, Any]:
        """JSON-ready state."""
        return {
            "form": "forced",
            "column": self.column.name,
            "rule": self.implication.rule,
            "hidden": self.hidden,
            "nullable": self.column.nullable,
            "lets_missing": self.lets_missing,
        }

    @classmethod
    def from_json(cls, wire: Wire, schema: Schema, place: Column | None = None) -> Forced:
        """Read back what `to_json` gave; FileFormatError on anything else."""
        name, hidden, nullable = wire.text("column"), wire.boolean("hidden"), wire.boolean("nullable")
        for clause in rule_clauses(wire.text("rule"), Names(schema)):
            for implication in implications_of(clause, schema):
                if implication.column == name:
                    column = replace(place or schema[name], nullable=nullable)
                    return cls(column, implication, hidden, wire.boolean("lets_missing"))
        raise wire.fail("rule", f"a rule about {name}")

    def silent(self, own: Values, table: Values) -> BoolArray:
        """Given rows of which the value says nothing about what is coded: the rule may say it."""
        values = flat(own[self.column.name])
        if self.implication.value is None:
            return np.asarray(pc.is_null(values))
        same = np.asarray(pc.fill_null(pc.equal(values, self.implication.value), False))
        return same & self.applies(table) if all(name in table for name in self.inputs) else same

    def applies(self, table: Values) -> BoolArray:
        """Where the condition holds."""
        names = self.inputs
        part = pa.table({name: table[name] for name in names})
        return evaluate(self.implication.condition, part).yes
