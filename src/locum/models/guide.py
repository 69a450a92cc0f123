"""What a condition looks like to a generator of codes: weights of codes and of pairs, and fixed cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray, effective_size
from locum.schema.domain import Codes

#: Stands in `Guide.fixed` for a cell that is to be drawn.
FREE = -1


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A weight of two codes together.

    Attributes
    ----------
    first, second
        Two different attribute indices.
    factor
        Non-negative weight of each combination; shape (size of first, size of second). 0 forbids.
    """

    first: int
    second: int
    factor: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Guide:
    """A condition on code rows: the asked distribution is the model's times all factors.

    Attributes
    ----------
    weights
        Non-negative weight of each code, by attribute index; 0 forbids, 1 leaves alone. Attributes that are
        not named are free.
    pairs
        Weights of pairs of codes.
    fixed
        Codes that rows must have, `FREE` where a cell is to be drawn; shape (groups, n_attributes).
    temperature
        Each conditional distribution is raised to ``1 / temperature`` where the model draws column by column.
    """

    weights: Mapping[int, FloatArray] = field(default_factory=dict)
    pairs: tuple[Pair, ...] = ()
    fixed: Codes | None = None
    temperature: float = 1.0

    @property
    def empty(self) -> bool:
        """Whether nothing is asked."""
        return not self.weights and not self.pairs and self.fixed is None and self.temperature == 1.0

    def log_factor(self, codes: Codes) -> FloatArray:
        """Log of the product of weights and pair factors of each row; -inf where forbidden.

        Fixed cells are not looked at.
        """
        total = np.zeros(len(codes))
        with np.errstate(divide="ignore"):
            for at, weight in self.weights.items():
                total += np.log(weight)[codes[:, at]]
            for pair in self.pairs:
                total += np.log(pair.factor[codes[:, pair.first], codes[:, pair.second]])
        return total

    def attributes(self) -> set[int]:
        """Attributes that a weight, a pair or a fixed cell is about."""
        out = set(self.weights)
        for pair in self.pairs:
            out |= {pair.first, pair.second}
        if self.fixed is not None:
            out |= {int(i) for i in np.flatnonzero((self.fixed != FREE).any(axis=0))}
        return out


def effective(log_weight: FloatArray) -> float:
    """Effective sample size (Kish): (sum w)**2 / sum w**2; 0 when all weights are 0."""
    top = log_weight.max(initial=-np.inf)
    if not np.isfinite(top):
        return 0.0
    return effective_size(np.exp(log_weight - top))


def log_mean(log_weight: FloatArray) -> float:
    """Log of the mean weight, without overflow; -inf when all weights are 0."""
    top = log_weight.max(initial=-np.inf)
    if not np.isfinite(top):
        return -np.inf
    return float(top + np.log(np.exp(log_weight - top).mean()))


def systematic(log_weight: FloatArray, groups: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Resample within equal consecutive groups: low-variance draws with replacement, as many as there were.

    Groups without any weight keep their rows. Returns row indices; cost O(n).

    References
    ----------
    Systematic resampling: Kitagawa 1996, doi:10.2307/1390750.
    """
    size = len(log_weight) // groups
    table = log_weight.reshape(groups, size)
    top = table.max(axis=1, keepdims=True)
    dead = ~np.isfinite(top[:, 0])
    weight = np.exp(table - np.where(np.isfinite(top), top, 0.0))
    weight[dead] = 1.0
    steps = np.cumsum(weight, axis=1)
    steps /= steps[:, -1:]
    keys = (steps + np.arange(groups)[:, None]).ravel()
    marks = (np.arange(size)[None, :] + rng.random((groups, 1))) / size + np.arange(groups)[:, None]
    found = np.searchsorted(keys, marks.ravel(), side="right")
    first = np.repeat(np.arange(groups) * size, size)
    last_alive = size - 1 - np.argmax(weight[:, ::-1] > 0, axis=1)
    inside = np.clip(found, first, first + np.repeat(last_alive, size))
    return np.where(np.repeat(dead, size), np.arange(groups * size), inside)


def split(n: int, shares: Sequence[float]) -> list[int]:
    """Cut `n` into whole parts in proportion to `shares`; the parts sum to `n`."""
    total = np.cumsum(np.asarray(shares, dtype=np.float64))
    edges = np.rint(total / total[-1] * n).astype(int)
    return [int(k) for k in np.diff(edges, prepend=0)]


def nearest(pool: Codes, fixed: Codes, size: int, rng: np.random.Generator) -> Codes:
    """For each row of fixed cells `size` rows of a pool that share most of them, with these cells put in."""
    out = np.empty((len(fixed) * size, pool.shape[1]), dtype=np.int32, order="F")
    for i, cells in enumerate(fixed):
        known = np.flatnonzero(cells != FREE)
        alike = (pool[:, known] == cells[known]).sum(axis=1) + rng.random(len(pool)) * 0.5
        best = np.argpartition(-alike, min(size, len(pool) - 1))[:size]
        rows = pool[rng.choice(best, size)]
        rows[:, known] = cells[known]
        out[i * size : (i + 1) * size] = rows
    return out
