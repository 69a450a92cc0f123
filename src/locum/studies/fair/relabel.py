"""New labels out of probabilities: mapped quantiles, labels that move as little as possible."""

from __future__ import annotations

import numpy as np

from locum.arrays import FloatArray, IntArray, largest_remainders

#: Quantiles kept of each distribution of probabilities.
QUANTILES = 101
#: Probabilities are kept this far from 0 and 1 where odds are taken.
EDGE = 1e-6


def map_quantiles(chance: FloatArray, group: IntArray) -> FloatArray:
    """Each group's probabilities moved to the quantiles of all rows together; shape (n, n_classes).

    One-dimensional optimal transport class by class, so that the order of rows within a group is kept; rows
    are then normalised, and scaled in turns until each group's mean is that of all rows. Groups below 0 stay.
    """
    out = chance.copy()
    grid = np.linspace(0.0, 1.0, QUANTILES)
    inside = group >= 0
    if not inside.any():
        return out
    for k in range(chance.shape[1]):
        every = np.quantile(chance[inside, k], grid)
        for g in np.unique(group[inside]):
            rows = group == g
            out[rows, k] = np.interp(_rank(chance[rows, k]), grid, every)
    out = np.clip(out, EDGE, 1.0)
    out /= out.sum(axis=1, keepdims=True)
    wanted = chance[inside].mean(axis=0)
    for g in np.unique(group[inside]):
        out[group == g] = to_mean(out[group == g], wanted)
    return out


def _rank(x: FloatArray) -> FloatArray:
    """Mid-rank of each value among the others, 0-1; ties share theirs."""
    ordered = np.sort(x)
    middle = (np.searchsorted(ordered, x) + np.searchsorted(ordered, x, side="right")) / 2
    return np.asarray(middle / len(x))


def to_mean(chance: FloatArray, wanted: FloatArray, rounds: int = 200) -> FloatArray:
    """Rows scaled by class and normalised in turns until their mean is `wanted` (proportional fit)."""
    out = chance.copy()
    for _ in range(rounds):
        mean = out.mean(axis=0)
        if np.abs(mean - wanted).max() < 1e-9:
            break
        out *= np.divide(wanted, mean, out=np.ones_like(wanted), where=mean > 0)
        out /= out.sum(axis=1, keepdims=True)
    return out


def move_labels(
    chance: FloatArray, asked: FloatArray, label: IntArray, rng: np.random.Generator
) -> tuple[IntArray, FloatArray]:
    """Labels that follow `asked` if the old ones follow `chance`, changing as few as can be.

    Maximal coupling, row by row: a label stays with chance min(1, asked / chance), else a new one comes from
    what `asked` has more of. Returns the labels and, shape (n, n_classes), each row's chances of them.
    """
    n, k = chance.shape
    at = np.arange(n)
    stay = np.minimum(1.0, asked[at, label] / np.maximum(chance[at, label], 1e-12))
    more = np.maximum(asked - chance, 0.0)
    more[at, label] = 0.0
    total = more.sum(axis=1, keepdims=True)
    rest = np.divide(more, total, out=np.zeros_like(more), where=total > 0)
    stay = np.where(total[:, 0] > 0, stay, 1.0)
    final = rest * (1 - stay)[:, None]
    final[at, label] += stay
    steps = np.cumsum(final, axis=1)
    drawn = (rng.random((n, 1)) * steps[:, -1:] >= steps).sum(axis=1)
    return np.minimum(drawn, k - 1).astype(np.int64), final


def even_shares(
    label: IntArray, final: FloatArray, group: IntArray, wanted: FloatArray, rng: np.random.Generator
) -> IntArray:
    """Labels with each group's counts set to `wanted` shares, up to rounding.

    Chance leaves a small group some labels off; the rows moved for that are drawn by their chance of the
    class that is short. `wanted` has shape (n_classes,); groups below 0 stay.
    """
    out = label.copy()
    for g in np.unique(group[group >= 0]):
        rows = np.flatnonzero(group == g)
        goal = largest_remainders(wanted * len(rows))
        have = np.bincount(out[rows], minlength=len(wanted))
        for to in np.flatnonzero(have < goal):
            for source in np.flatnonzero(have > goal):
                number = int(min(goal[to] - have[to], have[source] - goal[source]))
                if number <= 0:
                    continue
                pool = rows[out[rows] == source]
                key = rng.exponential(size=len(pool)) / np.maximum(final[pool, to], 1e-9)
                out[pool[np.argsort(key, kind="stable")[:number]]] = to
                have[to] += number
                have[source] -= number
    return out


def reweigh(label: IntArray, group: IntArray, n_classes: int) -> FloatArray:
    """Weights under which label and group are independent (Kamiran and Calders, 2012); shape (n,).

    The weight of group s and class y is n_s n_y / (n n_sy). Groups below 0 count as one more group with
    weight 1. Classes that a group lacks cannot be weighed up: the caller must look.
    """
    inside = group >= 0
    weight = np.ones(len(label))
    if not inside.any():
        return weight
    g, y = group[inside], label[inside]
    n_groups = int(g.max()) + 1
    table = np.bincount(g * n_classes + y, minlength=n_groups * n_classes).reshape(n_groups, n_classes)
    want = np.outer(table.sum(axis=1), table.sum(axis=0)) / len(g)
    weight[inside] = np.divide(want, table, out=np.zeros_like(want), where=table > 0)[g, y]
    return weight


def choose_rows(
    label: IntArray, group: IntArray, n_classes: int, n: int, rng: np.random.Generator
) -> IntArray:
    """Numbers of `n` rows of a pool in which label and group are independent, up to rounding.

    Groups and classes keep their shares of the pool. Rows repeat only where a group and class has too few,
    and then as evenly as can be: whole copies, then a draw without repeats.
    """
    weight = reweigh(label, group, n_classes)
    parts = []
    groups = np.unique(group)
    sizes = largest_remainders(np.array([(group == g).mean() for g in groups]) * n)
    for g, size in zip(groups, sizes, strict=True):
        cells = [np.flatnonzero((group == g) & (label == y)) for y in range(n_classes)]
        mass = np.array([weight[c].sum() for c in cells])
        for rows, number in zip(cells, largest_remainders(mass / mass.sum() * size), strict=True):
            if number and len(rows):
                whole, rest = divmod(int(number), len(rows))
                parts += [np.repeat(rows, whole), rng.choice(rows, size=rest, replace=False)]
    out = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
    return np.asarray(rng.permutation(out), dtype=np.int64)
