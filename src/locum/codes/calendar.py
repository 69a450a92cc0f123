"""Dates and datetimes: a grid over days with the calendar's pattern inside, and a grid over times of day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from locum.arrays import IntArray
from locum.codes.codebook import ColumnCode, Treatment, null_mask, plural, with_nulls
from locum.codes.grid import Grid
from locum.codes.heaping import CLOCK_STEPS
from locum.codes.json_fields import Wire
from locum.codes.lattice import Lattice
from locum.codes.season import Season
from locum.codes.settings import EncoderSettings
from locum.schema.column import Column
from locum.schema.domain import Attribute, Codes

#: Microseconds of a day.
DAY = 86_400_000_000


@dataclass(frozen=True, slots=True, eq=False)
class CalendarCodebook(ColumnCode):
    """Coding of a date or datetime column.

    The day is one attribute named like the column. Times of day, where any differs from midnight, are a
    second one, ``<column>:time``; it has a ``null`` code where the day has one, so that a missing datetime is
    missing in both.

    Attributes
    ----------
    name, kind, timezone
        The column.
    days, season
        Grid of days since 1970-01-01 (None when nothing was seen), and the pattern inside its cells.
    clock, lattice
        Grid of times of day and its raster in microseconds; None when all are midnight.
    has_nulls
        Whether ``null`` exists.
    """

    family: ClassVar[str] = "calendar"

    name: str
    kind: str
    timezone: str
    days: Grid | None
    season: Season | None
    clock: Grid | None
    lattice: Lattice | None
    has_nulls: bool

    @classmethod
    def fit(cls, values: pa.Array, column: Column, settings: EncoderSettings) -> CalendarCodebook:
        """Find day atoms and cells, the pattern of days within cells, and the grid of times."""
        day, time = _split(values.drop_null(), column.kind)
        days = season = clock = lattice = None
        if len(day):
            distinct, counts = np.unique(day, return_counts=True)
            days = Grid.fit(distinct, counts, settings, small=settings.day_support)
            days, season = Season.fit(distinct, counts, days)
            if time.any():
                times, counts = np.unique(time, return_counts=True)
                lattice = Lattice.of_integers(times)
                units, steps = lattice.to_units(times), lattice.coarser(CLOCK_STEPS)
                clock = Grid.fit(units, counts, settings, small=settings.small_support, steps=steps)
        has_nulls = values.null_count > 0 or days is None
        return cls(column.name, column.kind, column.timezone, days, season, clock, lattice, has_nulls)

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """The day, and the time of day where there is one."""
        extra = int(self.has_nulls)
        size = (0 if self.days is None else self.days.size) + extra
        day = Attribute(self.name, self.name, size, True, size - 1 if extra else None)
        if self.clock is None:
            return (day,)
        size = self.clock.size + extra
        return day, Attribute(f"{self.name}:time", self.name, size, True, size - 1 if extra else None)

    @property
    def exact(self) -> bool:
        """Whether there are atoms only and no times of day."""
        return self.clock is None and (self.days is None or bool(self.days.atom.all()))

    def encode(self, values: pa.Array) -> list[Codes]:
        """Codes; unseen days and times go to the nearest code.

        A missing value in a column that had none goes to the most frequent codes.
        """
        missing = null_mask(values)
        zero = pa.scalar(0, pa.int64() if self.kind == "datetime" else pa.int32()).cast(values.type)
        day, time = _split(values.fill_null(zero) if missing.any() else values, self.kind)
        out: list[Codes] = []
        pairs = [(self.days, day)]
        if self.clock is not None and self.lattice is not None:
            pairs.append((self.clock, self.lattice.to_units(time)))
        for grid, units in pairs:
            if grid is None:
                out.append(np.zeros(len(units), dtype=np.int32))
                continue
            codes = grid.encode(units)
            codes[missing] = grid.size if self.has_nulls else grid.mode
            out.append(codes)
        return out

    def decode(self, codes: Sequence[Codes], rng: np.random.Generator) -> pa.Array:
        """Days (and times) inside their codes.

        A row with a day whose time is ``null``, which only a model can make, gets a time by overall shares.
        """
        at = codes[0]
        if self.days is None:
            return pa.nulls(len(at), self._arrow())
        inner = np.minimum(at, self.days.size - 1)
        days = self._days(self.days, inner, rng)
        if self.kind == "date":
            array = pa.array(days.astype(np.int32)).view(pa.date32())
        else:
            time: IntArray = np.zeros(len(at), dtype=np.int64)
            if self.clock is not None and self.lattice is not None:
                clock = codes[1].copy()
                lost = clock >= self.clock.size
                if lost.any():
                    share = self.clock.share / self.clock.share.sum()
                    clock[lost] = rng.choice(self.clock.size, size=int(lost.sum()), p=share)
                units = self.clock.decode(clock, rng)
                time = np.clip(self.lattice.to_values(units, integer=True), 0, DAY - 1)
            array = pa.array(_join(days, time)).view(self._arrow())
        return with_nulls(array, at >= self.days.size)

    def _days(self, grid: Grid, codes: Codes, rng: np.random.Generator) -> IntArray:
        if self.season is None:
            return np.asarray(grid.decode(codes, rng), dtype=np.int64)
        places = grid.fractions(codes, rng)
        low, high = grid.low[codes], grid.high[codes]
        days = self.season.days(low, high, places, int(grid.low[0]), int(grid.high[-1]))
        return np.asarray(grid.with_spikes(days, codes, rng), dtype=np.int64)

    def _arrow(self) -> pa.DataType:
        if self.kind == "date":
            return pa.date32()
        return pa.timestamp("us", tz="UTC") if self.timezone else pa.timestamp("us")

    def treatment(self) -> Treatment:
        """In one sentence."""
        codes = sum(a.size for a in self.attributes)
        if self.days is None:
            return Treatment(self.name, self.kind, codes, "No value was seen.")
        atoms = int(self.days.atom.sum())
        cells = self.days.size - atoms
        parts = []
        if atoms:
            parts.append(f"{plural(atoms, 'day')} kept as such")
        if cells:
            parts.append(f"{plural(cells, 'stretch', 'stretches')} of days")
        if self.season is not None:
            parts.append("weekdays, month days and months as frequent as in the data")
        if self.clock is not None:
            parts.append(f"time of day in {plural(self.clock.size, 'code')}")
        if self.has_nulls:
            parts.append("missing values kept as a code of their own")
        return Treatment(self.name, self.kind, codes, ", ".join(parts) + ".")

    @classmethod
    def from_json(cls, wire: Wire, column: Column) -> CalendarCodebook:
        """Read back what `to_json` gave; FileFormatError on anything else."""
        days = wire.optional("days", Grid.from_json)
        clock = wire.optional("clock", Grid.from_json)
        lattice = wire.optional("lattice", Lattice.from_json)
        has_nulls = wire.boolean("has_nulls")
        limit = 2**31 if column.kind == "date" else (2**63 - 1) // DAY + 1
        if days is None:
            if clock is not None or not has_nulls:
                raise wire.fail("days", "a column with at least one code")
        elif days.low.dtype.kind != "i" or days.low[0] < -limit or days.high[-1] >= limit:
            raise wire.fail("days", "days that a date can hold")
        if (clock is None) != (lattice is None) or (clock is not None and column.kind == "date"):
            raise wire.fail("clock", "times of day together with their raster")
        if clock is not None and lattice is not None:
            times = lattice.to_values(np.array([clock.low[0], clock.high[-1]]), integer=True)
            if lattice.decimals != 0 or clock.low.dtype.kind != "i" or times[0] < 0 or times[1] >= DAY:
                raise wire.fail("clock", "microseconds of a day")
        season = None
        if days is not None and not wire.is_null("season"):
            season = Season.from_json(wire.object("season"))
            if int(days.high[-1]) - int(days.low[0]) > 4_000_000:
                raise wire.fail("season", "nothing for a span of so many years")
        zone = wire.text("timezone")
        return cls(column.name, column.kind, zone, days, season, clock, lattice, has_nulls)


def _split(values: pa.Array, kind: str) -> tuple[IntArray, IntArray]:
    """Days since 1970-01-01 and microseconds since midnight of values without nulls."""
    if kind == "date":
        days = np.asarray(values.view(pa.int32())).astype(np.int64)
        return days, np.zeros(0, dtype=np.int64)
    moments = np.asarray(values.view(pa.int64()))
    days = moments // DAY
    return days, moments - days * DAY


def _join(days: IntArray, time: IntArray) -> IntArray:
    """Microseconds since 1970; times of the first and last day of int64 are held inside what it can say."""
    (first, earliest), (last, latest) = divmod(-(2**63), DAY), divmod(2**63 - 1, DAY)
    time = np.where(days <= first, np.maximum(time, earliest), time)
    time = np.where(days >= last, np.minimum(time, latest), time)
    # the product may wrap on the first day; adding the time wraps it back
    moments: IntArray = np.clip(days, first, last) * DAY + time
    return moments
