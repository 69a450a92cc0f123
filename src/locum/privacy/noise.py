"""Noise on integers: rounded Gaussian, discrete Gaussian and discrete Laplace, exact up to a stated slack.

Two Gaussians, because they carry different proofs:

- the *rounded Gaussian* is a normal variable rounded to the nearest whole number. Added to a whole number it
  is the same as rounding a noisy real number, so it has every guarantee of the real Gaussian mechanism: exact
  Gaussian differential privacy (mu = sensitivity / sigma), hence also rho = mu**2 / 2 in zCDP;
- the *discrete Gaussian* of Canonne, Kamath and Steinke (2020), P(k) ~ exp(-k**2 / (2 sigma**2)), has the
  same rho in zCDP, but no exact mu.

Up to sigma 512 both are drawn from a table (`locum.privacy.inverse_cdf`); above, a block of 2**b values is
drawn from a table and a place inside the block by rejection (accepted more than 98 times in 100), whose rare
undecided comparisons are settled in exact arithmetic. No step looks at the data; time depends on the noise.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate

import numpy as np

from locum.errors import UsageError
from locum.privacy.inverse_cdf import (
    DEPTH,
    WORK,
    Integers,
    InverseTable,
    cell_weights,
    fixed_exp,
    gaussian_weights,
    symmetric_table,
)
from locum.privacy.random_bits import Bits, SystemBits

#: Widest noise that is drawn from one table.
TABLE_SIGMA = 512
#: Widest noise at all; counts are 64-bit.
MAX_SIGMA = 2.0**30
#: A coin and a chance in 53 bits that differ by less are compared exactly.
_UNDECIDED = 2.0**-44
_MAX_LAPLACE = 2.0**24
_BLOCK = 1 << 15


class Noise:
    """Draws of noise from one supply of bits.

    Parameters
    ----------
    bits
        The operating system's by default; `SeededBits` in tests.
    """

    def __init__(self, bits: Bits | None = None) -> None:
        self.bits: Bits = bits or SystemBits()

    def gaussian(self, sigma: float, n: int) -> Integers:
        """Rounded Gaussian noise; int64, shape (n,). Standard deviation ``sqrt(sigma**2 + 1/12)`` about."""
        return _sampler("rounded", _scale(sigma, MAX_SIGMA)).draw(n, self.bits)

    def discrete_gaussian(self, sigma: float, n: int) -> Integers:
        """Discrete Gaussian noise; int64, shape (n,)."""
        return _sampler("discrete", _scale(sigma, MAX_SIGMA)).draw(n, self.bits)

    def discrete_laplace(self, scale: float, n: int) -> Integers:
        """Discrete Laplace noise, P(k) ~ exp(-|k| / scale); int64, shape (n,).

        The difference of two geometric variables, each of them whole blocks plus a rest.
        """
        coarse, fine, width = _geometric(_scale(scale, _MAX_LAPLACE))
        out = np.zeros(n, dtype=np.int64)
        for sign in (1, -1):
            out += sign * (coarse.draw(n, self.bits) * width + fine.draw(n, self.bits))
        return out

    def choice(self, exponents: list[Fraction]) -> int:
        """An index drawn with probability proportional to ``exp(exponents[i])``.

        The exponents are exact rationals; weights are rounded at 2**-192, the draw at 2**-192.
        """
        top = max(exponents)
        ends = list(accumulate(fixed_exp(max(e - top, Fraction(-400))) for e in exponents))
        uniform = int.from_bytes(self.bits.words(3).tobytes(), "little")
        return bisect_right(ends, (uniform * ends[-1]) >> 192)


def gaussian_slack(sigma: float) -> float:
    """Total-variation distance of one draw of either Gaussian from its exact law, at most."""
    sigma = _scale(sigma, MAX_SIGMA)
    return (28 * min(sigma, TABLE_SIGMA) * 2 + 16) * 2.0**-DEPTH + 2.0**-100 * (sigma > TABLE_SIGMA)


def laplace_slack(scale: float) -> float:
    """Total-variation distance of one discrete Laplace draw from its exact law, at most."""
    coarse, fine, _ = _geometric(_scale(scale, _MAX_LAPLACE))
    return 2 * (coarse.slack + fine.slack)


def choice_slack(n: int) -> float:
    """Total-variation distance of a choice among `n` from its exact law, at most."""
    return (n + 1) * 2.0**-188


def _scale(value: float, most: float) -> float:
    if not (isinstance(value, float | int | np.floating | np.integer) and 0.05 <= value <= most):
        raise UsageError(
            "the scale of the noise is not usable", where="noise", expected=f"a number from 0.05 to {most:g}"
        )
    return float(value)


@dataclass(frozen=True, slots=True, eq=False)
class BlockSampler:
    """Wide Gaussian noise: a block of ``2**b`` values from a table, then rejection inside it.

    Attributes
    ----------
    blocks
        Law of the block's number, in proportion to its width times its highest density.
    b, sigma
        Logarithm of the width, and the standard deviation.
    rounded
        Whether places in a block are real numbers that are rounded, or whole numbers.
    """

    blocks: InverseTable
    b: int
    sigma: float
    rounded: bool

    @property
    def slack(self) -> float:
        """Total-variation distance of one draw from the exact law, at most."""
        return 2 * self.blocks.slack + 2.0**-100

    def draw(self, n: int, bits: Bits) -> Integers:
        """`n` independent values; int64, shape (n,). Cost: about 150 nanoseconds each."""
        parts: list[Integers] = []
        missing = n
        while missing > 0:
            kept = self._propose(min(_BLOCK, missing + missing // 32 + 8), bits)[:missing]
            parts.append(kept)
            missing -= len(kept)
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)

    def _propose(self, n: int, bits: Bits) -> Integers:
        block = self.blocks.draw(n, bits)
        words, coins = bits.words(n), bits.words(n)
        inside = (words >> np.uint64(64 - self.b)).astype(np.int64)
        offset, corner, width = inside.astype(np.float64), 0.0, 1 << self.b
        if self.rounded:
            # the next 50 - b bits place a real number around the whole one, in the middle of its small cell
            part = (words << np.uint64(self.b)) >> np.uint64(14 + self.b)
            offset += (part.astype(np.float64) + 0.5) * 2.0 ** (self.b - 50) - 0.5
            corner = -0.5
        # where the density of a block is highest: at the end nearer to 0; all exact in 53 bits
        farther = corner + width if self.rounded else width - 1.0
        peak = np.where(block > 0, corner, np.where(block < 0, farther, width / 2))
        lower = (block << self.b) - (width >> 1)
        energy = (offset - peak) * (2.0 * lower + offset + peak) / (2.0 * self.sigma * self.sigma)
        gap = coins.astype(np.float64) * 2.0**-64 - np.exp(-energy)
        accept = gap < 0
        for i in np.flatnonzero(np.abs(gap) < _UNDECIDED).tolist():
            away, top = Fraction(float(offset[i])), Fraction(float(peak[i]))
            exponent = (away - top) * (2 * int(lower[i]) + away + top) / (2 * Fraction(self.sigma) ** 2)
            accept[i] = (int(coins[i]) << 64 | int(bits.words(1)[0])) < fixed_exp(-exponent, DEPTH)
        return (lower + inside)[accept]


@lru_cache(maxsize=64)
def _sampler(kind: str, sigma: float) -> InverseTable | BlockSampler:
    exact = Fraction(sigma)
    rounded = kind == "rounded"
    if sigma <= TABLE_SIGMA:
        return symmetric_table(cell_weights(exact) if rounded else gaussian_weights(exact))
    b = 1
    while sigma / 2**b > 128:
        b += 1
    width, half = 1 << b, Fraction(1, 2)
    # nearest places to 0 of the blocks 1 and -1, in blocks
    right = half - (half if rounded else Fraction(0)) / width
    left = half + (half if rounded else Fraction(1)) / width
    above, below = (gaussian_weights(exact / width, start=start) for start in (right, left))
    blocks = InverseTable.of(-len(below), [*below[::-1], 1 << WORK, *above], 2.0**-130)
    return BlockSampler(blocks, b, sigma, rounded)


@lru_cache(maxsize=64)
def _geometric(scale: float) -> tuple[InverseTable, InverseTable, int]:
    """Tables of the blocks and of the rest of a geometric variable, and the width of a block."""
    exact = Fraction(scale)
    width = 1
    while scale / width > 64:
        width *= 2
    return _decay(exact / width, None), _decay(exact, width), width


def _decay(scale: Fraction, n: int | None) -> InverseTable:
    """Table of P(k) ~ exp(-k / scale) on 0 .. n-1, or as far as it matters."""
    many = n if n is not None else int(92 * scale) + 4
    ratio = fixed_exp(-1 / scale)
    weight, masses = 1 << WORK, []
    for _ in range(many):
        masses.append(weight)
        weight = (weight * ratio) >> WORK
    return InverseTable.of(0, masses, 0.0 if n is not None else 2.0**-130)
