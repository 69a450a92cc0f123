"""Columns of which only some combinations occur, of which some stay as they are: the others within those."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.arrays import FloatArray, IntArray
from locum.codes.json_fields import Wire
from locum.codes.recoding import Values
from locum.control.layout.joined import Joined, numbered
from locum.control.layout.stretches import Stretches, nearest
from locum.data.distinct import flat
from locum.schema.column import Column
from locum.schema.table import Schema


@dataclass(frozen=True, eq=False)
class Nested:
    """What the other columns are, as a label that means the same whatever the columns that stay are.

    The label says as few of the other columns as tell the combination, given those that stay; the rest is
    looked up. A label that does not go with those that stay is read as the nearest one that does: labels are
    in the order of the first column that has one, so that a route that is not flown becomes one as long.

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
        """No: what goes with a label depends on the columns that stay."""
        return False

    @property
    def coded(self) -> Column:
        """The label, under the name of the first column: an integer where labels have an order."""
        return Column(self.gives[0], "category" if self._lead is None else "integer", False)

    def forth(self, own: Values, table: Values) -> pa.Array:
        """The label of each row's combination; -1 for one that is not known."""
        values = {name: own.get(name, table.get(name)) for name in self.joined.gives}
        number = self.joined.numbers({name: v for name, v in values.items() if v is not None})
        if self._stretches is not None:
            return pa.array(np.where(number >= 0, self._stretches.middle[self._label[number]], -1))
        return pa.array(np.where(number >= 0, self._label[number], -1)).cast(pa.string())

    def back(self, own: Any, table: Values) -> dict[str, pa.Array]:
        """The values of the combinations; what cannot be read as a label is the first one."""
        label = np.asarray(pc.fill_null(pc.cast(own, pa.int64()), 0))
        if self._stretches is not None:
            label = self._stretches.index(label)
        label = np.clip(label, 0, self._nearest.shape[1] - 1)
        rows = pa.array(self._nearest[self._groups_of(table), label])
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
    def _key(self) -> list[int]:
        """Positions of the columns that tell the combination, given those that stay."""
        columns, combinations = self.joined.columns, self.joined.combinations
        key = [i for i, c in enumerate(columns) if c.name not in self.within]
        many = {i: pc.count_distinct(combinations[i], mode="all").as_py() for i in key}
        for i in sorted(key, key=lambda i: (columns[i].ordered, many[i]), reverse=True):
            rest = [k for k in key if k != i]
            if rest and len(numbered([*self._keys, *(combinations[k] for k in rest)])[1]) == len(self._group):
                key = rest
        return key

    @cached_property
    def _lead(self) -> FloatArray | None:
        """What labels are ordered by, combination by combination; None where nothing leads."""
        return self.joined.lead_values(self.within)

    @cached_property
    def _weights(self) -> FloatArray:
        """Share of the rows that have each label."""
        return np.bincount(self._label, self.joined.weights).astype(np.float64)

    @cached_property
    def _stretches(self) -> Stretches | None:
        return None if self._lead is None else Stretches.of(self._weights)

    @cached_property
    def _label(self) -> IntArray:
        """The label of each combination."""
        number, _ = numbered([self.joined.combinations[i] for i in self._key])
        place = np.arange(len(number), dtype=np.float64) if self._lead is None else self._lead
        first = np.full(int(number.max()) + 1, np.inf)
        np.minimum.at(first, number, place)
        rank = np.empty(len(first), dtype=np.int64)
        rank[np.argsort(first, kind="stable")] = np.arange(len(first))
        return rank[number]

    @cached_property
    def _nearest(self) -> IntArray:
        """The combination that each label stands for, in each group; a last line for unknown groups."""
        groups, labels = int(self._group.max()) + 1, int(self._label.max()) + 1
        out = np.zeros((groups + 1, labels), dtype=np.int64)
        every = np.arange(len(self._group))
        for group in range(groups + 1):
            mine = every if group == groups else np.flatnonzero(self._group == group)
            some = mine[self.joined.weights[mine] > 0]
            # the most frequent combination of a label stands for it
            label, at = np.unique(self._label[some if len(some) else mine], return_index=True)
            combination = (some if len(some) else mine)[at]
            out[group] = combination[nearest(label, labels)]
        return out

    def _groups_of(self, table: Values) -> IntArray:
        """The group of each row, the one after the last where those that stay are not known."""
        names = [c.name for c in self.joined.columns if c.name in self.within]
        known = len(self._group)
        both = [
            pa.concat_arrays([held, flat(table[name]).cast(held.type)])
            for name, held in zip(names, self._keys, strict=True)
        ]
        number, _ = numbered(both)
        unknown = int(self._group.max()) + 1
        group = np.full(int(number.max(initial=-1)) + 1, unknown, dtype=np.int64)
        group[number[:known]] = self._group
        return group[number[known:]]
