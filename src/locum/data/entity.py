"""Whose rows they are: the column of ids that says which rows belong to one person, where some have several.

Such rows are not independent of each other. Whoever holds rows out, counts what is rare, or draws new rows
needs to know.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from locum.arrays import IntArray
from locum.data.id_names import is_first_person_name, is_person_id_name, is_staff_name, is_thing_name
from locum.schema.column import Column
from locum.schema.table import Schema

#: Fewer persons than this are labels; they could not be split into parts either.
LEAST = 20
#: So many persons must have several rows, and so many rows must there be for each, else it is chance.
TWICE, ROWS_EACH = 5, 1.02
#: The same for kinds of which two persons may share a value, such as names.
SHARED_EACH = 1.5
#: Share of rows that must have a value.
FILLED = 0.5

#: Kinds of which one value stands for one person, and those that may be shared.
_OWN = frozenset({"id", "pii.national_id", "pii.email", "pii.card", "pii.iban"})
_SHARED = frozenset({"pii.name", "pii.phone"})


def find_entity(schema: Schema, codes: Callable[[str], IntArray]) -> str | None:
    """The column that says whose row it is, None where no person has several rows.

    Parameters
    ----------
    schema
        What the columns are.
    codes
        Gives the values of a column as 0, 1, 2 ..., -1 for missing; shape (n_rows,).

    Notes
    -----
    Among several, columns of persons go before columns of things, those of patients and customers before
    those of employees, then the one that tells more of them apart. Doctors, authors and the like, who have to
    do with many rows, must be named by the user.
    """
    roles = {schema.target, *schema.protected}
    best: tuple[tuple[bool, bool, int, bool], str] | None = None
    for column in schema:
        if column.name in roles or column.kind not in _OWN | _SHARED or is_staff_name(column.name):
            continue
        index = codes(column.name)
        counts = np.bincount(index[index >= 0])
        counts = counts[counts > 0]
        if not _several(column, counts, len(index)):
            continue
        rank = (_of_persons(column), is_first_person_name(column.name), len(counts), column.kind == "id")
        if best is None or rank > best[0]:
            best = rank, column.name
    return None if best is None else best[1]


def _several(column: Column, counts: IntArray, n_rows: int) -> bool:
    """Whether many have several rows."""
    each = ROWS_EACH if column.kind in _OWN else SHARED_EACH
    rows = int(counts.sum())
    return (
        len(counts) >= LEAST
        and rows >= FILLED * n_rows
        and int((counts > 1).sum()) >= TWICE
        and rows >= each * len(counts)
    )


def _of_persons(column: Column) -> bool:
    """Whether it tells persons apart, and not orders or machines."""
    if column.kind != "id" or is_person_id_name(column.name):
        return True
    return not is_thing_name(column.name) and column.name.lower() in ("id", "key")
