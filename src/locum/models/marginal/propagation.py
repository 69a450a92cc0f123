"""Exact inference on a junction tree: beliefs of all cliques and the log of the partition sum.

The distribution is ``p(x) = exp(sum_f theta_f(x_f)) / Z`` with one table ``theta_f`` of log weights for each
factor f; -inf marks what cannot happen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from locum.arrays import FloatArray
from locum.models.marginal.embedding import CliqueEmbedding
from locum.models.marginal.triangulate import Clique, JunctionTree, volume


@dataclass(frozen=True, slots=True)
class Beliefs:
    """What one pass found.

    Attributes
    ----------
    log_partition
        log Z; -inf when nothing at all can happen.
    cliques
        Probability table of each clique of the tree.
    separators
        Probability table of each clique's separator, None for roots.
    """

    log_partition: float
    cliques: tuple[FloatArray, ...]
    separators: tuple[FloatArray | None, ...]


class Propagation:
    """Message passing for one tree and one set of factors, planned once and run often.

    Parameters
    ----------
    tree
        A junction tree in which every factor lies inside some clique.
    factors
        Which attributes each factor is over, canonical and without repetition.

    Notes
    -----
    Shafer-Shenoy messages upwards in log space with one exponential per cell: what is exponentiated is the
    clique's table less its own message, i.e. already the conditional of the clique given its separator, so
    the way down only multiplies. The shift is the message of the run before, as factors change little
    between runs; where that would overflow or lose everything, the exact maximum is taken instead. A small
    factor that lies inside a larger one is added to that one first. Cost of a run: a dozen passes over the
    cells of the tree and one exponential each; memory: 8 bytes a cell, kept between runs.
    """

    def __init__(self, tree: JunctionTree, factors: Sequence[Clique]) -> None:
        self.tree = tree
        self.factors = tuple(factors)
        sizes = tree.sizes
        self._shapes = [tuple(sizes[a] for a in c) for c in tree.cliques]
        self._hosts: list[tuple[bool, int]] = []
        self._into: list[CliqueEmbedding] = []
        for f, clique in enumerate(self.factors):
            host = self._host(f)
            outer = self.factors[host[1]] if host[0] else tree.cliques[host[1]]
            self._hosts.append(host)
            self._into.append(embed(outer, clique, sizes))
        by_size = sorted(
            range(len(self.factors)), key=lambda f: (volume(self.factors[f], sizes), len(self.factors[f]), f)
        )
        self._ascending = by_size
        self._guests: list[list[int]] = [[] for _ in tree.cliques]
        for f, (inner, at) in enumerate(self._hosts):
            if not inner:
                self._guests[at].append(f)
        self._hosting = {at for inner, at in self._hosts if inner}
        self._children: list[list[int]] = [[] for _ in tree.cliques]
        self._up: list[CliqueEmbedding] = []
        self._own: list[CliqueEmbedding] = []
        for c, parent in enumerate(tree.parents):
            self._own.append(embed(tree.cliques[c], tree.separators[c], sizes))
            self._up.append(embed(tree.cliques[max(parent, 0)], tree.separators[c], sizes))
            if parent >= 0:
                self._children[parent].append(c)
        self._shift: list[FloatArray | None] = [None] * len(tree.cliques)
        self._work = [np.empty(shape) for shape in self._shapes]

    def _host(self, f: int) -> tuple[bool, int]:
        """Where a factor is added: (True, larger factor) or (False, clique of the tree)."""
        sizes, mine = self.tree.sizes, frozenset(self.factors[f])
        larger = [
            g
            for g, clique in enumerate(self.factors)
            if len(clique) > len(mine) and mine <= frozenset(clique)
        ]
        if larger:
            return True, min(larger, key=lambda g: (volume(self.factors[g], sizes), len(self.factors[g]), g))
        at = self.tree.holder(mine)
        if at is None:
            raise ValueError(f"no clique of the tree holds {self.factors[f]}")
        return False, at

    def run(self, tables: Sequence[FloatArray]) -> Beliefs:
        """Beliefs under these log weights, one table per factor.

        The tables of the result are the memory of this object: they change with the next run.
        """
        summed = self._gather(tables)
        messages: list[FloatArray | None] = [None] * len(self._work)
        sums: list[FloatArray] = [np.empty(0)] * len(self._work)
        total = 0.0
        for c in range(len(self._work) - 1, -1, -1):
            message, sums[c] = self._upward(c, summed, messages)
            messages[c] = message
            if self.tree.parents[c] < 0:
                total += float(message.reshape(-1)[0])
        separators: list[FloatArray | None] = [None] * len(self._work)
        for c, parent in enumerate(self.tree.parents):
            above = np.ones(sums[c].shape)
            if parent >= 0:
                above = self._up[c].project(self._work[parent])
                separators[c] = above
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio = np.where(sums[c] > 0, above / sums[c], 0.0)
            self._own[c].combine(np.multiply, self._work[c], ratio)
        return Beliefs(total, tuple(self._work), tuple(separators))

    def _gather(self, tables: Sequence[FloatArray]) -> dict[int, FloatArray]:
        """Tables of the factors that sit in cliques, with the smaller factors inside them added."""
        held: dict[int, FloatArray] = {}
        for f in self._ascending:
            table = tables[f].reshape(self._into[f].shape)
            grown = held.get(f)
            if f in self._hosting:
                grown = table.copy() if grown is None else np.add(grown, table, out=grown)
            else:
                grown = table
            held[f] = grown
            inner, at = self._hosts[f]
            if inner:
                if at in held:
                    self._into[f].combine(np.add, held[at], grown)
                else:
                    held[at] = np.empty([self.tree.sizes[a] for a in self.factors[at]])
                    self._into[f].assign(held[at], grown)
        return held

    def _upward(
        self, c: int, summed: Mapping[int, FloatArray], messages: Sequence[FloatArray | None]
    ) -> tuple[FloatArray, FloatArray]:
        """Turn the work table of clique `c` into its conditional; its log message and the sums left over."""
        work = self._work[c]
        shift = self._shift[c]
        if shift is not None:
            self._fill(c, summed, messages)
            self._own[c].combine(np.subtract, work, shift)
            with np.errstate(over="ignore"):
                np.exp(work, out=work)
            sums = self._own[c].project(work)
            if not (
                np.isfinite(sums).all() and sums.min(initial=1.0) > 1e-200 and sums.max(initial=1.0) < 1e200
            ):
                shift = None
        if shift is None:
            self._fill(c, summed, messages)
            shift = self._own[c].maximum(work)
            shift = np.where(np.isfinite(shift), shift, 0.0)
            self._own[c].combine(np.subtract, work, shift)
            np.exp(work, out=work)
            sums = self._own[c].project(work)
        with np.errstate(divide="ignore"):
            message = shift + np.log(sums)
        self._shift[c] = np.where(np.isfinite(message), message, 0.0)
        return message, sums

    def _fill(self, c: int, summed: Mapping[int, FloatArray], messages: Sequence[FloatArray | None]) -> None:
        work, started = self._work[c], False
        for f in self._guests[c]:
            if started:
                self._into[f].combine(np.add, work, summed[f])
            else:
                self._into[f].assign(work, summed[f])
                started = True
        if not started:
            work.fill(0.0)
        for child in self._children[c]:
            message = messages[child]
            if message is not None:
                self._up[child].combine(np.add, work, message)

    def marginals(self, beliefs: Beliefs) -> list[FloatArray]:
        """Probability table of each factor."""
        found: list[FloatArray] = [np.empty(0)] * len(self.factors)
        for f in reversed(self._ascending):
            inner, at = self._hosts[f]
            found[f] = self._into[f].project(found[at] if inner else beliefs.cliques[at])
        return found


def embed(outer: Clique, inner: Clique, sizes: Sequence[int]) -> CliqueEmbedding:
    """How the table of `inner` sits in that of `outer`; both canonical."""
    place = {a: i for i, a in enumerate(outer)}
    return CliqueEmbedding([sizes[a] for a in outer], [place[a] for a in inner])
