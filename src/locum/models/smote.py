"""Rows between rows: the interpolation that every generator for few rows must beat (SMOTE)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.errors import DataError

#: Neighbours that a row is mixed with, and rows whose distances are held at once.
NEIGHBOURS, _BLOCK = 5, 256


def smote(
    x: FloatArray,
    n: int,
    rng: np.random.Generator,
    *,
    categorical: Sequence[int] = (),
    scale: FloatArray | None = None,
    neighbours: int = NEIGHBOURS,
) -> FloatArray:
    """New rows of one class, each between a row and one of its nearest neighbours.

    Rows made so lie next to real people: this is no protection.

    Parameters
    ----------
    x
        Rows of the class, shape (rows, columns): numbers and level codes, NaN for missing.
    n
        Rows to make.
    rng
        Source of the draws.
    categorical
        Columns that hold level codes.
    scale
        What the numbers are divided by before distances are taken, shape (columns,); 1 by default.
    neighbours
        At most; fewer where there are fewer rows. One row alone is repeated.

    Raises
    ------
    DataError
        Without rows.

    Notes
    -----
    SMOTE-NC (Chawla, Bowyer, Hall and Kegelmeyer 2002, sections 4.2 and 6.1): distances are Euclidean on
    numbers, and a differing level adds the median of the numbers' standard deviations; numbers are
    interpolated at one uniform place, levels are the most frequent among the neighbours. Without numbers a
    differing level counts 1 (the value difference of SMOTE-N is not used). For distances a missing number
    stands at the mean, and a missing level is a level; between a number and a missing one lies a missing one.
    Cost: rows squared times columns.
    """
    rows, levels = len(x), list(categorical)
    if rows == 0:
        raise DataError(
            "there is no row to start from", where="smote", do="give at least one row of the class"
        )
    start, k = rng.integers(rows, size=n), min(neighbours, rows - 1)
    if k == 0:
        return x[start]
    numbers = [j for j in range(x.shape[1]) if j not in set(levels)]
    near = _nearest(_place(x[:, numbers], None if scale is None else scale[numbers]), x[:, levels], k)
    other = near[start, rng.integers(k, size=n)]
    made = x[start] + rng.random((n, 1)) * (x[other] - x[start])
    for j in levels:
        values, codes = np.unique(x[:, j], return_inverse=True)
        votes = np.zeros((rows, len(values)), dtype=np.int64)
        for i in range(k):
            votes[np.arange(rows), codes[near[:, i]]] += 1
        made[:, j] = values[votes.argmax(axis=1)][start]
    return made


def distances(one: FloatArray, other: FloatArray, a: FloatArray, b: FloatArray, penalty: float) -> FloatArray:
    """Squared distances of SMOTE-NC between rows, shape (len(one), len(other)).

    `one` and `other` hold the numbers, `a` and `b` the levels; each differing level adds ``penalty**2``.
    """
    gap = ((one[:, None, :] - other[None]) ** 2).sum(axis=2)
    same = (a[:, None, :] == b[None]) | (np.isnan(a)[:, None, :] & np.isnan(b)[None])
    return np.asarray(gap + penalty**2 * (~same).sum(axis=2))


def _place(numbers: FloatArray, scale: FloatArray | None) -> FloatArray:
    """Scaled numbers, missing ones at the mean of their column."""
    known = ~np.isnan(numbers)
    means = np.where(known, numbers, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return np.where(known, numbers, means) / (1.0 if scale is None else scale)


def _nearest(numbers: FloatArray, levels: FloatArray, k: int) -> npt.NDArray[np.intp]:
    penalty = float(np.median(numbers.std(axis=0))) if numbers.shape[1] else 1.0
    near = np.empty((len(numbers), k), dtype=np.intp)
    for at in range(0, len(numbers), _BLOCK):
        part = slice(at, at + _BLOCK)
        gap = distances(numbers[part], numbers, levels[part], levels, penalty)
        gap[np.arange(len(gap)), np.arange(at, at + len(gap))] = np.inf
        near[part] = np.argsort(gap, axis=1, kind="stable")[:, :k]
    return near
