"""Keys: values that no two rows share, moved to the nearest free ones where a model repeats them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from locum.arrays import BoolArray, IntArray
from locum.codes.calendar import CalendarCodebook
from locum.codes.encoder import Encoder
from locum.codes.numeric import NumericCodebook
from locum.control.code_values import build_bank, coded_roots
from locum.control.layout.units import CommonUnit
from locum.data.distinct import flat


def movable(encoder: Encoder, columns: Sequence[str]) -> str | None:
    """The column of a key whose values can be moved a little: whole steps on a raster, many of them.

    None where there is none: such keys are left to drawing again.
    """
    best, most = None, 1
    for name in columns:
        book = encoder.by_name.get(name)
        if name not in coded_roots(encoder) or name in encoder.needs:
            continue
        dates = isinstance(book, CalendarCodebook) and book.kind == "date"
        numbers = isinstance(book, NumericCodebook) and book.lattice.whole
        if (dates or numbers) and encoder.domain.attributes[encoder.domain.index(name)].size > most:
            best, most = name, encoder.domain.attributes[encoder.domain.index(name)].size
    return best


def moved(
    encoder: Encoder,
    name: str,
    others: Sequence[str],
    table: pa.Table,
    repeats: BoolArray,
    before: pa.Table | None,
) -> pa.Array:
    """New values of one column of a key for the rows that repeat another; the values of all other rows stay.

    Each takes the nearest value that is free beside its values of `others`, of those that the model can
    write: so that years stay years and days of trade days of trade. Where none is left it repeats still.

    Parameters
    ----------
    encoder, name, others
        The coding, the column that is moved, and the rest of the key.
    table
        Rows with the key.
    repeats
        Rows that repeat an earlier one.
    before
        Keys of rows handed out earlier; None for none.

    Notes
    -----
    Cost: about that of sorting the rows.
    """
    column = encoder.schema[name]
    unit = CommonUnit.of([column])
    units, present = unit.read(table.column(name))
    group, earlier = _groups(table, others, before)
    possible = np.unique(unit.read(build_bank(encoder, name, {}).values.drop_null())[0])
    old = np.zeros(0, dtype=np.int64) if before is None else unit.read(before.column(name))[0]
    for number in np.unique(group[repeats]).tolist():
        mine = np.flatnonzero((group == number) & present)
        used = np.unique(np.concatenate([old[earlier == number], units[mine]]))
        again = mine[repeats[mine]]
        units[again] = nearest_free(units[again], np.setdiff1d(possible, used))
    return unit.write(units, present, column)


def _groups(table: pa.Table, others: Sequence[str], before: pa.Table | None) -> tuple[IntArray, IntArray]:
    """A number for the values of `others`, in the table and in the rows before."""
    n = table.num_rows
    if not others:
        return np.zeros(n, np.int64), np.zeros(0 if before is None else before.num_rows, np.int64)
    from locum.control.layout.joined import numbered

    parts = [table] if before is None else [table, before]
    number, _ = numbered([pa.concat_arrays([flat(p.column(o)) for p in parts]) for o in others])
    return number[:n], number[n:]


def nearest_free(wanted: IntArray, spots: IntArray) -> IntArray:
    """For each wanted value the nearest of some free ones, each given once; unchanged when none is left.

    Parameters
    ----------
    wanted
        Shape (n,).
    spots
        Free values, ascending.
    """
    left, right = np.arange(len(spots) + 1) - 1, np.arange(len(spots) + 1)
    out = wanted.copy()
    for i, value in enumerate(wanted.tolist()):
        at = int(np.searchsorted(spots, value))
        a, b = _find(left, at, -1), _find(right, at, 1)
        if a < 0 and b >= len(spots):
            break
        take = b if a < 0 or (b < len(spots) and spots[b] - value < value - spots[a]) else a
        out[i] = spots[take]
        left[take + 1] = take - 1
        right[take] = take + 1
    return out


def _find(links: Any, at: int, way: int) -> int:
    """The nearest free spot on one side; `links[i]` is the one before (at or after) place i if it is free."""
    path = []
    if way > 0:
        while at < len(links) - 1 and links[at] != at:
            path.append(at)
            at = int(links[at])
        for p in path:
            links[p] = at
        return at
    while at > 0 and links[at] != at - 1:
        path.append(at)
        at = int(links[at]) + 1
    for p in path:
        links[p] = at - 1
    return at - 1
