"""Growing one classification tree, level by level, from integer histograms.

All nodes of a level are searched together: one ``bincount`` per input gives the counts of every (node, bin,
class), and the gain of every cut is a difference of ``c log c`` sums looked up in a table, because counts are
integers. Cost: O(rows x inputs) per level plus the size of the histograms; no Python loop over rows or nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray, IntArray
from locum.schema.domain import Domain

#: Fewest rows of a leaf in which all are missing because another column is: such a leaf tells nothing else.
NULL_LEAF = 5
#: What is added to the gain of a cut that has to come before all others.
FIRST = 1e12


@dataclass(frozen=True, slots=True)
class Input:
    """One column that a tree may split on.

    Attributes
    ----------
    attribute
        Its index in the domain.
    bins
        uint8 bin of each row, in splitting order.
    n_bins
        Number of bins.
    null
        Whether the last bin holds the missing values and nothing else.
    """

    attribute: int
    bins: npt.NDArray[np.uint8]
    n_bins: int
    null: bool = False

    @classmethod
    def of(cls, attribute: int, table: npt.NDArray[np.uint8], codes: IntArray, domain: Domain) -> Input:
        """The input that a table of bins makes of a column's codes."""
        null, last = domain.attributes[attribute].null, int(table.max())
        alone = null is not None and table[null] == last and np.count_nonzero(table == last) == 1
        return cls(attribute, table[codes], last + 1, alone)


@dataclass(slots=True)
class Growth:
    """A grown tree over a permutation of its rows; every node owns an interval of that permutation.

    Children of node ``a`` are ``left[a]`` and ``left[a] + 1``; leaves have ``feature`` -1.
    """

    feature: IntArray
    threshold: IntArray
    left: IntArray
    parent: IntArray
    start: IntArray
    stop: IntArray
    permutation: IntArray

    @classmethod
    def of(cls, permutation: IntArray) -> Growth:
        """One leaf of all rows."""
        feature, threshold, left, parent, start = (np.array([value]) for value in (-1, 0, -1, -1, 0))
        return cls(feature, threshold, left, parent, start, np.array([len(permutation)]), permutation)

    def size(self, which: IntArray) -> IntArray:
        """Rows of some nodes."""
        out: IntArray = self.stop[which] - self.start[which]
        return out

    def split(self, at: IntArray, feature: IntArray, threshold: IntArray, middle: IntArray) -> IntArray:
        """Make two children of each node in `at`; returns the new nodes."""
        new = len(self.feature) + np.arange(2 * len(at))
        self.feature[at], self.threshold[at], self.left[at] = feature, threshold, new[::2]
        blank = np.full(len(new), -1)
        self.feature = np.append(self.feature, blank)
        self.threshold = np.append(self.threshold, np.zeros(len(new), dtype=np.int64))
        self.left = np.append(self.left, blank)
        self.parent = np.append(self.parent, np.repeat(at, 2))
        self.start = np.append(self.start, np.column_stack([self.start[at], middle]).ravel())
        self.stop = np.append(self.stop, np.column_stack([middle, self.stop[at]]).ravel())
        return new


def xlogx_table(n: int) -> npt.NDArray[np.float32]:
    """``c * log(c)`` for c = 0..n, float32 (relative error 1e-7: far below any penalty)."""
    counts = np.arange(n + 1, dtype=np.float64)
    counts[0] = 1.0
    table = counts * np.log(counts)
    return table.astype(np.float32)


def local_classes(y: IntArray, node: IntArray, sizes: IntArray, offsets: IntArray, classes: int) -> IntArray:
    """Class of each row for the split search, relative to its own node.

    Codes that hold more than 1/`classes` of a node are classes of their own; the others are cut by rank into
    quantile groups, equal codes together. So the resolution follows the node: a node deep in the tail of a
    column is searched at tail resolution.

    Parameters
    ----------
    y
        Codes, ascending within each node; shape (rows,).
    node
        Node of each row, ascending.
    sizes, offsets
        Rows per node, and where each node starts.
    classes
        Number of classes aimed at; at most ``classes + 1`` are used.
    """
    rows = len(y)
    fresh = np.empty(rows, dtype=bool)
    fresh[0] = True
    np.logical_or(y[1:] != y[:-1], node[1:] != node[:-1], out=fresh[1:])
    run_start = np.flatnonzero(fresh)
    run_size = np.diff(np.append(run_start, rows))
    run_node = node[run_start]
    heavy = run_size * classes > sizes[run_node]
    n_heavy = np.bincount(run_node, weights=heavy, minlength=len(sizes)).astype(np.int64)
    groups = np.maximum(classes - n_heavy, 2)
    light_size = np.where(heavy, 0, run_size)
    before = np.cumsum(light_size) - light_size
    first_run = np.searchsorted(run_start, offsets[:-1])
    before -= before[first_run][run_node]
    light_total = np.bincount(run_node, weights=light_size, minlength=len(sizes)).astype(np.int64)
    rank = (2 * before + light_size) * groups[run_node] // np.maximum(2 * light_total[run_node], 1)
    light_class = np.minimum(rank, groups[run_node] - 1)
    heavy_before: IntArray = np.cumsum(heavy) - heavy
    heavy_before -= heavy_before[first_run][run_node]
    of_run = np.where(heavy, np.minimum(groups[run_node] + heavy_before, classes), light_class)
    out: IntArray = np.repeat(of_run, run_size)
    return out


