"""The raster that the values of a numeric column lie on: decimals, steps such as 0.25 or 100, or none.

Values on a raster are handled as whole numbers (*units*), so that rounding, steps and equality are exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray, IntArray
from locum.codes.json_fields import JsonFields, Wire

Units = npt.NDArray[Any]

#: A common step is believed only with this many distinct values; with fewer it might spell out the values.
_MIN_DISTINCT = 20
_MAX_DECIMALS = 15
#: Whole numbers below this are exact in float64.
_EXACT = float(2**53)


@dataclass(frozen=True, slots=True)
class Lattice(JsonFields):
    """``value = (step * unit + offset) / 10**decimals``, or no raster at all.

    Attributes
    ----------
    decimals
        Digits after the point; None for a column without a raster (units are the float values themselves).
        For integer columns 0.
    step, offset
        Common step and remainder, in units of the last decimal.
    digits
        Without a raster: digits to round drawn values to (declared by the schema), None for none.
    single
        Without a raster: whether all values are exact in single precision, so that drawn ones must be too.
    """

    decimals: int | None
    step: int = 1
    offset: int = 0
    digits: int | None = None
    single: bool = False

    @property
    def whole(self) -> bool:
        """Whether units are whole numbers (int64) instead of floats."""
        return self.decimals is not None

    @classmethod
    def of_integers(cls, distinct: IntArray) -> Lattice:
        """The raster of sorted distinct whole numbers."""
        step, offset = _common_step(distinct)
        return cls(0, step, offset)

    @classmethod
    def of_floats(cls, distinct: FloatArray, digits: int | None) -> Lattice:
        """The raster of sorted distinct finite numbers; `digits` are the declared decimals, if any.

        Numbers count as decimal when each is within two units in the last place of one, so that sums such as
        0.1 + 0.2 do not hide the raster.
        """
        decimals = _decimals(distinct)
        if decimals is None:
            single = bool(np.array_equal(_single(distinct), distinct)) if len(distinct) else False
            return cls(None, digits=digits, single=single)
        step, offset = _common_step(np.rint(distinct * 10.0**decimals).astype(np.int64))
        return cls(decimals, step, offset)

    def to_units(self, values: FloatArray | IntArray) -> Units:
        """Units of finite values; values off the raster go to a neighbouring unit."""
        if self.decimals is None:
            return values
        if values.dtype.kind == "f":
            with np.errstate(over="ignore"):
                scaled = np.clip(values * 10.0**self.decimals, -(2.0**62), 2.0**62)
            values = np.rint(scaled).astype(np.int64)
        if self.step == 1:
            return values
        return values // self.step

    def to_values(self, units: Units, *, integer: bool) -> Units:
        """Values of units: int64 for `integer` columns, else float64."""
        if self.decimals is None:
            if self.digits is not None:
                with np.errstate(over="ignore", invalid="ignore"):
                    rounded = np.round(units, self.digits)
                units = np.where(np.isfinite(rounded), rounded, units)
            return _single(units) if self.single else units
        whole = units if self.step == 1 else units * self.step + self.offset
        return whole if integer else whole / 10.0**self.decimals

    def coarser(self, steps: tuple[int, ...]) -> tuple[int, ...]:
        """Those steps that are rounder than the raster, in units.

        `steps` are in units of the last decimal, ascending, each dividing the next; so is what is returned.
        """
        if self.decimals is None or self.offset != 0:
            return ()
        return tuple(s // self.step for s in steps if s % self.step == 0 and s // self.step > 1)

    @classmethod
    def from_json(cls, wire: Wire) -> Lattice:
        """Read back what `to_json` gave; FileFormatError on anything else."""
        step = wire.integer("step", low=1)
        return cls(
            None if wire.is_null("decimals") else wire.integer("decimals", low=0, high=_MAX_DECIMALS),
            step,
            wire.integer("offset", low=0, high=step - 1),
            None if wire.is_null("digits") else wire.integer("digits", low=0, high=_MAX_DECIMALS),
            wire.boolean("single"),
        )


def _single(values: FloatArray) -> FloatArray:
    """Rounded to single precision where that does not overflow or underflow."""
    with np.errstate(over="ignore", under="ignore"):
        rounded = values.astype(np.float32).astype(np.float64)
    lost = ~np.isfinite(rounded) | ((rounded == 0) & (values != 0))
    return np.where(lost, values, rounded)


def _decimals(distinct: FloatArray) -> int | None:
    """Fewest decimals that hold all values, None when 15 do not or the numbers grow too large to be exact."""
    if len(distinct) == 0:
        return 0
    largest = float(np.abs(distinct).max())
    if largest >= _EXACT:
        return None
    # subnormal numbers are closer to 0 than two units in the last place, and still not 0
    tolerance = np.minimum(2 * np.spacing(np.abs(distinct)), 1e-15 * np.abs(distinct))
    sample = slice(None, None, max(1, len(distinct) // 500))
    for decimals in range(_MAX_DECIMALS + 1):
        scale = 10.0**decimals
        if largest * scale >= _EXACT:
            return None
        for part in (sample, slice(None)):
            values = distinct[part]
            if (np.abs(np.rint(values * scale) / scale - values) > tolerance[part]).any():
                break
        else:
            return decimals
    return None


def _common_step(distinct: IntArray) -> tuple[int, int]:
    """Greatest step and its remainder such that all values are ``step * k + remainder``."""
    if len(distinct) < _MIN_DISTINCT:
        return 1, 0
    # differences of int64 extremes fit only in uint64; wrapping subtraction gives just that
    gaps = distinct.view(np.uint64) - distinct.view(np.uint64)[0]
    step = int(np.gcd.reduce(gaps))
    if step <= 1:
        return 1, 0
    return step, int(distinct[0]) % step
