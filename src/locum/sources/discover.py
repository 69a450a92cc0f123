"""Kinds, levels and ranges of columns, bought out of the privacy budget.

Numbers and dates: a count of rows per octave (per year) on a fixed scale gives the range; then, three times,
every cell that holds many rows is cut into sixteen and counted again, so that cells grow narrow where rows
are dense and values that many rows share end up alone in a cell. This is a hierarchical histogram with
data-dependent splitting, as PrivTree (Zhang, Xiao, Xie, SIGMOD 2016), but with a fresh Gaussian measurement
of the whole partition on each level, so that every split is a function of published counts. Labels: a level
is published when its noisy count exceeds a threshold that a level of one unit exceeds with probability at
most delta.

Every count goes through a `PrivateSource`, which pays for it and writes the ledger first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from locum.arrays import FloatArray
from locum.codes.cells import Cells
from locum.codes.codebook import Codebook, null_mask
from locum.codes.lattice import Lattice, Units
from locum.codes.public_codebooks import (
    declared_cells,
    empty_book,
    is_declared,
    ordered_book,
    raster,
)
from locum.data.distinct import as_numbers, flat
from locum.privacy.calibration import sigma_for
from locum.schema.column import Bounds, Column
from locum.schema.domain import Attribute, Codes, Domain
from locum.sources.base import Source
from locum.sources.kinds import KindFinding, form_codes, forms_domain, settle
from locum.sources.purposes import KINDS, RANGES, round_of_cells
from locum.sources.rows import Rows

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.sources.private import PrivateSource

#: Puts a guard before a source of counts; all of them share one ledger.
Guard = Callable[[Source], "PrivateSource"]

#: Rounds in which heavy cells are cut, pieces each is cut into, and most cells of a column.
ROUNDS, PIECES, MOST_CELLS = 3, 16, 4096
#: A count is believed when it exceeds so many standard deviations of its noise.
SURE, _LIKELY, _TAIL = 4.5, 3.0, 3.5
#: Relative price of finding the levels of a column, against one count of a whole column.
LEVELS_WEIGHT = 4.0
#: Share of the discovery budget that goes to the kinds of columns.
KINDS_SHARE = 0.15


@dataclass(slots=True)
class _Range:
    """Cells of one column on their way."""

    column: Column
    lattice: Lattice
    cells: Cells
    bought: bool
    found: bool = True
    mass: FloatArray = field(default_factory=lambda: np.zeros(0))
    seen: FloatArray = field(default_factory=lambda: np.zeros(0))


def find_kinds(rows: Rows, names: Sequence[str], guard: Guard, rho: float) -> dict[str, KindFinding]:
    """Kinds of the columns `names`, from noisy counts of the forms of their values."""
    source = guard(rows.coded(forms_domain(names), lambda table: form_codes(table, names)))
    sigma = sigma_for(rho, source.sensitivity, len(names))
    cliques = [(name,) for name in names]
    found = {}
    for measured in source.measure(cliques, sigma, purpose=KINDS):
        (name,) = measured.clique
        found[name] = settle(name, measured.counts, sigma)
    return found


def weight(column: Column) -> float:
    """What discovering a column costs, in counts of a whole column; 0 when the schema says it all."""
    if column.kind == "category":
        return 0.0 if column.levels is not None else LEVELS_WEIGHT
    if not column.ordered:
        return 0.0
    if not is_declared(column):
        return 1.0 + ROUNDS
    cells = declared_cells(column)
    return 0.0 if cells.single.all() else float(ROUNDS)


def find_ranges(
    rows: Rows, columns: Sequence[Column], guard: Guard, rho: float
) -> tuple[dict[str, Codebook], dict[str, Column]]:
    """Codebooks of ordered columns, their cells cut by noisy counts.

    Parameters
    ----------
    rows
        Canonical rows.
    columns
        Ordered columns, with declared bounds or without any.
    guard
        Puts the ledger's guard before a source.
    rho
        Cost for each unit of `weight`.

    Returns
    -------
    Codebooks by column, and the columns with the bounds that were found (``source = "dp"``). A column in
    which no cell holds more than noise is left empty.
    """
    ranges = {c.name: _start(c) for c in columns}
    sigma = 0.0
    for turn in range(ROUNDS + 1):
        taking = [r for r in ranges.values() if r.found and (turn > 0 or r.bought)]
        if not taking:
            continue
        source = guard(rows.coded(_domain(taking), partial(_cell_codes, taking=taking)))
        sigma = sigma_for(rho, source.sensitivity)
        purpose = RANGES if turn == 0 else round_of_cells(turn, ROUNDS)
        cliques = [(r.column.name,) for r in taking]
        for r, measured in zip(taking, source.measure(cliques, sigma, purpose=purpose), strict=True):
            _take(r, measured.counts[: r.cells.size].astype(np.float64))
            if turn == 0:
                _trim(r, sigma)
            if turn < ROUNDS and r.found:
                _cut(r, sigma)
    for r in ranges.values():
        if r.bought and r.found:
            _shorten(r, sigma)
    books = {name: _book(r, sigma) for name, r in ranges.items()}
    return books, {name: _bounded(r) for name, r in ranges.items()}


def _start(column: Column) -> _Range:
    lattice = raster(column) if is_declared(column) else _free_raster(column)
    if is_declared(column):
        cells, bought = declared_cells(column), False
    else:
        cells = Cells.years() if column.kind in ("date", "datetime") else Cells.octaves()
        bought = True
    # nothing has been counted yet
    return _Range(column, lattice, cells, bought, True, np.zeros(cells.size), np.zeros(cells.size))


def _free_raster(column: Column) -> Lattice:
    """The raster where no range is declared: nine decimals when none are known either."""
    return raster(column, 9 if column.decimals is None else column.decimals)


def _domain(taking: Sequence[_Range]) -> Domain:
    """Cells of some columns, the missing as a last code."""
    names = [r.column.name for r in taking]
    sizes = [r.cells.size + 1 for r in taking]
    return Domain(tuple(Attribute(n, n, s, True, s - 1) for n, s in zip(names, sizes, strict=True)))


def _cell_codes(table: pa.Table, taking: Sequence[_Range]) -> Codes:
    codes = np.empty((table.num_rows, len(taking)), dtype=np.int32, order="F")
    for i, r in enumerate(taking):
        codes[:, i] = _cells_of(table.column(r.column.name), r)
    return codes


def _cells_of(values: pa.ChunkedArray, r: _Range) -> Codes:
    array = flat(values)
    codes = r.cells.encode(_units(array, r))
    codes[null_mask(array)] = r.cells.size
    return codes


def _units(array: pa.Array, r: _Range) -> Units:
    """Units of the raster; what is missing or not finite gets any."""
    import pyarrow as pa

    values = np.asarray(as_numbers(array).fill_null(0))
    if pa.types.is_date32(array.type):
        return values.astype(np.int64)
    if pa.types.is_timestamp(array.type):
        return values // 86_400_000_000
    if values.dtype.kind == "f":
        values = np.nan_to_num(values, nan=0.0, posinf=2.0**62, neginf=-(2.0**62))
    return r.lattice.to_units(values)


def _take(r: _Range, counts: FloatArray) -> None:
    """Average new counts with those that the same cells had before."""
    r.mass = (r.mass * r.seen + counts) / (r.seen + 1)
    r.seen = r.seen + 1


def _trim(r: _Range, sigma: float) -> None:
    """Leave off the cells at both ends in which nothing but noise was counted."""
    held = np.flatnonzero(r.mass > SURE * sigma)
    if len(held) == 0:
        r.found = False
        return
    first, last = int(held[0]), int(held[-1])
    r.cells = r.cells.within(first, last)
    r.mass, r.seen = r.mass[first : last + 1], r.seen[first : last + 1]


def _cut(r: _Range, sigma: float) -> None:
    """Cut the cells that hold many rows; the pieces have been counted by no one yet."""
    rows = float(np.maximum(r.mass, 0.0).sum())
    noise = sigma / np.sqrt(np.maximum(r.seen, 1))
    heavy = (r.mass > np.maximum(SURE * noise, rows / 64)) & ~r.cells.single
    if not r.seen.any():  # a declared range before its first count
        return
    room = (MOST_CELLS - r.cells.size) // PIECES
    if int(heavy.sum()) > room:
        heavy[np.argsort(-r.mass)[max(0, room) :]] = False
    cells, origin = r.cells.split(heavy, PIECES)
    fresh = heavy[origin]
    r.cells = cells
    r.mass = np.where(fresh, 0.0, r.mass[origin])
    r.seen = np.where(fresh, 0.0, r.seen[origin])


def _book(r: _Range, sigma: float) -> Codebook:
    """At most 40 codes that each hold several times the noise, and values that many rows share."""
    if not r.found:
        return empty_book(r.column, r.lattice)
    rows = float(np.maximum(r.mass, 0.0).sum())
    alone = max(_LIKELY * sigma, rows / 100)
    return ordered_book(r.column, r.cells, r.mass, lattice=r.lattice, most=40, least=6 * sigma, alone=alone)


def _shorten(r: _Range, sigma: float) -> None:
    """Leave off the ends of a bought range in which all cells together hold nothing but noise."""
    noise = sigma / np.sqrt(np.maximum(r.seen, 1))
    first, last = (_reach(r.mass[::step], noise[::step]) for step in (1, -1))
    last = r.cells.size - 1 - last
    if first < last:
        r.cells, r.mass, r.seen = (
            r.cells.within(first, last),
            r.mass[first : last + 1],
            r.seen[first : last + 1],
        )


def _reach(mass: FloatArray, noise: FloatArray) -> int:
    """How many cells can be left off from the start before any stretch of up to 16 is more than noise."""
    first = len(mass)
    for width in (1, 2, 4, 8, 16):
        kernel = np.ones(min(width, len(mass)))
        rows = np.convolve(mass, kernel, mode="valid")
        spread = np.sqrt(np.convolve(noise**2, kernel, mode="valid"))
        hits = np.flatnonzero(rows > _TAIL * spread)
        if len(hits):
            # the far end of the stretch: all its rows may be there
            first = min(first, int(hits[0]) + len(kernel) - 1)
    return first if first < len(mass) else 0


def _bounded(r: _Range) -> Column:
    """The column with the range that was bought; a declared one stays."""
    if not r.found:
        return replace(r.column, nullable=True)
    if not r.bought:
        return r.column
    low, high = int(r.cells.low[0]), int(r.cells.high[-1])
    if r.column.kind in ("date", "datetime"):
        ends = [str(np.datetime64(day, "D")) for day in (low, high)]
        return replace(r.column, bounds=Bounds(ends[0], ends[1], "dp"))
    values = r.lattice.to_values(np.array([low, high]), integer=r.column.kind != "number")
    if r.column.kind == "duration":
        values = values / 1e6
    a, b = (v.item() for v in values)
    return replace(r.column, bounds=Bounds(a, b, "dp"))