def grow(
    y: IntArray,
    inputs: Sequence[Input],
    *,
    min_leaf: int,
    penalty: float,
    max_depth: int,
    classes: int,
    xlogx: npt.NDArray[np.float32],
    null: int | None = None,
) -> Growth:
    """Grow one tree that predicts the distribution of `y`.

    A split is made where it gains the most log-likelihood of the node-local classes, if it gains more than
    ``penalty`` times the free parameters it adds, and leaves `min_leaf` rows on both sides.

    Parameters
    ----------
    y
        Target codes; shape (rows,).
    inputs
        Columns to split on, aligned with `y`.
    min_leaf, penalty, max_depth, classes
        See `TreeSettings`.
    xlogx
        `xlogx_table` of at least ``len(y)`` entries.
    null
        Code of missing values. Columns that are missing together are told apart also where they are rare: a
        leaf of all rows that miss an input, all of which miss `y` too, may have as few as `NULL_LEAF` rows.
    """
    nodes = Growth.of(np.argsort(y, kind="stable"))
    active = np.zeros(1, dtype=np.int64)
    for _ in range(max_depth if inputs else 0):
        active = active[nodes.size(active) >= (2 * min_leaf if null is None else min_leaf + NULL_LEAF)]
        if len(active) == 0:
            break
        level = _Level.of(nodes, active, y, classes, null)
        price = penalty * np.maximum(level.present - 1, 1)
        gain, which, cut = _best_cuts(level, inputs, min_leaf, xlogx, price)
        split = gain > price
        if not split.any():
            break
        active = _apply(nodes, active, level, inputs, split, which, cut)
    return nodes


@dataclass(slots=True)
class _Level:
    """The rows of all active nodes, side by side."""

    node: IntArray
    sizes: IntArray
    position: IntArray
    row: IntArray
    width: int
    key: IntArray
    total: IntArray
    present: IntArray
    missing: npt.NDArray[np.bool_] | None

    @classmethod
    def of(cls, nodes: Growth, active: IntArray, y: IntArray, classes: int, null: int | None) -> _Level:
        sizes = nodes.size(active)
        offsets = np.append(0, np.cumsum(sizes))
        node = np.repeat(np.arange(len(active)), sizes)
        position = np.arange(offsets[-1]) + np.repeat(nodes.start[active] - offsets[:-1], sizes)
        row = nodes.permutation[position]
        label = local_classes(y[row], node, sizes, offsets, classes)
        width = int(label.max()) + 1
        key = node * width + label
        total = np.bincount(key, minlength=len(active) * width).reshape(len(active), width)
        present = (total > 0).sum(axis=1)
        missing = None if null is None else y[row] == null
        return cls(node, sizes, position, row, width, key, total, present, missing)

    def missing_together(self, column: Input) -> npt.NDArray[np.bool_]:
        """Nodes in which all rows that miss a column miss the target too, and there are enough of them."""
        assert self.missing is not None
        inside = column.bins[self.row] == column.n_bins - 1
        rows = np.bincount(self.node[inside], minlength=len(self.sizes))
        both = np.bincount(self.node[inside & self.missing], minlength=len(self.sizes))
        out: npt.NDArray[np.bool_] = (rows == both) & (rows >= NULL_LEAF)
        return out


def _best_cuts(
    level: _Level, inputs: Sequence[Input], min_leaf: int, xlogx: npt.NDArray[np.float32], price: FloatArray
) -> tuple[npt.NDArray[np.float32], IntArray, IntArray]:
    """Gain, input and bin of the best cut of each active node.

    A cut by what is missing together comes first if it gains its price: after others the few rows would be
    scattered.
    """
    n_nodes, width = level.total.shape
    everything = np.arange(n_nodes)
    whole = xlogx[level.total].sum(axis=1) - xlogx[level.sizes]
    gain = np.full(n_nodes, -1.0, dtype=np.float32)
    which = np.full(n_nodes, -1)
    cut = np.zeros(n_nodes, dtype=np.int64)
    label = level.key - level.node * width
    for i, column in enumerate(inputs):
        if column.n_bins < 2:
            continue
        key = (level.node * column.n_bins + column.bins[level.row]) * width + label
        counts = np.bincount(key, minlength=n_nodes * column.n_bins * width)
        left = counts.reshape(n_nodes, column.n_bins, width).cumsum(axis=1)[:, :-1]
        n_left = left.sum(axis=2)
        n_right = level.sizes[:, None] - n_left
        score = xlogx[left].sum(axis=2) + xlogx[level.total[:, None, :] - left].sum(axis=2)
        score -= xlogx[n_left] + xlogx[n_right] + whole[:, None]
        small = (n_left < min_leaf) | (n_right < min_leaf)
        if column.null and level.missing is not None:
            together = level.missing_together(column) & (n_left[:, -1] >= min_leaf)
            small[:, -1] &= ~together
            score[together & (score[:, -1] > price), -1] += FIRST
        score[small] = -1.0
        best = score.argmax(axis=1)
        value = score[everything, best]
        better = value > gain
        gain[better], which[better], cut[better] = value[better], i, best[better]
    return gain, which, cut


def _apply(
    nodes: Growth,
    active: IntArray,
    level: _Level,
    inputs: Sequence[Input],
    split: npt.NDArray[np.bool_],
    which: IntArray,
    cut: IntArray,
) -> IntArray:
    """Partition the rows of the nodes that split; returns the children."""
    right = np.zeros(len(level.row), dtype=bool)
    chosen: npt.NDArray[Any] = np.where(split, which, -1)[level.node]
    for i in np.unique(which[split]):
        mine = np.flatnonzero(chosen == i)
        right[mine] = inputs[i].bins[level.row[mine]] > cut[level.node[mine]]
    order = np.argsort(level.node * 2 + right, kind="stable")
    nodes.permutation[level.position] = level.row[order]
    n_right = np.bincount(level.node[right], minlength=len(active))
    at = active[split]
    attribute = np.array([inputs[i].attribute for i in which[split]])
    return nodes.split(at, attribute, cut[split], nodes.stop[at] - n_right[split])
