"""Things in an order as whole numbers, so that numbers near each other stand for things near each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from locum.arrays import FloatArray, IntArray

#: Length of the scale on which combinations with an order lie.
LENGTH = 10_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Stretches:
    """Whole numbers for things in an order, each with a stretch as long as it is frequent.

    A number drawn from a stretch of the scale, because the numbers there are too rare for codes of their own,
    then stands for one of its things as often as that is met.

    Attributes
    ----------
    end
        Where the stretch of each ends.
    middle
        The number of each: the middle of its stretch.
    """

    end: IntArray
    middle: IntArray

    @classmethod
    def of(cls, weights: FloatArray) -> Stretches:
        """The scale of things with such weights, at least one of them above 0."""
        edge = np.append(0.0, np.cumsum(weights)) * (LENGTH / weights.sum())
        return cls(np.rint(edge[1:]).astype(np.int64), ((edge[:-1] + edge[1:]) / 2).astype(np.int64))

    def index(self, number: IntArray) -> IntArray:
        """What each number stands for; those beyond the ends for the first or last that is frequent."""
        inside = np.clip(number, 0, int(self.end[-1]) - 1)
        out: IntArray = np.searchsorted(self.end, inside, side="right").astype(np.int64)
        return out


def nearest(known: IntArray, n: int) -> IntArray:
    """For each of the numbers from 0 the position of the nearest of `known`, which ascend; shape (n,)."""
    after = np.searchsorted(known, np.arange(n)).clip(0, len(known) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(np.arange(n) - known[before]) <= np.abs(known[after] - np.arange(n))
    return np.where(nearer, before, after).astype(np.int64)
