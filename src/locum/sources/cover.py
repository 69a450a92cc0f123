"""Fewer, larger tables whose sums give all the tables asked for: fewer passes over the rows."""

from __future__ import annotations

from collections.abc import Sequence

from locum.schema.domain import Domain
from locum.sources.base import n_cells


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
    once. Depends on sizes and names only. Cost: about ``len(cliques)**2`` small steps; 455 in some 50 ms.
    """
    order = sorted(range(len(cliques)), key=lambda i: (-n_cells(domain, cliques[i]), cliques[i], i))
    sets = {i: frozenset(cliques[i]) for i in order}
    waiting = dict.fromkeys(order)
    out = []
    while waiting:
        first = next(iter(waiting))
        names, held = list(cliques[first]), set(sets[first])
        while len(names) < width:
            # one more attribute: the one that answers most of what waits
            gains: dict[str, int] = {}
            for i in waiting:
                extra = sets[i] - held
                if len(extra) == 1:
                    name = next(iter(extra))
                    gains[name] = gains.get(name, 0) + 1
            best = [n for n in gains if n_cells(domain, [*names, n]) <= limit and gains[n] > 1]
            if not best:
                break
            chosen = max(best, key=lambda n: (gains[n], -n_cells(domain, [n]), n))
            names.append(chosen)
            held.add(chosen)
        answered = [i for i in waiting if sets[i] <= held]
        for i in answered:
            del waiting[i]
        out.append((tuple(names), answered))
    return out
