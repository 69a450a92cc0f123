"""What a source of counts must offer: partition, count, add."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from locum.arrays import IntArray
from locum.errors import FeasibilityError, UsageError
from locum.schema.domain import Domain

Counts = IntArray

#: Most cells of one table of counts (half a gigabyte).
MAX_CELLS = 1 << 26


@runtime_checkable
class Source(Protocol):
    """Whoever can count rows over attributes.

    The counts of a data set are the sum of the counts of its parts, however it is cut (`SplitSource`). No
    source raises, warns, logs or changes the shape of an answer because of what the rows hold: a code below
    0 counts as 0, one too large as the last.
    """

    domain: Domain

    def marginal(self, attributes: Sequence[str]) -> Counts:
        """Number of rows in each combination of codes.

        Parameters
        ----------
        attributes
            Distinct names; none gives the number of rows.

        Returns
        -------
        int64, flat, C order over the sizes of `attributes` in the order given.

        Raises
        ------
        UsageError
            When a name is unknown or comes twice.
        FeasibilityError
            When the table would have more than `MAX_CELLS` cells.
        """
        ...

    def marginals(self, cliques: Sequence[Sequence[str]]) -> list[Counts]:
        """Several tables of counts; cheaper together than one by one."""
        ...


def check_clique(domain: Domain, attributes: Sequence[str]) -> tuple[str, ...]:
    """The names as a tuple, or the error that `Source.marginal` promises."""
    names = tuple(attributes)
    unknown = [n for n in names if n not in domain.names]
    if unknown:
        raise UsageError(f"there is no attribute {unknown[0]!r}", where="marginal")
    if len(set(names)) != len(names):
        raise UsageError("an attribute comes twice", where="marginal")
    cells = n_cells(domain, names)
    if cells > MAX_CELLS:
        raise FeasibilityError(
            f"a table over {', '.join(names)} has {cells:,} cells",
            where="marginal",
            expected=f"at most {MAX_CELLS:,}",
            do=f"coarsen {max(names, key=lambda n: domain.attributes[domain.index(n)].size)}",
        )
    return names


def n_cells(domain: Domain, attributes: Sequence[str]) -> int:
    """Number of combinations of codes of some attributes; 1 for none."""
    cells = 1
    for name in attributes:
        cells *= domain.attributes[domain.index(name)].size
    return cells


def sum_to(counts: Counts, domain: Domain, have: Sequence[str], want: Sequence[str]) -> Counts:
    """The counts over `want` out of those over a larger set `have`; flat, in the order of `want`."""
    table = counts.reshape(domain.project(have).sizes)
    drop = tuple(i for i, name in enumerate(have) if name not in want)
    kept = [name for name in have if name in want]
    table = table.sum(axis=drop, dtype=np.int64) if drop else table
    return np.ascontiguousarray(np.asarray(table).transpose([kept.index(n) for n in want])).reshape(-1)


def merge(parts: Sequence[Counts]) -> Counts:
    """Add up the counts of the parts of a data set; all of one shape."""
    total = np.zeros_like(parts[0])
    for part in parts:
        if part.shape != total.shape:
            raise UsageError("counts of different shapes do not add up", where="merge")
        total += part
    return total
