"""Fewer, larger tables whose sums give all the tables asked for: fewer passes over the rows."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from locum.schema.domain import Domain
from locum.sources.base import Counts, check_clique, n_cells, sum_to


def cover(
    domain: Domain, cliques: Sequence[tuple[str, ...]], limit: int, width: int = 4
) -> list[tuple[tuple[str, ...], list[int]]]:
    """Group the tables asked for under larger ones.

    Parameters
    ----------
    domain
        Sizes of the attributes.
    cliques
        Attribute sets.
    limit
        A larger table has at most so many cells (a table asked for may be larger by itself).
    width
        ... and at most so many attributes.

    Returns
    -------
    Pairs (attributes of a table to count, positions in `cliques` of those it answers). Every position comes
    once. Depends on sizes and names only. Cost: for each table given out, the sets that share an attribute
    with it; 455 sets in some 10 ms, all pairs of 200 columns in a few seconds.
    """
    size = {n: n_cells(domain, [n]) for clique in cliques for n in clique}
    order = sorted(range(len(cliques)), key=lambda i: (-n_cells(domain, cliques[i]), cliques[i], i))
    rank = {i: r for r, i in enumerate(order)}
    sets = [frozenset(c) for c in cliques]
    waiting = dict.fromkeys(order)
    holding: dict[str, set[int]] = {n: set() for n in size}
    for i, names in enumerate(sets):
        for n in names:
            holding[n].add(i)
    singles = Counter(n for names in sets if len(names) == 1 for n in names)
    out: list[tuple[tuple[str, ...], list[int]]] = []
    while waiting:
        table = _widened(cliques[next(iter(waiting))], sets, holding, singles, size, limit, width)
        met = Counter(i for n in table for i in holding[n])
        met.update(i for i in waiting if not out and not sets[i])  # the table of no attribute: once, at once
        answered = sorted((i for i, hits in met.items() if hits >= len(sets[i])), key=rank.__getitem__)
        for i in answered:
            del waiting[i]
            for n in sets[i]:
                holding[n].discard(i)
                singles[n] -= len(sets[i]) == 1
        out.append((table, answered))
    return out


def _widened(
    clique: tuple[str, ...],
    sets: Sequence[frozenset[str]],
    holding: Mapping[str, set[int]],
    singles: Mapping[str, int],
    size: Mapping[str, int],
    limit: int,
    width: int,
) -> tuple[str, ...]:
    """A table asked for, with the attributes added one by one that answer most of what waits."""
    names = list(clique)
    met = Counter(i for n in names for i in holding[n])
    cells = math.prod(size[n] for n in names)
    while len(names) < width:
        # one more attribute answers the sets that lack just that one
        gains = Counter({n: count for n, count in singles.items() if n not in names})
        for i, hits in met.items():
            if hits == len(sets[i]) - 1:
                gains.update(sets[i].difference(names))
        best = [n for n, gain in gains.items() if cells * size[n] <= limit and gain > 1]
        if not best:
            break
        chosen = max(best, key=lambda n: (gains[n], -size[n], n))
        names.append(chosen)
        cells *= size[chosen]
        met.update(holding[chosen])
    return tuple(names)


class CountedRows(ABC):
    """A source that counts one table in a pass; of several it counts few larger ones (see `cover`)."""

    #: Most cells of such a larger table.
    most_cells: ClassVar[int]

    domain: Domain

    def marginal(self, attributes: Sequence[str]) -> Counts:
        """Number of rows in each combination of codes; see `Source.marginal`."""
        return self._count(check_clique(self.domain, attributes))

    def marginals(self, cliques: Sequence[Sequence[str]]) -> list[Counts]:
        """Several tables of counts; see `Source.marginals`."""
        checked = [check_clique(self.domain, c) for c in cliques]
        out: list[Counts] = [np.zeros(0, dtype=np.int64)] * len(checked)
        for names, answered in cover(self.domain, checked, self.most_cells):
            table = self._count(names)
            for i in answered:
                out[i] = sum_to(table, self.domain, names, checked[i])
        return out

    @abstractmethod
    def _count(self, names: Sequence[str]) -> Counts:
        """Counts over attributes that are known to be there."""
