"""Columns of which only some combinations occur: the combination is coded, and each column looked up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.arrays import FloatArray, IntArray
from locum.codes.encoder import arrow_type
from locum.codes.json_fields import Wire, arrow_from_json, arrow_to_json
from locum.codes.recoding import Values
from locum.data.distinct import flat
from locum.schema.column import Column
from locum.schema.table import Schema

#: Between the names of joined columns in the name of what is coded.
SIGN = " × "


@dataclass(frozen=True, eq=False)
class Joined:
    """The combinations of some columns as the levels of one.

    Attributes
    ----------
    name
        Of what is coded.
    columns
        The columns that are given back.
    combinations
        The values of each, combination by combination, the most frequent first.
    rules
        The rules that are kept.
    """

    name: str
    columns: tuple[Column, ...]
    combinations: tuple[pa.Array, ...]
    rules: tuple[str, ...]

    @classmethod
    def fit(
        cls, table: Values, columns: Sequence[Column], rules: Sequence[str], taken: Sequence[str]
    ) -> Joined:
        """Count the combinations that occur; a missing value is a value."""
        values = [flat(table[c.name]) for c in columns]
        number, first = numbered(values)
        count = np.bincount(number, minlength=len(first))
        order = np.lexsort((first, -count))
        rows = pa.array(first[order])
        name = SIGN.join(c.name for c in columns)
        while name in taken:
            name += "'"
        return cls(name, tuple(columns), tuple(v.take(rows) for v in values), tuple(rules))

    @property
    def joined(self) -> Joined:
        """Itself; what lies within other columns has one too."""
        return self

    @property
    def how(self) -> str:
        """How it keeps its rules, in a few words."""
        return "only combinations that occur are drawn"

    @property
    def gives(self) -> tuple[str, ...]:
        """The columns."""
        return tuple(c.name for c in self.columns)

    @property
    def inputs(self) -> tuple[str, ...]:
        """None."""
        return ()

    @property
    def coded(self) -> Column:
        """A category: the number of the combination, as text."""
        return Column(self.name, "category", False)

    @property
    def alone(self) -> bool:
        """Yes: it has no inputs."""
        return True

    def forth(self, own: Values, table: Values) -> pa.Array:
        """The number of each row's combination; one that is not known has the number -1."""
        number = self.numbers({c.name: own[c.name] for c in self.columns})
        return pa.array(number).cast(pa.string())

    def numbers(self, own: Values) -> IntArray:
        """Place of each row's combination among the known ones, -1 for others."""
        known = len(self.combinations[0])
        both = [
            pa.concat_arrays([k, flat(own[c.name]).cast(k.type)])
            for c, k in zip(self.columns, self.combinations, strict=True)
        ]
        number, _ = numbered(both)
        place = np.full(int(number.max(initial=-1)) + 1, -1, dtype=np.int64)
        place[number[:known]] = np.arange(known)
        return place[number[known:]]

    def choose(self, parts: Values, weights: FloatArray, rng: np.random.Generator) -> IntArray:
        """A combination that goes with the present values of each row, drawn by weight; -1 where none does.

        Parameters
        ----------
        parts
            Some of the columns; null where free.
        weights
            Of the combinations, 0 for those that are not written.
        rng
            For the choice.
        """
        number, first = numbered([flat(values) for values in parts.values()])
        place = {c.name: known for c, known in zip(self.columns, self.combinations, strict=True)}
        out = np.full(len(number), -1, dtype=np.int64)
        for pattern, row in enumerate(first.tolist()):
            fits = weights > 0
            for name, values in parts.items():
                value = flat(values)[row]
                if value.is_valid:
                    fits &= np.asarray(
                        pc.fill_null(pc.equal(place[name], value.cast(place[name].type)), False)
                    )
            rows = np.flatnonzero(number == pattern)
            if fits.any():
                out[rows] = rng.choice(
                    len(weights), size=len(rows), p=weights * fits / (weights * fits).sum()
                )
        return out

    def back(self, own: Any, table: Values) -> dict[str, pa.Array]:
        """The values of the combinations."""
        at = self._places.take(pc.fill_null(pc.index_in(own, value_set=self._texts), len(self._texts)))
        return {c.name: k.take(at) for c, k in zip(self.columns, self.combinations, strict=True)}

    @cached_property
    def _texts(self) -> pa.Array:
        return pa.array(np.arange(len(self.combinations[0]))).cast(pa.string())

    @cached_property
    def _places(self) -> pa.Array:
        # what cannot be told apart from the others is the most frequent combination
        return pa.array(np.append(np.arange(len(self.combinations[0])), 0))

    def sentence(self) -> str:
        """What it does, in one sentence."""
        known = len(self.combinations[0])
        return f"Drawn as one of {known:,} combinations of {', '.join(self.gives)}, no other."

    def to_json(self) -> dict[str, Any]:
        """JSON-ready state."""
        return {
            "form": "joined",
            "name": self.name,
            "columns": list(self.gives),
            "combinations": [arrow_to_json(values) for values in self.combinations],
            "rules": list(self.rules),
        }

    @classmethod
    def from_json(cls, wire: Wire, schema: Schema) -> Joined:
        """Read back what `to_json` gave; FileFormatError on anything else."""
        names, name = wire.texts("columns"), wire.text("name")
        if len(names) < 2 or len(set(names)) < len(names) or not set(names) <= set(schema.names):
            raise wire.fail("columns", "columns of the table")
        if name in schema.names:
            raise wire.fail("name", "a name that no column has")
        lists = wire.items("combinations", length=len(names))
        columns = tuple(schema[n] for n in names)
        values = []
        for column, items in zip(columns, lists, strict=True):
            part = Wire.of({"values": items}, f"{wire.where}.combinations")
            values.append(arrow_from_json(part, "values", arrow_type(column)))
        if len({len(v) for v in values}) != 1 or len(values[0]) == 0:
            raise wire.fail("combinations", "as many values of each column, at least one")
        return cls(name, columns, tuple(values), tuple(wire.texts("rules")))


def numbered(values: Sequence[pa.Array]) -> tuple[IntArray, IntArray]:
    """A number for each row, equal where all values are, and the first row of each number."""
    key = np.zeros(len(values[0]), dtype=np.int64)
    for column in values:
        coded = column.dictionary_encode(null_encoding="encode")
        index = np.asarray(coded.indices).astype(np.int64)
        _, key = np.unique(key * (len(coded.dictionary) + 1) + index, return_inverse=True)
    _, first = np.unique(key, return_index=True)
    return key.astype(np.int64), first.astype(np.int64)
