"""Small random networks and their joint tables, worked out cell by cell."""

from __future__ import annotations

import numpy as np

from locum.models.marginal.triangulate import Clique, canonical

SIZES = (2, 3, 4, 2, 1, 5)


def random_cliques(rng: np.random.Generator, sizes=SIZES, number: int = 6, widest: int = 3) -> list[Clique]:
    d = len(sizes)
    drawn = [
        canonical(rng.choice(d, rng.integers(1, widest + 1), replace=False).tolist(), sizes)
        for _ in range(number)
    ]
    return list(dict.fromkeys(drawn))


def random_tables(rng: np.random.Generator, cliques, sizes=SIZES, spread: float = 3.0) -> list[np.ndarray]:
    return [rng.normal(size=[sizes[a] for a in c]) * spread for c in cliques]


def joint(cliques, tables, sizes=SIZES) -> tuple[np.ndarray, float]:
    """The probability of every row, axes in order of attributes, and log Z."""
    log = np.zeros(sizes)
    for clique, table in zip(cliques, tables, strict=True):
        order = sorted(clique)
        aligned = np.transpose(table, [clique.index(a) for a in order])
        log = log + aligned.reshape([sizes[a] if a in clique else 1 for a in range(len(sizes))])
    top = log.max()
    log_z = float(top + np.log(np.exp(log - top).sum()))
    return np.exp(log - log_z), log_z


def marginal(p: np.ndarray, clique: Clique) -> np.ndarray:
    """Sum of a joint table over all but a clique; axes in the clique's order."""
    kept = sorted(clique)
    table = p.sum(axis=tuple(a for a in range(p.ndim) if a not in clique))
    return np.transpose(table, [kept.index(a) for a in clique])
