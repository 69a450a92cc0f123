"""A row like it gives its label: for columns of many labels, where equations for each would be too dear."""

from __future__ import annotations

import numpy as np

from locum.arrays import FloatArray, IntArray

#: Labels that are foretold, the most frequent ones; directions in which rows are compared; donors of a cell.
FORETOLD, DIRECTIONS, DONORS = 40, 4, 6
#: Ridge, in rows; and the spread of what parts equal rows, in standard deviations of a direction.
RIDGE, APART = 3.0, 1e-3


def draw_from_neighbours(
    x: FloatArray, labels: IntArray, others: FloatArray, rng: np.random.Generator
) -> IntArray:
    """A label for each of the others, from one of the rows for which about the same labels were foretold.

    Indicators of the frequent labels are foretold by least squares, rows weighted at random (Bayesian
    bootstrap, Rubin 1981); rows are compared in the main directions of what was foretold, each label
    weighted by one over its frequency. It is predictive mean matching for several means at once.

    Parameters
    ----------
    x, labels
        Features and labels of rows that have one.
    others
        Features of rows that need one.
    rng
        For weights and donors.

    Notes
    -----
    Cost: n p^2, and n log n for the neighbours.
    """
    from scipy.spatial import cKDTree

    n, p = x.shape
    count = np.bincount(labels)
    often = np.argsort(-count, kind="stable")[:FORETOLD]
    often = often[count[often] > 0]
    weight = np.asarray(rng.standard_exponential(n))
    weight /= weight.mean()
    hot = (labels[:, None] == often).astype(np.float64)
    hot = (hot - hot.mean(axis=0)) / np.sqrt(hot.mean(axis=0))
    centre = weight @ x / n
    inner = x - centre
    square = (inner * weight[:, None]).T @ inner
    square[np.diag_indices(p)] += RIDGE
    slopes = np.linalg.solve(square, (inner * weight[:, None]).T @ hot)
    scores = inner @ slopes
    value, turn = np.linalg.eigh(scores.T @ scores / n)
    turn = turn[:, ::-1][:, :DIRECTIONS]
    spread = APART * np.sqrt(np.maximum(value[-1], 0.0)) + 1e-9
    given, wanted = (
        points + spread * rng.standard_normal(points.shape)
        for points in (scores @ turn, (others - centre) @ slopes @ turn)
    )
    k = min(DONORS, n)
    near = cKDTree(given, balanced_tree=False).query(wanted, k=k)[1].reshape(len(wanted), k)
    return np.asarray(labels[near[np.arange(len(wanted)), rng.integers(0, k, len(wanted))]])
