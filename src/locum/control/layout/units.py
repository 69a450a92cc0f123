"""Numbers and times of several columns in one common unit, so that differences are exact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from locum.arrays import BoolArray
from locum.codes.encoder import arrow_type
from locum.data.distinct import flat
from locum.schema.column import Column

#: Microseconds of a day, the unit of dates among datetimes.
DAY = 86_400_000_000
#: Decimals up to which numbers are counted in whole units; beyond, and for larger numbers, as doubles.
MOST_DECIMALS, LARGEST = 9, 2**52

#: Parts into which the range of a column is cut to say where it ends, so that no single extreme is an end.
PARTS = 200

Numbers = npt.NDArray[Any]


def ends_of(units: Numbers, *, whole: bool) -> tuple[float, float]:
    """Lowest and highest value, each rounded outwards by less than a two-hundredth of the range."""
    if not len(units):
        return 0.0, 0.0
    low, high = float(units.min()), float(units.max())
    step = (high - low) / PARTS
    step = 10.0 ** np.floor(np.log10(step)) if step > 0 else 0.0
    step = max(step, 1.0) if whole else step
    if not step:
        return low, high
    return float(np.floor(low / step) * step), float(np.ceil(high / step) * step)


def reflected(units: Numbers, low: float, high: float) -> Numbers:
    """Values beyond an end as far inside it, so that none is beyond and none piles up."""
    out = np.where(units > high, 2 * high - units, units)
    out = np.where(out < low, 2 * low - out, out)
    return np.clip(out, low, high).astype(units.dtype)


@dataclass(frozen=True, slots=True)
class CommonUnit:
    """The common unit of some columns.

    Attributes
    ----------
    time
        Whether it is a microsecond.
    decimals
        Otherwise: digits after the point that a unit stands for; None for numbers without a raster.
    """

    time: bool
    decimals: int | None

    @classmethod
    def of(cls, columns: list[Column]) -> CommonUnit:
        """The unit of columns of one sort: the finest of their decimals, or microseconds."""
        if any(c.kind in ("date", "datetime", "duration") for c in columns):
            return cls(True, None)
        decimals = [0 if c.kind == "integer" else c.decimals for c in columns]
        known = [d for d in decimals if d is not None]
        if len(known) < len(decimals) or max(known) > MOST_DECIMALS:
            return cls(False, None)
        return cls(False, max(known))

    @property
    def whole(self) -> bool:
        """Whether values are whole numbers of it."""
        return self.time or self.decimals is not None

    def step(self, column: Column) -> int:
        """How many units the last digit of a column stands for; 1 without a raster."""
        if self.time:
            return DAY if column.kind == "date" else 1
        if self.decimals is None:
            return 1
        own = 0 if column.kind == "integer" else column.decimals or 0
        return int(10 ** (self.decimals - own))

    def read(self, values: pa.Array) -> tuple[Numbers, BoolArray]:
        """Values in units, 0 where missing, and which are present."""
        values = flat(values)
        present = np.asarray(pc.is_valid(values))
        if self.time:
            days = pa.types.is_date32(values.type)
            whole = pc.fill_null(values.view(pa.int32() if days else pa.int64()), 0)
            return np.asarray(whole).astype(np.int64) * (DAY if days else 1), present
        plain = np.asarray(pc.fill_null(values, 0))
        if self.decimals is None:
            return plain.astype(np.float64), present
        if plain.dtype.kind == "i":
            return plain * 10**self.decimals, present
        finite = np.isfinite(plain) & (np.abs(plain) < LARGEST / 10.0**self.decimals)
        scaled = np.rint(np.where(finite, plain, 0.0) * 10.0**self.decimals)
        return scaled.astype(np.int64), present & finite

    def difference(self, column: Column) -> Column:
        """What a difference of two values is, under the name of a column: a span of time or a number."""
        if self.time:
            return Column(column.name, "duration", column.nullable)
        if self.decimals == 0:
            return Column(column.name, "integer", column.nullable)
        return Column(column.name, "number", column.nullable, decimals=self.decimals)

    def write(self, units: Numbers, present: BoolArray, column: Column) -> pa.Array:
        """Canonical values of a column."""
        kind = arrow_type(column)
        if column.kind in ("date", "datetime", "duration"):
            width = np.int32 if column.kind == "date" else np.int64
            whole = (units // (DAY if column.kind == "date" else 1)).astype(width)
            return pa.array(whole, mask=~present).view(kind)
        if self.decimals is None or column.kind == "integer":
            whole = units // 10 ** (self.decimals or 0) if column.kind == "integer" else units
            return pa.array(whole, mask=~present).cast(kind)
        digits = column.decimals if column.decimals is not None else self.decimals
        return pa.array(np.round(units / 10.0**self.decimals, digits), kind, mask=~present)
