"""A column with two values that a condition tells apart: nothing is coded, it is decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.codes.encoder import arrow_type
from locum.codes.json_fields import Wire, arrow_from_json, arrow_to_json
from locum.codes.recoding import Values
from locum.control.rules.clause import rule_clauses
from locum.control.rules.implication import Implication, implications_of
from locum.control.where.evaluate import evaluate
from locum.control.where.names import Names
from locum.data.distinct import flat
from locum.schema.column import Column
from locum.schema.table import Schema


@dataclass(frozen=True, slots=True, eq=False)
class Switch:
    """``column = 'a' exactly if condition`` of a column that is 'a' or 'b'.

    Attributes
    ----------
    column
        The column that is given back.
    implication
        The rule; its value is what the column has where the condition holds.
    other
        What it has where the condition does not hold; shape (1,).
    """

    column: Column
    implication: Implication
    other: pa.Array

    @classmethod
    def fit(cls, table: Values, column: Column, implication: Implication) -> Switch | None:
        """Find the other value; None where there are several, missing ones, or rows without an answer."""
        values = flat(table[column.name])
        found = pc.unique(values)
        if values.null_count or len(found) != 2 or implication.value is None:
            return None
        other = found.filter(pc.not_equal(found, implication.value))
        plain = cls(column, implication, other)
        if len(other) != 1:
            return None
        truth = plain._truth(table)
        agree = pc.all(pc.equal(plain.back(None, table)[column.name], values)).as_py()
        return plain if (truth.yes | truth.no).all() and agree else None

    @property
    def how(self) -> str:
        """How it keeps its rules, in a few words."""
        return "decided"

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
    def coded(self) -> None:
        """Nothing."""
        return None

    @property
    def alone(self) -> bool:
        """Yes: nothing is coded."""
        return True

    def forth(self, own: Values, table: Values) -> None:
        """Nothing."""
        return

    def back(self, own: Any, table: Values) -> dict[str, pa.Array]:
        """The column, decided; missing where the condition has no answer."""
        truth = self._truth(table)
        value = self.implication.value
        first = pa.array([None if value is None else value.as_py()], self.other.type)
        at = pa.array(truth.no.astype(np.int64), mask=~(truth.yes | truth.no))
        return {self.column.name: pa.concat_arrays([first, self.other]).take(at)}

    def sentence(self) -> str:
        """What it does, in one sentence."""
        return f"Decided by {', '.join(self.inputs)}: {self.implication.rule.rstrip('.')}."

    def to_json(self) -> dict[str, Any]:
        """JSON-ready state."""
        return {
            "form": "switch",
            "column": self.column.name,
            "rule": self.implication.rule,
            "other": arrow_to_json(self.other),
        }

    @classmethod
    def from_json(cls, wire: Wire, schema: Schema) -> Switch:
        """Read back what `to_json` gave; FileFormatError on anything else."""
        name = wire.text("column")
        for clause in rule_clauses(wire.text("rule"), Names(schema)):
            for implication in implications_of(clause, schema):
                if implication.column == name and implication.value is not None:
                    other = arrow_from_json(wire, "other", arrow_type(schema[name]))
                    if len(other) != 1:
                        raise wire.fail("other", "one value")
                    return cls(schema[name], implication, other)
        raise wire.fail("rule", f"a rule that decides {name}")

    def _truth(self, table: Values) -> Any:
        part = pa.table({name: table[name] for name in self.inputs})
        return evaluate(self.implication.condition, part)
