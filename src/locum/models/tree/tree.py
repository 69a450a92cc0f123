"""A grown tree as arrays: rows fall to a leaf, a leaf is a smoothed distribution over codes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray, IntArray
from locum.models.tree.grow import Growth

#: A leaf borrows from the nearest ancestor that holds at least this many times its rows.
WIDER = 6
#: Pseudo-rows that an ancestor borrows in turn from the next wider one.
ANCESTOR_BORROWS = 2.0


@dataclass(frozen=True, slots=True)
class Tree:
    """The conditional distribution of one attribute given earlier ones.

    Attributes
    ----------
    feature, threshold, left
        Attribute split on (-1: leaf), last bin that goes left, left child (the right one is the next node).
    start, stop
        Interval of training rows of each node in leaf order.
    wider
        Ancestor that a node borrows from, -1 for the root, which borrows from the marginal.
    borrow
        Probability of borrowing.
    code, end
        Run-length code of the training rows in leaf order: code and last row + 1 of each run. Rows are counts
        here: no training row can be put together again from them.
    """

    feature: npt.NDArray[np.int32]
    threshold: npt.NDArray[np.int32]
    left: npt.NDArray[np.int32]
    start: npt.NDArray[np.int32]
    stop: npt.NDArray[np.int32]
    wider: npt.NDArray[np.int32]
    borrow: npt.NDArray[np.float32]
    code: npt.NDArray[np.int32]
    end: npt.NDArray[np.int32]

    @classmethod
    def of(cls, growth: Growth, y: IntArray, smoothing: float) -> Tree:
        """Freeze a grown tree over the rows `y` that it was grown on."""
        ordered = y[growth.permutation]
        leaf = growth.feature < 0
        fresh = np.ones(len(ordered), dtype=bool)
        fresh[1:] = ordered[1:] != ordered[:-1]
        fresh[growth.start[leaf]] = True
        first = np.flatnonzero(fresh)
        end = np.append(first[1:], len(ordered))
        size = growth.stop - growth.start
        distinct = np.searchsorted(first, growth.stop) - np.searchsorted(first, growth.start)
        pseudo = np.where(leaf, smoothing * distinct, ANCESTOR_BORROWS if smoothing > 0 else 0.0)
        return cls(
            growth.feature.astype(np.int32),
            growth.threshold.astype(np.int32),
            growth.left.astype(np.int32),
            growth.start.astype(np.int32),
            growth.stop.astype(np.int32),
            _wider(growth.parent, size).astype(np.int32),
            (pseudo / np.maximum(size + pseudo, 1)).astype(np.float32),
            ordered[first].astype(np.int32),
            end.astype(np.int32),
        )

    @classmethod
    def single(cls) -> Tree:
        """One leaf of one row of code 0."""
        zero, one = np.zeros(1, dtype=np.int32), np.ones(1, dtype=np.int32)
        return cls(-one, zero, zero, zero, one, -one, np.zeros(1, dtype=np.float32), zero, one)

    def leaves(self, bins: npt.NDArray[np.uint8], slot: npt.NDArray[np.int32]) -> IntArray:
        """Leaf of each row.

        Parameters
        ----------
        bins
            Shape (used inputs, rows): the binned values of the attributes that the tree splits on.
        slot
            Row of `bins` for each node's feature; shape (nodes,).
        """
        rows = bins.shape[1]
        at = np.zeros(rows, dtype=np.int64)
        moving = np.arange(rows)
        while True:
            node = at[moving]
            inner = self.feature[node] >= 0
            if not inner.all():
                moving, node = moving[inner], node[inner]
            if len(moving) == 0:
                return at
            at[moving] = self.left[node] + (bins[slot[node], moving] > self.threshold[node])

    def draw(self, leaf: IntArray, marginal: FloatArray, rng: np.random.Generator) -> IntArray:
        """Draw a code for each row from its smoothed leaf.

        `marginal` is the cumulative distribution of the attribute over all training rows.
        """
        at = leaf.copy()
        out = np.full(len(leaf), -1, dtype=np.int64)
        moving = np.arange(len(leaf))
        while len(moving):
            up = rng.random(len(moving)) < self.borrow[at[moving]]
            moving = moving[up]
            at[moving] = self.wider[at[moving]]
            top = at[moving] < 0
            if top.any():
                lost = moving[top]
                out[lost] = np.searchsorted(marginal, rng.random(len(lost)), side="right")
                moving = moving[~top]
        own = np.flatnonzero(out < 0)
        node = at[own]
        row = self.start[node] + (rng.random(len(own)) * (self.stop[node] - self.start[node])).astype(
            np.int64
        )
        out[own] = self.code[np.searchsorted(self.end, row, side="right")]
        return out

    def probability(self, leaf: IntArray, y: IntArray, marginal: FloatArray) -> FloatArray:
        """Probability of code `y` in the smoothed leaf of each row; the density that `draw` draws from.

        `marginal` is the (non-cumulative) distribution over all training rows.
        """
        runs = np.lexsort((self.end, self.code))
        n_runs = len(runs)
        key = self.code[runs].astype(np.int64) * (n_runs + 1) + runs
        width = np.diff(self.end, prepend=0)
        count = np.append(0, np.cumsum(width[runs]))
        total = np.zeros(len(leaf))
        weight = np.ones(len(leaf))
        at = leaf.copy()
        moving = np.arange(len(leaf))
        while len(moving):
            node = at[moving]
            low = np.searchsorted(self.end, self.start[node], side="right")
            high = np.searchsorted(self.end, self.stop[node], side="left") + 1
            base = y[moving] * (n_runs + 1)
            hits = count[np.searchsorted(key, base + high)] - count[np.searchsorted(key, base + low)]
            share = hits / np.maximum(self.stop[node] - self.start[node], 1)
            total[moving] += weight[moving] * (1.0 - self.borrow[node]) * share
            weight[moving] *= self.borrow[node]
            at[moving] = self.wider[node]
            moving = moving[(at[moving] >= 0) & (weight[moving] > 0)]
        known = (y >= 0) & (y < len(marginal))
        return np.where(known, total + weight * marginal[np.where(known, y, 0)], 0.0)


def _wider(parent: IntArray, size: IntArray) -> IntArray:
    """Nearest ancestor with at least `WIDER` times the rows; the root where none is that large."""
    at = parent.copy()
    while True:
        short = (at > 0) & (size[np.maximum(at, 0)] < WIDER * size)
        if not short.any():
            return at
        at[short] = parent[at[short]]
