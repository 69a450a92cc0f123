"""Missing cells filled without a generator: linear equations over indicators, then values that do occur."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from locum.arrays import FloatArray, IntArray
from locum.control.impute.dependents import agree
from locum.control.impute.indicators import IndicatorBlock, Matrix, blocks_of, matrix
from locum.data.distinct import put
from locum.errors import UsageError
from locum.randomness import stream
from locum.schema.table import Schema

Method = Literal["draw", "best"]

#: Most rows that the equations are learned from, and rows completed at a time.
LEARN, PART = 50_000, 65_536
#: Rounds of expectation and maximisation, and passes over the columns in each; passes over rows to fill.
ROUNDS, PASSES, FILL = 3, 2, 4
#: Ridge on correlations: at least, and times features per row.
RIDGE, RIDGE_THIN = 1e-3, 0.5
#: A value in this share of the rows attracts a mean that is this near, in standard errors of the prediction.
HEAP, NEAR = 0.01, 0.2
#: Neighbours, on either side, of which one gives its value to a drawn cell.
DONORS = 10


@dataclass(frozen=True, slots=True)
class Completed:
    """A table whose missing cells are filled.

    Attributes
    ----------
    table
        Canonical table; cells that held a value are as they were.
    filled
        Cells filled, by column, where there were any.
    left
        Columns that still have missing cells, with the reason.
    rows
        Rows in which a cell was filled.
    """

    table: pa.Table
    filled: tuple[tuple[str, int], ...]
    left: tuple[tuple[str, str], ...]
    rows: int

    def to_json(self) -> dict[str, Any]:
        """Everything but the rows, JSON-ready."""
        return {
            "rows": self.table.num_rows,
            "filled": dict(self.filled),
            "left": dict(self.left),
            "rows_filled": self.rows,
        }


@dataclass(frozen=True, slots=True)
class _Equations:
    """What each column is expected to be, given all others.

    Attributes
    ----------
    blocks
        The columns.
    weights
        For each block, weights of all features for its own; 0 for its own; shape (width, own width).
    error
        Standard error with which each block's first feature is foretold.
    donors
        For each block of ordered values the foretold normal scores of rows that have one, sorted, and the
        codes of their values; None for labels.
    """

    blocks: tuple[IndicatorBlock, ...]
    weights: tuple[Matrix, ...]
    error: tuple[float, ...]
    donors: tuple[tuple[FloatArray, IntArray] | None, ...]


def complete(
    table: pa.Table,
    schema: Schema,
    *,
    columns: Sequence[str] | None = None,
    method: Method = "draw",
    seed: int = 0,
) -> Completed:
    """Fill the missing cells of a canonical table from its other cells; no generator is needed.

    Every column becomes indicators of its levels or bins, ordered ones also their value and normal score.
    A normal distribution over these is learned by expectation-maximisation (Dempster, Laird and Rubin 1977;
    Schafer 1997, section 5.3), with a ridge; the conditional mean of what is missing in a row is found by
    passes over the columns (Gauss-Seidel on the precision matrix). The covariance that the E step adds is
    taken column by column, which leaves out that between the missing cells of a row. Declared dependencies
    hold afterwards, as far as the given rows show them.

    Parameters
    ----------
    table, schema
        The table and what its columns are.
    columns
        Columns to fill; None for all. Columns made afresh (ids, texts) and wholly empty ones are left.
    method
        ``best`` the likeliest label and the value nearest the mean, a frequent one if there is one near;
        ``draw`` one value at random: a label by its probability, of ordered values that of a row for which
        about the same was foretold (predictive mean matching, Little 1988). Both only write values that
        occur in the column.
    seed
        Same seed, same table; only ``draw`` and the choice of `LEARN` rows depend on it.

    Raises
    ------
    UsageError
        For an unknown column or method.

    Notes
    -----
    Cost: about 10 CPU-microseconds a row and 15 columns; with d indicators in all, d squared a row, d cubed
    once. Memory: 4 d bytes for each of at most `PART` rows beside the table.
    """
    if method not in ("draw", "best"):
        raise UsageError(f"there is no method {method!r}", where="impute", expected="draw or best")
    names = table.column_names
    for name in columns or ():
        if name not in names:
            raise UsageError(f"there is no column {name!r}", where="column", expected=", ".join(names[:12]))
    asked = [n for n in (names if columns is None else columns) if table.column(n).null_count]
    blocks = blocks_of(table, schema)
    fill = [i for i, b in enumerate(blocks) if b.name in asked]
    left = [(n, _reason(n, table, schema)) for n in asked if n not in {b.name for b in blocks}]
    if not fill:
        return Completed(table, (), tuple(left), 0)
    order = stream(seed, "complete", "learn").permutation(table.num_rows)[:LEARN]
    known = _learn(blocks, np.sort(order))
    holes = np.logical_or.reduce([blocks[i].codes < 0 for i in fill])
    rows = np.flatnonzero(holes)
    codes = {i: blocks[i].codes.copy() for i in fill}
    for start in range(0, len(rows), PART):
        part = rows[start : start + PART]
        rng = stream(seed, "complete", method, start)
        for i, new in _fill(known, part, fill, None if method == "best" else rng).items():
            codes[i][part] = new
    agree(
        blocks,
        codes,
        schema.dependencies,
        None if method == "best" else stream(seed, "complete", "agree"),
    )
    out = table
    for i in fill:
        kind = out.column(blocks[i].name).type
        out = put(out, blocks[i].name, blocks[i].values.take(pa.array(codes[i])).cast(kind))
    counts = tuple((blocks[i].name, int((blocks[i].codes < 0).sum())) for i in fill)
    return Completed(out, counts, tuple(left), len(rows))


def _reason(name: str, table: pa.Table, schema: Schema) -> str:
    if table.column(name).null_count == table.num_rows:
        return "it holds no value at all"
    return f"its values are made afresh ({schema[name].kind})"


def _learn(blocks: tuple[IndicatorBlock, ...], rows: IntArray) -> _Equations:
    """Expectation-maximisation over the rows; see `complete`."""
    x = matrix(blocks, rows)
    missing = [np.flatnonzero(b.codes[rows] < 0) for b in blocks]
    n, width = x.shape
    ridge = RIDGE + RIDGE_THIN * width / n
    spread = np.zeros((width, width))
    weights: list[Matrix] = []
    for _ in range(ROUNDS):
        covariance = (np.asarray(x.T @ x, dtype=np.float64) + spread) / n
        covariance[np.diag_indices(width)] += ridge
        precision = np.linalg.inv(covariance)
        weights, error = [], []
        for block, gone in zip(blocks, missing, strict=True):
            own = block.place
            inverse = np.linalg.inv(precision[own, own])
            weight = -(precision[:, own] @ inverse)
            weight[own] = 0.0
            weights.append(weight.astype(np.float32))
            error.append(float(np.sqrt(max(inverse[0, 0], 0.0))))
            spread[own, own] = inverse * len(gone)
        _passes(x, blocks, weights, missing, PASSES)
    donors: list[tuple[FloatArray, IntArray] | None] = []
    for block, own_weight in zip(blocks, weights, strict=True):
        seen = np.flatnonzero(block.codes[rows] >= 0)
        if block.number is None or not len(seen):
            donors.append(None)
            continue
        foretold = np.asarray(x[seen] @ own_weight[:, 1], dtype=np.float64)
        order = np.argsort(foretold, kind="stable")
        donors.append((foretold[order], block.codes[rows][seen[order]]))
    return _Equations(blocks, tuple(weights), tuple(error), tuple(donors))


def _passes(
    x: Matrix,
    blocks: Sequence[IndicatorBlock],
    weights: Sequence[Matrix],
    missing: Sequence[IntArray],
    times: int,
) -> None:
    """What is missing in each row becomes its mean given the rest, in place."""
    for _ in range(times):
        for block, weight, gone in zip(blocks, weights, missing, strict=True):
            if len(gone):
                x[gone, block.place] = x[gone] @ weight


def _fill(
    known: _Equations, rows: IntArray, fill: Sequence[int], rng: np.random.Generator | None
) -> dict[int, IntArray]:
    """Codes of the rows for each block to fill: the best ones, or drawn ones, each given those before."""
    blocks, x = known.blocks, matrix(known.blocks, rows)
    missing = [np.flatnonzero(b.codes[rows] < 0) for b in blocks]
    _passes(x, blocks, known.weights, missing, FILL)
    out = {}
    for i in fill:
        block, gone = blocks[i], missing[i]
        codes = block.codes[rows].copy()
        if len(gone) and rng is None:
            codes[gone] = _best(block, x[gone, block.place], known.error[i])
        elif len(gone) and rng is not None:
            codes[gone] = new = _draw(block, x[gone] @ known.weights[i], known.donors[i], rng)
            x[gone, block.place] = block.features[new]
        out[i] = codes
    return out


def _best(block: IndicatorBlock, x: Matrix, error: float) -> IntArray:
    """Code of the likeliest label, or of the value nearest the mean (`complete`)."""
    if block.number is None:
        first = np.searchsorted(block.cells, np.arange(block.cells[-1] + 1))
        return np.asarray(first[block.shares(x).argmax(axis=1)])
    number = block.number
    mean = x[:, 0] * block.scale[0] + block.mean[0]
    right = np.clip(np.searchsorted(number, mean), 1, max(len(number) - 1, 1))
    right = np.minimum(right, len(number) - 1)
    lower = np.maximum(right - 1, 0)
    near = np.where(mean - number[lower] <= number[right] - mean, lower, right)
    heaps = np.flatnonzero(block.counts >= max(3.0, HEAP * block.counts.sum()))
    reach = NEAR * error * block.scale[0]
    most = np.zeros(len(mean), dtype=np.int64)
    for heap in heaps:  # at most 1 / HEAP of them
        closer = (np.abs(mean - number[heap]) <= reach) & (block.counts[heap] > most)
        near[closer], most[closer] = heap, block.counts[heap]
    return np.asarray(near)


def _draw(
    block: IndicatorBlock, x: Matrix, donors: tuple[FloatArray, IntArray] | None, rng: np.random.Generator
) -> IntArray:
    """Codes at random: of a label by its probability, or of a row for which about the same was foretold."""
    if donors is not None:
        foretold, codes = donors
        at = np.searchsorted(foretold, x[:, 1]) + rng.integers(-DONORS, DONORS, len(x))
        return np.asarray(codes[np.clip(at, 0, len(codes) - 1)])
    chance = np.maximum(block.shares(x), 0.0).cumsum(axis=1)
    cell = (rng.random(len(x))[:, None] * chance[:, -1:] >= chance).sum(axis=1)
    cell = np.minimum(cell, chance.shape[1] - 1)
    return _within(block, cell, rng)


def _within(block: IndicatorBlock, cell: IntArray, rng: np.random.Generator) -> IntArray:
    """A value of each cell, as frequent as it is among the rows."""
    total = np.r_[0, np.cumsum(block.counts)]
    first = np.searchsorted(block.cells, np.arange(block.cells[-1] + 2))
    low, high = total[first[cell]], total[first[cell + 1]]
    place = low + rng.random(len(cell)) * (high - low)
    return np.asarray(np.searchsorted(total, place, side="right") - 1)
