"""Ranges and quantiles of a number out of noisy counts on a grid that is fixed in advance.

Nothing here touches private data but `octaves`, which codes values row by row; the rest reads noisy counts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from locum.privacy.conversions import tail_quantile

Floats = npt.NDArray[np.float64]

#: Binary exponents that octaves tell apart; smaller values share the cell of 0, larger ones the last.
LOWEST, HIGHEST = -20, 62
#: Number of cells: negative octaves, zero, positive octaves.
N_OCTAVES = 2 * (HIGHEST - LOWEST) + 1


def octaves(values: Floats) -> npt.NDArray[np.int32]:
    """The cell of each value on a signed logarithmic scale, ascending with the value.

    Cells hold ``[2**e, 2**(e+1))`` for e = -20 .. 61, the same mirrored, and one cell around 0. Infinities go
    to the outermost cells; NaN to that of 0 (code missing values before).
    """
    size = np.where(np.isnan(values), 0.0, np.abs(values))
    _, exponent = np.frexp(np.minimum(size, 2.0 ** (HIGHEST - 1)))
    step = np.where(size < 2.0**LOWEST, 0, exponent - LOWEST)
    return (np.sign(np.nan_to_num(values)) * step + (N_OCTAVES // 2)).astype(np.int32)


def octave_edges() -> Floats:
    """Edges of the cells of `octaves`; float64, shape (N_OCTAVES + 1,)."""
    positive = 2.0 ** np.arange(LOWEST, HIGHEST + 1, dtype=np.float64)
    return np.concatenate((-positive[::-1], positive))


def bounds(noisy: npt.NDArray[np.int64], sigma: float, failure: float = 1e-3) -> tuple[float, float] | None:
    """Outer edges of the octaves that hold rows beyond doubt.

    Parameters
    ----------
    noisy
        Noisy counts of `octaves`; shape (N_OCTAVES,).
    sigma
        Standard deviation of their noise.
    failure
        Probability that any empty octave is taken for a full one, at most.

    Returns
    -------
    (low, high), or None when no octave stands out: the column has too few rows for this noise.
    """
    limit = sigma * tail_quantile(failure / len(noisy))
    full = np.flatnonzero(noisy > limit)
    if not full.size:
        return None
    edges = octave_edges()
    return float(edges[full[0]]), float(edges[full[-1] + 1])


def tree_levels(counts: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """Counts of a grid of 2**h cells, of their pairs, and so on up to 2 cells; finest last.

    A row is in one cell of each level: the levels together cost h tables of counts.
    """
    levels = [counts]
    while len(levels[0]) > 2:
        levels.insert(0, levels[0].reshape(-1, 2).sum(axis=1))
    return levels


def consistent(levels: Sequence[npt.NDArray[np.int64]]) -> Floats:
    """Best linear estimate of the finest counts, given noisy counts of every level with equal noise.

    Source: Hay, Rastogi, Miklau and Suciu (2010), two passes over the tree.
    """
    up = [level.astype(np.float64) for level in levels]
    for i in range(len(up) - 2, -1, -1):
        # below lie h levels: a node's own count weighs 2**h - 2**(h-1) against 2**(h-1) - 1 of its children's
        h = len(up) - i
        own, below = 2.0**h - 2.0 ** (h - 1), 2.0 ** (h - 1) - 1
        up[i] = (own * up[i] + below * up[i + 1].reshape(-1, 2).sum(axis=1)) / (2.0**h - 1)
    down = up[0]
    for level in up[1:]:
        excess = down - level.reshape(-1, 2).sum(axis=1)
        down = level + np.repeat(excess, 2) / 2
    return down


def quantile_cells(estimate: Floats, ranks: Sequence[float]) -> npt.NDArray[np.int64]:
    """The cell in which each quantile lies.

    Parameters
    ----------
    estimate
        Estimated counts of the grid (see `consistent`); negative ones are flattened by making the running
        sum ascend.
    ranks
        From 0 to 1.

    Returns
    -------
    int64, shape (len(ranks),), ascending with the ranks; all 0 when the estimated total is not positive.
    """
    running = np.maximum.accumulate(np.maximum(np.cumsum(estimate), 0.0))
    places = np.searchsorted(running, np.asarray(ranks) * running[-1], side="left")
    return np.asarray(np.minimum(places, len(estimate) - 1), dtype=np.int64)
