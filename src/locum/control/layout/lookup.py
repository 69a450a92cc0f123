"""A column that parts of others determine: nothing is coded, it is looked up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from locum.arrays import BoolArray, IntArray
from locum.codes.encoder import arrow_type
from locum.codes.json_fields import Wire, arrow_from_json, arrow_to_json
from locum.codes.recoding import Values
from locum.control.layout.joined import numbered
from locum.control.rules.clause import Clause, rule_clauses
from locum.control.where.bind import Term
from locum.control.where.evaluate import _values
from locum.control.where.names import Names
from locum.data.distinct import flat
from locum.schema.column import Column
from locum.schema.table import Schema


@dataclass(frozen=True, slots=True, eq=False)
class Lookup:
    """``weekday follows from (weekday(date))``: the value that goes with the parts of other columns.

    Attributes
    ----------
    column
        The column that is given back.
    clause
        The rule.
    keys
        Different keys, part by part: numbers or texts.
    values
        What goes with each, and last what goes with any other key (the most frequent value); one longer.
    """

    column: Column
    clause: Clause
    keys: tuple[pa.Array, ...]
    values: pa.Array

    @classmethod
    def fit(cls, table: Values, column: Column, clause: Clause) -> Lookup | None:
        """Learn what goes with what; None where two values go with one key."""
        keys = _keys(clause.term.args[1:], table)
        own = flat(table[column.name])
        number, first = numbered(keys)
        both, _ = numbered([*keys, own])
        if both.max(initial=0) != number.max(initial=0):
            return None
        coded = own.dictionary_encode(null_encoding="encode")
        often = int(np.bincount(np.asarray(coded.indices)).argmax())
        rows = pa.array(first)
        values = pa.concat_arrays([own.take(rows), coded.dictionary.slice(often, 1)])
        return cls(column, clause, tuple(k.take(rows) for k in keys), values)

    @property
    def how(self) -> str:
        """How it keeps its rules, in a few words."""
        return "looked up"

    @property
    def gives(self) -> tuple[str, ...]:
        """The column."""
        return (self.column.name,)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns that it follows from."""
        return tuple(c for c in self.clause.columns if c != self.column.name)

    @property
    def rules(self) -> tuple[str, ...]:
        """The rule."""
        return (self.clause.text,)

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
        """The column, looked up."""
        return {self.column.name: self.values.take(pa.array(self._place(table)))}

    def _place(self, table: Values) -> IntArray:
        """Place of each row's key among the known ones, the one after the last for others."""
        known = len(self.keys[0])
        keys = _keys(self.clause.term.args[1:], table)
        number, _ = numbered(
            [pa.concat_arrays([k, v.cast(k.type)]) for k, v in zip(self.keys, keys, strict=True)]
        )
        place = np.full(int(number.max(initial=-1)) + 1, known, dtype=np.int64)
        place[number[:known]] = np.arange(known)
        return place[number[known:]]

    def known(self, table: Values) -> BoolArray:
        """Rows of which the parts were seen together."""
        return self._place(table) < len(self.keys[0])

    def sentence(self) -> str:
        """What it does, in one sentence."""
        return f"Looked up among {len(self.keys[0]):,} values: {self.clause.text.rstrip('.')}."

    def to_json(self) -> dict[str, Any]:
        """JSON-ready state."""
        return {
            "form": "lookup",
            "column": self.column.name,
            "rule": self.clause.text,
            "texts": [pa.types.is_string(k.type) for k in self.keys],
            "keys": [arrow_to_json(k) for k in self.keys],
            "values": arrow_to_json(self.values),
        }

    @classmethod
    def from_json(cls, wire: Wire, schema: Schema) -> Lookup:
        """Read back what `to_json` gave; FileFormatError on anything else."""
        name = wire.text("column")
        (clause,) = rule_clauses(wire.text("rule"), Names(schema))
        if clause.term.op != "follows" or clause.columns[0] != name:
            raise wire.fail("rule", f"a rule that says what {name} follows from")
        texts = wire.items("texts", length=len(clause.term.args) - 1)
        lists = wire.items("keys", length=len(texts))
        keys = []
        for text, items in zip(texts, lists, strict=True):
            part = Wire.of({"keys": items}, f"{wire.where}.keys")
            keys.append(arrow_from_json(part, "keys", pa.string() if text is True else pa.float64()))
        values = arrow_from_json(wire, "values", arrow_type(schema[name]))
        if {len(k) for k in keys} != {len(values) - 1}:
            raise wire.fail("keys", "one value per key and one more")
        return cls(schema[name], clause, tuple(keys), values)


def _keys(terms: tuple[Term, ...], table: Values) -> list[pa.Array]:
    """What the column follows from, part by part: texts, or numbers."""
    columns = dict.fromkeys(c for term in terms for c in term.columns)
    part = pa.table({name: table[name] for name in columns})
    out = []
    for term in terms:
        found = _values(term, part)
        if isinstance(found.data, pa.Array):
            out.append(found.data)
        else:
            out.append(pa.array(np.asarray(found.data, np.float64), pa.float64(), mask=~found.present))
    return out
