"""A part of a date that is learned by itself, a weekday say: the date is moved to the nearest such day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.arrays import BoolArray
from locum.codes.calendar import CalendarCodebook
from locum.codes.json_fields import Wire
from locum.codes.recoding import Values
from locum.codes.settings import EncoderSettings
from locum.control.layout.formula import Formula
from locum.control.layout.lookup import Lookup
from locum.control.layout.units import DAY, ends_of
from locum.data.distinct import flat
from locum.randomness import stream
from locum.schema.column import Column
from locum.schema.table import Schema

#: Days that a date is moved by at most.
FARTHEST = 366
#: Share of the rows whose part the code of their date tells, from which on the part is calculated from it.
TOLD = 0.97
#: Rows of mixed dates and parts on which it is tried.
MIXED = 2_000


@dataclass(frozen=True, eq=False)
class NearestDay:
    """The date keeps its code, which says about when; its part is coded too, and decides about the day.

    A stretch of days that share a code says nothing of the weekday: were the weekday calculated from a date
    drawn inside, nothing that hangs on the weekday could be learned.

    Attributes
    ----------
    column
        The date or datetime.
    part
        How the part follows from it.
    low, high
        First and last day (or moment) that a date is moved to, in the unit of the column.
    """

    column: Column
    part: Formula | Lookup
    low: int
    high: int

    @classmethod
    def fit(cls, table: Values, column: Column, part: Formula | Lookup) -> NearestDay | None:
        """None where the code of the date tells its part, or no near day has what a row may ask for."""
        values, own = flat(table[column.name]), flat(table[part.column.name])
        there = pc.and_(pc.is_valid(values), pc.is_valid(own))
        values, own = values.filter(there), own.filter(there)
        if not len(values) or _told(values, own, column) >= TOLD:
            return None
        units = np.asarray(values.view(_integer(values.type)))
        low, high = ends_of(units, whole=True)
        found = cls(column, part, max(int(low), -(2**62)), min(int(high), 2**62))
        rng = stream(0, "nearest day", column.name)
        mixed = (pa.array(rng.integers(len(values), size=MIXED)) for _ in range(2))
        days, parts = (v.take(rows) for v, rows in zip((values, own), mixed, strict=True))
        back = found.back(days, {part.column.name: parts})[column.name]
        return found if pc.all(pc.equal(found._part_of(back), parts)).as_py() else None

    @property
    def how(self) -> str:
        """How it keeps its rules, in a few words."""
        return "the nearest such day is taken"

    @property
    def gives(self) -> tuple[str, ...]:
        """The date."""
        return (self.column.name,)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The part."""
        return (self.part.column.name,)

    @property
    def rules(self) -> tuple[str, ...]:
        """The rule."""
        return self.part.rules

    @property
    def coded(self) -> Column:
        """The date."""
        return self.column

    @property
    def alone(self) -> bool:
        """Yes: the date is coded as it is."""
        return True

    def forth(self, own: Values, table: Values) -> pa.Array:
        """The date."""
        return own[self.column.name]

    def back(self, own: Any, table: Values) -> dict[str, pa.Array]:
        """The nearest day whose part is that of the row; the day itself where there is none."""
        wanted = table[self.part.column.name]
        kind = _integer(own.type)
        units = np.array(pc.fill_null(own.view(kind), 0))
        step = 1 if pa.types.is_date32(own.type) else DAY
        rows = np.flatnonzero(self._wrong(own, wanted))
        for days in range(1, FARTHEST + 1):
            for sign in (1, -1) if days % 2 else (-1, 1):
                if not len(rows):
                    break
                moved = units[rows] + sign * days * step
                inside = (moved >= self.low) & (moved <= self.high)
                some = pa.array(moved.astype(units.dtype)).view(own.type)
                good = inside & ~self._wrong(some, wanted.take(pa.array(rows)))
                units[rows[good]] = moved[good]
                rows = rows[~good]
        out = pa.array(units, mask=np.asarray(pc.is_null(own))).view(own.type)
        return {self.column.name: out}

    def _part_of(self, values: pa.Array) -> pa.Array:
        return self.part.back(pa.nulls(len(values)), {self.column.name: values})[self.part.column.name]

    def _wrong(self, values: pa.Array, wanted: pa.Array) -> BoolArray:
        found = self._part_of(values)
        return np.asarray(pc.fill_null(pc.not_equal(found, wanted.cast(found.type)), False))

    def sentence(self) -> str:
        """What it does, in one sentence."""
        return f"Moved to the nearest day that goes with {self.part.column.name}."

    def to_json(self) -> dict[str, Any]:
        """JSON-ready state."""
        ends = {"low": self.low, "high": self.high}
        return {"form": "nearest day", "column": self.column.name, "part": self.part.to_json(), **ends}

    @classmethod
    def from_json(cls, wire: Wire, schema: Schema) -> NearestDay:
        """Read back what `to_json` gave; FileFormatError on anything else."""
        inner, name = wire.object("part"), wire.text("column")
        form = inner.text("form")
        if form not in ("formula", "lookup") or name not in schema.names:
            raise wire.fail("part", "a formula or a look-up of a date")
        part = Formula.from_json(inner, schema) if form == "formula" else Lookup.from_json(inner, schema)
        if part.inputs != (name,) or schema[name].kind not in ("date", "datetime"):
            raise wire.fail("part", "a part of the date")
        low, high = (wire.integer(key, low=-(2**62), high=2**62) for key in ("low", "high"))
        return cls(schema[name], part, low, high)


def _integer(kind: pa.DataType) -> pa.DataType:
    return pa.int32() if pa.types.is_date32(kind) else pa.int64()


def _told(values: pa.Array, own: pa.Array, column: Column) -> float:
    """Share of the rows that have the most frequent part among those with the same code of the day."""
    code = CalendarCodebook.fit(values, column, EncoderSettings()).encode(values)[0].astype(np.int64)
    part = own.dictionary_encode()
    width = len(part.dictionary)
    cells, counts = np.unique(code * width + np.asarray(part.indices), return_counts=True)
    most = np.zeros(int(code.max()) + 1)
    np.maximum.at(most, cells // width, counts)
    return float(most.sum() / len(code))
