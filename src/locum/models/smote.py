"""Rows between rows: the interpolation that every generator for few rows must beat."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from locum.errors import DataError
from locum.randomness import stream

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Neighbours that a row is mixed with.
NEIGHBOURS = 5


def smote(
    numbers: FloatArray, labels: IntArray, n: int, *, neighbours: int = NEIGHBOURS, seed: int = 0
) -> tuple[FloatArray, IntArray]:
    """New rows of one class, between a row and one of its nearest neighbours.

    SMOTE-NC (Chawla, Bowyer, Hall and Kegelmeyer, 2002): distances are Euclidean on numbers, and a differing
    label adds the median of the numbers' standard deviations; numbers are interpolated at a uniform place,
    labels are the most frequent among the neighbours. Without numbers a differing label counts 1 (SMOTE-N's
    value difference is not used). Rows made so lie next to real people: this is no protection.

    Parameters
    ----------
    numbers
        Finite numbers, shape (rows, columns); scale them first if units differ.
    labels
        Codes from 0, shape (rows, columns).
    n
        Rows to make.
    neighbours
        At most; fewer where there are fewer rows. One row alone is repeated.
    seed
        Same seed, same rows.

    Raises
    ------
    DataError
        Without rows.
    """
    rows = len(numbers)
    if rows == 0:
        raise DataError(
            "there is no row to start from", where="smote", do="give at least one row of the class"
        )
    rng = stream(seed, "scarce", "smote")
    k = min(neighbours, rows - 1)
    start = rng.integers(rows, size=n)
    if k == 0:
        return numbers[start], labels[start]
    penalty = float(np.median(numbers.std(axis=0))) if numbers.shape[1] else 1.0
    near = np.empty((rows, k), dtype=np.int64)
    for at in range(0, rows, 512):
        part = slice(at, min(at + 512, rows))
        gap = ((numbers[part, None, :] - numbers[None]) ** 2).sum(axis=2)
        gap += penalty**2 * (labels[part, None, :] != labels[None]).sum(axis=2)
        gap[np.arange(gap.shape[0]), np.arange(part.start, part.stop)] = np.inf
        near[part] = np.argsort(gap, axis=1, kind="stable")[:, :k]
    other = near[start, rng.integers(k, size=n)]
    mixed = numbers[start] + rng.random((n, 1)) * (numbers[other] - numbers[start])
    drawn = np.empty((n, labels.shape[1]), dtype=np.int64)
    for j in range(labels.shape[1]):
        votes = np.zeros((rows, int(labels[:, j].max(initial=0)) + 1), dtype=np.int64)
        for i in range(k):
            votes[np.arange(rows), labels[near[:, i], j]] += 1
        drawn[:, j] = votes.argmax(axis=1)[start]
    return mixed, drawn
