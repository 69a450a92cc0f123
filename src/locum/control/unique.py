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
from locum.control.layout.units import DAY, CommonUnit
from locum.data.distinct import flat

#: Most values between the lowest and the highest of a column among which free ones are looked for.
MOST_VALUES = 5_000_000


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

    Each takes the nearest value that is free beside its values of `others`, between the lowest and the
    highest that the model knows, and beyond these when none is left there.

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
    Cost: about that of sorting the rows, and one step for each value between lowest and highest.
    """
    column = encoder.schema[name]
    unit = CommonUnit.of([column])
    step = _step(encoder, name)
    units, present = unit.read(table.column(name))
    place = units // step
    group, earlier = _groups(table, others, before)
    ends = unit.read(build_bank(encoder, name, {}).values.drop_null())[0] // step
    low, high = int(ends.min()), int(ends.max())
    old = np.zeros(0, dtype=np.int64) if before is None else unit.read(before.column(name))[0] // step
    for number in np.unique(group[repeats]).tolist():
        mine = np.flatnonzero((group == number) & present)
        used = np.unique(np.concatenate([old[earlier == number], place[mine]]))
        again = mine[repeats[mine]]
        place[again] = _nearest_free(place[again], used, low, high)
    return unit.write(place * step, present, column)


def _step(encoder: Encoder, name: str) -> int:
    book = encoder.by_name[name]
    if isinstance(book, NumericCodebook):
        return int(book.lattice.step)
    return DAY


def _groups(table: pa.Table, others: Sequence[str], before: pa.Table | None) -> tuple[IntArray, IntArray]:
    """A number for the values of `others`, in the table and in the rows before."""
    n = table.num_rows
    if not others:
        return np.zeros(n, np.int64), np.zeros(0 if before is None else before.num_rows, np.int64)
    from locum.control.layout.joined import numbered

    parts = [table] if before is None else [table, before]
    number, _ = numbered([pa.concat_arrays([flat(p.column(o)) for p in parts]) for o in others])
    return number[:n], number[n:]


def _nearest_free(wanted: IntArray, used: IntArray, low: int, high: int) -> IntArray:
    """For each wanted place the nearest one that is not used, each given once; beyond the ends when full."""
    low, high = min(low, int(used.min())), max(high, int(used.max()))
    if high - low > MOST_VALUES:
        return _beside(wanted, used)
    free = np.ones(high - low + 1, dtype=bool)
    free[used - low] = False
    spots = np.flatnonzero(free) + low
    left, right = np.arange(len(spots) + 1) - 1, np.arange(len(spots) + 1)
    out = np.empty(len(wanted), dtype=np.int64)
    for i, value in enumerate(wanted.tolist()):
        at = int(np.searchsorted(spots, value))
        a, b = _find(left, at, -1), _find(right, at, 1)
        if a < 0 and b >= len(spots):
            # nothing is left between the ends: one step beyond the nearer one
            beyond = low - 1 if value - low < high - value else high + 1
            low, high = min(low, beyond), max(high, beyond)
            out[i] = beyond
            continue
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


def _beside(wanted: IntArray, used: IntArray) -> IntArray:
    """The same where values are so many that the next one is nearly always free."""
    taken = set(used.tolist())
    out = []
    for value in wanted.tolist():
        distance = 1
        while value + distance in taken and value - distance in taken:
            distance += 1
        found = value + distance if value + distance not in taken else value - distance
        taken.add(found)
        out.append(found)
    return np.array(out, dtype=np.int64)
