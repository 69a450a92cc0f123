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
    meets: Callable[[int, tuple[int, ...], IntArray], tuple[BoolArray, BoolArray]],
) -> Iterator[tuple[tuple[int, ...], int]]:
    """Parts and the whole that they may make up: some rows say so, and at most `MOST_AGAINST` against it.

    Parameters
    ----------
    firsts
        Parts to begin with.
    partners
        The parts that may be added to them.
    rows
        From `probe_rows`.
    meets
        ``meets(row, first, partners)`` says for each partner and every whole whether the row agrees, and
        whether it disagrees; it does neither where something is missing. Shapes (n_partners, n_wholes).
    """
    for first in firsts:
        others = partners(first)
        if len(others) == 0:
            continue
        agree, against = np.zeros(1, dtype=np.int8), np.zeros(1, dtype=np.int8)
        for row in rows:
            yes, no = meets(int(row), first, others)
            agree, against = agree + yes, against + no
        for at, whole in np.argwhere((against <= MOST_AGAINST) & (agree >= LEAST_ROWS)):
            yield (*first, int(others[at])), int(whole)
