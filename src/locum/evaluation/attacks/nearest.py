"""Distances to the nearest row among many: mixed L1 over ranks and labels, in blocks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from locum.evaluation.learn.features import Ranks

Distances = npt.NDArray[np.float32]

#: Queries and candidates compared at a time; about 2 MB, so that a block stays in the processor's cache.
BLOCK_QUERIES, BLOCK_ROWS = 64, 4096


def nearest(queries: Ranks, rows: Ranks) -> tuple[Distances, npt.NDArray[np.intp]]:
    """Distance from each query to the nearest row, and that row's number; shapes (n_queries,).

    Of equally near rows the first. Infinite distance and number 0 without rows.

    Distance: sum over ordered columns of the difference in rank (0 to 1; up to 1.5 to a missing value) plus 1
    for each label that differs. That is L1 over ranks and one-hot codes of one half.
    Cost: n_queries x n_rows x n_columns; about 5 ns a pair with 9 labels and 6 ranks.
    """
    out = np.full(len(queries), np.inf, dtype=np.float32)
    which = np.zeros(len(queries), dtype=np.intp)
    for at, begin, total in _blocks(queries, rows):
        best = out[at]
        found = total.argmin(axis=1)
        distance = total[np.arange(len(best)), found]
        better = distance < best
        which[at][better] = found[better] + begin
        best[better] = distance[better]
    return out, which


def mean_nearest(queries: Ranks, rows: Ranks, k: int) -> Distances:
    """Mean distance from each query to the `k` nearest rows; shape (n_queries,).

    Distance as in `nearest`. To all rows where there are fewer than `k`; infinite without rows. Cost: twice
    that of `nearest`.
    """
    k = min(k, len(rows))
    if not k:
        return np.full(len(queries), np.inf, dtype=np.float32)
    best = np.full((len(queries), k), np.inf, dtype=np.float32)
    for at, _, total in _blocks(queries, rows):
        both = np.concatenate([best[at], total], axis=1)
        best[at] = np.partition(both, k - 1, axis=1)[:, :k]
    return np.asarray(best.mean(axis=1), dtype=np.float32)


def _blocks(queries: Ranks, rows: Ranks) -> Iterator[tuple[slice, int, Distances]]:
    """All distances, in blocks: place of the queries, number of the first row, and the distances."""
    q_ordered, r_ordered = (np.ascontiguousarray(side.ordered.T) for side in (queries, rows))
    q_labels, r_labels = (np.ascontiguousarray(side.labels.T) for side in (queries, rows))
    count = np.uint8 if len(q_labels) < 256 else np.uint16
    for start in range(0, len(queries), BLOCK_QUERIES):
        at = slice(start, min(start + BLOCK_QUERIES, len(queries)))
        for begin in range(0, len(rows), BLOCK_ROWS):
            there = slice(begin, begin + BLOCK_ROWS)
            shape = (at.stop - start, min(BLOCK_ROWS, len(rows) - begin))
            total = np.zeros(shape, dtype=np.float32)
            step = np.empty(shape, dtype=np.float32)
            for a, b in zip(q_ordered, r_ordered, strict=True):
                np.subtract(a[at, None], b[None, there], out=step)
                np.abs(step, out=step)
                total += step
            if len(q_labels):
                different = np.zeros(shape, dtype=count)
                for c, d in zip(q_labels, r_labels, strict=True):
                    different += c[at, None] != d[None, there]
                total += different
            yield at, begin, total
