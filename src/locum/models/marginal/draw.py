"""Rows out of a calibrated junction tree, clique by clique, with less chance than independent drawing."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.models.marginal.propagation import Beliefs
from locum.models.marginal.triangulate import JunctionTree
from locum.schema.domain import Codes

_GOLDEN = (math.sqrt(5) - 1) / 2


def draw(tree: JunctionTree, beliefs: Beliefs, n: int, rng: np.random.Generator) -> Codes:
    """Draw `n` rows; int32, shape (n, n_attributes), Fortran order.

    Each row follows the distribution exactly. Together they follow it more closely than independent rows
    would: within each clique, the rows that agree on its separator are dealt out systematically (Madow
    1949), so that every cell gets its expected number of them up to one. Memory: one clique's table and a
    few arrays of `n`; time: O(n log n) a clique.
    """
    out = np.empty((n, len(tree.sizes)), dtype=np.int32, order="F")
    for c, clique in enumerate(tree.cliques):
        separator = tree.separators[c]
        fresh = tuple(a for a in clique if a not in separator)
        shape = [tree.sizes[a] for a in clique]
        axes = [clique.index(a) for a in (*separator, *fresh)]
        rest = math.prod(tree.sizes[a] for a in fresh)
        table = beliefs.cliques[c].reshape(shape).transpose(axes).reshape(-1, rest)
        group = _cell(out, separator, tree.sizes, n)
        drawn = _deal(table, group, rng)
        for a in reversed(fresh):
            drawn, out[:, a] = np.divmod(drawn, tree.sizes[a])
    return out


def _cell(rows: Codes, attributes: tuple[int, ...], sizes: tuple[int, ...], n: int) -> npt.NDArray[np.int64]:
    cell = np.zeros(n, dtype=np.int64)
    for a in attributes:
        cell *= sizes[a]
        cell += rows[:, a]
    return cell


def _deal(table: FloatArray, group: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """For each row a column of ``table[group]``, chosen with probability proportional to its cell."""
    n = len(group)
    shuffled = rng.permutation(n)
    order = shuffled[np.argsort(group[shuffled], kind="stable")]
    used, starts, counts = np.unique(group[order], return_index=True, return_counts=True)
    which = np.repeat(np.arange(len(used)), counts)
    rank = np.arange(n) - np.repeat(starts, counts)
    # One uniform start for each group, spread evenly over the groups, so that the many small groups
    # of a fine separator together get close to their expected numbers as well.
    start = (rng.random() + _GOLDEN * np.arange(len(used))) % 1.0
    place = (rank + start[which]) / counts[which]
    steps = np.cumsum(table[used], axis=1)
    last = steps[:, -1:]
    steps = np.divide(steps, last, out=np.zeros_like(steps), where=last > 0)
    steps += np.arange(len(used))[:, None]
    # The last cell with any weight, for places that rounding carries over the end.
    end = table.shape[1] - 1 - np.argmax(table[used][:, ::-1] > 0, axis=1)
    found = np.searchsorted(steps.reshape(-1), which + place, side="right") - which * table.shape[1]
    drawn = np.empty(n, dtype=np.int64)
    drawn[order] = np.clip(found, 0, end[which])
    return drawn
