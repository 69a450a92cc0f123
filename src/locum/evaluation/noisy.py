"""How near a private stand-in is to the data, judged by the noisy counts that were paid for and nothing else.

Each measured table of counts is compared with the same table of the synthetic rows. The noise is known, so
that the distance to the true table can be bounded: the report may leave the house, as what it is computed
from may.

The interval of a distance. Let c be the true counts of n cells, N their sum, s the synthetic shares, and
``B = sum |c - N s|``, so that the distance is ``B / 2N``. Seen are ``c + z`` and ``r = N + e`` with known
normal noise, and so ``F = sum |c + z - r s| = sum |d + w|`` with ``d = c - N s`` and ``w = z - e s``. As a
function of the noise in units of its deviations F is convex and changes by at most
``L = sqrt(n sigma**2 + rows_sigma**2)`` a unit. It follows, with Q(a) the point that a standard normal
number exceeds with probability a, that each of these fails with probability at most a:

- ``B <= F + Q(a) L``: the median of F is at least B, since ``F(w) + F(-w) >= 2 B``, and F is below its median
  by more than Q(a) L with probability at most a (Gaussian isoperimetry);
- ``n g(B / n) <= F + sqrt(2 ln(1/a)) L`` where ``g(x)`` is the mean of ``|x + sigma Z|``: the mean of F is at
  least ``sum g(d)``, and g is convex (Gaussian concentration about the mean). It is the better one where
  many cells differ by little;
- ``B >= F - Q(a) L - sum of the mean sizes of w``: the median of F is at most its mean (Kwapien 1994), and
  that is at most B plus the mean of ``sum |w|``;
- ``N >= r - Q(a) rows_sigma``, and ``N <= r + Q(a) rows_sigma``.
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
#: Normal points that are exceeded with probability 0.005, 0.01 and 0.02: of the 2.5 % at each end of an
#: interval of distances 0.5 % are for the number of rows, and above 1 % for each of two bounds.
_Q005, _Q01, _Q02 = 2.575830, 2.326348, 2.053749
_TAIL01 = math.sqrt(2 * math.log(1 / 0.01))
#: Variance that rounding adds, and what keeps the mean size of noise on whole numbers, rounded or discrete
#: Gaussian, above that of a normal number with so much less variance (Euler-Maclaurin).
_ROUNDING, _LATTICE = 1 / 12, 1 / 6


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
        Distance to the true table with the noise taken out in quadrature; a rough guess.
    low, high
        Interval that holds the distance to the true table at least 95 times in 100, whatever the data; it is
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
    noise = _MEAN_ABS * float(np.sqrt(sigma**2 + (shares * off) ** 2).sum())
    reach = math.sqrt(cells * sigma**2 + off**2)
    smooth = math.sqrt(max(0.0, table.sigma**2 - _LATTICE))
    most = min(apart + _Q01 * reach, cells * _spread((apart + _TAIL01 * reach) / cells, smooth))
    least = max(0.0, apart - _Q02 * reach - noise)
    half = 0.5 / total
    low = min(1.0, 0.5 * least / (total + _Q005 * off))
    high = min(1.0, 0.5 * most / max(0.5, total - _Q005 * off))
    guess = half * math.sqrt(max(0.0, apart**2 - noise**2))
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


def _spread(mean: float, sigma: float) -> float:
    """The x at which the mean of ``|x + sigma Z|`` is `mean`, Z standard normal; 0 where it is more."""
    low, high = 0.0, max(0.0, mean)
    if not sigma:
        return high
    for _ in range(60):
        x = (low + high) / 2
        size = sigma * _MEAN_ABS * math.exp(-((x / sigma) ** 2) / 2) + x * math.erf(x / sigma / math.sqrt(2))
        low, high = (x, high) if size < mean else (low, x)
    return high
