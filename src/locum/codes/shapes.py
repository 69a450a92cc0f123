"""How values lie inside a cell: eight stretches of equal mass, as fractions of the cell's width."""

from __future__ import annotations

import numpy as np

from locum.arrays import FloatArray, IntArray
from locum.codes.lattice import Units
from locum.codes.number_bins import round_step

#: Stretches of equal mass per cell.
SEGMENTS = 8
#: Rows that a cell needs for eight and for four stretches; below, it is taken as even.
_ROWS_EIGHT, _ROWS_FOUR = 48, 20


def fit_shapes(
    code: IntArray, counts: IntArray, start: FloatArray, stop: FloatArray, n_codes: int
) -> FloatArray:
    """Quantiles 0, 1/8, ..., 1 inside each code's range, as fractions of its width.

    Parameters
    ----------
    code, counts
        Code and rows of the distinct values in cells, ascending; shape (n,).
    start, stop
        Where each value's unit begins and ends in its cell, as a fraction of the cell; equal without a
        raster.
    n_codes
        Number of codes, atoms included (theirs are even).

    Returns
    -------
    Shape (n_codes, 9), from 0 to 1 in each row. Fractions are rounded to about a tenth of the stretch beside
    them, so that none is the exact place of a row.
    """
    shape = np.tile(np.arange(SEGMENTS + 1) / SEGMENTS, (n_codes, 1))
    if len(code) == 0:
        return shape
    same = code[1:] == code[:-1]
    # the mass of a value spreads half-way to its neighbours
    middle = (stop[:-1] + start[1:]) / 2
    left, right = np.zeros(len(code)), np.ones(len(code))
    left[1:] = np.where(same, middle, 0.0)
    right[:-1] = np.where(same, middle, 1.0)
    total = np.cumsum(counts)
    rows = np.bincount(code, weights=counts, minlength=n_codes)
    before = np.cumsum(rows) - rows
    for least, most, parts in ((_ROWS_FOUR, _ROWS_EIGHT, 4), (_ROWS_EIGHT, np.inf, SEGMENTS)):
        cells = np.flatnonzero((rows >= least) & (rows < most))
        quantiles = np.arange(1, parts) / parts
        goal = before[cells, None] + quantiles * rows[cells, None]
        at = np.minimum(np.searchsorted(total, goal, side="left"), len(code) - 1)
        inside = np.clip((goal - (total[at] - counts[at])) / counts[at], 0.0, 1.0)
        knots = np.zeros((len(cells), parts + 1))
        knots[:, 1:-1] = left[at] * (1 - inside) + right[at] * inside
        knots[:, -1] = 1.0
        knots = _round_knots(knots)
        if parts < SEGMENTS:
            knots = np.insert((knots[:, 1:] + knots[:, :-1]) / 2, range(parts), knots[:, :-1], axis=1)
            knots = np.concatenate([knots, np.ones((len(cells), 1))], axis=1)
        shape[cells] = knots
    return shape


def unit_fractions(units: Units, low: Units, high: Units) -> tuple[FloatArray, FloatArray]:
    """Where units begin and end in their range, as fractions of it; the same without a raster."""
    if units.dtype.kind == "f":
        width = np.maximum(high / 2 - low / 2, np.finfo(np.float64).tiny)
        with np.errstate(over="ignore"):
            place = np.clip((units / 2 - low / 2) / width, 0.0, 1.0)
        return place, place
    offset = (np.clip(units, low, high).view(np.uint64) - low.view(np.uint64)).astype(np.float64)
    span = (high.view(np.uint64) - low.view(np.uint64)).astype(np.float64)
    return offset / (span + 1), (offset + 1) / (span + 1)


def _round_knots(knots: FloatArray) -> FloatArray:
    gaps = np.diff(knots, axis=1)
    step = round_step(np.minimum(gaps[:, 1:], gaps[:, :-1]) / 4)
    out = knots.copy()
    out[:, 1:-1] = np.round(np.round(knots[:, 1:-1] / step) * step, 12)
    return np.maximum.accumulate(np.clip(out, 0.0, 1.0), axis=1)
