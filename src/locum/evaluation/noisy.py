"""How near a private stand-in is to the data, judged by the noisy counts that were paid for and nothing else.

Each measured table of counts is compared with the same table of the synthetic rows. The noise is known, so
that the distance to the true table can be bounded: the report may leave the house, as what it is computed
from may.

The interval of a distance. Let c be the true counts of n cells, N their sum, s the synthetic shares, and
``B = sum |c - N s|``, so that the distance is ``B / 2N``. Seen are ``c + z`` and ``r = N + e`` with known
normal noise, and so ``F = sum |c + z - r s|``. The synthetic rows were drawn from a model that was fitted to
these very noisy counts, so that s is anything but independent of z: a table that is met to the last count
is as far from the true one as the noise is large. What holds for any s is the triangle inequality,
``|B - F| <= sum |z| + |e|``. The right side, as a function of the noise in units of its deviations, changes
by at most ``L = sqrt(n sigma**2 + rows_sigma**2)`` a unit, and its median is at most its mean (Kwapien
1994), so that it exceeds ``mean + Q(a) L`` with probability at most a, with Q(a) the point that a standard
normal number exceeds with probability a (Gaussian isoperimetry). N lies within ``Q(b) rows_sigma`` of r on
either side with probability 1 - b each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

#: Two-sided 95 % point of the normal distribution.
_Z = 1.959964
_MEAN_ABS = math.sqrt(2 / math.pi)
#: Normal points that are exceeded with probability 0.005 and 0.04: of the 5 % of an interval of distances
#: 0.5 % at each end is for the number of rows, and 4 % for the noise of the cells.
_Q005, _Q04 = 2.575830, 1.750686
#: Variance that rounding adds to noise on whole numbers.
_ROUNDING = 1 / 12


@dataclass(frozen=True, slots=True)
class NoisyTable:
    """A table of counts as it was paid for, beside the one of the synthetic rows.

    Attributes
    ----------
    names
        The attributes.
    counts
        Noisy rows per cell, flat.
    sigma
        Standard deviation of the noise of each cell.
    synthetic
        Synthetic rows per cell, flat, in the same order.
    """

    names: tuple[str, ...]
    counts: npt.NDArray[Any]
    sigma: float
    synthetic: npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Closeness:
    """How far one table of the synthetic rows is from the data's, as total variation distance (0-1).

    Attributes
    ----------
    names, cells, sigma
        What was counted, in how many cells, with how much noise.
    observed
        Distance to the noisy table; noise alone makes it larger than 0.
    by_noise
        What noise alone would make it on average.
    estimate
        A rough guess at the distance to the true table: the noise taken out in quadrature, but no less than
        noise alone makes, for the synthetic rows follow these very counts.
    low, high
        95 % interval for the distance to the true table. It rests on the triangle inequality and the known
        distribution of the noise, so that it holds whatever the data and however the rows were made; it is
        wide where noise is large.
    """

    names: tuple[str, ...]
    cells: int
    sigma: float
    observed: float
    by_noise: float
    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class DPQuality:
    """The quality report of a release, computed from noisy counts only."""

    rows: float
    rows_low: float
    rows_high: float
    closeness: tuple[Closeness, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """What it says, in plain sentences."""
        out = []
        for size, word in ((1, "single columns"), (2, "pairs of columns"), (3, "triples of columns")):
            part = [c for c in self.closeness if len(c.names) == size]
            if part:
                mean = sum(c.estimate for c in part) / len(part)
                worst = max(part, key=lambda c: c.estimate)
                out.append(
                    f"Of {word}, {len(part)} were measured under noise; the synthetic shares differ by about "
                    f"{mean:.3f} on average (0 same, 1 nothing in common), most for {', '.join(worst.names)} "
                    f"({worst.estimate:.3f}, at most {worst.high:.3f})."
                )
        return tuple(out) or ("No table of counts was measured, so nothing can be said.",)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dictionary."""
        return {
            "computed_from": "noisy measurements that were paid for, and synthetic rows; no real row",
            "rows": {"noisy": self.rows, "low": self.rows_low, "high": self.rows_high},
            "sentences": list(self.sentences),
            "tables": [{**asdict(c), "names": list(c.names)} for c in self.closeness],
        }


def assess(tables: Sequence[NoisyTable], *, rows: float, rows_sigma: float) -> DPQuality:
    """Compare noisy and synthetic counts.

    Parameters
    ----------
    tables
        Measured tables; of one that was measured several times the least noisy is used.
    rows, rows_sigma
        Noisy number of rows and the standard deviation of its noise (0 for a public number).
    """
    best: dict[tuple[str, ...], NoisyTable] = {}
    for table in tables:
        key = tuple(sorted(table.names))
        if key not in best or table.sigma < best[key].sigma:
            best[key] = table
    found = [_compare(table, rows, rows_sigma) for table in best.values()]
    found.sort(key=lambda c: (len(c.names), -c.estimate))
    return DPQuality(rows, max(0.0, rows - _Z * rows_sigma), rows + _Z * rows_sigma, tuple(found))


def _compare(table: NoisyTable, rows: float, rows_sigma: float) -> Closeness:
    cells, total = len(table.counts), max(1.0, float(rows))
    shares = table.synthetic / max(1.0, float(table.synthetic.sum()))
    apart = float(np.abs(table.counts - total * shares).sum())
    sigma, off = math.sqrt(table.sigma**2 + _ROUNDING), _noise_of(rows_sigma)
    noise = _MEAN_ABS * (cells * sigma + off)
    reach = noise + _Q04 * math.sqrt(cells * sigma**2 + off**2)
    half = 0.5 / total
    low = min(1.0, 0.5 * max(0.0, apart - reach) / (total + _Q005 * off))
    high = min(1.0, 0.5 * (apart + reach) / max(0.5, total - _Q005 * off))
    # below the noise nothing can be told, for the model was fitted to these counts
    guess = half * max(noise, math.sqrt(max(0.0, apart**2 - noise**2)))
    return Closeness(
        table.names,
        cells,
        table.sigma,
        observed=min(1.0, half * apart),
        by_noise=min(1.0, half * noise),
        estimate=min(high, max(low, guess)),
        low=low,
        high=high,
    )


def _noise_of(rows_sigma: float) -> float:
    """Deviation of the noise of the number of rows; none where the number is public."""
    return math.sqrt(rows_sigma**2 + _ROUNDING) if rows_sigma else 0.0
