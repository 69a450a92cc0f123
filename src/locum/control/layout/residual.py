"""A number that an expression of others gives in nearly all rows: what is left over is coded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from locum.arrays import BoolArray
from locum.codes.json_fields import Wire
from locum.codes.recoding import Values
from locum.control.calculate import calculate
from locum.control.layout.units import CommonUnit, Numbers, ends_of
from locum.control.rules.clause import rule_clauses
from locum.control.rules.equation import Equation, equations_of
from locum.control.where.names import Names
from locum.schema.column import Column
from locum.schema.table import Schema


@dataclass(frozen=True, slots=True)
class Residual:
    """``column = expression`` but for few rows: the difference is coded, which is nothing in most.

    Attributes
    ----------
    column
        The column that is given back.
    equation
        How it is calculated.
    low, high
        Where the column ends, rounded, in its unit; a difference that leads beyond is none.
    """

    column: Column
    equation: Equation
    low: float
    high: float

    @classmethod
    def fit(cls, table: Values, column: Column, equation: Equation) -> Residual:
        """Learn where the column ends."""
        unit = CommonUnit.of([column])
        units, present = unit.read(table[column.name])
        return cls(column, equation, *ends_of(units[present], whole=unit.whole))

    @property
    def how(self) -> str:
        """How it keeps its rules, in a few words."""
        return "what is left over is drawn"

    @property
    def gives(self) -> tuple[str, ...]:
        """The column."""
        return (self.column.name,)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns of the expression."""
        return self.equation.inputs

    @property
    def rules(self) -> tuple[str, ...]:
        """None that holds in every row."""
        return ()

    @property
    def alone(self) -> bool:
        """No: the others are needed."""
        return False

    @property
    def coded(self) -> Column:
        """The difference, under the name of the column."""
        return self.unit.difference(self.column)

    @property
    def unit(self) -> CommonUnit:
        """Of the column and the difference."""
        return CommonUnit.of([self.column])

    def forth(self, own: Values, table: Values) -> pa.Array:
        """The difference, 0 where it is less than the rule allows; missing where the column is."""
        units, present = self.unit.read(own[self.column.name])
        value, slack = self._value(table)
        left = units - value
        return self.unit.write(np.where(np.abs(left) <= slack, 0, left), present, self.coded)

    def width(self, own: pa.Array) -> tuple[Numbers, BoolArray]:
        """What was coded, in the unit of the column, and where there is something."""
        return self.unit.read(own)

    def back(self, own: Any, table: Values) -> dict[str, pa.Array]:
        """The column again."""
        left, present = self.width(own)
        value, _ = self._value(table)
        whole = left + value
        whole = np.where((whole < self.low) | (whole > self.high), value, whole)
        return {self.column.name: self.unit.write(whole, present, self.column)}

    def sentence(self) -> str:
        """What it does, in one sentence."""
        return f"Coded by how far it lies from what nearly all rows keep: {self.equation.text}."

    def to_json(self) -> dict[str, Any]:
        """JSON-ready state."""
        ends = {"low": self.low, "high": self.high}
        return {"form": "residual", "column": self.column.name, "rule": self.equation.rule, **ends}

    @classmethod
    def from_json(cls, wire: Wire, schema: Schema) -> Residual:
        """Read back what `to_json` gave; FileFormatError on anything else."""
        name = wire.text("column")
        low, high = (wire.number(key, low=-1e300, high=1e300) for key in ("low", "high"))
        for clause in rule_clauses(wire.text("rule"), Names(schema)):
            for equation in equations_of(clause, schema):
                if equation.column == name and schema[name].ordered:
                    return cls(schema[name], equation, low, high)
        raise wire.fail("rule", f"a rule that gives {name}")

    def _value(self, table: Values) -> tuple[Numbers, float]:
        """The expression in the unit of the column, 0 where it has no value, and what it may be off by."""
        inputs = pa.table({name: table[name] for name in self.equation.inputs})
        value, there = self.unit.read(calculate(self.equation.value, inputs, self.column))
        # as many units as the slack of the rule is; what is just rounded is no difference
        scale = 1.0 if self.unit.time or self.unit.decimals is None else 10.0**self.unit.decimals
        return np.where(there, value, 0), self.equation.slack * scale + 1e-9
