"""Filled cells brought into line with columns of which one fixes the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from locum.arrays import IntArray
from locum.control.impute.column_values import ColumnValues
from locum.schema.table import Dependency


def agree(
    blocks: Sequence[ColumnValues],
    codes: dict[int, IntArray],
    dependencies: Sequence[Dependency],
    rng: np.random.Generator | None,
) -> None:
    """Change filled codes, in place, so that determinants go with dependents as in the given rows.

    A filled dependent follows its determinant. A filled determinant that contradicts a given dependent
    turns into one that goes with it: the most frequent, or with `rng` one at random by frequency.

    Parameters
    ----------
    blocks
        The columns, with the codes that were given.
    codes
        Codes after filling, by place of the block; given cells are unchanged.
    dependencies
        In the order in which they shall hold.
    rng
        None for the most frequent.
    """
    place = {b.name: i for i, b in enumerate(blocks)}
    for dependency in dependencies:
        i, j = place.get(dependency.determinant), place.get(dependency.dependent)
        if i is None or j is None:
            continue
        cause, effect = blocks[i].codes, blocks[j].codes
        both = np.flatnonzero((cause >= 0) & (effect >= 0))
        # The last entry answers for a missing determinant, whose code is -1.
        leads = np.full(len(blocks[i].values) + 1, -1, dtype=np.int64)
        leads[cause[both]] = effect[both]
        if i in codes:
            wrong = np.flatnonzero((cause < 0) & (effect >= 0) & (leads[codes[i]] != effect))
            codes[i][wrong] = _causes(cause[both], effect[both], effect[wrong], codes[i][wrong], rng)
        if j in codes:
            follows = leads[codes.get(i, cause)]
            take = (effect < 0) & (follows >= 0)
            codes[j][take] = follows[take]


def _causes(
    cause: IntArray, effect: IntArray, wanted: IntArray, now: IntArray, rng: np.random.Generator | None
) -> IntArray:
    """A determinant of each wanted dependent, as given rows have them; `now` where none has."""
    often = np.bincount(cause, minlength=1)
    order = np.lexsort((-often[cause], effect))
    low, high = (np.searchsorted(effect[order], wanted, side=side) for side in ("left", "right"))
    at = low if rng is None else low + (rng.random(len(wanted)) * (high - low)).astype(np.int64)
    known = high > low
    out = now.copy()
    out[known] = cause[order[at[known]]]
    return out
