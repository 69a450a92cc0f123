"""Ordered values <-> ascending codes: atoms (one value each) and, between them, cells with a shape inside.

Works on *units* (see `lattice`): int64 on a raster, float64 without one. Knows nothing of nulls or kinds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from locum.arrays import BoolArray, FloatArray, IntArray
from locum.codes.heaping import Heaping
from locum.codes.json_fields import Wire, plain_numbers
from locum.codes.lattice import Units
from locum.codes.number_bins import Support, find_support, round_between, round_step
from locum.codes.settings import EncoderSettings
from locum.codes.shapes import SEGMENTS, fit_shapes, unit_fractions
from locum.schema.domain import Codes

#: Rounding to steps is offered only where unit arithmetic is exact in float64 and cannot overflow.
_HEAP_LIMIT = 2**52
#: Rows of a value that is repeated as such inside a cell, in units of an atom's, unless the value is round.
_SPIKE_ATOMS = 2
_LIMIT = float(np.finfo(np.float64).max)
#: No grid in a file may claim more codes than this.
_MAX_CODES = 1 << 17


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The codes of one ordered attribute.

    Attributes
    ----------
    atom
        Whether the code stands for one value; shape (n_codes,).
    low, high
        Lowest and highest unit that the code is decoded to (equal for atoms); shape (n_codes,).
    upper
        Highest unit coded as each code but the last; ascending; shape (n_codes - 1,).
    shape
        Quantiles 0, 1/8, ..., 1 inside each cell as fractions of its width; shape (n_codes, 9).
    spike_code, spike_unit, spike_top
        Values that a cell repeats as such: its code, the unit, and the chance, cumulative within the cell.
    heaping
        Shares of round numbers, None when values are not rounder than the raster.
    share
        Share of rows of each code, rounded to 6 digits; shape (n_codes,).
    """

    atom: BoolArray
    low: Units
    high: Units
    upper: Units
    shape: FloatArray
    spike_code: IntArray
    spike_unit: Units
    spike_top: FloatArray
    heaping: Heaping | None
    share: FloatArray

    @classmethod
    def fit(
        cls,
        units: Units,
        counts: IntArray,
        settings: EncoderSettings,
        *,
        small: int,
        steps: tuple[int, ...] = (),
    ) -> Grid:
        """Build the grid of sorted distinct finite units (at least one) and their rows.

        `steps` are the round steps to look for, in units (ascending, each dividing the next); `small` is
        explained at `find_support`.
        """
        support = find_support(units, counts, settings, small)
        rows = np.bincount(support.code, weights=support.counts)
        atom, low, high, upper = _ranges(support)
        free = ~support.atom & ~support.spike
        heaping = None
        if steps and low.dtype.kind == "i" and free.any() and _small(low) and _small(high):
            heaping = Heaping.fit(
                support.units[free], support.counts[free], support.code[free], len(low), steps
            )
        spike = support.spike & ~_revealing(support, heaping, settings)
        free = ~support.atom & ~spike
        at = support.code[free]
        places = unit_fractions(support.units[free], low[at], high[at])
        shape = fit_shapes(at, support.counts[free], *places, len(low))
        spike_code = support.code[spike]
        chance = support.counts[spike] / rows[spike_code]
        return cls(
            atom,
            low,
            high,
            upper,
            shape,
            spike_code,
            support.units[spike],
            spike_tops(spike_code, np.round(chance, 4)),
            heaping,
            np.round(rows / rows.sum(), 6),
        )

    @property
    def size(self) -> int:
        """Number of codes."""
        return len(self.low)

    @property
    def mode(self) -> int:
        """The most frequent code."""
        return int(np.argmax(self.share))

    def encode(self, units: Units) -> Codes:
        """Code of each unit; units beyond the ends go to the outermost codes."""
        return np.searchsorted(self.upper, units, side="left").astype(np.int32)

    def fractions(self, codes: Codes, rng: np.random.Generator) -> FloatArray:
        """A place inside each cell, in [0, 1), drawn by the cell's shape."""
        drawn = rng.random(len(codes)) * SEGMENTS
        segment = drawn.astype(np.int64)
        flat = self.shape.ravel()
        at = codes.astype(np.int64) * (SEGMENTS + 1) + segment
        inside = drawn - segment
        place: FloatArray = flat[at] * (1 - inside) + flat[at + 1] * inside
        return np.minimum(place, np.nextafter(1.0, 0.0))

    def decode(self, codes: Codes, rng: np.random.Generator) -> Units:
        """A unit for each code: the atom itself, or a draw inside the cell."""
        low, high = self.low[codes], self.high[codes]
        places = self.fractions(codes, rng)
        units: Units
        if low.dtype.kind == "f":
            units = np.clip(low * (1 - places) + high * places, low, high)
        else:
            span = high.view(np.uint64) - low.view(np.uint64)
            offset = np.minimum((places * (span.astype(np.float64) + 1)).astype(np.uint64), span)
            whole: IntArray = (low.view(np.uint64) + offset).view(np.int64)
            units = whole if self.heaping is None else self._round(whole, codes, self.heaping, rng)
        return self.with_spikes(units, codes, rng)

    def with_spikes(self, units: Units, codes: Codes, rng: np.random.Generator) -> Units:
        """Replace a fitting share of the units by the repeated values of their cells."""
        if len(self.spike_code) == 0:
            return units
        drawn = rng.random(len(codes))
        # keys ascend: the cell's number and, within it, the cumulative chance
        at = np.searchsorted(self.spike_code + self.spike_top, codes + drawn, side="right")
        at = np.minimum(at, len(self.spike_code) - 1)
        hit = (self.spike_code[at] == codes) & (drawn < self.spike_top[at])
        return np.where(hit, self.spike_unit[at], units)

    def _round(self, units: IntArray, codes: Codes, heaping: Heaping, rng: np.random.Generator) -> IntArray:
        width = (self.high - self.low).astype(np.float64) + 1
        tops = heaping.tops(self.low, width)
        drawn = rng.random(len(codes))
        choice = np.zeros(len(codes), dtype=np.int64)
        for i in range(len(heaping.steps) - 1):
            choice += drawn > tops[:, i][codes]
        choice[self.atom[codes]] = 0
        step = heaping.steps[choice]
        rounded = (units + step // 2) // step * step
        rounded += step * (rounded < self.low[codes])
        rounded -= step * (rounded > self.high[codes])
        return rounded

    def to_json(self) -> dict[str, Any]:
        """JSON-ready state; atoms by position, shapes only of uneven cells."""
        uneven = np.flatnonzero((self.shape != _even(1)).any(axis=1))
        cells = ~self.atom
        return {
            "whole": self.low.dtype.kind == "i",
            "atoms": np.flatnonzero(self.atom).tolist(),
            "low": plain_numbers(self.low),
            "high": plain_numbers(self.high[cells]),
            "upper": plain_numbers(self.upper),
            "uneven": uneven.tolist(),
            "shape": self.shape[uneven, 1:-1].ravel().tolist(),
            "spike_code": self.spike_code.tolist(),
            "spike_unit": plain_numbers(self.spike_unit),
            "spike_top": self.spike_top.tolist(),
            "heaping": None if self.heaping is None else self.heaping.to_json(),
            "share": self.share.tolist(),
        }

    @classmethod
    def from_json(cls, wire: Wire) -> Grid:
        """Read back what `to_json` gave; FileFormatError on anything else."""
        size = len(wire.items("low"))
        if not 1 <= size <= _MAX_CODES:
            raise wire.fail("low", f"1 to {_MAX_CODES} codes")

        def units(key: str, length: int | None = None) -> Units:
            if wire.boolean("whole"):
                return wire.integers(key, length=length)
            return wire.numbers(key, length=length, low=-_LIMIT, high=_LIMIT)

        atom = np.zeros(size, dtype=bool)
        atom[wire.integers("atoms", low=0, high=size - 1)] = True
        low = units("low", size)
        high = low.copy()
        high[~atom] = units("high", int((~atom).sum()))
        upper = units("upper", size - 1)
        ordered = (low <= high).all() and (high[:-1] <= upper).all() and (upper < low[1:]).all()
        if not ordered:
            raise wire.fail("low", "cells in ascending order")
        uneven = wire.integers("uneven", low=0, high=size - 1)
        inner = wire.numbers("shape", length=len(uneven) * (SEGMENTS - 1), low=0.0, high=1.0)
        shape = _even(size)
        shape[uneven, 1:-1] = inner.reshape(-1, SEGMENTS - 1)
        if (np.diff(shape, axis=1) < 0).any():
            raise wire.fail("shape", "ascending fractions")
        spike_code = wire.integers("spike_code", low=0, high=size - 1)
        spike_unit = units("spike_unit", len(spike_code))
        spike_top = wire.numbers("spike_top", length=len(spike_code), low=0.0, high=1.0)
        key = spike_code + spike_top
        inside = (spike_unit >= low[spike_code]) & (spike_unit <= high[spike_code])
        if (np.diff(key) < 0).any() or (np.diff(spike_code) < 0).any() or not inside.all():
            raise wire.fail("spike_code", "spikes inside their cells, in ascending order")
        heaping = None
        if not wire.is_null("heaping"):
            if low.dtype.kind != "i" or not (_small(low) and _small(high)):
                raise wire.fail("heaping", "nothing for a grid without a raster")
            heaping = Heaping.from_json(wire.object("heaping"), size)
        share = wire.numbers("share", length=size, low=0.0, high=1.0)
        return cls(atom, low, high, upper, shape, spike_code, spike_unit, spike_top, heaping, share)


def _even(size: int) -> FloatArray:
    return np.tile(np.arange(SEGMENTS + 1) / SEGMENTS, (size, 1))


def _small(units: Units) -> bool:
    return bool((units > -_HEAP_LIMIT).all() and (units < _HEAP_LIMIT).all())


def _revealing(support: Support, heaping: Heaping | None, settings: EncoderSettings) -> BoolArray:
    """Values that a handful of rows share and that are not round: repeating them tells who is in the table.

    An attack that counts exact values finds members by them (`locum.evaluation.attacks.multiplicity`), and no
    judge of fidelity misses them. Round values are everybody's.
    """
    few = support.counts < _SPIKE_ATOMS * settings.atom_rows
    return few if heaping is None else few & (support.units % heaping.steps[1] != 0)


def spike_tops(code: IntArray, chance: FloatArray) -> FloatArray:
    """Cumulative chances within each run of equal codes, at most 1."""
    if len(code) == 0:
        return chance
    total = np.cumsum(chance)
    fresh = np.concatenate([[True], code[1:] != code[:-1]])
    before = (total - chance)[fresh][np.cumsum(fresh) - 1]
    tops: FloatArray = np.minimum(np.round(total - before, 6), 1.0)
    return tops


def _ranges(support: Support) -> tuple[BoolArray, Units, Units, Units]:
    """Atom flag, decode range and upper encoding boundary of each code.

    Between two cells the boundary is a round number; a cell reaches to its neighbouring atoms. Cells are
    decoded to the stretch that holds their values, widened to rounder numbers (the outermost ones: narrowed).
    """
    units, code = support.units, support.code
    first = np.flatnonzero(np.concatenate([[True], code[1:] != code[:-1]]))
    last = np.concatenate([first[1:], [len(code)]]) - 1
    bottom, top, atom = units[first], units[last], support.atom[first]
    a, b = top[:-1], bottom[1:]
    upper = round_between(a, b)
    both = atom[:-1] & atom[1:]
    upper = np.where(both, _middle(a, b), upper)
    upper = np.where(atom[:-1] & ~atom[1:], a, upper)
    upper = np.where(~atom[:-1] & atom[1:], _below(b), upper)
    tile_low = np.concatenate([bottom[:1], _above(upper)])
    tile_high = np.concatenate([upper, top[-1:]])
    rows = np.bincount(code, weights=support.counts).astype(np.float64)
    low, high = _round_range(bottom, top, rows, tile_low, tile_high)
    # a repeated value is nobody's own: the outermost cells need not stop short of it
    np.minimum.at(low, code[support.spike], units[support.spike])
    np.maximum.at(high, code[support.spike], units[support.spike])
    return atom, np.where(atom, bottom, low), np.where(atom, bottom, high), upper


def _round_range(
    bottom: Units, top: Units, rows: FloatArray, tile_low: Units, tile_high: Units
) -> tuple[Units, Units]:
    """Decode range of each cell: its room, cut back where a hole would be filled and at the column's ends."""
    with np.errstate(over="ignore", invalid="ignore"):
        width = np.minimum(top.astype(np.float64) - bottom.astype(np.float64), _LIMIT)
        gap = width / rows
        step = round_step(2 * gap)
        if bottom.dtype.kind == "i":
            gap, step = np.floor(gap), np.maximum(step, 1.0)
        # one gap outside the outermost value (at the column's ends: inside), and on a round number
        low = np.floor((bottom - gap) / step) * step
        high = np.ceil((top + gap) / step) * step
        low[0] = np.ceil((bottom[0] + gap[0]) / step[0]) * step[0]
        high[-1] = np.floor((top[-1] - gap[-1]) / step[-1]) * step[-1]
        snug_low = bottom - tile_low.astype(np.float64) <= 2 * gap
        snug_high = tile_high - top.astype(np.float64) <= 2 * gap
    snug_low[0] = snug_high[-1] = False
    low = np.where(snug_low, tile_low, _as(low, bottom))
    high = np.where(snug_high, tile_high, _as(high, top))
    # a cell with a single value, or with too few rows to tell a range, spreads over all the room it has
    few = (bottom == top) | (rows < 3)
    low = np.where(few, tile_low, np.clip(low, tile_low, tile_high))
    high = np.where(few, tile_high, np.clip(high, tile_low, tile_high))
    crossed = low > high
    return np.where(crossed, tile_low, low), np.where(crossed, tile_high, high)


def _as(values: FloatArray, like: Units) -> Units:
    """Values in the type of `like`; those that cannot be are taken from `like`."""
    values = np.where(np.isfinite(values), values, like.astype(np.float64))
    if like.dtype.kind == "f":
        return values
    safe = np.abs(values) < 2.0**62
    return np.where(safe, np.where(safe, values, 0.0).astype(np.int64), like)


def _middle(a: Units, b: Units) -> Units:
    if a.dtype.kind == "f":
        middle = a / 2 + b / 2
        return np.where((middle >= a) & (middle < b), middle, a)
    return (a.view(np.uint64) + (b.view(np.uint64) - a.view(np.uint64)) // 2).view(np.int64)


def _above(units: Units) -> Units:
    return np.nextafter(units, np.inf) if units.dtype.kind == "f" else units + 1


def _below(units: Units) -> Units:
    return np.nextafter(units, -np.inf) if units.dtype.kind == "f" else units - 1
