"""Rare codes put together, so that a large attribute does not spend its noise on empty cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.schema.domain import Codes


@dataclass(frozen=True, slots=True)
class Coarsening:
    """For each attribute, which group each code belongs to; codes within a group are equally likely.

    Attributes
    ----------
    groups
        One int32 array an attribute: the group of each code, 0 to the number of groups less one.
    """

    groups: tuple[npt.NDArray[np.int32], ...]

    @classmethod
    def none(cls, sizes: Sequence[int]) -> Coarsening:
        """Every code on its own."""
        return cls(tuple(np.arange(s, dtype=np.int32) for s in sizes))

    @classmethod
    def of_rare(cls, sizes: Sequence[int], noisy: Sequence[FloatArray | None], floor: float) -> Coarsening:
        """Put the codes whose noisy count is below `floor` into one group, the last (McKenna et al. 2021).

        Attributes without noisy counts, or with fewer than two rare codes, stay as they are.
        """
        groups = []
        for size, counts in zip(sizes, noisy, strict=True):
            rare = np.zeros(size, dtype=bool) if counts is None else counts < floor
            if rare.sum() < 2:
                groups.append(np.arange(size, dtype=np.int32))
                continue
            group = np.cumsum(~rare) - 1
            group[rare] = int((~rare).sum())
            groups.append(group.astype(np.int32))
        return cls(tuple(groups))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of groups of each attribute."""
        return tuple(int(g.max()) + 1 for g in self.groups)

    @property
    def trivial(self) -> bool:
        """Whether every code is on its own."""
        return all(int(g.max()) + 1 == len(g) for g in self.groups)

    def counts(self, attribute: int) -> npt.NDArray[np.int64]:
        """Number of codes in each group."""
        return np.bincount(self.groups[attribute])

    def coarsen(self, codes: Codes) -> Codes:
        """Groups of codes, all within the domain."""
        out = np.empty(codes.shape, dtype=np.int32, order="F")
        for a, group in enumerate(self.groups):
            out[:, a] = group[codes[:, a]]
        return out

    def log_share(self, codes: Codes) -> FloatArray:
        """Log of the probability of each row's codes given their groups."""
        total = np.zeros(codes.shape[0])
        for a, group in enumerate(self.groups):
            counts = self.counts(a)
            if counts.max() > 1:
                total -= np.log(counts)[group[codes[:, a]]]
        return total

    def refine(self, groups: Codes, rng: np.random.Generator) -> Codes:
        """A code of each group, every code of it equally often up to one."""
        out = np.empty(groups.shape, dtype=np.int32, order="F")
        for a, group in enumerate(self.groups):
            counts = self.counts(a)
            if counts.max() == 1:
                out[:, a] = np.argsort(group, kind="stable")[groups[:, a]]
                continue
            members = np.argsort(group, kind="stable")
            starts = np.cumsum(counts) - counts
            picks = np.zeros(len(groups), dtype=np.int64)
            for g in np.flatnonzero(counts > 1):
                rows = np.flatnonzero(groups[:, a] == g)
                dealt = rng.permutation(len(rows)) + rng.integers(counts[g])
                picks[rows] = dealt % counts[g]
                if len(rows) < counts[g]:
                    picks[rows] = rng.permutation(counts[g])[: len(rows)]
            out[:, a] = members[starts[groups[:, a]] + picks]
        return out

    def sum_groups(self, table: FloatArray, clique: Sequence[int]) -> FloatArray:
        """A table over codes as one over groups; flat."""
        shaped = table.reshape([len(self.groups[a]) for a in clique])
        for axis, a in enumerate(clique):
            group = self.groups[a]
            if int(group.max()) + 1 == len(group):
                continue
            wide = np.zeros((*shaped.shape[:axis], int(group.max()) + 1, *shaped.shape[axis + 1 :]))
            np.add.at(np.moveaxis(wide, axis, 0), group, np.moveaxis(shaped, axis, 0))
            shaped = wide
        return shaped.reshape(-1)

    def spread(self, table: FloatArray, clique: Sequence[int]) -> FloatArray:
        """A table over groups as one over codes, evenly within groups; flat."""
        if all(int(self.groups[a].max()) + 1 == len(self.groups[a]) for a in clique):
            return table
        shaped = (table / self.cells(clique)).reshape([int(self.groups[a].max()) + 1 for a in clique])
        return shaped[np.ix_(*(self.groups[a] for a in clique))].reshape(-1)

    def cells(self, clique: Sequence[int]) -> FloatArray:
        """Number of cells over codes in each cell over groups; flat."""
        out = np.ones(1)
        for a in clique:
            out = np.multiply.outer(out, self.counts(a).astype(float)).reshape(-1)
        return out
