"""Does the synthetic table lie too close to the rows it was learned from? Distances, membership, copies.

Independent of `locum.evaluation.attacks` on purpose: two programs that agree are better evidence than one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from benchmarks.values import Columns, Table

ATTACKED = 5_000  # rows a side in the membership attack
SHARED = 6_000  # synthetic rows in the distance share
TOP_LEVELS = 60  # categories beyond these count as one
SYNTHETIC_CAP = 50_000  # synthetic rows that are searched
DIGITS = 6


@dataclass(frozen=True, slots=True)
class Points:
    """Rows in the space where distance is measured: ranks in 0..1, and labels as small integers."""

    ranks: np.ndarray  # float32, rows x numeric columns
    labels: np.ndarray  # uint8, rows x categorical columns

    def __len__(self) -> int:
        return len(self.ranks)

    def take(self, rows: np.ndarray) -> Points:
        """Some of the rows."""
        return Points(self.ranks[rows], self.labels[rows])


def embed(table: Table, train: Columns, columns: Columns) -> Points:
    """Place rows by the training table alone: mid-rank of numbers (missing: -0.5), codes of labels."""
    rows = len(columns[table.columns[0]])
    numeric = [name for name in table.columns if name not in table.categorical]
    ranks = np.empty((rows, len(numeric)), np.float32)
    for j, name in enumerate(numeric):
        known = train[name][~np.isnan(train[name])]
        order, values = np.sort(known), columns[name]
        place = (np.searchsorted(order, values, "left") + np.searchsorted(order, values, "right")) / 2
        ranks[:, j] = np.where(np.isnan(values), -0.5, place / max(len(order), 1))
    labels = np.empty((rows, len(table.categorical)), np.uint8)
    for j, name in enumerate(table.categorical):
        levels, counts = np.unique(train[name].astype(str), return_counts=True)
        top = levels[np.lexsort((levels, -counts))][:TOP_LEVELS]
        code = {level: i for i, level in enumerate(top)}
        labels[:, j] = [code.get(value, TOP_LEVELS) for value in columns[name]]
    return Points(ranks, labels)


def distances(from_: Points, to: Points, *, block: tuple[int, int] = (128, 4096)) -> np.ndarray:
    """L1 distance of each row of `from_` to its nearest row of `to`; a different label counts 1.

    Cost: about 3 ns a pair at 15 columns; memory a few MB. The blocks keep the work in the cache.
    """
    nearest = np.full(len(from_), np.inf, np.float32)
    high, wide = block
    for a in range(0, len(from_), high):
        ranks, labels = from_.ranks[a : a + high], from_.labels[a : a + high]
        for b in range(0, len(to), wide):
            near, named = to.ranks[b : b + wide], to.labels[b : b + wide]
            total = np.zeros((len(ranks), len(near)), np.float32)
            step = np.empty_like(total)
            for j in range(ranks.shape[1]):
                np.subtract(ranks[:, j, None], near[None, :, j], out=step)
                total += np.abs(step, out=step)
            if labels.shape[1]:
                # uint16 is exact beyond 255 label columns and still four times faster than adding floats.
                unlike = np.zeros(total.shape, np.uint16)
                for j in range(labels.shape[1]):
                    unlike += labels[:, j, None] != named[None, :, j]
                total += unlike
            np.minimum(nearest[a : a + high], total.min(axis=1), out=nearest[a : a + high])
    return nearest


def auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """Chance that a positive scores above a negative; ties count half (Mann-Whitney)."""
    ranks = rankdata(np.concatenate([positive, negative]))
    n, m = len(positive), len(negative)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * m))


def auc_error(n: int, m: int) -> float:
    """Standard error of an AUC whose truth is one half."""
    return float(np.sqrt((n + m + 1) / (12 * n * m)))


def membership(
    table: Table, train: Columns, holdout: Columns, synthetic: Columns, seed: int = 0
) -> dict[str, float]:
    """Tell training rows from hold-out rows by the distance to the nearest synthetic row.

    Returns
    -------
    dict
        ``membership`` (AUC, one half is best, 1 is a copy) and ``membership_se``.
    """
    rng = np.random.default_rng([seed, 1])
    members, others, fake = (embed(table, train, columns) for columns in (train, holdout, synthetic))
    size = min(ATTACKED, len(members), len(others))
    members, others = draw(members, size, rng), draw(others, size, rng)
    fake = draw(fake, min(SYNTHETIC_CAP, len(fake)), rng)
    score = auc(-distances(members, fake), -distances(others, fake))
    return {"membership": score, "membership_se": auc_error(size, size)}


def share_nearer_train(
    table: Table, train: Columns, holdout: Columns, synthetic: Columns, seed: int = 0
) -> dict[str, float]:
    """Share of synthetic rows nearer to training rows than to as many hold-out rows; one half is best.

    As the training rows are cut to the hold-out's size, a copier's excess is diluted by their ratio.

    Returns
    -------
    dict
        ``nearer_train`` (ties count half) and ``nearer_train_se``.
    """
    rng = np.random.default_rng([seed, 2])
    members, others, fake = (embed(table, train, columns) for columns in (train, holdout, synthetic))
    size = min(len(members), len(others))
    members, others = draw(members, size, rng), draw(others, size, rng)
    fake = draw(fake, min(SHARED, len(fake)), rng)
    to_train, to_other = distances(fake, members), distances(fake, others)
    share = float((to_train < to_other).mean() + 0.5 * (to_train == to_other).mean())
    return {"nearer_train": share, "nearer_train_se": float(0.5 / np.sqrt(len(fake)))}


def draw(points: Points, size: int, rng: np.random.Generator) -> Points:
    """A random part without replacement."""
    return points.take(rng.permutation(len(points))[:size])


def exact_copies(table: Table, train: Columns, columns: Columns) -> float:
    """Share of rows that are in the training table, cell for cell (numbers to 6 digits)."""
    known = set(keys(table, train))
    return float(np.mean([key in known for key in keys(table, columns)]))


def keys(table: Table, columns: Columns) -> list[tuple[object, ...]]:
    """One hashable value a row; missing numbers are equal to each other."""
    parts = []
    for name in table.columns:
        values = columns[name]
        if name in table.categorical:
            parts.append(values.tolist())
        else:
            rounded = np.round(values, DIGITS) + 0.0  # -0.0 becomes 0.0
            parts.append([None if value != value else value for value in rounded.tolist()])
    return list(zip(*parts, strict=True))
