"""Columns of which only some combinations occur, of which one has to stay as it is: the others within it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.arrays import IntArray
from locum.codes.json_fields import Wire
from locum.codes.recoding import Values
from locum.control.layout.joined import Joined, numbered
from locum.data.distinct import flat
from locum.schema.column import Column
from locum.schema.table import Schema


@dataclass(frozen=True, eq=False)
class Nested:
    """The place of a combination among those that go with the columns that stay.

    Attributes
    ----------
    joined
        All the columns with their combinations, the most frequent first.
    within
        Names of those that stay as they are: a target, protected columns.
    """

    joined: Joined
    within: tuple[str, ...]

    @classmethod
    def fit(
        cls, table: Values, columns: Sequence[Column], within: Sequence[str], rules: Sequence[str]
    ) -> Nested:
        """Count the combinations."""
        return cls(Joined.fit(table, columns, rules, ()), tuple(within))

    @property
    def how(self) -> str:
        """How it keeps its rules, in a few words."""
        return self.joined.how

    @property
    def gives(self) -> tuple[str, ...]:
        """The columns that do not stay."""
        return tuple(name for name in self.joined.gives if name not in self.within)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Those that stay."""
        return self.within

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that are kept."""
        return self.joined.rules

    @property
    def alone(self) -> bool:
        """No: the place counts within the columns that stay."""
        return False

    @property
    def coded(self) -> Column:
        """A category under the name of the first column: the place, as text."""
        return Column(self.gives[0], "category", False)

    def forth(self, own: Values, table: Values) -> pa.Array:
        """The place of each row's combination; -1 for one that is not known."""
        values = {name: own.get(name, table.get(name)) for name in self.joined.gives}
        number = self.joined.numbers({name: v for name, v in values.items() if v is not None})
        return pa.array(np.where(number >= 0, self._place[number], -1)).cast(pa.string())

    def back(self, own: Any, table: Values) -> dict[str, pa.Array]:
        """The values of the combinations; a place beyond the last one starts again from the first."""
        place = np.asarray(pc.fill_null(pc.cast(own, pa.int64()), 0))
        group = self._groups_of(table)
        known = group >= 0
        at = np.zeros(len(place), dtype=np.int64)
        size = self._size[np.where(known, group, 0)]
        spot = self._start[np.where(known, group, 0)] + np.maximum(place, 0) % size
        at[known] = self._order[spot[known]]
        rows = pa.array(at)
        pairs = zip(self.joined.columns, self.joined.combinations, strict=True)
        return {c.name: values.take(rows) for c, values in pairs if c.name not in self.within}

    def sentence(self) -> str:
        """What it does, in one sentence."""
        known = len(self.joined.combinations[0])
        names = ", ".join(self.joined.gives)
        return f"Drawn as one of {known:,} combinations of {names}, no other."

    def to_json(self) -> dict[str, Any]:
        """JSON-ready state."""
        return {**self.joined.to_json(), "form": "nested", "within": list(self.within)}

    @classmethod
    def from_json(cls, wire: Wire, schema: Schema) -> Nested:
        """Read back what `to_json` gave; FileFormatError on anything else."""
        joined, within = Joined.from_json(wire, schema), wire.texts("within")
        if not within or not set(within) < set(joined.gives):
            raise wire.fail("within", "some of the columns")
        return cls(joined, tuple(within))

    @property
    def _keys(self) -> list[pa.Array]:
        pairs = zip(self.joined.columns, self.joined.combinations, strict=True)
        return [values for c, values in pairs if c.name in self.within]

    @cached_property
    def _group(self) -> IntArray:
        """The group of each combination."""
        return numbered(self._keys)[0]

    @cached_property
    def _order(self) -> IntArray:
        """Combinations, group by group, each the most frequent first."""
        return np.argsort(self._group, kind="stable")

    @cached_property
    def _size(self) -> IntArray:
        return np.bincount(self._group)

    @cached_property
    def _start(self) -> IntArray:
        return np.append(0, np.cumsum(self._size))[:-1]

    @cached_property
    def _place(self) -> IntArray:
        """Place of each combination in its group."""
        place = np.empty(len(self._group), dtype=np.int64)
        place[self._order] = np.arange(len(place)) - np.repeat(self._start, self._size)
        return place

    def _groups_of(self, table: Values) -> IntArray:
        """The group of each row, -1 where the columns that stay have a combination that is not known."""
        names = [c.name for c in self.joined.columns if c.name in self.within]
        known = len(self._group)
        both = [
            pa.concat_arrays([held, flat(table[name]).cast(held.type)])
            for name, held in zip(names, self._keys, strict=True)
        ]
        number, _ = numbered(both)
        group = np.full(int(number.max(initial=-1)) + 1, -1, dtype=np.int64)
        group[number[:known]] = self._group
        return group[number[known:]]
