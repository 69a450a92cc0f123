"""Columns of which only some combinations occur: the combination is coded, and each column looked up."""

from __future__ import annotations

from collections.abc import Collection, Sequence
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
from locum.codes.settings import EncoderSettings
from locum.control.layout.stretches import Stretches
from locum.control.layout.units import CommonUnit
from locum.data.distinct import flat
from locum.schema.column import Column
from locum.schema.table import Schema

#: Between the names of joined columns in the name of what is coded.
SIGN = " × "


#: Least sum of the shares of combinations in a model file: they are written with six digits.
LEAST_WEIGHT = 1e-6


@dataclass(frozen=True, eq=False)
class Joined:
    """The combinations of some columns as the values of one.

    Where one of the columns has an order, combinations are numbered by it and coded as whole numbers, so that
    what depends on a distance can be learned from the number of a route; else they are labels.

    Attributes
    ----------
    name
        Of what is coded.
    columns
        The columns that are given back.
    combinations
        The values of each, combination by combination, the most frequent first.
    weights
        Share of the rows that have each combination; 0 for those of too few rows to be written.
    rules
        The rules that are kept.
    """

    name: str
    columns: tuple[Column, ...]
    combinations: tuple[pa.Array, ...]
    weights: FloatArray
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
        count = count[order]
        # somebody alone with a combination is not written, unless nobody has company
        written = np.where(count >= min(EncoderSettings().rare_rows, count[0]), count, 0)
        weights = np.round(written / written.sum(), 6)
        return cls(name, tuple(columns), tuple(v.take(rows) for v in values), weights, tuple(rules))

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
        """The number of the combination: an integer where it has an order, else a category."""
        return Column(self.name, "category" if self.lead is None else "integer", False)

    @property
    def alone(self) -> bool:
        """Yes: it has no inputs."""
        return True

    def forth(self, own: Values, table: Values) -> pa.Array:
        """The number of each row's combination; one that is not known has the number -1."""
        number = self.numbers({c.name: own[c.name] for c in self.columns})
        if self._stretches is not None:
            return pa.array(np.where(number >= 0, self._stretches.middle[self._rank[number]], -1))
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
        """The values of the combinations; what is not the number of one becomes the nearest, or the first."""
        number = np.asarray(pc.fill_null(pc.cast(own, pa.int64()), 0))
        if self._stretches is None:
            number = np.where((number < 0) | (number >= len(self.weights)), 0, number)
            place = np.where(self.weights[number] > 0, number, 0)
        else:
            place = self._by_rank[self._stretches.index(number)]
        at = pa.array(place)
        return {c.name: k.take(at) for c, k in zip(self.columns, self.combinations, strict=True)}

    def lead_values(self, without: Collection[str] = ()) -> FloatArray | None:
        """The values of the first column with an order, by combination; None where there is none."""
        for column, values in zip(self.columns, self.combinations, strict=True):
            if column.ordered and column.name not in without:
                units, present = CommonUnit.of([column]).read(values)
                out: FloatArray = np.where(present, units.astype(np.float64), np.inf)
                return out
        return None

    @cached_property
    def lead(self) -> FloatArray | None:
        """What combinations are ordered by; None for labels."""
        return self.lead_values()

    @cached_property
    def _by_rank(self) -> IntArray:
        """The combinations in the order of what leads."""
        assert self.lead is not None
        return np.argsort(self.lead, kind="stable")

    @cached_property
    def _rank(self) -> IntArray:
        """The place of each combination in that order."""
        return np.argsort(self._by_rank)

    @cached_property
    def _stretches(self) -> Stretches | None:
        return None if self.lead is None else Stretches.of(self.weights[self._by_rank])

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
            "weights": self.weights.tolist(),
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
        weights = wire.numbers("weights", length=len(values[0]), low=0.0, high=1.0)
        if weights.sum() < LEAST_WEIGHT:
            raise wire.fail("weights", "shares of which at least one is above 0")
        return cls(name, columns, tuple(values), weights, tuple(wire.texts("rules")))


def numbered(values: Sequence[pa.Array]) -> tuple[IntArray, IntArray]:
    """A number for each row, equal where all values are, and the first row of each number."""
    key = np.zeros(len(values[0]), dtype=np.int64)
    for column in values:
        coded = column.dictionary_encode(null_encoding="encode")
        index = np.asarray(coded.indices).astype(np.int64)
        _, key = np.unique(key * (len(coded.dictionary) + 1) + index, return_inverse=True)
    _, first = np.unique(key, return_index=True)
    return key.astype(np.int64), first.astype(np.int64)
