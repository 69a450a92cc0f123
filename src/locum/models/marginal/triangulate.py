"""Junction trees: which groups of attributes must be held together so that inference is exact.

Attributes are numbers (positions in the domain); a clique is a tuple of them in *canonical* order, ascending
by (size, number). Because every clique uses one order, a sub-clique's axes always come in the order of the
clique that holds it, and no array is ever transposed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Clique = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class JunctionTree:
    """Maximal cliques of a triangulated graph, parents first.

    Attributes
    ----------
    sizes
        Number of codes of each attribute.
    cliques
        In an order in which each clique comes after its parent.
    parents
        Position of each clique's parent; -1 for the root of each connected part.
    separators
        What a clique shares with its parent; empty for roots.
    order
        The elimination order that gave this tree; with the same cliques it gives the same tree again.
    """

    sizes: tuple[int, ...]
    cliques: tuple[Clique, ...]
    parents: tuple[int, ...]
    separators: tuple[Clique, ...]
    order: tuple[int, ...]

    @property
    def cells(self) -> int:
        """Number of table cells of all cliques together."""
        return sum(volume(clique, self.sizes) for clique in self.cliques)

    def holder(self, clique: Iterable[int]) -> int | None:
        """Position of the smallest clique of the tree that holds `clique`; None when there is none."""
        wanted = frozenset(clique)
        held = [i for i, c in enumerate(self.cliques) if wanted <= frozenset(c)]
        return min(held, key=lambda i: (volume(self.cliques[i], self.sizes), i)) if held else None


def volume(clique: Iterable[int], sizes: Sequence[int]) -> int:
    """Number of cells of a clique's table, as an unbounded integer."""
    cells = 1
    for a in clique:
        cells *= sizes[a]
    return cells


def canonical(clique: Iterable[int], sizes: Sequence[int]) -> Clique:
    """The attributes of a clique once each, ascending by (size, number)."""
    return tuple(sorted(set(clique), key=lambda a: (sizes[a], a)))


