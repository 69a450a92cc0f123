"""A column that an expression of others gives: nothing is coded, it is calculated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.arrays import BoolArray
from locum.codes.json_fields import Wire
from locum.codes.recoding import Values
from locum.control.calculate import calculate
from locum.control.layout.units import ends_of
from locum.control.rules.clause import rule_clauses
from locum.control.rules.equation import Equation, equations_of
from locum.control.where.names import Names
from locum.data.distinct import flat
from locum.schema.column import Column
from locum.schema.table import Schema

#: What is coded of the column: nothing, whether it is missing, or all of it for rows without the others.
Rest = Literal["nothing", "missing", "all"]


@dataclass(frozen=True, slots=True)
class Formula:
    """``column = expression``, exactly.

    Attributes
    ----------
    column
        The column that is given back.
    equation
        How it is calculated.
    rest
        What is coded of it nevertheless; with ``all`` the coded value is a hint for conditions and given
        cells, and stands only in rows in which the expression has no value.
    ends
        Lowest and highest number that rows have, rounded outwards; None for what is no number.
    """

    column: Column
    equation: Equation
    rest: Rest
    ends: tuple[float, float] | None = None

    @classmethod
    def fit(cls, table: Values, column: Column, equation: Equation) -> Formula | None:
        """See what has to be coded besides; None where the column is not what the expression says."""
        own = flat(table[column.name])
        value = calculate(equation.value, _inputs(table, equation), column)
        both = pc.and_(pc.is_valid(own), pc.is_valid(value))
        if not pc.any(both).as_py() or not equation.agree(own, value):
            return None
        ends = None
        if column.kind in ("integer", "number"):
            numbers = np.asarray(own.drop_null()).astype(np.float64)
            ends = ends_of(numbers[np.isfinite(numbers)], whole=column.kind == "integer")
        alone = pc.and_(pc.is_valid(own), pc.is_null(value))
        # Of several inputs none tells the column: it stays coded, so that conditions can be about it.
        if len(equation.inputs) > 1 or pc.any(alone).as_py():
            return cls(column, equation, "all", ends)
        missing = pc.and_(pc.is_null(own), pc.is_valid(value))
        return cls(column, equation, "missing" if pc.any(missing).as_py() else "nothing", ends)

    def inside(self, table: pa.Table) -> BoolArray:
        """Rows whose value lies where values are: a quotient of two drawn numbers may lie anywhere."""
        if self.ends is None:
            return np.ones(table.num_rows, dtype=bool)
        low, high = self.ends
        value = flat(table.column(self.column.name))
        within = pc.and_(pc.greater_equal(value, low), pc.less_equal(value, high))
        return np.asarray(pc.fill_null(within, True))

    @property
    def how(self) -> str:
        """How it keeps its rules, in a few words."""
        return "calculated"

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
        """The rule."""
        return (self.equation.rule,)

    @property
    def coded(self) -> Column | None:
        """What is coded of it."""
        if self.rest == "nothing":
            return None
        return self.column if self.rest == "all" else Column(self.column.name, "boolean", False)

    @property
    def alone(self) -> bool:
        """Yes."""
        return True

    def forth(self, own: Values, table: Values) -> pa.Array | None:
        """Nothing, whether the column is missing, or the column."""
        values = own[self.column.name]
        if self.rest == "nothing":
            return None
        return values if self.rest == "all" else pc.is_null(values)

    def back(self, own: Any, table: Values) -> dict[str, pa.Array]:
        """The column, calculated."""
        value = calculate(self.equation.value, _inputs(table, self.equation), self.column)
        if self.rest == "missing":
            value = pc.if_else(own, pa.scalar(None, value.type), value)
        elif self.rest == "all":
            value = pc.if_else(pc.is_null(own), own, pc.coalesce(value, own))
        return {self.column.name: value}

    def sentence(self) -> str:
        """What it does, in one sentence."""
        return f"Calculated from {', '.join(self.inputs)}: {self.equation.text}."

    def to_json(self) -> dict[str, Any]:
        """JSON-ready state."""
        return {
            "form": "formula",
            "column": self.column.name,
            "rule": self.equation.rule,
            "rest": self.rest,
            "ends": None if self.ends is None else list(self.ends),
        }

    @classmethod
    def from_json(cls, wire: Wire, schema: Schema) -> Formula:
        """Read back what `to_json` gave; FileFormatError on anything else."""
        name, rest = wire.text("column"), wire.text("rest")
        if name not in schema.names or rest not in ("nothing", "missing", "all"):
            raise wire.fail("column", "a column of the table")
        number = schema[name].kind in ("integer", "number")
        ends = None
        if number and not wire.is_null("ends"):
            low, high = wire.numbers("ends", length=2, low=-1e308, high=1e308).tolist()
            ends = low, high
        for clause in rule_clauses(wire.text("rule"), Names(schema)):
            for equation in equations_of(clause, schema):
                if equation.column == name:
                    return cls(schema[name], equation, cast("Rest", rest), ends)
        raise wire.fail("rule", f"a rule that gives {name}")


def _inputs(table: Values, equation: Equation) -> pa.Table:
    return pa.table({name: table[name] for name in equation.inputs})
