"""Sets of columns among which a relation may hold, by a few rows that leave hardly any."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from locum.arrays import BoolArray, FloatArray, IntArray

#: Rows on which every set is tried, and how many of them may speak against one.
ROWS, MOST_AGAINST = 12, 1
#: Fewest of those rows that must say anything about a column.
LEAST_ROWS = 4


def probe_rows(data: FloatArray) -> IntArray:
    """Rows that say most: with few missing values and few zeros, and not alike."""
    with np.errstate(invalid="ignore"):
        worth = ((data != 0) & ~np.isnan(data)).sum(axis=1)
    order = np.lexsort((np.arange(len(data)), -worth))
    best = order[: max(4 * ROWS, len(order) // 4)]
    chosen = best[:: max(1, len(best) // ROWS)][:ROWS]
    # A column that is mostly missing has rows of its own.
    extra = [np.flatnonzero(~np.isnan(data[:, k]))[:LEAST_ROWS] for k in range(data.shape[1])]
    thin = [rows for k, rows in enumerate(extra) if (~np.isnan(data[chosen, k])).sum() < LEAST_ROWS]
    return np.unique(np.concatenate([chosen, *thin[:10]])).astype(np.int64)


def allowed(
    firsts: list[tuple[int, ...]],
    partners: Callable[[tuple[int, ...]], IntArray],
    rows: IntArray,
    meets: Callable[[int, tuple[int, ...], IntArray], BoolArray],
) -> Iterator[tuple[tuple[int, ...], int]]:
    """Parts and the whole that they may make up: at most `MOST_AGAINST` rows speak against it.

    Parameters
    ----------
    firsts
        Parts to begin with.
    partners
        The parts that may be added to them.
    rows
        From `probe_rows`.
    meets
        ``meets(row, first, partners)`` says for each partner and every whole whether the row allows it;
        shape (n_partners, n_wholes).
    """
    for first in firsts:
        others = partners(first)
        if len(others) == 0:
            continue
        against = np.zeros(1, dtype=np.int8)
        for row in rows:
            against = against + ~meets(int(row), first, others)
        for at, whole in np.argwhere(against <= MOST_AGAINST):
            yield (*first, int(others[at])), int(whole)
