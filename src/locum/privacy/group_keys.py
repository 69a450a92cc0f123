"""Release of keys that are themselves private: those that enough units share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from locum.errors import UsageError
from locum.privacy.conversions import tail_quantile
from locum.privacy.ledger import Ledger
from locum.privacy.mechanisms import gaussian_counts
from locum.privacy.noise import gaussian_slack
from locum.privacy.unit import Unit

#: Some keys, and the exact number of rows of each.
Part = tuple[Sequence[str], Sequence[int]]
#: No column has more keys than this; the slack is booked for so many, because their number is private.
MOST_KEYS = 2.0**32
#: Longer keys are never released: a long text is rarely a category, and may be a message.
LONGEST_KEY = 200


@dataclass(frozen=True, slots=True, eq=False)
class Keys:
    """Keys that passed the threshold.

    Attributes
    ----------
    names
        In alphabetical (code point) order, which depends on nothing but the names.
    counts
        Noisy counts, in that order; int64, each at least `threshold`.
    threshold, sigma
        What a noisy count had to reach, and the standard deviation of its noise.
    """

    names: tuple[str, ...]
    counts: npt.NDArray[np.int64]
    threshold: int
    sigma: float


def key_threshold(unit: Unit, sigma: float, delta: float) -> int:
    """The noisy count that a key of one unit alone reaches with probability at most `delta`.

    A unit alone has at most k keys with at most k rows each: by the union bound the noise may exceed
    ``threshold - k`` with probability ``delta / k``. Under ``replace`` one unit goes and one comes, and each
    has half of delta.
    """
    if not 0 < delta < 1:
        raise UsageError("delta is not usable", where="delta", expected="a number above 0 and below 1")
    share = delta / unit.rows / (2 if unit.adjacency == "replace" else 1)
    # the noise is a normal variable rounded to the nearest: at least m exactly when it is at least m - 1/2
    return unit.rows + max(1, math.ceil(sigma * tail_quantile(share) + 0.5))


def release_keys(
    counts: Mapping[str, int] | Iterable[Part],
    ledger: Ledger,
    *,
    column: str,
    sigma: float,
    delta: float,
    purpose: str,
) -> Keys:
    """Publish the keys of a column that enough units share, with noisy counts.

    Parameters
    ----------
    counts
        Exact number of rows of each key that occurs; rows per unit already bounded. The caller must not let
        its length or order show. Parts (keys, numbers) of it, each key in one of them, will do.
    ledger
        Pays: rho = k**2 / (2 sigma**2), and `delta` on top.
    column
        Name of the column, for the ledger.
    sigma
        Standard deviation of the noise.
    delta
        Probability that a key of one unit alone is released, at most.
    purpose
        A few public words for the ledger.

    Raises
    ------
    BudgetError
        When it costs more than is left. The keys have not been looked at then.

    Notes
    -----
    Keys of more than 200 characters, or with control characters, are never released; whatever is not released
    belongs to "other". Time depends on the number of keys. Source: Korolova et al. (2009), with Gaussian
    noise as in Swanberg et al. (2023).
    """
    threshold = key_threshold(ledger.unit, sigma, delta)
    noise = ledger.spend(
        "gaussian-threshold",
        [(column,)],
        sensitivity=ledger.unit.l2,
        scale=sigma,
        delta=delta,
        slack=MOST_KEYS * gaussian_slack(sigma),
        purpose=purpose,
    )
    parts = [_sorted(counts)] if isinstance(counts, Mapping) else counts
    kept: dict[str, int] = {}
    for keys, rows in parts:
        exact = np.array(rows, dtype=np.int64)
        noisy = gaussian_counts(exact, sigma, noise)
        # a key with no rows does not occur in a neighbour's counts either
        passed = (noisy >= threshold) & (exact > 0)
        kept |= {keys[i]: int(noisy[i]) for i in np.flatnonzero(passed).tolist() if _printable(keys[i])}
    names = tuple(sorted(kept))
    return Keys(names, np.array([kept[n] for n in names], dtype=np.int64), threshold, sigma)


def _sorted(counts: Mapping[str, int]) -> Part:
    names = sorted(counts)
    return names, [counts[name] for name in names]


def _printable(name: str) -> bool:
    return len(name) <= LONGEST_KEY and name.isprintable()
