"""Which values of an ordered column get a code of their own, and where the cells between them are cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from locum.arrays import BoolArray, FloatArray, IntArray
from locum.codes.lattice import Units
from locum.codes.settings import EncoderSettings

#: Distinct neighbours on each side against which a value must stick out, and by how much.
_WINDOW = 8
_STICK_Z, _STICK_RATIO = 5.0, 1.5
#: Fewest rows of a cell where rows are enough for `_CELLS` such cells; between, cells grow with the rows.
_MANY_CELL_ROWS, _CELLS = 25, 40
#: Most values that are repeated as such within cells.
_MAX_SPIKES = 2048


@dataclass(frozen=True, slots=True, eq=False)
class Support:
    """The sorted distinct values of a column, each with its rows and its code.

    Attributes
    ----------
    units, counts
        Distinct units, ascending, and rows of each; shape (n,).
    atom
        Whether the value has a code of its own.
    spike
        Whether the value, not an atom, sticks out so far that its cell must repeat it.
    code
        Code of each value; shape (n,).
    """

    units: Units
    counts: IntArray
    atom: BoolArray
    spike: BoolArray
    code: IntArray

    @property
    def n_codes(self) -> int:
        """Number of codes."""
        return int(self.code[-1]) + 1


def find_support(units: Units, counts: IntArray, settings: EncoderSettings, small: int) -> Support:
    """Choose atoms, cut cells, trim the extremes.

    Parameters
    ----------
    units, counts
        Sorted distinct finite units (at least one) and their rows.
    settings
        Resolution.
    small
        With at most so many distinct values each well supported value is an atom.

    Notes
    -----
    The outermost ``edge_rows - 1`` rows on each side are left out (fewer in small tables): they are coded as
    the outermost code, which ends further in. A table of under 40 rows is not trimmed.
    """
    rows = int(counts.sum())
    units, counts = _trim(units, counts, int(np.clip(rows // 20, 1, settings.edge_rows)) - 1)
    rows = int(counts.sum())
    least = int(np.clip(rows // 10, 2, settings.atom_rows))
    target = max(settings.cell_rows, min(_MANY_CELL_ROWS, rows / _CELLS), rows / settings.max_cells)
    sticking = (counts >= least) & _sticks_out(units, counts)
    wanted = counts >= max(least, settings.atom_share * rows)
    wanted |= sticking & (counts >= max(least, target / 4))
    if len(units) <= small:
        wanted |= counts >= least
    if len(units) == 1:
        wanted[:] = True
    max_atoms = settings.max_atoms
    while True:
        atom = _largest(wanted, counts, max_atoms)
        code = _cut(counts, atom, target)
        if int(code[-1]) < settings.max_codes:
            break
        max_atoms, target = max_atoms // 2, target * 1.5
    spike = _largest(sticking & ~atom, counts, _MAX_SPIKES)
    return Support(units, counts, atom, spike, code)


def _trim(units: Units, counts: IntArray, rows: int) -> tuple[Units, IntArray]:
    """Take `rows` rows off each end."""
    total = np.cumsum(counts)
    kept = np.minimum(total, total[-1] - rows) - np.maximum(total - counts, rows)
    keep = kept > 0
    return units[keep], kept[keep]


def _sticks_out(units: Units, counts: IntArray) -> BoolArray:
    """Whether a value has far more rows than its neighbourhood lets expect.

    On a raster the expectation is the rows of the 8 distinct values on either side spread evenly over the
    stretch they span; without a raster any repeated value sticks out.
    """
    if units.dtype.kind == "f":
        return np.ones(len(units), dtype=bool)
    n = len(units)
    before = np.concatenate([[0], np.cumsum(counts)])
    low = np.maximum(np.arange(n) - _WINDOW, 0)
    high = np.minimum(np.arange(n) + _WINDOW, n - 1)
    rows = (before[high + 1] - before[low] - counts).astype(np.float64)
    width = (units.view(np.uint64)[high] - units.view(np.uint64)[low]).astype(np.float64)
    expected = rows / np.maximum(width, 1.0)
    bound = np.maximum(expected + _STICK_Z * np.sqrt(expected), _STICK_RATIO * expected)
    sticks: BoolArray = counts > bound
    return sticks


def _largest(wanted: BoolArray, counts: IntArray, most: int) -> BoolArray:
    """At most `most` of the wanted values, those with the most rows (ties: the lower value)."""
    at = np.flatnonzero(wanted)
    if len(at) <= most:
        return wanted
    kept = np.zeros(len(wanted), dtype=bool)
    kept[at[np.argsort(-counts[at], kind="stable")[:most]]] = True
    return kept


def _cut(counts: IntArray, atom: BoolArray, target: float) -> IntArray:
    """Code of each value: atoms alone, the stretches between them in cells of about `target` rows."""
    n = len(counts)
    start = np.ones(n, dtype=bool)
    start[1:] = atom[1:] | atom[:-1]
    stretch = np.cumsum(start) - 1
    rows = np.bincount(stretch, weights=counts)
    cells = np.maximum(1.0, np.round(rows / target))
    total = np.cumsum(counts)
    first = total[start] - counts[start]
    middle = total - counts / 2 - first[stretch]
    cell = np.floor(middle * cells[stretch] / rows[stretch]).astype(np.int64)
    fresh = start.copy()
    fresh[1:] |= cell[1:] != cell[:-1]
    code: IntArray = np.cumsum(fresh) - 1
    return code


def round_between(low: Units, high: Units) -> Units:
    """A number with few digits in [low, high), element by element; `low` where none is found.

    Cell boundaries are placed there, so that they are not somebody's value.
    """
    with np.errstate(all="ignore"):
        a, b = low.astype(np.float64), high.astype(np.float64)
        width = b - a
        step = 10.0 ** np.floor(np.log10(width / 2))
        found = np.ceil((a + width / 4) / step) * step
        found = np.where(np.isfinite(found), found, a)
    if low.dtype.kind == "f":
        return np.where((found >= low) & (found < high), found, low)
    whole = np.clip(found, -(2.0**62), 2.0**62).astype(np.int64)
    return np.where((whole >= low) & (whole < high), whole, low)


def round_step(width: FloatArray) -> FloatArray:
    """Power of ten at or below `width`; 1e-300 at the least."""
    with np.errstate(all="ignore"):
        step: FloatArray = 10.0 ** np.floor(np.log10(np.clip(width, 1e-300, 1e300)))
    return step
