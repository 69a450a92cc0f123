"""Which columns depend directly on which: a search over directed graphs without cycles."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from locum.arrays import BoolArray, FloatArray
from locum.models.bayesnet.families import Families
from locum.models.marginal.triangulate import Triangulator

Change = Literal["add", "drop", "turn"]
Parents = tuple[frozenset[int], ...]

#: Steps in a row that may fail to reach a new best before a climb ends, and last changes not to be undone.
PATIENCE, TABU = 15, 15
#: Rounds in a row without a better graph that end the search early.
IDLE = 20
#: Steps times columns squared that the search may take in all before it stops shaking: about ten seconds.
MOST_WORK = 2 * 10**7
#: One of so many edges is dropped or turned round before the graph is climbed anew.
SHAKEN = 5
#: Gains below this are rounding.
NOTHING = 1e-6


@dataclass(frozen=True, slots=True)
class GraphLimits:
    """What a graph may be.

    Attributes
    ----------
    parents
        Most parents of a column.
    candidates
        Columns that may become parents of a column: those that tell most about it on their own.
    cells
        Most cells of the junction tree that exact inference needs.
    rounds
        Times that the best graph is shaken and climbed from anew.
    """

    parents: int
    candidates: int
    cells: int
    rounds: int


class Search:
    """Hill climbing over directed acyclic graphs, with a tabu list and repeated shaking.

    Each step takes the best of all single changes (add, drop or turn round an edge), also a bad one for up to
    `PATIENCE` steps; changes just made are tabu. At the end a part of the best graph's edges is dropped or
    turned and the climb begins again, `GraphLimits.rounds` times, as the score of a large table has many
    local optima. Parents come from the strongest candidates (sparse candidates, Friedman, Nachman and Peer
    1999), and a change that would make exact inference too large is passed over.

    Cost: a score of every pair of columns first, then about two per candidate and step, each a pass over the
    rows; in later rounds most come out of the cache.
    """

    def __init__(self, families: Families, limits: GraphLimits, rng: np.random.Generator) -> None:
        self._families, self._limits, self._rng = families, limits, rng
        self._n = n = len(families.sizes)
        self._triangulator = Triangulator(families.sizes)
        self._allowed = np.zeros((n, n), dtype=bool)
        self._edge = np.zeros((n, n), dtype=bool)
        self._parents: list[frozenset[int]] = [frozenset()] * n
        self._gain = np.full((n, n), -np.inf)
        self._order: Sequence[int] = ()
        self._steps = 0
        # Additions that made inference too large in the present climb; most would do so again.
        self._refused = np.zeros((n, n), dtype=bool)

    def run(self, heard: Callable[[float], None]) -> Parents:
        """Parents of each column in the best graph found; `heard` gets the share of the work done."""
        self._allowed = self._candidates(heard)
        for v in range(self._n):
            self._refresh(v)
        best, top = self._climb()
        idle = 0
        for done in range(self._limits.rounds):
            heard(0.4 + 0.6 * done / self._limits.rounds)
            if idle == IDLE or not best.any() or self._steps * self._n**2 > MOST_WORK:
                break
            self._set(best)
            self._shake()
            found, score = self._climb()
            better = score > top + NOTHING
            idle = 0 if better else idle + 1
            if better:
                best, top = found, score
        heard(1.0)
        return tuple(frozenset(np.flatnonzero(best[:, v]).tolist()) for v in range(self._n))

    def _candidates(self, heard: Callable[[float], None]) -> BoolArray:
        """Whether u may be a parent of v, at [u, v]; symmetric."""
        gain = np.full((self._n, self._n), -np.inf)
        alone = [self._families.score(v, frozenset()) for v in range(self._n)]
        for v in range(self._n):
            heard(0.3 * v / self._n)
            for u in range(v):
                if min(self._families.sizes[u], self._families.sizes[v]) > 1:
                    gain[u, v] = gain[v, u] = self._families.score(v, frozenset((u,))) - alone[v]
        allowed = np.zeros((self._n, self._n), dtype=bool)
        strongest = np.argsort(-gain, axis=0, kind="stable")[: self._limits.candidates]
        np.put_along_axis(allowed, strongest, values=True, axis=0)
        allowed |= allowed.T
        known: BoolArray = allowed & np.isfinite(gain)
        return known

    def _set(self, edge: BoolArray) -> None:
        changed = np.flatnonzero((edge != self._edge).any(axis=0))
        self._edge = edge.copy()
        for v in changed.tolist():
            self._parents[v] = frozenset(np.flatnonzero(edge[:, v]).tolist())
            self._refresh(v)

    def _put(self, u: int, v: int, *, there: bool) -> None:
        self._edge[u, v] = there
        self._parents[v] = self._parents[v] | {u} if there else self._parents[v] - {u}

    def _refresh(self, v: int) -> None:
        """What each candidate would bring to `v` by coming in, or going where it is in."""
        now = self._parents[v]
        base = self._families.score(v, now)
        for u in np.flatnonzero(self._allowed[:, v]).tolist():
            if u not in now and len(now) >= self._limits.parents:
                self._gain[u, v] = -np.inf
            else:
                self._gain[u, v] = self._families.score(v, now ^ {u}) - base

    def _climb(self) -> tuple[BoolArray, float]:
        """The best graph on the way from the present one, and its score."""
        score = sum(self._families.score(v, self._parents[v]) for v in range(self._n))
        best, top, since = self._edge.copy(), score, 0
        self._refused[:] = False
        tabu: deque[tuple[int, int]] = deque(maxlen=TABU)
        while since < PATIENCE:
            step = self._step(tabu)
            if step is None:
                break
            score += step
            since += 1
            self._steps += 1
            if score > top + NOTHING:
                best, top, since = self._edge.copy(), score, 0
        return best, top

    def _step(self, tabu: deque[tuple[int, int]]) -> float | None:
        """Make the best change that is allowed and not tabu; its gain, None when there is none."""
        value = self._values()
        for u, v in tabu:
            value[:, u, v] = -np.inf
            value[2, v, u] = -np.inf
        while True:
            at = int(np.argmax(value))
            gain = float(value.reshape(-1)[at])
            if not np.isfinite(gain):
                return None
            kind, u, v = (int(i) for i in np.unravel_index(at, value.shape))
            if self._apply(("add", "drop", "turn")[kind], u, v):
                tabu.append((u, v))
                if kind == 2:
                    tabu.append((v, u))
                return gain
            value[kind, u, v] = -np.inf
            self._refused[u, v] = True

    def _values(self) -> FloatArray:
        """Gain of adding, dropping and turning each edge; shape (3, n, n), -inf where it cannot be."""
        edge, below = self._edge, reachable(self._edge)
        detour = (edge.astype(np.float32) @ below.astype(np.float32)) > 0
        free = self._allowed & ~edge & ~edge.T & ~self._refused
        out = np.full((3, self._n, self._n), -np.inf)
        np.copyto(out[0], self._gain, where=free & ~below.T)
        np.copyto(out[1], self._gain, where=edge)
        np.copyto(
            out[2],
            self._gain + self._gain.T,
            where=edge & ~detour & np.isfinite(self._gain.T) & ~self._refused,
        )
        return out

    def _apply(self, change: Change, u: int, v: int) -> bool:
        """Make a change unless the junction tree would be too large; whether it was made."""
        self._put(u, v, there=change == "add")
        if change == "turn":
            self._put(v, u, there=True)
        if change != "drop" and not self._small_enough():
            self._put(u, v, there=change == "turn")
            if change == "turn":
                self._put(v, u, there=False)
            return False
        self._refresh(v)
        if change == "turn":
            self._refresh(u)
        return True

    def _small_enough(self) -> bool:
        """Whether inference stays within bounds; the last good elimination order is tried first."""
        families = [(v, *self._parents[v]) for v in range(self._n)]
        if self._order and self._triangulator.at_most(families, self._order) <= self._limits.cells:
            return True
        order, cells = self._triangulator.best(families)
        if cells > self._limits.cells:
            return False
        self._order = order
        return True

    def _shake(self) -> None:
        """Drop or turn round some edges, at random."""
        edges = np.argwhere(self._edge)
        some = self._rng.permutation(len(edges))[: max(3, len(edges) // SHAKEN)]
        for u, v in edges[some].tolist():
            self._put(u, v, there=False)
            above = self._parents[u] | {v}
            turned = self._rng.random() < 0.5 and len(above) <= self._limits.parents
            if turned and np.isfinite(self._families.score(u, above)) and not reachable(self._edge)[u, v]:
                self._put(v, u, there=True)
        if not self._small_enough():
            for u, v in edges[some].tolist():
                self._put(v, u, there=False)
        for v in np.unique(edges[some]).tolist():
            self._refresh(v)


def reachable(edge: BoolArray) -> BoolArray:
    """Whether a directed path of one edge or more leads from u to v, at [u, v]."""
    found = edge.astype(np.float32)
    while True:
        further = np.minimum(found + found @ found, 1.0)
        if np.array_equal(further, found):
            return found > 0
        found = further
