"""A column that others never exceed: coded by how far it lies beyond the nearest of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from locum.arrays import BoolArray
from locum.codes.json_fields import Wire
from locum.codes.recoding import Values
from locum.control.layout.units import CommonUnit, Numbers, ends_of
from locum.control.rules.clause import Clause
from locum.errors import FileFormatError
from locum.schema.column import Column
from locum.schema.table import Schema

#: Different values that a column must have for a common step of them to be believed.
MANY = 20


@dataclass(frozen=True, slots=True)
class OrderGap:
    """``low <= column`` (or ``column <= high``) for one or several lows: the distance is coded.

    Attributes
    ----------
    column
        The column that is given back.
    others
        The columns that it never falls below (or exceeds).
    sign
        1 where it lies above the others, -1 where it lies below.
    strict
        Whether it never equals them either.
    base
        What stands in for the others where all are missing, in units.
    end
        The furthest that the column goes, in units; a gap that leads beyond is folded back.
    rules
        The orders that are kept; none where nearly all rows keep them, and gaps may be negative.
    unit
        Of the columns and the gap.
    grid
        Step and offset of the column's values, in units.
    """

    column: Column
    others: tuple[str, ...]
    sign: int
    strict: tuple[bool, ...]
    base: float
    end: float
    rules: tuple[str, ...]
    unit: CommonUnit
    grid: tuple[int, int] = (1, 0)

    @classmethod
    def fit(
        cls,
        table: Values,
        column: Column,
        others: Sequence[Column],
        sign: int,
        strict: Sequence[bool],
        rules: Sequence[str],
    ) -> OrderGap:
        """Learn where the column ends and what stands in for its neighbours."""
        unit = CommonUnit.of([column, *others])
        names = tuple(c.name for c in others)
        plain = cls(column, names, sign, tuple(strict), 0.0, 0.0, tuple(rules), unit)
        low, some = plain._reference(table)
        own, present = unit.read(table[column.name])
        base = float(np.median(low[some])) if some.any() else 0.0
        base = float(np.rint(base)) if unit.whole else base
        low_end, high_end = ends_of(own[present], whole=unit.whole)
        end = high_end if sign > 0 else low_end
        grid = _grid(own[present], unit.step(column)) if unit.whole else (1, 0)
        return cls(column, names, sign, tuple(strict), base, float(end), tuple(rules), unit, grid)

    @property
    def how(self) -> str:
        """How it keeps its rules, in a few words."""
        return "the distance between its columns is drawn"

    @property
    def gives(self) -> tuple[str, ...]:
        """The column."""
        return (self.column.name,)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The others."""
        return self.others

    @property
    def coded(self) -> Column:
        """The gap: a span of time or a number, under the name of the column."""
        return self._own.difference(self.column)

    @property
    def alone(self) -> bool:
        """No: the others are needed."""
        return False

    def forth(self, own: Values, table: Values) -> pa.Array:
        """The gap; missing where the column is."""
        units, present = self.unit.read(own[self.column.name])
        nearest, _ = self._nearest(table)
        gap = (units - nearest) * self.sign
        return self._own.write(gap // self._step if self.unit.whole else gap, present, self.coded)

    def width(self, own: pa.Array) -> tuple[Numbers, BoolArray]:
        """What was coded, in the common unit, and where there is something."""
        gap, present = self._own.read(own)
        return gap * self._step, present

    def back(self, own: Any, table: Values) -> dict[str, pa.Array]:
        """The column again, never on the wrong side of the others."""
        gap, present = self.width(own)
        if self.unit.whole:
            gap = gap // self.grid[0] * self.grid[0]
        nearest, some = self._nearest(table)
        if self.rules:
            gap = np.where(some, np.maximum(gap, 0), gap)
        room = (self._number(self.end) - nearest) * self.sign
        over = some & (gap > room) & (room > 0)
        # as far inside the end as it would lie beyond, so that none piles up there
        folded = np.maximum(2 * room - gap, 0)
        value = nearest + self.sign * np.where(over, folded, gap)
        return {self.column.name: self.unit.write(value, present, self.column)}

    def sentence(self) -> str:
        """What it does, in one sentence."""
        side = "above" if self.sign > 0 else "below"
        return f"Coded by how far it lies {side} {' and '.join(self.others)}, so that it never crosses it."

    def to_json(self) -> dict[str, Any]:
        """JSON-ready state."""
        return {
            "form": "gap",
            "column": self.column.name,
            "others": list(self.others),
            "sign": self.sign,
            "strict": list(self.strict),
            "base": self.base,
            "end": self.end,
            "grid": list(self.grid),
            "rules": list(self.rules),
        }

    @classmethod
    def from_json(cls, wire: Wire, schema: Schema) -> OrderGap:
        """Read back what `to_json` gave; FileFormatError on anything else."""
        names = [wire.text("column"), *wire.texts("others")]
        if len(names) < 2 or len(set(names)) < len(names) or not set(names) <= set(schema.names):
            raise wire.fail("others", "columns of the table")
        column, *others = (schema[name] for name in names)
        if not all(c.ordered for c in (column, *others)):
            raise wire.fail("column", "columns with an order")
        sign = wire.integer("sign", low=-1, high=1)
        strict = wire.items("strict", length=len(others))
        if sign == 0 or not all(isinstance(s, bool) for s in strict):
            raise wire.fail("strict", "true or false for each of the others")
        base, end = (wire.number(key, low=-1e300, high=1e300) for key in ("base", "end"))
        unit = CommonUnit.of([column, *others])
        if unit.whole and max(abs(base), abs(end)) > 2**62:
            raise FileFormatError("a gap is out of range", where=wire.where)
        rules = tuple(wire.texts("rules"))
        step, offset = wire.integers("grid", length=2, low=0, high=2**53).tolist()
        if step < 1:
            raise wire.fail("grid", "a step of 1 or more")
        return cls(column, tuple(names[1:]), sign, tuple(strict), base, end, rules, unit, (step, offset))

    @property
    def _own(self) -> CommonUnit:
        """The unit of the column alone, in which the gap is coded."""
        return CommonUnit.of([self.column]) if self.unit.whole else self.unit

    @property
    def _step(self) -> int:
        """The unit of the column, in common units."""
        return self.unit.step(self.column) if self.unit.whole and not self.unit.time else 1

    def _number(self, value: float) -> Any:
        return int(value) if self.unit.whole else value

    def _nearest(self, table: Values) -> tuple[Numbers, BoolArray]:
        """The value nearest to the others that the column may have, in units, and where there are others."""
        low, some = self._reference(table)
        low = np.where(some, low, self._number(self.base))
        if not self.unit.whole:
            return low, some
        for name, strict in zip(self.others, self.strict, strict=True):
            if strict:
                units, there = self.unit.read(table[name])
                low = np.where(there & (units == low), low + self.sign, low)
        step, offset = self.grid
        low = low - offset
        near = -(-low // step) * step if self.sign > 0 else low // step * step
        return near + offset, some

    def _reference(self, table: Values) -> tuple[Numbers, BoolArray]:
        """The nearest of the others, in units, and where there is one."""
        first, *more = self.others
        best, some = self.unit.read(table[first])
        for name in more:
            units, present = self.unit.read(table[name])
            nearer = present & (~some | (units * self.sign > best * self.sign))
            best, some = np.where(nearer, units, best), some | present
        return best, some


def _grid(units: Numbers, least: int) -> tuple[int, int]:
    """Common step of many different values, at least that of their last digit, and where it begins."""
    distinct = np.unique(units)
    if len(distinct) < MANY:
        return least, 0
    step = max(int(np.gcd.reduce(np.diff(distinct))), 1)
    return (step, int(distinct[0]) % step) if step % least == 0 else (least, 0)


def order_of_clause(clause: Clause) -> tuple[str, str, bool] | None:
    """Low, high and whether they never are equal, of a comparison of two columns."""
    term = clause.term
    if term.op not in ("<", "<=", ">", ">=") or any(a.op != "name" for a in term.args):
        return None
    a, b = (arg.node.value for arg in term.args)
    sorts = {arg.sort for arg in term.args}
    if not sorts <= {"number"} and not sorts <= {"moment"} and not sorts <= {"span"}:
        return None
    return (a, b, term.op == "<") if term.op in ("<", "<=") else (b, a, term.op == ">")
