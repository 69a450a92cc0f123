"""Columns that another column determines exactly, in the whole table."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from locum.arrays import IntArray
from locum.schema.table import Dependency

#: Most columns among which pairs are looked for; the work grows with their square.
MOST_COLUMNS = 400
#: A level of the determinant must hold this many rows to be evidence ...
SUPPORT = 5
#: ... and such levels this share of all rows.
COVERED = 0.99
#: A column whose most frequent value has a larger share is nearly constant: being determined says little.
NEAR_CONSTANT = 0.98
_SAMPLE = 2_000
#: A determinant of texts may have many levels of few rows each, if this share of the rows repeats a level ...
REPEATED = 0.5
#: ... and that all of them repeat the dependent too has a chance below this, divided by the pairs tried.
ALARM = 1e-6


def find_dependencies(
    codes: Mapping[str, IntArray], *, never: Collection[str] = (), labels: Collection[str] = ()
) -> tuple[Dependency, ...]:
    """Find pairs in which each value of one column goes with exactly one value of another, without exception.

    Parameters
    ----------
    codes
        Per candidate column its values as codes 0, 1, 2 ...; missing is a code of its own; shape (n_rows,).
    never
        Columns that must stay free (target, protected); they may determine others.
    labels
        Columns of texts; of two columns that determine each other such a one is kept as determinant.

    Returns
    -------
    tuple
        No chains and no cycles: a determinant is never itself determined.

    Notes
    -----
    Repetition is required, else any key determines everything: at most n/20 levels, 99 % of rows in levels of
    5 rows or more. Texts may have more levels (towns of a few rows each): then half of the rows must repeat a
    level, and that every one of them repeats the dependent as well must be no chance.
    Cost: O(k^2) on a sample of 2,000 rows, then O(n) for each pair that survives.
    """
    narrow = {name for name, values in codes.items() if _usable(values)}
    names = [
        name for name, values in codes.items() if name in narrow or (name in labels and _repeats(values))
    ]
    if len(names) > MOST_COLUMNS or len(names) < 2:
        return ()
    sizes = {name: int(codes[name].max()) + 1 for name in names}
    place = {name: i for i, name in enumerate(codes)}
    # A column can only be determined by one that comes before it in this order, so there is no cycle.
    order = sorted(names, key=lambda name: (name not in never, -sizes[name], name not in labels, place[name]))
    ranks = {name: i for i, name in enumerate(order)}
    determinants: dict[str, list[str]] = {}
    for dependent in order:
        if dependent in never or _near_constant(codes[dependent]):
            continue
        found = [
            name
            for name in order
            if name != dependent
            and sizes[name] >= sizes[dependent]
            and (ranks[name] < ranks[dependent])
            and _determines(codes[name], codes[dependent], sizes[name])
            and (name in narrow or _no_chance(codes[name], codes[dependent], len(names) ** 2))
        ]
        if found:
            determinants[dependent] = found
    pairs = []
    for name in (name for name in codes if name in determinants):
        roots = [found for found in determinants[name] if found not in determinants]
        if roots:
            best = min(roots, key=lambda root: (sizes[root], place[root]))
            pairs.append(Dependency(best, name, source="data"))
    return tuple(pairs)


def _usable(values: IntArray) -> bool:
    counts = np.bincount(values)
    counts = counts[counts > 0]
    return bool(
        2 <= len(counts) <= len(values) / 20 and counts[counts >= SUPPORT].sum() >= COVERED * len(values)
    )


def _repeats(values: IntArray) -> bool:
    """Whether enough rows share their level with another row."""
    counts = np.bincount(values)
    return bool((counts > 0).sum() >= 2 and counts[counts > 1].sum() >= REPEATED * len(values))


def _no_chance(one: IntArray, two: IntArray, tried: int) -> bool:
    """Whether independent columns would hardly agree in `two` in every row that repeats a level of `one`."""
    counts, shares = np.bincount(one), np.bincount(two) / len(two)
    repeats = int((counts[counts > 1] - 1).sum())
    return bool(repeats * np.log((shares**2).sum()) < np.log(ALARM / max(1, tried)))


def _near_constant(values: IntArray) -> bool:
    return bool(np.bincount(values).max() > NEAR_CONSTANT * len(values))


def _determines(one: IntArray, two: IntArray, size: int) -> bool:
    """Whether rows that agree in `one` agree in `two`."""
    for a, b in ((one[:_SAMPLE], two[:_SAMPLE]), (one, two)):
        seen = np.zeros(size, np.int64)
        seen[a] = b
        if not (seen[a] == b).all():
            return False
    return True
