"""The marginal of any set of attributes under a calibrated junction tree, sharing work between questions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from locum.arrays import FloatArray
from locum.errors import FeasibilityError
from locum.models.marginal.propagation import Beliefs, embed
from locum.models.marginal.triangulate import Clique, JunctionTree, canonical, volume

#: Most cells that an answer or a step on the way to it may have (half a gigabyte).
MOST_CELLS = 2**26


class Query:
    """Answers questions about one set of beliefs.

    Parameters
    ----------
    tree, beliefs
        Of a fitted model. The beliefs must not change while this object is used.

    Notes
    -----
    Variable elimination towards the root: a clique sends its parent a table over their separator and the
    wanted attributes below. Such tables are kept by (clique, wanted attributes), so that the many questions
    of one round share most of their work. A question inside one clique is a plain sum.
    """

    def __init__(self, tree: JunctionTree, beliefs: Beliefs) -> None:
        self._tree, self._beliefs = tree, beliefs
        self._children: list[list[int]] = [[] for _ in tree.cliques]
        self._below: list[frozenset[int]] = [frozenset(c) for c in tree.cliques]
        for c in range(len(tree.cliques) - 1, -1, -1):
            parent = tree.parents[c]
            if parent >= 0:
                self._children[parent].append(c)
                self._below[parent] |= self._below[c]
        self._conditionals: dict[int, FloatArray] = {}
        self._messages: dict[tuple[int, frozenset[int]], tuple[Clique, FloatArray]] = {}

    def marginal(self, attributes: Iterable[int]) -> FloatArray:
        """Probability table over the attributes in canonical order.

        Raises
        ------
        FeasibilityError
            When a table on the way would have more than `MOST_CELLS` cells.
        """
        wanted = canonical(attributes, self._tree.sizes)
        check(volume(wanted, self._tree.sizes))
        at = self._tree.holder(wanted)
        if at is not None:
            table = self._beliefs.cliques[at]
            return embed(self._tree.cliques[at], wanted, self._tree.sizes).project(table)
        parts = []
        left = frozenset(wanted)
        for root, parent in enumerate(self._tree.parents):
            mine = left & self._below[root] if parent < 0 else frozenset()
            if mine:
                parts.append(self._within(root, mine))
                left -= mine
        axes, table = parts[0]
        for more, other in parts[1:]:
            axes, table = _contract(axes, table, more, other, frozenset(wanted))
        return _arrange(axes, table, wanted)

    def _within(self, root: int, wanted: frozenset[int]) -> tuple[Clique, FloatArray]:
        """The marginal of attributes of one connected part, from the lowest clique that has all below it."""
        top = root
        while True:
            lower = [c for c in self._children[top] if wanted <= self._below[c]]
            if not lower or wanted <= frozenset(self._tree.cliques[top]):
                break
            top = lower[0]
        return self._collect(top, self._beliefs.cliques[top], wanted)

    def _message(self, c: int, wanted: frozenset[int]) -> tuple[Clique, FloatArray]:
        key = (c, wanted)
        if key not in self._messages:
            keep = wanted | frozenset(self._tree.separators[c])
            self._messages[key] = self._collect(c, self._conditional(c), keep)
        return self._messages[key]

    def _collect(self, c: int, table: FloatArray, keep: frozenset[int]) -> tuple[Clique, FloatArray]:
        """Sum `table` of clique `c`, times what its children send, down to the attributes of `keep`."""
        axes: Clique = self._tree.cliques[c]
        incoming = []
        seen = frozenset(axes)
        for child in self._children[c]:
            mine = (keep & self._below[child]) - seen
            if mine:
                incoming.append(self._message(child, mine))
        incoming.sort(key=lambda m: m[1].size)
        for i, (more, other) in enumerate(incoming):
            later = frozenset(a for axes_later, _ in incoming[i + 1 :] for a in axes_later)
            axes, table = _contract(axes, table, more, other, keep | later)
        away = tuple(i for i, a in enumerate(axes) if a not in keep)
        if away:
            table = np.add.reduce(table.reshape([self._tree.sizes[a] for a in axes]), axis=away)
        return tuple(a for a in axes if a in keep), table

    def _conditional(self, c: int) -> FloatArray:
        """P(clique | separator), 0 where the separator cannot happen."""
        if c not in self._conditionals:
            table = self._beliefs.cliques[c].copy()
            above = self._beliefs.separators[c]
            if above is not None:
                inverse = np.divide(1.0, above, out=np.zeros_like(above), where=above > 0)
                embed(self._tree.cliques[c], self._tree.separators[c], self._tree.sizes).combine(
                    np.multiply, table, inverse
                )
            self._conditionals[c] = table
        return self._conditionals[c]


def check(cells: int) -> None:
    """Raise FeasibilityError when a table would have more than `MOST_CELLS` cells."""
    if cells > MOST_CELLS:
        raise FeasibilityError(
            f"a table of {cells:,} cells would be needed",
            where="marginal",
            expected=f"at most {MOST_CELLS:,} cells",
            do="ask about fewer columns, or make them coarser",
        )


def _contract(
    axes: Clique, table: FloatArray, more: Clique, other: FloatArray, keep: frozenset[int]
) -> tuple[Clique, FloatArray]:
    """Multiply two tables and sum away what is in both and not kept."""
    sizes = {**dict(zip(axes, table.shape, strict=True)), **dict(zip(more, other.shape, strict=True))}
    drop = tuple(i for i, a in enumerate(axes) if a not in keep and a not in more)
    if drop:
        table = np.add.reduce(table, axis=drop)
        axes = tuple(a for a in axes if a in keep or a in more)
    both = [a for a in axes if a in more]
    batch, summed = [a for a in both if a in keep], [a for a in both if a not in keep]
    left, right = [a for a in axes if a not in both], [a for a in more if a not in both]
    check(math.prod(sizes[a] for a in (*batch, *left, *right)))
    shape = [math.prod(sizes[a] for a in group) for group in (batch, left, summed, right)]
    a = table.transpose([axes.index(x) for x in (*batch, *left, *summed)]).reshape(
        shape[0], shape[1], shape[2]
    )
    b = other.transpose([more.index(x) for x in (*batch, *summed, *right)]).reshape(
        shape[0], shape[2], shape[3]
    )
    out = (*batch, *left, *right)
    return out, np.matmul(a, b).reshape([sizes[x] for x in out])


def _arrange(axes: Sequence[int], table: FloatArray, order: Clique) -> FloatArray:
    return np.ascontiguousarray(table.transpose([list(axes).index(a) for a in order]))
