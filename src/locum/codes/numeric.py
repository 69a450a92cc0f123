"""Integers, numbers and durations: a grid of atoms and cells over the raster, infinities, missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from locum.codes.codebook import OneAttribute, Treatment, null_mask, plural, with_nulls
from locum.codes.grid import Grid
from locum.codes.heaping import DECIMAL_STEPS, DURATION_STEPS
from locum.codes.json_fields import Wire
from locum.codes.lattice import Lattice, Units
from locum.codes.settings import EncoderSettings
from locum.schema.column import Column
from locum.schema.domain import Codes

_ARROW: dict[str, pa.DataType] = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "duration": pa.duration("us"),
}


@dataclass(frozen=True, slots=True, eq=False)
class NumericCodebook(OneAttribute):
    """Coding of an integer, number or duration (in microseconds) column.

    Codes ascend: minus infinity where seen, the grid, plus infinity where seen, ``null`` where seen (or where
    nothing else was).

    Attributes
    ----------
    name, kind
        The column.
    lattice
        The raster of its values.
    grid
        Codes of the finite values; None when there were none.
    minus, plus, has_nulls
        Whether the special codes exist.
    """

    family: ClassVar[str] = "numeric"
    ordered: ClassVar[bool] = True

    name: str
    kind: str
    lattice: Lattice
    grid: Grid | None
    minus: bool
    plus: bool
    has_nulls: bool

    @classmethod
    def fit(cls, values: pa.Array, column: Column, settings: EncoderSettings) -> NumericCodebook:
        """Find raster, atoms and cells. NaN, which a canonical table does not hold, counts as missing.

        Cost: one sort of the column.
        """
        present = _plain(values.drop_null())
        minus = plus = False
        missing = values.null_count > 0
        if present.dtype.kind == "f":
            finite = np.isfinite(present)
            if not finite.all():
                minus, plus = bool((present == -np.inf).any()), bool((present == np.inf).any())
                missing = missing or bool(np.isnan(present).any())
                present = present[finite]
        distinct, counts = np.unique(present, return_counts=True)
        if distinct.dtype.kind == "f":
            lattice = Lattice.of_floats(distinct, column.decimals)
        else:
            lattice = Lattice.of_integers(distinct)
        grid = None
        if len(distinct):
            units = lattice.to_units(distinct)
            steps = lattice.coarser(DURATION_STEPS if column.kind == "duration" else DECIMAL_STEPS)
            if lattice.whole and distinct.dtype.kind == "f":
                units, counts = _merge(units, counts)
            grid = Grid.fit(units, counts, settings, small=settings.small_support, steps=steps)
        has_nulls = missing or (grid is None and not (minus or plus))
        return cls(column.name, column.kind, lattice, grid, minus, plus, has_nulls)

    @property
    def _cells(self) -> int:
        return 0 if self.grid is None else self.grid.size

    @property
    def size(self) -> int:
        """Number of codes."""
        return self._cells + int(self.minus) + int(self.plus) + int(self.has_nulls)

    @property
    def exact(self) -> bool:
        """Whether there are atoms only."""
        return self.grid is None or bool(self.grid.atom.all())

    def encode(self, values: pa.Array) -> list[Codes]:
        """Codes; unseen values go to the nearest code.

        An infinity that fit did not see goes to the outermost code on its side; a missing value in a column
        that had none goes to the most frequent code.
        """
        missing = null_mask(values)
        zero = pa.scalar(0, pa.int64()).cast(values.type)
        plain = _plain(values.fill_null(zero) if missing.any() else values)
        lowest = int(self.minus) if self.grid is not None else 0
        last = max(0, self.size - int(self.has_nulls) - 1)
        codes = np.full(len(plain), lowest, dtype=np.int32)
        infinite = np.zeros(len(plain), dtype=bool)
        if plain.dtype.kind == "f":
            missing = missing | np.isnan(plain)
            infinite = ~np.isfinite(plain)
            plain = np.where(infinite, 0.0, plain) if infinite.any() else plain
        if self.grid is not None:
            codes += self.grid.encode(self.lattice.to_units(plain))
        if infinite.any():
            signed = np.asarray(_plain(values.fill_null(0.0)))
            codes[signed == -np.inf] = 0
            codes[signed == np.inf] = last
        if missing.any():
            mode = lowest + (0 if self.grid is None else self.grid.mode)
            codes[missing] = self.size - 1 if self.has_nulls else mode
        return [codes]

    def decode(self, codes: Sequence[Codes], rng: np.random.Generator) -> pa.Array:
        """Values: atoms as they are, cells by a draw inside."""
        at = codes[0]
        integer = self.kind != "number"
        values: Units = np.zeros(len(at), dtype=np.int64 if integer else np.float64)
        if self.grid is not None:
            inner = np.clip(at - int(self.minus), 0, self._cells - 1)
            values = self.lattice.to_values(self.grid.decode(inner, rng), integer=integer)
        if self.minus:
            values = np.where(at == 0, -np.inf, values)
        if self.plus:
            values = np.where(at == int(self.minus) + self._cells, np.inf, values)
        array = pa.array(values).view(_ARROW[self.kind])
        return with_nulls(array, at == self.size - 1) if self.has_nulls else array

    def treatment(self) -> Treatment:
        """In one sentence."""
        return Treatment(self.name, self.kind, self.size, self._sentence())

    def _sentence(self) -> str:
        if self.grid is None:
            return "No finite value was seen; nothing is learned but which kind of nothing it is."
        atoms = int(self.grid.atom.sum())
        cells = self.grid.size - atoms
        parts = []
        if atoms:
            parts.append(f"{plural(atoms, 'frequent value')} kept as such")
        if cells:
            parts.append(f"{plural(cells, 'interval')} with values drawn inside")
        if len(self.grid.spike_code):
            parts.append(f"{plural(len(self.grid.spike_code), 'repeated value')} inside intervals")
        if self.grid.heaping is not None:
            parts.append("round numbers as frequent as in the data")
        if self.minus or self.plus:
            parts.append("infinities kept")
        if self.has_nulls:
            parts.append("missing values kept as a code of their own")
        return ", ".join(parts) + "."

    @classmethod
    def from_json(cls, wire: Wire, column: Column) -> NumericCodebook:
        """Read back what `to_json` gave; FileFormatError on anything else."""
        grid = wire.optional("grid", Grid.from_json)
        lattice = Lattice.from_json(wire.object("lattice"))
        if grid is not None and (grid.low.dtype.kind == "i") != lattice.whole:
            raise wire.fail("grid", "a grid over the column's raster")
        infinite = wire.boolean("minus") or wire.boolean("plus")
        if column.kind != "number" and (lattice.decimals != 0 or infinite):
            raise wire.fail("lattice", "whole numbers")
        book = cls(
            column.name,
            column.kind,
            lattice,
            grid,
            wire.boolean("minus"),
            wire.boolean("plus"),
            wire.boolean("has_nulls"),
        )
        if book.size == 0:
            raise wire.fail("grid", "a column with at least one code")
        return book


def _plain(values: pa.Array) -> Units:
    """Numbers of an array without nulls; durations as microseconds."""
    if pa.types.is_duration(values.type):
        values = values.view(pa.int64())
    return np.asarray(values)


def _merge(units: Units, counts: Units) -> tuple[Units, Units]:
    """Join values that fall on one unit (0.30000000000000004 and 0.3)."""
    if (np.diff(units) > 0).all():
        return units, counts
    fresh = np.flatnonzero(np.concatenate([[True], units[1:] != units[:-1]]))
    return units[fresh], np.add.reduceat(counts, fresh)
