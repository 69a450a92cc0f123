"""What a measure claims: an effect with its interval, and how likely chance alone would show as much."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from locum.arrays import FloatArray
from locum.evaluation.intervals import Z95


@dataclass(frozen=True, slots=True)
class Claim:
    """One hypothesis that can speak against a stand-in: that it is no worse than fresh real rows.

    Attributes
    ----------
    scale
        What `effect` is: a key of `locum.evaluation.decision.LINES`, where larger is worse.
    effect, low, high
        Size of the effect with its 95 % interval.
    p
        One-sided p-value: how often fresh real rows would show as much by chance.
    of
        The part of the table that it is about (a column, a group); empty for the whole.
    among
        Out of how many hypotheses it was picked; `p` counts so many times.
    corrected
        `p` after correction within the family of its question; 1 before that was done.
    """

    scale: str
    effect: float
    low: float
    high: float
    p: float
    of: str = ""
    among: int = 1
    corrected: float = 1.0

    @property
    def error(self) -> float:
        """Standard error that the interval stands for."""
        return (self.high - self.low) / (2 * Z95)


def holm(p: Sequence[float]) -> FloatArray:
    """Adjusted p-values by Holm (Scandinavian Journal of Statistics 1979); shape as given.

    A hypothesis whose adjusted value is below 0.05 may be refused, with at most 5 % chance of refusing any
    true one, whatever the dependence between the tests.
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    m = len(values)
    stepped = np.minimum(1.0, np.maximum.accumulate(values[order] * (m - np.arange(m))))
    out = np.empty(m)
    out[order] = stepped
    return out


def normal_tail(z: float) -> float:
    """Chance that a standard normal number is at least `z`."""
    return 0.5 * math.erfc(z / math.sqrt(2.0))
