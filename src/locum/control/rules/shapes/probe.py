"""Triples of columns among which a relation may hold, by a few rows that leave hardly any."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from locum.arrays import BoolArray, FloatArray, IntArray

#: Rows on which every triple is tried, and how many of them may speak against one.
ROWS, MOST_AGAINST = 12, 1
#: Fewest of those rows that must say anything about a triple.
LEAST_ROWS = 4


@dataclass(frozen=True, slots=True)
class Triple:
    """A column and the two that may make it up."""

    whole: str
    parts: tuple[str, str]


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


def triples(
    names: list[str],
    rows: IntArray,
    meets: Callable[[int, int, IntArray], BoolArray],
    *,
    ordered: bool = False,
) -> Iterator[Triple]:
    """Triples on which at most `MOST_AGAINST` rows speak against the relation.

    Parameters
    ----------
    names
        The columns.
    rows
        From `probe_rows`.
    meets
        ``meets(row, i, j)`` says for parts `i` and each of `j` and every whole whether the row allows it;
        shape (len(j), n_columns).
    ordered
        Whether it matters which part is the first; a column may then be both.
    """
    k = len(names)
    for i in range(k):
        partners = np.arange(0 if ordered else i + 1, k)
        if len(partners) == 0:
            continue
        against = np.zeros((len(partners), k), dtype=np.int8)
        for row in rows:
            against += ~meets(int(row), i, partners)
        against[:, i] = 100
        against[np.arange(len(partners)), partners] = 100
        for at, whole in np.argwhere(against <= MOST_AGAINST):
            yield Triple(names[whole], (names[i], names[partners[at]]))
