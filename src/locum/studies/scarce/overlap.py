"""Rows that two tables share: tested on and learned from at once, they would make any gain look real."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from locum.arrays import BoolArray

if TYPE_CHECKING:
    import pyarrow as pa

#: Share of shared rows, beyond what rows that look alike by chance make, from which they count as the same.
SAME_SHARE = 0.05


def same_rows(own: pa.Table, other: pa.Table, columns: Sequence[str]) -> BoolArray:
    """Which rows of `other` are rows of `own` as well, cell for cell; shape (n_other,).

    Where rows of few values look alike anyway, none are: from the repeats within `own` it is known how many
    of its rows a table of the size of `other` would meet by chance, and only what goes beyond counts. Of
    each row of `own`, one is marked.
    """
    mine, theirs = keys(own, columns), keys(other, columns)
    counts, met = Counter(mine), set(theirs)
    nothing = np.zeros(len(theirs), dtype=np.bool_)
    if not mine or not theirs:
        return nothing
    shared = sum(n for key, n in counts.items() if key in met) / len(mine)
    # A row meets another of its own table with the chance that it meets one of as many other rows.
    again = sum(n for n in counts.values() if n > 1) / len(mine)
    chance = 1 - (1 - again) ** (len(theirs) / max(1, len(mine) - 1))
    if shared - chance < SAME_SHARE:
        return nothing
    for k, key in enumerate(theirs):
        if counts[key] > 0:
            counts[key] -= 1
            nothing[k] = True
    return nothing


def repeated_rows(table: pa.Table, columns: Sequence[str]) -> int:
    """How many rows are the same as an earlier one, cell for cell; 0 where a table of one column repeats."""
    return table.num_rows - len(set(keys(table, columns))) if len(columns) > 1 else 0


def keys(table: pa.Table, columns: Sequence[str]) -> list[tuple[object, ...]]:
    """The cells of each row."""
    return list(zip(*(table.column(name).to_pylist() for name in columns), strict=True))
