"""How often people write round numbers, per region of a column, so that draws are as round as real values.

A column on a raster is seen as a mixture: a share of its values is rounded to multiples of 1000, another one
to multiples of 100, and so on, the rest to the raster itself. The steps form a chain (each divides the next),
so that the shares follow from how often multiples of each step occur, in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from locum.arrays import FloatArray, IntArray
from locum.codes.json_fields import JsonFields, Wire
from locum.codes.lattice import Units

#: Round steps of decimal numbers, in units of the last decimal.
DECIMAL_STEPS: tuple[int, ...] = tuple(m * 10**e for e in range(18) for m in (1, 5))
#: Round steps of a time of day in microseconds: ms, s, min, 5, 15, 30 min, h.
CLOCK_STEPS: tuple[int, ...] = tuple(
    1_000 * s for s in (1, 1_000, 60_000, 300_000, 900_000, 1_800_000, 3_600_000)
)
#: Round steps of a duration: as `CLOCK_STEPS`, then day and week.
DURATION_STEPS: tuple[int, ...] = (*CLOCK_STEPS, 86_400_000_000, 604_800_000_000)

#: A step counts when its multiples occur this much more often than on an even raster ...
_MIN_EXCESS = 1.15
#: ... and by this many standard errors, in at least so many rows.
_MIN_Z, _MIN_ROWS = 5.0, 25
#: ... at so many different places; with fewer they are repeated values, which cells keep by themselves.
_MIN_DISTINCT = 5
#: The column is cut into regions of at least so many rows, at most so many regions.
_REGION_ROWS, _MAX_REGIONS = 400, 16


@dataclass(frozen=True, slots=True, eq=False)
class Heaping(JsonFields):
    """Shares of rounding steps.

    Attributes
    ----------
    steps
        Steps in units, ascending, each dividing the next; the first is 1 (the raster).
    weights
        Share of rows rounded to each step, shape (n_regions, n_steps); rows sum to 1.
    region
        Region of each code, shape (n_codes,).
    """

    steps: IntArray
    weights: FloatArray
    region: IntArray

    @classmethod
    def fit(
        cls, units: IntArray, counts: IntArray, code: IntArray, n_codes: int, candidates: tuple[int, ...]
    ) -> Heaping | None:
        """Estimate the shares from the rows in cells.

        Parameters
        ----------
        units, counts
            Distinct units in cells and their rows; shape (n,).
        code, n_codes
            Code of each of them, and how many there are.
        candidates
            Steps to look for, ascending, each dividing the next, all above 1.

        Returns
        -------
        None when no step is used more often than by chance.
        """
        # zero is a multiple of everything and says nothing
        units, counts, code = units[units != 0], counts[units != 0], code[units != 0]
        rows = int(counts.sum())
        steps = [1]
        for step in candidates:
            # chance must be judged against the next finer step in use, or 1000 would count because 10 does
            finer = int(counts[units % steps[-1] == 0].sum())
            round_ones = units % step == 0
            seen = int(counts[round_ones].sum())
            if seen < _MIN_ROWS or int(round_ones.sum()) < _MIN_DISTINCT:
                break
            chance = finer * steps[-1] / step
            if seen > _MIN_EXCESS * chance and seen > chance + _MIN_Z * np.sqrt(chance):
                steps.append(step)
        if len(steps) == 1:
            return None
        regions = int(np.clip(rows // _REGION_ROWS, 1, _MAX_REGIONS))
        per_code = np.bincount(code, weights=counts, minlength=n_codes)
        region = np.minimum((np.cumsum(per_code) - per_code / 2) * regions // rows, regions - 1)
        region = region.astype(np.int64)
        array = np.array(steps, dtype=np.int64)
        return cls(array, _weights(units, counts, region[code], regions, array), region)

    def tops(self, low: Units, width: FloatArray) -> FloatArray:
        """Cumulative chance of each step in cells that start at unit `low` and hold `width` units.

        A cell without a multiple of 1000 draws none, one with many draws more: chances follow the number of
        multiples in the cell. Shape (n_codes, n_steps), last column 1.
        """
        first = -((-low[:, None]) // self.steps)
        room = width[:, None] - (first * self.steps - low[:, None]).astype(np.float64)
        multiples = np.maximum(0.0, np.ceil(room / self.steps))
        chance = self.weights[self.region] * multiples * self.steps / np.maximum(width, 1.0)[:, None]
        chance[:, 0] = np.maximum(chance[:, 0], 1e-9)
        tops: FloatArray = np.cumsum(chance, axis=1)
        tops /= tops[:, -1:]
        return tops

    @classmethod
    def from_json(cls, wire: Wire, n_codes: int) -> Heaping:
        """Read back what `to_json` gave; FileFormatError on anything else."""
        steps = wire.integers("steps", low=1)
        if not 2 <= len(steps) <= 64 or steps[0] != 1 or (np.diff(steps) <= 0).any():
            raise wire.fail("steps", "ascending steps from 1")
        region = wire.integers("region", length=n_codes, low=0, high=_MAX_REGIONS - 1)
        weights = wire.numbers("weights", low=0.0, high=1.0)
        if len(weights) % len(steps) or len(weights) // len(steps) <= int(region.max(initial=0)):
            raise wire.fail("weights", "one row of weights per region")
        return cls(steps, weights.reshape(-1, len(steps)), region)


def _weights(
    units: IntArray, counts: IntArray, region: IntArray, regions: int, steps: IntArray
) -> FloatArray:
    """Mixture shares that give the observed rates of multiples, per region; rounded to 4 digits.

    With D_l the rate of multiples of step l, C_l the share of rows rounded to step l or coarser and
    r = step[l-1] / step[l]: D_l = C_l + sum over finer m of w_m step_m / step_l, hence
    C_l = (D_l - r D_{l-1}) / (1 - r).
    """
    rows = np.maximum(1.0, np.bincount(region, weights=counts, minlength=regions))
    coarser = np.ones((regions, len(steps) + 1))
    coarser[:, -1] = 0.0
    before = np.ones(regions)
    for i in range(1, len(steps)):
        hit = units % steps[i] == 0
        rate = np.bincount(region[hit], weights=counts[hit], minlength=regions) / rows
        ratio = float(steps[i - 1] / steps[i])
        coarser[:, i] = np.clip((rate - ratio * before) / (1 - ratio), 0.0, coarser[:, i - 1])
        before = rate
    weights: FloatArray = np.round(coarser[:, :-1] - coarser[:, 1:], 4)
    return weights
