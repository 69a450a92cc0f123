"""Exact inverse-CDF sampling of integers: tables of 128-bit thresholds computed in integer arithmetic.

A draw takes one 64-bit word. Where the word equals the upper half of a threshold (about once in 2**50 draws)
64 more bits decide, so that a draw is that of a 128-bit uniform number. The distance from the law that was
asked for is therefore at most one part in 2**128 a cell, plus the tail that was cut; it is kept as `slack`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from locum.privacy.random_bits import Bits

Integers = npt.NDArray[np.int64]

#: Bits of the thresholds.
DEPTH = 128
#: Bits of the fixed-point numbers they are computed in.
WORK = 192
_ONE = 1 << WORK
#: The upper bits of a word that choose a place in the guide table.
_GUIDE = 16
_BLOCK = 1 << 15


@dataclass(frozen=True, slots=True, eq=False)
class InverseTable:
    """The law of an integer as thresholds of its distribution function.

    Attributes
    ----------
    first
        The smallest value.
    high, low
        Upper and lower 64 bits of the thresholds in ascending order; uint64, one fewer than there are values.
    guide
        By the upper bits of a word: the place of its value, or -1 where a threshold lies among such words.
    slack
        Total-variation distance of one draw from the law asked for, at most.
    """

    first: int
    high: npt.NDArray[np.uint64]
    low: npt.NDArray[np.uint64]
    guide: npt.NDArray[np.int32]
    slack: float

    @classmethod
    def of(cls, first: int, masses: Sequence[int], cut: float = 0.0) -> InverseTable:
        """Table of values ``first, first + 1, ...`` with whole-number weights `masses`.

        `cut` bounds the probability of values left out. Cost: some 2 microseconds a value.
        """
        total = sum(masses)
        running, thresholds = 0, []
        for mass in masses[:-1]:
            running += mass
            thresholds.append((running << DEPTH) // total)
        mask = (1 << 64) - 1
        # a threshold of 2**128 itself means that nothing lies above
        thresholds = [min(t, (1 << DEPTH) - 1) for t in thresholds]
        high = np.array([t >> 64 for t in thresholds], dtype=np.uint64)
        low = np.array([t & mask for t in thresholds], dtype=np.uint64)
        edges = np.arange(1 << _GUIDE, dtype=np.uint64) << np.uint64(64 - _GUIDE)
        last = edges | np.uint64((1 << (64 - _GUIDE)) - 1)
        below = np.searchsorted(high, edges, side="left")
        through = np.searchsorted(high, last, side="right")
        guide = np.where(below == through, below, -1).astype(np.int32)
        return cls(first, high, low, guide, (len(masses) + 1) * 2.0**-DEPTH + cut)

    def draw(self, n: int, bits: Bits) -> Integers:
        """`n` independent values; int64, shape (n,). Cost: about 50 nanoseconds each."""
        out = np.empty(n, dtype=np.int64)
        for start in range(0, n, _BLOCK):
            words = bits.words(min(_BLOCK, n - start))
            at = self.guide[words >> np.uint64(64 - _GUIDE)]
            mixed = np.flatnonzero(at < 0)
            if mixed.size:
                at[mixed] = self._search(words[mixed], bits)
            out[start : start + len(words)] = at
        out += self.first
        return out

    def _search(self, words: npt.NDArray[np.uint64], bits: Bits) -> npt.NDArray[np.int64]:
        """Number of thresholds at or below each word, more bits deciding between equal upper halves."""
        at = np.searchsorted(self.high, words, side="right")
        tied = np.flatnonzero(self.high[np.maximum(at - 1, 0)] == words)
        for i in tied[at[tied] > 0].tolist():
            start = int(np.searchsorted(self.high, words[i], side="left"))
            more = bits.words(1)[0]
            at[i] = start + int(np.searchsorted(self.low[start : at[i]], more, side="right"))
        return at


def fixed_exp(exponent: Fraction, depth: int = WORK) -> int:
    """``exp(exponent) * 2**depth`` rounded down, for exponents of at most 0."""
    with localcontext() as context:
        context.prec = depth * 31 // 100 + 25
        context.Emin = -(10**9)
        value = (Decimal(exponent.numerator) / Decimal(exponent.denominator)).exp()
        return int(value * (1 << depth))


def gaussian_weights(sigma: Fraction, reach: float = 13.8, start: Fraction = Fraction(0)) -> list[int]:
    """``exp(-x**2 / (2 sigma**2)) * 2**192`` for x = start, start + 1, ... up to `reach` standard deviations.

    By recurrence, for a `start` above -1/2; the error of the k-th is below ``k**2 * 2**-191``.
    """
    variance = sigma * sigma
    weight = fixed_exp(-start * start / (2 * variance))
    ratio = fixed_exp(-(1 + 2 * start) / (2 * variance))
    step = fixed_exp(-1 / variance)
    out = []
    for _ in range(int(reach * sigma) + 2):
        out.append(weight)
        weight = (weight * ratio) >> WORK
        ratio = (ratio * step) >> WORK
    return out


def cell_weights(sigma: Fraction, reach: float = 13.8) -> list[int]:
    """Probability that a normal variable rounds to k, times a constant, for k = 0, 1, ...

    Each cell is the Taylor series of the density around its middle (Hermite polynomials); cells are split
    where they are wider than a quarter of a standard deviation.
    """
    split = 1
    while sigma * split < 4:
        split += 2
    fine = _fine_cells(sigma * split, reach)
    if split == 1:
        return fine
    half = split // 2
    fine += [0] * (-(len(fine) - half - 1) % split)
    out = [fine[0] + 2 * sum(fine[1 : half + 1])]
    out += [sum(fine[i : i + split]) for i in range(half + 1, len(fine), split)]
    return out


def _fine_cells(sigma: Fraction, reach: float) -> list[int]:
    density = np.array(gaussian_weights(sigma, reach), dtype=object)
    variance = sigma * sigma
    slope = int(_ONE / (2 * variance)) * np.arange(len(density)).astype(object)
    width = int(_ONE / (4 * variance))
    before, now = np.zeros_like(density), density
    total, factorial, order = density.copy(), 1, 0
    while True:
        before, now = now, ((slope * now) >> WORK) - ((order * width * before) >> WORK)
        order += 1
        factorial *= order + 1
        if order % 2:
            continue
        term = now // factorial
        total = total + term
        if order > 8 and np.abs(term).max() < 1 << (WORK - 152):
            return [max(0, int(t)) for t in total]


def symmetric_table(weights: Sequence[int], cut: float = 2.0**-132) -> InverseTable:
    """Table of a law that is symmetric about 0, given its weights at 0, 1, 2, ..."""
    return InverseTable.of(1 - len(weights), [*weights[:0:-1], *weights], cut)
