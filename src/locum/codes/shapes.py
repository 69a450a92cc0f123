"""How values lie inside a cell: eight stretches of equal mass, as fractions of the cell's width."""

from __future__ import annotations

import numpy as np

from locum.codes.codebook import BoolArray, FloatArray
from locum.codes.lattice import Units
from locum.codes.support import Support, round_step

#: Stretches of equal mass per cell.
SEGMENTS = 8
#: Rows that a cell needs for eight and for four stretches; below, it is taken as even.
_ROWS_EIGHT, _ROWS_FOUR = 48, 20


def fit_shapes(support: Support, free: BoolArray, low: Units, high: Units) -> FloatArray:
    """Quantiles 0, 1/8, ..., 1 inside each code's range, as fractions of its width.

    Parameters
    ----------
    support
        The values with rows and codes.
    free
        Which of them are neither atoms nor spikes; shape (n,).
    low, high
        Decode range of each code; shape (n_codes,).

    Returns
    -------
    Shape (n_codes, 9), from 0 to 1 in each row. Fractions are rounded to about a tenth of the stretch beside
    them, so that none is the exact place of a row.
    """
    n_codes = len(low)
    shape = np.tile(np.arange(SEGMENTS + 1) / SEGMENTS, (n_codes, 1))
    code, counts = support.code[free], support.counts[free]
    if len(code) == 0:
        return shape
    place = _fractions(support.units[free], low[code], high[code])
    fresh = np.concatenate([[True], code[1:] != code[:-1]])
    final = np.concatenate([fresh[1:], [True]])
    # the mass of a value spreads half-way to its neighbours
    left, right = np.zeros(len(code)), np.ones(len(code))
    middle = (place[1:] + place[:-1]) / 2
    left[1:] = np.where(fresh[1:], 0.0, middle)
    right[:-1] = np.where(final[:-1], 1.0, middle)
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
        knots = _rounded(knots)
        if parts < SEGMENTS:
            knots = np.insert((knots[:, 1:] + knots[:, :-1]) / 2, range(parts), knots[:, :-1], axis=1)
            knots = np.concatenate([knots, np.ones((len(cells), 1))], axis=1)
        shape[cells] = knots
    return shape


def _fractions(units: Units, low: Units, high: Units) -> FloatArray:
    """Place of units in their range as a fraction of it; the middle of the unit on a raster."""
    if units.dtype.kind == "f":
        width = np.maximum(high / 2 - low / 2, np.finfo(np.float64).tiny)
        return np.clip((units / 2 - low / 2) / width, 0.0, 1.0)
    offset = (np.clip(units, low, high).view(np.uint64) - low.view(np.uint64)).astype(np.float64)
    span = (high.view(np.uint64) - low.view(np.uint64)).astype(np.float64)
    fractions: FloatArray = (offset + 0.5) / (span + 1)
    return fractions


def _rounded(knots: FloatArray) -> FloatArray:
    gaps = np.diff(knots, axis=1)
    step = round_step(np.minimum(gaps[:, 1:], gaps[:, :-1]) / 4)
    out = knots.copy()
    out[:, 1:-1] = np.round(np.round(knots[:, 1:-1] / step) * step, 12)
    return np.maximum.accumulate(np.clip(out, 0.0, 1.0), axis=1)