class Triangulator:
    """Finds elimination orders on one domain and remembers sizes it has worked out.

    Parameters
    ----------
    sizes
        Number of codes of each attribute.

    Notes
    -----
    Two greedy rules are tried, smallest clique first and fewest new edges first (min-fill), and the tree with
    fewer cells is taken. Both are heuristics: the smallest tree is NP-hard to find. One order costs
    O(d^2) set operations on machine integers (bit masks).
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        self._sizes = tuple(int(s) for s in sizes)
        self._volumes: dict[int, int] = {0: 1}
        self._known: dict[tuple[int, ...], int] = {}

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of codes of each attribute."""
        return self._sizes

    def graph(self, cliques: Iterable[Iterable[int]]) -> list[int]:
        """Neighbours of each attribute as bit masks: attributes of one clique are neighbours."""
        neighbours = [0] * len(self._sizes)
        self._connect(neighbours, cliques)
        return neighbours

    def cells(self, cliques: Iterable[Iterable[int]]) -> int:
        """Cells of the junction tree that these cliques need."""
        return self._graph_cells(self.graph(cliques))

    def cells_with(self, graph: Sequence[int], clique: Iterable[int]) -> int:
        """Cells of the tree when one more clique joins a graph made by `graph`."""
        return self._graph_cells(self.join(graph, clique))

    def join(self, graph: Sequence[int], clique: Iterable[int]) -> list[int]:
        """A graph with one more clique."""
        wider = list(graph)
        self._connect(wider, (clique,))
        return wider

    def best(self, cliques: Iterable[Iterable[int]]) -> tuple[tuple[int, ...], int]:
        """A good elimination order, and the cells of its junction tree."""
        order, masks = self._best(self.graph(cliques))
        return tuple(order), self._total(masks)

    def at_most(self, cliques: Iterable[Iterable[int]], order: Sequence[int]) -> int:
        """Most cells that this elimination order's junction tree can have; cheaper than the tree."""
        return sum(self._volume(m) for m in self._eliminated(self.graph(cliques), order))

    def tree(self, cliques: Iterable[Iterable[int]], order: Sequence[int] | None = None) -> JunctionTree:
        """The junction tree of some cliques.

        Parameters
        ----------
        cliques
            Groups of attributes that must each lie inside one clique of the tree.
        order
            An elimination order to use, a permutation of all attributes; None looks for a good one.
        """
        graph = self.graph(cliques)
        if order is None:
            order, masks = self._best(graph)
        else:
            masks = self._eliminated(graph, order)
        return self._spanning(_maximal(masks), tuple(int(a) for a in order))

    def _graph_cells(self, graph: list[int]) -> int:
        key = tuple(graph)
        if key not in self._known:
            if len(self._known) > 100_000:
                self._known.clear()
            self._known[key] = self._total(self._best(graph)[1])
        return self._known[key]

    def _best(self, graph: list[int]) -> tuple[list[int], list[int]]:
        found = [self._greedy(graph, fill) for fill in (False, True)]
        return min(found, key=lambda f: self._total(f[1]))

    def _total(self, masks: list[int]) -> int:
        return sum(self._volume(m) for m in _maximal(masks))

    def _greedy(self, graph: list[int], fill: bool) -> tuple[list[int], list[int]]:
        neighbours = list(graph)
        left = list(range(len(neighbours)))
        order, masks = [], []

        def cost(v: int) -> tuple[int, int]:
            near = neighbours[v]
            cells = self._volume(near | (1 << v))
            if not fill:
                return cells, v
            return sum((near & ~neighbours[u] & ~(1 << u)).bit_count() for u in _bits(near)), cells

        costs = {v: cost(v) for v in left}
        while left:
            v = min(left, key=lambda u: (costs[u], u))
            near = neighbours[v]
            order.append(v)
            masks.append(near | (1 << v))
            left.remove(v)
            touched = near
            for u in _bits(near):
                neighbours[u] = (neighbours[u] | near) & ~(1 << u) & ~(1 << v)
                touched |= neighbours[u] if fill else 0
            for u in _bits(touched):
                costs[u] = cost(u)
        return order, masks

    def _eliminated(self, graph: list[int], order: Sequence[int]) -> list[int]:
        neighbours, masks = list(graph), []
        for v in order:
            near = neighbours[v]
            masks.append(near | (1 << v))
            for u in _bits(near):
                neighbours[u] = (neighbours[u] | near) & ~(1 << u) & ~(1 << v)
        return masks

    def _spanning(self, masks: list[int], order: tuple[int, ...]) -> JunctionTree:
        """Prim's algorithm for the spanning forest with the largest separators, from the largest clique."""
        left = sorted(masks, key=lambda m: (-self._volume(m), m))
        placed: list[int] = []
        parents: list[int] = []
        best: dict[int, tuple[int, int]] = {}
        while left:
            pick = max(left, key=lambda m: (best.get(m, (0, -1))[0], self._volume(m), m))
            shared, parent = best.get(pick, (0, -1))
            left.remove(pick)
            placed.append(pick)
            parents.append(parent if shared else -1)
            for m in left:
                common = (m & pick).bit_count()
                if common > best.get(m, (0, -1))[0]:
                    best[m] = (common, len(placed) - 1)
        cliques = tuple(canonical(_bits(m), self._sizes) for m in placed)
        separators = tuple(
            canonical(_bits(m & placed[p]), self._sizes) if p >= 0 else ()
            for m, p in zip(placed, parents, strict=True)
        )
        return JunctionTree(self._sizes, cliques, tuple(parents), separators, order)

    def _connect(self, neighbours: list[int], cliques: Iterable[Iterable[int]]) -> None:
        for clique in cliques:
            for a, b in itertools.combinations(set(clique), 2):
                neighbours[a] |= 1 << b
                neighbours[b] |= 1 << a

    def _volume(self, mask: int) -> int:
        known = self._volumes.get(mask)
        if known is None:
            if len(self._volumes) > 1_000_000:
                self._volumes = {0: 1}
            known = volume(_bits(mask), self._sizes)
            self._volumes[mask] = known
        return known


def _bits(mask: int) -> list[int]:
    found = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found


def _maximal(masks: Sequence[int]) -> list[int]:
    kept: list[int] = []
    for m in sorted(set(masks), key=lambda m: -m.bit_count()):
        if not any(m & ~k == 0 for k in kept):
            kept.append(m)
    return kept
