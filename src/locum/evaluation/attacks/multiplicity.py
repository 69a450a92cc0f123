"""Membership by exact values: generators that resample values give away whose values they hold."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from locum.arrays import FloatArray, IntArray
from locum.evaluation.attacks.copies import row_keys
from locum.evaluation.attacks.threat import ThreatModel
from locum.randomness import stream

if TYPE_CHECKING:
    import pyarrow as pa


#: Column subsets looked at, at most, by size.
SUBSETS: Mapping[int, int] = MappingProxyType({1: 60, 2: 110, 3: 80})
#: Reference rows that a value is taken to have besides those seen.
PRIOR = 0.1
#: Expected train rows and synthetic rows up to which the sum over multiplicities is done, and its last term.
EXACT, SHOWN, TERMS = 30.0, 60, 120


def value_ratio(known: ThreatModel, rows: pa.Table) -> tuple[FloatArray, FloatArray]:
    """Mean log evidence that train holds a row's exact values, over column subsets; shape (n,).

    For every subset of one to three columns (`SUBSETS`; drawn at random where there are more) the values of a
    row occur so many times in the synthetic and in the reference rows; see `log_evidence`. Numbers are equal
    when they agree to six digits. With it the naive score, which looks at the reference alone.

    The model: train holds a value m times, m a Poisson count whose mean the reference tells, and 1 + m times
    for a member; a generator that draws values anew from the train rows shows it a Poisson count of m times.
    So rare values that occur among synthetic rows count much, common ones little. Strong against generators
    that put rows together from train values (CART in the manner of synthpop, swapping, copulas on the
    empirical margins); at chance where numbers are drawn afresh and no label is rare. Multiplicities are
    written for this project; counting queries as attack are from Houssiau et al. (TAPAS, 2022).

    Cost: a sort of synthetic and of reference rows a subset; about 2 s for 250 subsets of 40,000 rows.
    """
    names = [c.name for c in known.columns]
    parts = {"synthetic": known.synthetic, "reference": known.reference, "rows": rows}
    codes, sizes = _codes(parts, names)
    out, naive = np.zeros(rows.num_rows), np.zeros(rows.num_rows)
    subsets = _subsets(known, len(names))
    for chosen in subsets:
        keys = {name: _joint(part, sizes, chosen) for name, part in codes.items()}
        shown, seen = (_occurrences(keys[side], keys["rows"]) for side in ("synthetic", "reference"))
        ratio = known.synthetic.num_rows / max(1, known.reference.num_rows)
        out += log_evidence(shown, (seen + PRIOR) * ratio) / len(subsets)
        naive -= np.log(seen + PRIOR) / len(subsets)
    return out, naive


def log_evidence(shown: IntArray, expected: FloatArray) -> FloatArray:
    """Log likelihood ratio of member to non-member for a value that is shown so many times.

    With m ~ Poisson(`expected`) rows of train besides the one asked about and `shown` ~ Poisson(number of
    train rows), the ratio is E[m | shown] / `expected`, the mean taken over the non-member's model: the
    expected number of train rows with this value, after over before. Both arguments of shape (n,);
    `expected` above 0. Beyond `EXACT` expected rows the mean is (shown + expected) / 2, its normal limit.
    """
    from scipy.special import gammaln, logsumexp

    pairs = np.stack([np.minimum(shown, SHOWN).astype(np.float64), expected], axis=1)
    distinct, place = np.unique(pairs, axis=0, return_inverse=True)
    count, mean = distinct[:, :1], distinct[:, 1:]
    m = np.arange(1, TERMS)
    # Log of Poisson(m; mean) x Poisson(count; m), without what does not depend on m.
    weight = m * np.log(mean) - gammaln(m + 1) + count * np.log(m) - m
    # With nothing shown m may also be 0, whose weight is then 1.
    none = np.where(count[:, 0] > 0, -np.inf, 0.0)
    total = np.logaddexp(logsumexp(weight, axis=1), none)
    small = logsumexp(weight + np.log(m), axis=1) - total - np.log(mean[:, 0])
    return np.where(expected > EXACT, np.log((shown + expected) / (2 * expected)), small[place.ravel()])


def _codes(parts: dict[str, pa.Table], names: list[str]) -> tuple[dict[str, IntArray], list[int]]:
    """Values of each column numbered over all tables; shape (n_columns, n_rows) each, and how many."""
    codes = {name: np.empty((len(names), t.num_rows), dtype=np.int64) for name, t in parts.items()}
    ends = np.cumsum([t.num_rows for t in parts.values()])[:-1]
    sizes = []
    for j, name in enumerate(names):
        keys = row_keys(parts, [name])
        distinct, place = np.unique(np.concatenate(list(keys.values())), return_inverse=True)
        sizes.append(len(distinct))
        for part, piece in zip(codes, np.split(place, ends), strict=True):
            codes[part][j] = piece
    return codes, sizes


def _subsets(known: ThreatModel, n: int) -> list[tuple[int, ...]]:
    """Distinct subsets of the columns 0 to n - 1: all of a size, or as many as `SUBSETS` says, at random."""
    rng = stream(known.seed, "attacks", "values")
    out: dict[tuple[int, ...], None] = {}
    for size, most in SUBSETS.items():
        if math.comb(n, size) <= most:
            out |= dict.fromkeys(itertools.combinations(range(n), size))
            continue
        enough = len(out) + most
        while len(out) < enough:
            out[tuple(sorted(rng.choice(n, size=size, replace=False).tolist()))] = None
    return list(out)


def _joint(codes: IntArray, sizes: list[int], chosen: tuple[int, ...]) -> IntArray:
    # Three columns of up to two million distinct values fit into 63 bits.
    key = np.zeros(codes.shape[1], dtype=np.int64)
    for j in chosen:
        key = key * sizes[j] + codes[j]
    return key


def _occurrences(among: IntArray, asked: IntArray) -> IntArray:
    ordered = np.sort(among)
    return np.searchsorted(ordered, asked, "right") - np.searchsorted(ordered, asked, "left")
