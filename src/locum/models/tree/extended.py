"""Coded rows with what can be calculated from them in columns of their own, after the coded ones."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np

from locum.arrays import IntArray
from locum.schema.domain import Calculated, CodedRows, Codes, Domain


def extended_domain(domain: Domain) -> Domain:
    """The attributes and after them the calculated ones; the calculated ones stay known."""
    return Domain((*domain.attributes, *(c.attribute for c in domain.calculated)), domain.calculated)


def calculate(codes: Codes, calculated: Sequence[Calculated]) -> None:
    """Fill the columns after the coded ones, in place; `codes` has the width of the extended domain."""
    first = codes.shape[1] - len(calculated)
    for i, one in enumerate(calculated):
        codes[:, first + i] = one(codes)


def calculate_known(
    codes: Codes, calculated: Sequence[Calculated], last: int, known: Collection[int]
) -> None:
    """Fill what could not be calculated before attribute `last`, the last of those known, was drawn."""
    first = codes.shape[1] - len(calculated)
    for i, one in enumerate(calculated):
        if last in one.of and all(j in known for j in one.of):
            codes[:, first + i] = one(codes)


def extend(codes: Codes, calculated: Sequence[Calculated]) -> Codes:
    """Coded rows with the calculated columns after them; a copy where there are any."""
    if not calculated:
        return codes
    own = codes.shape[1]
    out = np.empty((len(codes), own + len(calculated)), dtype=np.int32, order="F")
    out[:, :own] = codes
    calculate(out, calculated)
    return out


def recalculated(codes: Codes, calculated: Sequence[Calculated]) -> Codes:
    """Rows of the extended domain whose coded columns were changed; a copy where anything is calculated."""
    if not calculated:
        return codes
    out = codes.copy(order="F")
    calculate(out, calculated)
    return out


def with_known(known: set[int], calculated: Sequence[Calculated], first: int) -> set[int]:
    """Positions of coded attributes and of the calculated ones that follow from them."""
    return known | {first + i for i, one in enumerate(calculated) if known.issuperset(one.of)}


def depending_on(column: int, domain: Domain) -> tuple[int, ...]:
    """An attribute of an extended domain and the calculated ones that follow from it, among others."""
    first = len(domain) - len(domain.calculated)
    return (column, *(first + i for i, one in enumerate(domain.calculated) if column in one.of))


class ExtendedRows:
    """Training rows over an extended domain.

    Parameters
    ----------
    data
        Rows over the domain without the calculated attributes.

    Notes
    -----
    Memory: four bytes a row for each calculated attribute.
    """

    def __init__(self, data: CodedRows) -> None:
        self._data = data
        self._own = len(data.domain)
        self.domain = extended_domain(data.domain)
        self.n_rows = data.n_rows
        # a calculated column looks at a few others only: no copy of all is made
        self._more = [_column(data, one) for one in data.domain.calculated]

    def column(self, i: int) -> Codes:
        """Codes of attribute `i`; int32, shape (n_rows,)."""
        return self._data.column(i) if i < self._own else self._more[i - self._own]

    def take(self, rows: IntArray) -> Codes:
        """Some rows by number; int32, shape (len(rows), n_attributes), Fortran order."""
        return extend(self._data.take(rows), self.domain.calculated)

    def blocks(self, size: int) -> Iterator[Codes]:
        """All rows in order, at most `size` at a time; int32."""
        return (extend(block, self.domain.calculated) for block in self._data.blocks(size))


def _column(data: CodedRows, one: Calculated) -> Codes:
    at = tuple(cell[data.column(i)] for i, cell in zip(one.of, one.cells, strict=True))
    return one.table[at]
