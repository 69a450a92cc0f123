"""Noisy tables of counts, brought together: one table a clique, with the variance of each cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from locum.arrays import FloatArray
from locum.models.marginal.triangulate import Clique


@dataclass(frozen=True, slots=True)
class MeasuredTable:
    """One noisy table.

    Attributes
    ----------
    clique
        Its attributes, canonical.
    counts
        Noisy counts, flat in C order over the clique.
    variance
        Variance of the noise of each cell, like `counts`.
    """

    clique: Clique
    counts: FloatArray
    variance: FloatArray


def pool(measurements: Iterable[MeasuredTable]) -> list[MeasuredTable]:
    """One table a clique, in order of first appearance, weighted by precision.

    That is the best that linear averaging can do.
    """
    precision: dict[Clique, FloatArray] = {}
    weighted: dict[Clique, FloatArray] = {}
    for m in measurements:
        p = 1.0 / m.variance
        if m.clique in precision:
            precision[m.clique] = precision[m.clique] + p
            weighted[m.clique] = weighted[m.clique] + p * m.counts
        else:
            precision[m.clique] = p
            weighted[m.clique] = p * m.counts
    return [MeasuredTable(c, weighted[c] / p, 1.0 / p) for c, p in precision.items()]


def total_of(pooled: Sequence[MeasuredTable]) -> float:
    """The number of rows that the tables together say, at least 1.

    Each table's sum estimates it without bias, with the sum of its cells' variances; they are weighted by
    precision. Tables over the same rows have independent noise, so this is the best linear unbiased estimate.
    """
    weights = [1.0 / float(p.variance.sum()) for p in pooled]
    sums = [float(p.counts.sum()) for p in pooled]
    if not sums:
        return 1.0
    return max(1.0, float(np.dot(weights, sums) / sum(weights)))
