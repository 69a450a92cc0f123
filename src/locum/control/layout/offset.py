"""A number that nearly follows from another: coded by how far it lies from the line through both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from locum.arrays import BoolArray, FloatArray
from locum.codes.json_fields import Wire
from locum.codes.recoding import Values
from locum.control.layout.units import LARGEST, CommonUnit, Numbers, ends_of, reflected
from locum.schema.column import Column
from locum.schema.table import Schema

#: Significant digits of the line: more would say nothing that the residuals do not.
DIGITS = 6


@dataclass(frozen=True, slots=True)
class Offset:
    """``column = level + slope * other``, and what is left is coded.

    Values are drawn inside cells, so that a pair with a correlation of .999 would come back with the spread
    of a cell; the distance from the line has cells of its own.

    Attributes
    ----------
    column, other
        The column that is given back, and the one that it nearly follows from.
    slope, level
        The line, in units of each column.
    middle
        What stands in for the other where it is missing, in its units.
    low, high
        Where the column ends, rounded, in its units; what would lie beyond is reflected.
    """

    column: Column
    other: Column
    slope: float
    level: float
    middle: float
    low: float = -np.inf
    high: float = np.inf

    @classmethod
    def fit(cls, table: Values, column: Column, other: Column) -> Offset | None:
        """The least-squares line; None where there is none."""
        plain = cls(column, other, 0.0, 0.0, 0.0)
        y, there = plain.unit.read(table[column.name])
        x, some = plain.other_unit.read(table[other.name])
        both = there & some
        a, b = x[both].astype(np.float64), y[both].astype(np.float64)
        if len(a) < 2 or not np.isfinite(a).all() or not np.isfinite(b).all() or a.std() == 0:
            return None
        slope = float(np.cov(a, b)[0, 1] / a.var(ddof=1))
        slope = float(f"{slope:.{DIGITS}g}")
        level = float(f"{b.mean() - slope * a.mean():.{DIGITS}g}")
        low, high = ends_of(y[there], whole=plain.unit.whole)
        return cls(column, other, slope, level, float(np.median(a)), low, high)

    @property
    def unit(self) -> CommonUnit:
        """Of the column and the distance."""
        return CommonUnit.of([self.column])

    @property
    def other_unit(self) -> CommonUnit:
        """Of the other column."""
        return CommonUnit.of([self.other])

    @property
    def how(self) -> str:
        """How it keeps its rules, in a few words."""
        return "drawn as a distance from a line"

    @property
    def gives(self) -> tuple[str, ...]:
        """The column."""
        return (self.column.name,)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The other."""
        return (self.other.name,)

    @property
    def rules(self) -> tuple[str, ...]:
        """None: it is no rule."""
        return ()

    @property
    def alone(self) -> bool:
        """No: the other is needed."""
        return False

    @property
    def coded(self) -> Column:
        """The distance, under the name of the column."""
        return self.unit.difference(self.column)

    def forth(self, own: Values, table: Values) -> pa.Array:
        """The distance from the line; missing where the column is."""
        units, present = self.unit.read(own[self.column.name])
        return self.unit.write(units - self._line(table), present, self.coded)

    def width(self, own: pa.Array) -> tuple[Numbers, BoolArray]:
        """What was coded, in the unit of the column, and where there is something."""
        return self.unit.read(own)

    def back(self, own: Any, table: Values) -> dict[str, pa.Array]:
        """The column again."""
        distance, present = self.unit.read(own)
        value = reflected(distance + self._line(table), self.low, self.high)
        return {self.column.name: self.unit.write(value, present, self.column)}

    def sentence(self) -> str:
        """What it does, in one sentence."""
        return f"Coded by how far it lies from a line over {self.other.name}."

    def to_json(self) -> dict[str, Any]:
        """JSON-ready state."""
        line = {"slope": self.slope, "level": self.level, "middle": self.middle}
        line |= {"low": self.low, "high": self.high}
        return {"form": "offset", "column": self.column.name, "other": self.other.name, **line}

    @classmethod
    def from_json(cls, wire: Wire, schema: Schema) -> Offset:
        """Read back what `to_json` gave; FileFormatError on anything else."""
        names = wire.text("column"), wire.text("other")
        if names[0] == names[1] or not set(names) <= set(schema.names):
            raise wire.fail("other", "two columns of the table")
        column, other = (schema[name] for name in names)
        if not (column.ordered and other.ordered):
            raise wire.fail("column", "columns with an order")
        keys = ("slope", "level", "middle", "low", "high")
        slope, level, middle, low, high = (wire.number(k, low=-1e300, high=1e300) for k in keys)
        return cls(column, other, slope, level, middle, low, high)

    def _line(self, table: Values) -> Numbers:
        x, some = self.other_unit.read(table[self.other.name])
        line: FloatArray = self.level + self.slope * np.where(some, x.astype(np.float64), self.middle)
        step = self.unit.step(self.column)
        if not self.unit.whole:
            return line
        return (np.rint(np.clip(line, -LARGEST, LARGEST) / step) * step).astype(np.int64)
