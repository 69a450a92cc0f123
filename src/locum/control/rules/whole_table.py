"""Statements about the rows of a table together: which rows break ``unique(...)`` and ``follows from``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from locum.arrays import BoolArray, IntArray
from locum.control.rules.clause import Clause
from locum.control.where.evaluate import _values

if TYPE_CHECKING:
    import pyarrow as pa


def rows_against(clause: Clause, table: pa.Table, known: pa.Table | None = None) -> BoolArray:
    """Which rows of a table break a statement about rows together.

    Parameters
    ----------
    clause
        One whose `Clause.about_table` is true.
    table
        The rows, canonical.
    known
        Rows that come first and are not judged: a row breaks a look-up too if it contradicts one of them, and
        a key if it repeats one.

    Returns
    -------
    numpy.ndarray
        For ``unique`` rows that repeat an earlier one (a missing value repeats nothing); for ``follows from``
        rows that differ from what most rows with the same combination have, or the first of as many (missing
        counts as a value); with `known` from what those rows have, where they have the combination.
    """
    import pyarrow as pa

    start = 0 if known is None else known.num_rows
    if known is not None:
        table = pa.concat_tables([known, table.select(known.column_names)])
    codes = argument_codes(clause, table)
    if clause.term.op == "unique":
        rows = np.flatnonzero(np.logical_and.reduce([values >= 0 for values in codes]))
        repeats = np.zeros(table.num_rows, dtype=bool)
        repeats[rows] = True
        repeats[rows[np.unique(join_codes(codes)[rows], return_index=True)[1]]] = False
        return repeats[start:]
    key = np.unique(join_codes(codes[1:]), return_inverse=True)[1].astype(np.int64)
    differs: BoolArray = _usual(key, codes[0], start) != codes[0]
    return differs[start:]


def _usual(key: IntArray, value: IntArray, start: int) -> IntArray:
    """The most frequent value beside each row's key; rows before `start` count before all others."""
    wide = int(value.max(initial=0)) + 2
    cells, first, counts = np.unique(key * wide + value + 1, return_index=True, return_counts=True)
    early = np.bincount(np.searchsorted(cells, (key * wide + value + 1)[:start]), minlength=len(cells))
    order = np.lexsort((first, -counts, -early, cells // wide))
    best = order[np.unique(cells[order] // wide, return_index=True)[1]]
    usual: IntArray = (cells[best] % wide - 1)[key]
    return usual


def rows_in_support(clause: Clause, table: pa.Table) -> int:
    """Rows that speak for a statement: for a look-up those that share their combination with another row."""
    codes = argument_codes(clause, table)
    if clause.term.op == "unique":
        return int(np.logical_and.reduce([values >= 0 for values in codes]).sum())
    counts = np.unique(join_codes(codes[1:]), return_counts=True)[1]
    return int(counts[counts > 1].sum())


def argument_codes(clause: Clause, table: pa.Table) -> list[IntArray]:
    """The values of each argument of a statement as codes, -1 where missing; shape (n_rows,) each."""
    import pyarrow as pa

    out = []
    for arg in clause.term.args:
        values = _values(arg, table)
        data = pa.array(values.data) if isinstance(values.data, np.ndarray) else values.data
        indices = np.asarray(data.dictionary_encode().indices.fill_null(-1)).astype(np.int64)
        out.append(np.where(values.present, indices, -1))
    return out


def join_codes(codes: list[IntArray]) -> IntArray:
    """One code for each combination of codes, -1 (missing) being a value like any other."""
    key = np.zeros(len(codes[0]), dtype=np.int64)
    size = 1
    for values in codes:
        wide = int(values.max(initial=0)) + 2
        if size > 2**62 // wide:
            key = np.unique(key, return_inverse=True)[1].astype(np.int64)
            size = int(key.max(initial=0)) + 1
        key = key * wide + values + 1
        size *= wide
    return key
