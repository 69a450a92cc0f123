"""Two clouds of vectors compared: Frechet distance, overlap, MAUVE; and one cloud's variety."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray

Rows = npt.NDArray[np.intp]

#: Scaling of the divergences in MAUVE, and points of its frontier, as in its authors' paper.
MAUVE_SCALE, MAUVE_POINTS = 5.0, 100


def frechet(a: FloatArray, b: FloatArray) -> float:
    """Squared Frechet distance of the Gaussians fitted to two clouds, shapes (n, d) and (m, d).

    ``|mean_a - mean_b|**2 + tr(A + B - 2 (A B)**0.5)``; the trace of the root is the sum of the singular
    values of ``A**0.5 B**0.5``, here of the centred data, which needs no root of a matrix. Falls with n: to
    be compared at equal n only. NaN with fewer than two rows. Cost: O((n + m) d**2 + d**3).

    Source: Heusel et al. (2017), with embeddings of texts.
    """
    if len(a) < 2 or len(b) < 2:
        return math.nan
    x = (a - a.mean(axis=0)) / math.sqrt(len(a) - 1)
    y = (b - b.mean(axis=0)) / math.sqrt(len(b) - 1)
    # tr((A B)^0.5) with A = x'x and B = y'y is the sum of singular values of x y'; first both to d rows
    x, y = _short(x), _short(y)
    cross = float(np.linalg.svd(x @ y.T, full_matrices=False)[1].sum())
    means = float(((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum())
    return max(0.0, means + float((x**2).sum() + (y**2).sum() - 2 * cross))


def _short(x: FloatArray) -> FloatArray:
    """A matrix of at most as many rows as columns with the same ``x' x``."""
    return x if x.shape[0] <= x.shape[1] else cast(FloatArray, np.linalg.qr(x, mode="r"))


@dataclass(frozen=True, slots=True)
class Cover:
    """Precision, recall, density and coverage; see `cover`."""

    precision: float
    recall: float
    density: float
    coverage: float


def squared_distances(a: FloatArray, b: FloatArray) -> FloatArray:
    """Squared Euclidean distances, shape (n, m), never below 0."""
    d = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None, :] - 2 * (a @ b.T)
    return cast(FloatArray, np.maximum(d, 0.0))


def cover(real: FloatArray, synthetic: FloatArray, k: int = 5) -> Cover:
    """How two clouds overlap, by balls that reach to the k-th neighbour.

    Precision: share of synthetic points in a ball of a real point. Recall: the other way round. Density:
    mean number of real balls that a synthetic point is in, over k. Coverage: share of real balls that hold a
    synthetic point. NaN with `k` or fewer points. Cost: O((n + m)**2 d), memory (n + m)**2.

    Source: Kynkaanniemi et al. (2019); Naeem et al. (2020).
    """
    if min(len(real), len(synthetic)) <= k:
        return Cover(math.nan, math.nan, math.nan, math.nan)
    reach = np.partition(squared_distances(real, real), k, axis=1)[:, k]  # the point itself is the 0-th
    reach_synthetic = np.partition(squared_distances(synthetic, synthetic), k, axis=1)[:, k]
    between = squared_distances(real, synthetic)
    inside = between <= reach[:, None]
    return Cover(
        precision=float(inside.any(axis=0).mean()),
        recall=float((between <= reach_synthetic[None, :]).any(axis=1).mean()),
        density=float(inside.sum(axis=0).mean() / k),
        coverage=float(inside.any(axis=1).mean()),
    )


def vendi(x: FloatArray) -> float:
    """Effective number of different texts: exp of the entropy of the eigenvalues of ``x x' / n``.

    Rows have unit length (cosine kernel); those of length 0 are left out. 1 for copies of one text, n for
    orthogonal ones, at most the dimension. NaN without a row. Source: Friedman and Dieng (2023).
    """
    x = x[(x**2).sum(axis=1) > 0]
    if not len(x):
        return math.nan
    gram = x.T @ x if x.shape[1] < len(x) else x @ x.T
    values = np.linalg.eigvalsh(gram / len(x))
    values = values[values > 1e-12]
    return float(math.exp(-(values * np.log(values)).sum()))


def principal(x: FloatArray, share: float = 0.9) -> FloatArray:
    """`x` in its first principal components, as many as hold `share` of the variance."""
    centred = x - x.mean(axis=0)
    values, axes = np.linalg.eigh(centred.T @ centred)
    values, axes = np.maximum(values[::-1], 0), axes[:, ::-1]
    if values.sum() <= 0:
        return cast(FloatArray, centred[:, :1])
    keep = int(np.searchsorted(np.cumsum(values) / values.sum(), share)) + 1
    return cast(FloatArray, centred @ axes[:, :keep])


def clusters(x: FloatArray, k: int, rng: np.random.Generator, rounds: int = 15) -> Rows:
    """Cluster of each row, 0 to k - 1, by Lloyd's algorithm from random rows; an emptied one stays empty."""
    centres = x[rng.choice(len(x), size=min(k, len(x)), replace=False)].copy()
    label = np.full(len(x), -1, dtype=np.intp)
    for _ in range(rounds):
        new = squared_distances(x, centres).argmin(axis=1)
        if np.array_equal(new, label):
            break
        label = new
        sizes = np.bincount(label, minlength=len(centres))
        sums = np.zeros_like(centres)
        np.add.at(sums, label, x)
        centres[sizes > 0] = sums[sizes > 0] / sizes[sizes > 0, None]
    return label


def centres(x: FloatArray, k: int, rng: np.random.Generator) -> FloatArray:
    """Means of the clusters of `x`, of unit length, shape (k or fewer, d); emptied clusters are left out."""
    label = clusters(x, k, rng)
    found = np.stack([x[label == j].mean(axis=0) for j in np.unique(label)])
    norms = np.linalg.norm(found, axis=1, keepdims=True)
    return found / np.where(norms > 0, norms, 1.0)


def mauve(p: FloatArray, q: FloatArray) -> float:
    """Area under the divergence frontier of two histograms of counts, 0 (apart) to 1 (the same).

    Half a count is added to every cell (Krichevsky and Trofimov), so that few texts do not look farther apart
    than they are. Points ``(exp(-c KL(q|r)), exp(-c KL(p|r)))`` for r on the line from p to q, c = 5.

    Source: Pillutla et al. (2021, 2023).
    """
    p, q = (p + 0.5) / (p + 0.5).sum(), (q + 0.5) / (q + 0.5).sum()
    t = np.linspace(0, 1, MAUVE_POINTS + 2)[1:-1, None]
    r = t * p + (1 - t) * q
    x = np.exp(-MAUVE_SCALE * (q * np.log(q / r)).sum(axis=1))
    y = np.exp(-MAUVE_SCALE * (p * np.log(p / r)).sum(axis=1))
    order = np.argsort(x, kind="stable")
    x = np.concatenate([[0.0], x[order], [1.0]])
    y = np.concatenate([[1.0], y[order], [0.0]])
    return float(np.clip(((x[1:] - x[:-1]) * (y[1:] + y[:-1]) / 2).sum(), 0, 1))
