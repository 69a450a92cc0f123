"""A causal graph of columns, given or learnt, and the edges that a notion of fairness cuts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from locum.errors import UsageError

#: What may not carry the protected columns into the label: ``ftu`` the direct edge (fairness through
#: unawareness), ``dp`` every path (demographic parity), ``cf`` every path that no explaining column blocks
#: (conditional fairness).
Notion = Literal["ftu", "cf", "dp"]
NOTIONS: tuple[Notion, ...] = ("ftu", "cf", "dp")
#: Most parents that a learnt column has, and most combinations of their cells.
PARENTS, CELLS = 3, 20_000
#: Nats a row that an edge must bring: with many rows the criterion alone keeps edges of no weight.
LEAST_GAIN = 0.01


@dataclass(frozen=True, slots=True)
class Graph:
    """Directed edges (cause, effect) without a cycle.

    Raises
    ------
    UsageError
        On a cycle, which is named, or an edge from a column to itself.
    """

    edges: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        cycle = self._cycle()
        if cycle:
            raise UsageError(
                f"the causal graph has a cycle: {' -> '.join(cycle)}",
                where="graph",
                expected="causes before effects",
                do="take one of these edges out",
            )

    @classmethod
    def given(cls, edges: Iterable[Sequence[str] | str], names: Sequence[str]) -> Graph:
        """A graph from pairs, or texts such as ``sex -> income``.

        Raises
        ------
        UsageError
            For an unknown column, a text that is no edge, or a cycle.
        """
        pairs: list[tuple[str, str]] = []
        for edge in edges:
            parts = [p.strip() for p in edge.split("->")] if isinstance(edge, str) else list(edge)
            if len(parts) != 2:
                raise UsageError(f"{edge!r} is not an edge", where="graph", expected="cause -> effect")
            for name in parts:
                if name not in names:
                    raise UsageError(
                        f"there is no column {name!r}", where="graph", expected=f"one of {', '.join(names)}"
                    )
            pairs.append((parts[0], parts[1]))
        return cls(tuple(dict.fromkeys(pairs)))

    def parents(self, name: str) -> tuple[str, ...]:
        """Columns with an edge into `name`."""
        return tuple(a for a, b in self.edges if b == name)

    def children(self, name: str) -> tuple[str, ...]:
        """Columns that `name` has an edge into."""
        return tuple(b for a, b in self.edges if a == name)

    def descendants(self, start: Iterable[str], without: Iterable[str] = ()) -> set[str]:
        """Columns reached from `start` along edges, never through a column of `without`; start left out."""
        blocked, seen = set(without), set(start)
        front = list(seen)
        while front:
            for child in self.children(front.pop()):
                if child not in seen and child not in blocked:
                    seen.add(child)
                    front.append(child)
        return seen - set(start)

    def cut(
        self, target: str, protected: Sequence[str], notion: Notion, explain: Sequence[str] = ()
    ) -> tuple[str, ...]:
        """Parents of the target whose edge into it is to be cut; as DECAF (van Breugel et al., 2021).

        ``ftu``: the protected columns. ``dp``: also what descends from them. ``cf``: also what descends from
        them other than through an explaining column; the explaining columns themselves stay.
        """
        bad = set(protected)
        if notion == "dp":
            bad |= self.descendants(protected, without=(target,))
        elif notion == "cf":
            bad |= self.descendants(protected, without=(target, *explain))
        return tuple(p for p in self.parents(target) if p in bad)

    def _cycle(self) -> list[str]:
        names = list(dict.fromkeys(n for e in self.edges for n in e))
        left = dict.fromkeys(names)
        while True:
            free = [n for n in left if not any(a in left for a in self.parents(n))]
            if not free:
                break
            for n in free:
                del left[n]
        if not left:
            return []
        at, path = next(iter(left)), []
        while at not in path:
            path.append(at)
            at = next(a for a in self.parents(at) if a in left)
        return [*path[path.index(at) :], at][::-1]


def learn_graph(
    codes: npt.NDArray[np.int32],
    sizes: Sequence[int],
    names: Sequence[str],
    target: str,
    protected: Sequence[str],
) -> Graph:
    """A graph from rows as cells: protected columns first, others by their cells, target last.

    Each column takes, of those before it, up to `PARENTS` parents greedily by the Bayesian information
    criterion; every column may act on the target. Which way an edge between ordinary columns points cannot
    be told from rows: the order is a convention, and one column more counted as a descendant of a protected
    one is the safe side. Cost: columns^2 x parents passes over the rows.
    """
    at = {n: i for i, n in enumerate(names)}
    middle = sorted((n for n in names if n not in protected and n != target), key=lambda n: sizes[at[n]])
    order = [*protected, *middle]
    edges = [(n, target) for n in order]
    for place, name in enumerate(order):
        if name in protected:
            continue
        before = [at[n] for n in order[:place]]
        edges += [(names[p], name) for p in _greedy(codes, sizes, at[name], before)]
    return Graph(tuple(edges))


def _greedy(codes: npt.NDArray[np.int32], sizes: Sequence[int], child: int, before: list[int]) -> list[int]:
    chosen: list[int] = []
    key, width = np.zeros(len(codes), dtype=np.int64), 1
    best = _score(codes[:, child], sizes[child], key, width)
    while len(chosen) < PARENTS:
        tried = [
            (_score(codes[:, child], sizes[child], key * sizes[p] + codes[:, p], width * sizes[p]), p)
            for p in before
            if p not in chosen and width * sizes[p] * sizes[child] <= CELLS
        ]
        if not tried or max(tried)[0] <= best + LEAST_GAIN * len(codes):
            break
        best, p = max(tried)
        chosen.append(p)
        key, width = key * sizes[p] + codes[:, p], width * sizes[p]
    return chosen


def _score(child: npt.NDArray[np.int32], size: int, key: npt.NDArray[np.int64], width: int) -> float:
    """Log-likelihood of a column given a key, less half the log of the rows for each free number seen."""
    table = np.bincount(key * size + child, minlength=width * size).reshape(width, size).astype(np.float64)
    rows = table.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(table > 0, table * np.log(table / rows), 0.0)
    free = int((rows[:, 0] > 0).sum()) * (size - 1)
    return float(logs.sum() - 0.5 * np.log(max(2, len(child))) * free)
