"""Which rows are held out, decided before anything is fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from locum.data.distinct import distinct
from locum.errors import UsageError
from locum.randomness import stream
from locum.schema.table import Schema

if TYPE_CHECKING:
    import pyarrow as pa

#: Largest share that may be held out: the generator needs at least half of the rows.
MAX_HOLDOUT = 0.5

Rows = npt.NDArray[np.int64]


def check_share(share: float) -> float:
    """Return a usable hold-out share.

    Raises
    ------
    UsageError
        When it is not a number from 0 to `MAX_HOLDOUT`.
    """
    if not 0.0 <= share <= MAX_HOLDOUT:
        raise UsageError(
            f"a hold-out of {share:g} is not usable",
            where="holdout",
            expected=f"a share from 0 to {MAX_HOLDOUT:g}, for example 0.2",
        )
    return float(share)


def persons_of(table: pa.Table, schema: Schema) -> Rows | None:
    """A number for whose row each row is, None where each is somebody else's; rows without a value differ."""
    if schema.entity is None or schema.entity not in table.column_names:
        return None
    index = distinct(table.column(schema.entity)).index
    alone = index < 0
    return np.where(alone, int(index.max(initial=-1)) + np.cumsum(alone), index)


def split(n_rows: int, share: float, seed: int, persons: Rows | None = None) -> tuple[Rows, Rows]:
    """Positions of the training rows and of the hold-out rows, each ascending.

    Every row is in exactly one part. The training part is never empty; the hold-out has
    ``round(share * n_rows)`` rows, so it is empty for a share of 0 and for very few rows. With `persons` (a
    number for each row) all rows of one are in one part, and the hold-out has at most so many rows: persons
    are taken in random order, and one that would be too many is passed over.

    Cost: O(n_rows).
    """
    held = min(round(check_share(share) * n_rows), n_rows - 1)
    if persons is None:
        shuffled = stream(seed, "pipeline", "holdout").permutation(n_rows)
        return np.sort(shuffled[held:]), np.sort(shuffled[:held])
    _, number, sizes = np.unique(persons, return_inverse=True, return_counts=True)
    chosen, room = np.zeros(len(sizes), dtype=np.bool_), held
    for person in stream(seed, "pipeline", "persons").permutation(len(sizes)):
        if sizes[person] <= room:
            chosen[person] = True
            room -= int(sizes[person])
        if room == 0:
            break
    out = chosen[number]
    return np.flatnonzero(~out), np.flatnonzero(out)


def keep_together(order: Rows, persons: Rows, cut: int) -> tuple[Rows, int]:
    """The same rows with those of each person one after another, and the nearest cut after one's last row.

    Persons come in the order of their first row in `order`; a cut at the end moves before the last person.
    """
    _, first, number = np.unique(persons[order], return_index=True, return_inverse=True)
    together = order[np.argsort(first[number], kind="stable")]
    ends = np.flatnonzero(np.diff(persons[together])) + 1
    after = ends[ends >= cut]
    return together, int(after[0] if len(after) else ends[-1] if len(ends) else cut)
