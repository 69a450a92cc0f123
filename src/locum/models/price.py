"""Small sums that every private fit does: noise for a price, a choice for a price."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from locum.errors import BudgetError
from locum.sources.private import Candidate, Measurement, PrivateSource

FloatArray = npt.NDArray[np.float64]

#: Mean absolute value of a standard normal number.
MEAN_NOISE = math.sqrt(2 / math.pi)
#: Least noise that is ever asked for (the sampler takes no less), and most that makes any sense.
LEAST_SIGMA, MOST_SIGMA = 0.1, 1e7
#: Candidates that are scored in one choice where each score has to be bought (Gaussian ledgers).
SHORTLIST = 16


def sigma_for(source: PrivateSource, rho: float, tables: int = 1) -> float:
    """Noise of each of `tables` tables of counts that together cost `rho` (or less, where that is a lot).

    Raises
    ------
    BudgetError
        When `rho` is nothing, or so little that nothing could be seen through the noise.
    """
    sigma = float(source.sensitivity) * math.sqrt(tables / (2 * max(rho, 1e-300)))
    if sigma > MOST_SIGMA:
        raise BudgetError(
            "nothing is left of the privacy budget",
            where="privacy budget",
            do="use a larger total; a spent budget does not come back",
        )
    return max(LEAST_SIGMA, sigma)


def rows_of(source: PrivateSource) -> float:
    """The number of rows as far as it may be known: public or noisy, at least 1."""
    total = source.total
    return max(1.0, float(total.counts[0]) if isinstance(total, Measurement) else float(total))


def total_from(source: PrivateSource, measured: Sequence[Measurement]) -> float:
    """The number of rows from what was bought for it and from the sums of measured tables, at least 1.

    Each is unbiased, with the sum of its cells' variances; they are weighted by precision. A public number is
    taken as it is.
    """
    total = source.total
    if not isinstance(total, Measurement):
        return max(1.0, float(total))
    estimates = [(float(m.counts.sum()), m.counts.size * m.sigma**2) for m in (total, *measured)]
    precision = sum(1 / v for _, v in estimates)
    return max(1.0, sum(y / v for y, v in estimates) / precision)


def choose(source: PrivateSource, candidates: Sequence[Candidate], rho: float, purpose: str) -> int:
    """Position of a candidate with a large score, for `rho`.

    The exponential mechanism where the ledger can add it up, else the largest of the noisy scores; these cost
    in proportion to the number of candidates, so give at most `SHORTLIST` to a Gaussian ledger.
    """
    if source.ledger.accounting == "zcdp":
        return source.select(candidates, epsilon=math.sqrt(8 * rho), purpose=purpose)
    sigma = max(LEAST_SIGMA, source.ledger.unit.l1 * math.sqrt(len(candidates) / (2 * rho)))
    return source.select(candidates, sigma=sigma, purpose=purpose)
