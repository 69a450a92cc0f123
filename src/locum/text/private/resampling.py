"""Resampling by a private histogram: a pool of texts gets the cluster shares of the private ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray, largest_remainders
from locum.errors import DataError, UsageError
from locum.evaluation.learn.embedding import embed as static
from locum.evaluation.text.geometry import centres
from locum.privacy.calibration import sigma_for
from locum.privacy.ledger import Ledger
from locum.randomness import stream
from locum.text.private.votes import (
    Classes,
    Embed,
    Votes,
    class_shares,
    group,
    nearest_counts,
    sizes_of,
    spendable,
)

#: Texts of the pool to a cluster, where nobody says how many clusters there are.
PER_CLUSTER = 20


@dataclass(frozen=True, slots=True)
class Resampled:
    """What came out; all of it follows from the pool and the noisy counts.

    Attributes
    ----------
    rows
        Numbers of the texts of the pool that were drawn.
    texts, labels
        They themselves, and their classes (empty without classes).
    counts
        Noisy votes of the clusters of each class.
    pool_counts
        Texts of the pool in the same clusters.
    unmet
        Texts that the counts asked for in clusters whose texts were used up; other clusters gave them.
    sigma
        Standard deviation of the noise on a cluster.
    sentence
        The accounting in one line.
    """

    rows: tuple[int, ...]
    texts: tuple[str, ...] = field(repr=False)
    labels: tuple[str, ...] = field(repr=False)
    counts: Mapping[str, tuple[int, ...]] = field(repr=False)
    pool_counts: Mapping[str, tuple[int, ...]] = field(repr=False)
    unmet: int
    sigma: float
    sentence: str


def resample(
    private: Sequence[str],
    pool: Sequence[str],
    ledger: Ledger,
    *,
    size: int,
    labels: Sequence[str] | None = None,
    pool_labels: Sequence[str] | None = None,
    classes: Classes | None = None,
    clusters: int | None = None,
    share: float = 1.0,
    repeat: bool = False,
    embed: Embed = static,
    seed: int = 0,
) -> Resampled:
    """Draw from a pool of synthetic texts so that its clusters have the shares of the private texts.

    Parameters
    ----------
    private
        One text a row; each votes once, for the nearest centre of its class. No unit of the ledger has more
        of them than it may.
    pool
        Synthetic or public texts that owe nothing to the private ones, or were paid for on the same ledger.
    ledger
        `share` of what it has left is spent on one histogram. Noise comes from it.
    share
        Part of what is left on the ledger that is spent.
    size
        Texts to draw.
    labels, pool_labels
        Classes of the private texts and of the pool; both or neither.
    classes
        Public names of the classes, with public shares or without: then the histogram gives the shares as
        well, at no further cost. Texts of other classes neither vote nor are drawn. Never taken from the
        private data; left out, the classes of the pool are taken.
    clusters
        Clusters in all, shared out over the classes by their part of the pool; by default one for each
        `PER_CLUSTER` texts.
    repeat
        Draw with repetitions where a cluster has too few texts; else other clusters make up for it.
    embed
        Texts to vectors of unit length, owing nothing to the private texts.
    seed
        Of centres and draws; not of the noise.

    Raises
    ------
    BudgetError
        When nothing is left on the ledger.
    UsageError
        When labels of one side are missing, or more texts are asked for than the pool has and none may be
        repeated.
    DataError
        When the pool is empty or lacks a class.

    Notes
    -----
    Centres are found by k-means on the pool alone. One histogram over all clusters of all classes: a text
    adds 1 to one cell, so that its Euclidean sensitivity is that of the ledger's unit. Noisy counts below 0
    count as 0; if all are, the pool's own shares are kept. Shares are rounded to whole texts with the
    largest remainder.

    Cost: O((pool + private) clusters d) products.

    Source: Yu et al. (2024), section 3.2. Differs: exact noise, classes, drawing without repetition.
    """
    named, members = check_pool(pool, size, labels, pool_labels, classes, repeat=repeat)
    rho = spendable(ledger, share)
    groups = group(private, labels, named)
    vectors = embed(list(pool)).astype(np.float64)
    wanted = clusters or max(1, len(pool) // PER_CLUSTER)
    in_use = sum(len(rows) for rows in members.values())
    found = {
        c: centres(vectors[rows], max(1, round(wanted * len(rows) / in_use)), stream(seed, "resample", c))
        for c, rows in members.items()
    }
    sigma = sigma_for(rho, ledger.unit.l2) * (1 + 1e-12)

    def count(name: str) -> npt.NDArray[np.int64]:
        rows = groups.get(name, [])
        mine = embed([private[i] for i in rows]).astype(np.float64) if rows else vectors[:0]
        return nearest_counts(mine, found[name])

    votes = Votes(ledger, sigma, ledger.unit.l2)
    noisy = votes.noisy({c: len(x) for c, x in found.items()}, count, "votes for clusters of the pool")
    place = {c: _nearest(vectors[rows], found[c]) for c, rows in members.items()}
    held = {c: np.bincount(place[c], minlength=len(found[c])) for c in members}
    weights = {c: np.maximum(noisy[c], 0).astype(np.float64) for c in members}
    sizes = _class_sizes({c: float(w.sum()) for c, w in weights.items()}, held, named, groups, votes, size)
    weights = {c: w if w.sum() > 0 else held[c].astype(np.float64) for c, w in weights.items()}
    drawn: list[int] = []
    unmet = 0
    for c, n in sizes.items():
        quota, short = quotas(weights[c], held[c], n, repeat=repeat)
        unmet += short
        rng = stream(seed, "resample", "draw", c)
        for k in np.flatnonzero(quota):
            rows = members[c][place[c] == k]
            drawn += rng.choice(rows, size=int(quota[k]), replace=bool(quota[k] > len(rows))).tolist()
    return Resampled(
        tuple(drawn),
        tuple(pool[i] for i in drawn),
        tuple(pool_labels[i] for i in drawn) if pool_labels is not None else (),
        {c: tuple(x.tolist()) for c, x in noisy.items()},
        {c: tuple(x.tolist()) for c, x in held.items()},
        unmet,
        sigma,
        votes.account(1),
    )


def quotas(
    weights: FloatArray, held: npt.NDArray[np.intp], n: int, *, repeat: bool = False
) -> tuple[npt.NDArray[np.int64], int]:
    """How many of `n` texts each cluster gives: in proportion to its weight, at most those that it holds.

    Parameters
    ----------
    weights, held
        Shape (clusters,): weights from 0, and texts in each cluster.
    n
        Texts wanted.
    repeat
        Whether a cluster with any text may give more than it holds.

    Returns
    -------
    The numbers, which sum to `n` or to all texts there are, and how many had to come from other clusters
    than the weights asked for. What a full cluster cannot give is asked of the others by their weights, and
    at last by what they hold.
    """
    top = np.where(held > 0, n if repeat else held, 0).astype(np.int64)
    goal = min(n, int(top.sum()))
    # at first all are asked, full or empty, to see what the weights alone cannot have
    asked = weights if weights.sum() > 0 else top.astype(float)
    given = np.minimum(largest_remainders(goal * asked / asked.sum()), top) if goal else np.zeros_like(top)
    short = goal - int(given.sum())
    while given.sum() < goal:
        room = top - given
        asked = weights * (room > 0)
        asked = asked if asked.sum() > 0 else room.astype(float)
        given += np.minimum(largest_remainders((goal - int(given.sum())) * asked / asked.sum()), room)
    return given, short


def check_pool(
    pool: Sequence[str],
    size: int,
    labels: Sequence[str] | None,
    pool_labels: Sequence[str] | None,
    classes: Classes | None,
    *,
    repeat: bool,
) -> tuple[Classes | None, dict[str, npt.NDArray[np.intp]]]:
    """The classes, and the texts of the pool of each, by number; nothing of the private texts is looked at.

    Raises
    ------
    UsageError, DataError
        As `resample`.
    """
    if not pool:
        raise DataError("there are no texts", where="pool")
    if size < 1 or (size > len(pool) and not repeat):
        raise UsageError(
            f"{size} texts of a pool of {len(pool)}",
            where="size",
            do="make the pool larger, ask for fewer, or allow repetitions",
        )
    if (labels is None) != (pool_labels is None):
        raise UsageError("only one side has labels", where="labels", expected="labels of both or neither")
    if pool_labels is not None and len(pool_labels) != len(pool):
        raise UsageError("there is not one label for each text of the pool", where="labels")
    named = classes if classes or pool_labels is None else sorted(set(pool_labels))
    return named, _members(pool, pool_labels, named)


def _members(
    pool: Sequence[str], pool_labels: Sequence[str] | None, classes: Classes | None
) -> dict[str, npt.NDArray[np.intp]]:
    """Numbers of the texts of each class of the pool."""
    if pool_labels is None:
        return {"": np.arange(len(pool))}
    marks = np.array(pool_labels, dtype=object)
    found = {name: np.flatnonzero(marks == name) for name in classes or ()}
    empty = [name for name, rows in found.items() if not len(rows)]
    if empty:
        raise DataError(
            f"the pool has no text of class {empty[0]!r}", where="pool", do="write some, or leave it out"
        )
    return found


def _nearest(x: FloatArray, found: FloatArray) -> npt.NDArray[np.intp]:
    return np.asarray((x @ found.T).argmax(axis=1), dtype=np.intp)


def _class_sizes(
    votes_of: Mapping[str, float],
    held: Mapping[str, npt.NDArray[np.intp]],
    classes: Classes | None,
    groups: Mapping[str, list[int]],
    votes: Votes,
    size: int,
) -> dict[str, int]:
    """Texts of each class: by public shares, else by the noisy counts, else (all are 0) as in the pool."""
    if isinstance(classes, Mapping) and len(held) > 1:
        return sizes_of(class_shares(groups, classes, votes, False), size)
    sums = dict(votes_of) if sum(votes_of.values()) > 0 else {c: float(x.sum()) for c, x in held.items()}
    return sizes_of({c: n / sum(sums.values()) for c, n in sums.items()}, size)
