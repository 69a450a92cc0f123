"""Closed forms of what self-consumption does to simple models: the lines beside the loops of the laboratory.

n is always the number of rows per round, t the number of rounds after the first fit on real rows is used.
"""

from __future__ import annotations

import math

import numpy as np

from locum.arrays import FloatArray


def replaced_variance(n: int, rounds: int) -> float:
    """C1. Mean variance of a Gaussian refitted to its own `n` draws (maximum likelihood): ``(1 - 1/n)**t``.

    In units of the true variance. Shumailov et al. (2024); Kazdan et al. (2024).
    """
    return (1 - 1 / n) ** rounds


def accumulated_variance(n: int, rounds: int) -> float:
    """C3. Mean variance when every round's rows are kept: ``prod (1 - 1/(n t**2))``; never reaches 0."""
    return float(np.prod(1 - 1 / (n * np.arange(1, rounds + 1, dtype=float) ** 2)))


def surviving_copies(copies: FloatArray, rounds: int, *, kept: bool = False) -> FloatArray:
    """Chance that something with so many copies in the real rows is drawn in round `rounds` (from 1 on).

    A rare thing leaves a Poisson number of copies, with mean 1, in a round that is drawn from the last one:
    ``1 - f_t**k`` with ``f_t = exp(f_(t-1) - 1)``, f_0 = 0; about ``2 k / t`` (Fisher 1930, Haldane 1927).
    With `kept` rows each of the copies so far leaves a Poisson number with mean ``1 / s`` in round s, and
    stays; the chance is followed back from the last round. That form is ours.
    """
    gone = 0.0
    if not kept:
        for _ in range(rounds):
            gone = math.exp(gone - 1)
    else:
        gone = math.exp(-1 / rounds)
        for s in range(rounds - 1, 0, -1):
            gone *= math.exp((gone - 1) / s)
    out: FloatArray = 1 - gone ** np.asarray(copies, dtype=float)
    return out
