"""Offsets that give the corrected chains the margins of the training rows.

A ratio that was learned with large leaves and stopped early is too small for the plausible rows of a stratum
in which most chain rows are implausible; rare strata then become rarer still. Offsets per code, and per code
within a group, are added to the log ratio so that the weighted chain rows have the shares of the training
rows; of all weights that do, these are the nearest to the ratio's.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from locum.arrays import BoolArray, FloatArray, IntArray
from locum.models.tree.inputs import mass_groups
from locum.schema.domain import CodedRows, Codes

#: Fewest training rows of a cell within a group, and of a group.
CELL_ROWS, GROUP_ROWS = 5, 40
#: A cell of an ordered column within a group holds at least such a share of the group; cells within groups
#: that nobody asked for hold at least so many rows. Finer ones would keep accidents of the training rows.
CELL_SHARE, UNASKED_ROWS = 1 / 256, 50
#: Ordered columns of more codes than this make so many groups of like size.
ORDERED_GROUPS = 5
#: Most codes of a column that makes groups unasked, and most such columns.
FEW_CODES, MOST_UNASKED = 8, 4
#: Fewest training rows of a cell that is looked at when raking is judged.
COUNTED_ROWS = 10
#: Margins up to which columns make groups unasked.
MOST_MARGINS = 200
#: Cells of rows (margins times rows) that are kept between sweeps; beyond, they are looked up every time.
KEPT_CELLS = 2**25
#: Largest table of codes of one margin.
MOST_CODES = 2**21
#: Rows added to both sides of every quotient, so that cells of few rows move little; the farthest step.
PRIOR_ROWS, FARTHEST = 0.5, 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Margin:
    """Shares of the codes of one attribute, of all rows or within the groups of another.

    Attributes
    ----------
    column, group
        The attribute, and the one that makes groups; -1 for none.
    cell
        Cell of each code, by the group's code (one line without groups) and the attribute's; int32, 2-D.
    share
        Share of the training rows in each cell.
    offset
        What is added to the log ratio of the rows of each cell.
    """

    column: int
    group: int
    cell: npt.NDArray[np.int32]
    share: FloatArray
    offset: FloatArray

    def cells(self, codes: Codes) -> npt.NDArray[np.int32]:
        """Cell of each row; shape (n_rows,)."""
        at: IntArray = codes[:, self.column].astype(np.int64)
        if self.group >= 0:
            at += codes[:, self.group].astype(np.int64) * self.cell.shape[1]
        out: npt.NDArray[np.int32] = self.cell.ravel()[at]
        return out

    def after(self, cells: npt.NDArray[np.int32], n: int) -> Margin:
        """The margin of what is still to be drawn of `n` rows when rows in such cells have been."""
        drawn = np.bincount(cells, minlength=len(self.share))
        wanted = np.maximum(self.share * n - drawn, 0.0)
        return replace(self, share=wanted / max(wanted.sum(), 1e-300))


@dataclass(frozen=True, slots=True, eq=False)
class MarginRows:
    """Rows, and in which cell of each margin they lie: looked up once where memory allows that.

    Attributes
    ----------
    margins
        The margins; their cells alone matter.
    codes
        The rows.
    kept
        Cells of each margin; None where they are looked up every time.
    """

    margins: tuple[Margin, ...]
    codes: Codes
    kept: tuple[npt.NDArray[np.int32], ...] | None

    @classmethod
    def of(cls, margins: Sequence[Margin], codes: Codes) -> MarginRows:
        """Look up the cells, up to `KEPT_CELLS` of them."""
        few = len(margins) * len(codes) <= KEPT_CELLS
        return cls(tuple(margins), codes, tuple(m.cells(codes) for m in margins) if few else None)

    def __len__(self) -> int:
        return len(self.codes)

    def cells(self, i: int) -> npt.NDArray[np.int32]:
        """Cell of each row in margin `i`."""
        return self.margins[i].cells(self.codes) if self.kept is None else self.kept[i]

    def take(self, rows: IntArray) -> MarginRows:
        """Some of the rows."""
        kept = None if self.kept is None else tuple(cells[rows] for cells in self.kept)
        # codes that are not looked at again are not copied
        return MarginRows(self.margins, self.codes[rows] if kept is None else self.codes[:0], kept)


def log_offset(margins: Sequence[Margin], codes: Codes) -> FloatArray:
    """Sum of the offsets of each row; shape (n_rows,)."""
    total = np.zeros(len(codes))
    for margin in margins:
        total += margin.offset[margin.cells(codes)]
    return total


def find_margins(
    data: CodedRows, named: Sequence[int], unasked: Sequence[int] = (), without: Collection[int] = ()
) -> tuple[Margin, ...]:
    """The margins to be held, with offsets of zero.

    Parameters
    ----------
    data
        Training rows.
    named, unasked
        Attributes within whose groups every margin is held, and others, within whose groups it is held more
        coarsely.
    without
        Attributes that are drawn anew after the correction, so that their margins are not held here.
    """
    live = [i for i, size in enumerate(data.domain.sizes) if size > 1 and i not in without]
    columns = {i: data.column(i) for i in live}
    found = []
    for group in [g for g in (*dict.fromkeys(named), *unasked) if g in columns]:
        of_code = group_codes(data, group)
        least = CELL_ROWS if group in named else UNASKED_ROWS
        for column in live:
            size = data.domain.sizes[column]
            if column != group and len(of_code) * size <= MOST_CODES:
                found.append(_within(data, (column, group), of_code, columns, least))
    found += [_margin(column, -1, np.arange(data.domain.sizes[column])[None, :], columns) for column in live]
    return tuple(found)


def unasked_groups(data: CodedRows, named: Sequence[int]) -> list[int]:
    """A few attributes of few labels besides those named."""
    few = [
        i
        for i, a in enumerate(data.domain)
        if not a.ordered and a.size - (a.null is not None) > 1 and a.size <= FEW_CODES and i not in named
    ]
    few.sort(key=lambda i: data.domain.sizes[i])
    return few[: min(MOST_UNASKED, MOST_MARGINS // len(data.domain))]


def group_codes(data: CodedRows, group: int) -> IntArray:
    """Group of each code of an attribute; -1 where it has too few rows. Shape (size,)."""
    attribute = data.domain.attributes[group]
    counts = np.bincount(data.column(group), minlength=attribute.size)
    if attribute.ordered and attribute.size > FEW_CODES:
        valued = counts if attribute.null is None else counts[:-1]
        cut = mass_groups(valued, ORDERED_GROUPS)
        of_code = cut if attribute.null is None else np.append(cut, cut.max() + 1)
    else:
        of_code = np.arange(attribute.size)
    rows = np.bincount(of_code, weights=counts)
    out: IntArray = np.where(rows[of_code] >= GROUP_ROWS, of_code, -1)
    return out


def _within(
    data: CodedRows, pair: tuple[int, int], of_code: IntArray, columns: dict[int, Codes], least: int
) -> Margin:
    """Codes of a column within the groups of another; those of few rows share a cell."""
    column, group = pair
    attribute = data.domain.attributes[column]
    at = of_code[columns[group]]
    kept = at >= 0
    groups = int(of_code.max(initial=-1)) + 1
    tally = np.bincount(
        at[kept] * attribute.size + columns[column][kept], minlength=groups * attribute.size
    ).reshape(groups, attribute.size)
    # Cell 0 is that of all rows in no group.
    cell, first = np.zeros((len(of_code), attribute.size), dtype=np.int64), 1
    for g in np.unique(of_code[of_code >= 0]):
        fine = max(least, math.ceil(CELL_SHARE * tally[g].sum())) if attribute.ordered else least
        runs = _runs(tally[g], fine, attribute.ordered, attribute.null)
        cell[of_code == g] = first + runs
        first += int(runs.max()) + 1
    return _margin(column, group, cell, columns)


def _runs(counts: IntArray, least: int, ordered: bool, null: int | None) -> IntArray:
    """Number of the cell of each code, every one but the missing one's of at least `least` rows if possible.

    Of the codes of fewer rows, neighbours (past those that stand alone) are joined where codes are ordered;
    elsewhere all of them are.
    """
    valued = np.flatnonzero(np.arange(len(counts)) != (-1 if null is None else null))
    few = valued[counts[valued] < least]
    out = np.arange(len(counts))
    if len(few):
        before = np.cumsum(counts[few]) - counts[few]
        run = before // least if ordered else 0 * few
        # What is left over at the end joins the run before it.
        short = run == run[-1]
        if run[-1] > 0 and counts[few][short].sum() < least:
            run = np.where(short, np.max(run[~short], initial=0), run)
        out[few] = len(counts) + run
    return np.unique(out, return_inverse=True)[1]


def _margin(column: int, group: int, cell: IntArray, columns: dict[int, Codes]) -> Margin:
    count = int(cell.max()) + 1
    empty = Margin(column, group, cell.astype(np.int32), np.zeros(0), np.zeros(count))
    lines = columns[group] if group >= 0 else np.zeros(len(columns[column]), dtype=np.int64)
    at = empty.cell.ravel()[lines.astype(np.int64) * cell.shape[1] + columns[column]]
    tally = np.bincount(at, minlength=count)
    return replace(empty, share=tally / tally.sum())


def rake(
    margins: Sequence[Margin],
    rows: MarginRows,
    log_ratio: FloatArray,
    cap: float,
    n: int,
    sweeps: int,
    written: BoolArray | None = None,
) -> tuple[tuple[Margin, ...], FloatArray, float, float]:
    """Change offsets until the weighted rows have the margins' shares.

    Parameters
    ----------
    margins
        What to hold, the most important ones last.
    rows, log_ratio
        Rows of the chains, and their log ratio without any offset.
    cap
        Largest weight, in units of the mean weight.
    n
        Rows that the shares are worth: cells of few of them move little.
    sweeps
        How often all margins are gone through.
    written
        Rows that are not refused after they were drawn: those that are to have the shares; None for all.

    Returns
    -------
    The margins with their offsets, the log weights (their mean is 1), the log of the mean of the weights
    before they were divided by it, and that of the largest one that counts.

    References
    ----------
    Iterative proportional fitting of weights (raking): Deming and Stephan, doi:10.1214/aoms/1177731829
    (differs: weights are cut at `cap` in every step).
    """
    offsets = [margin.offset.copy() for margin in margins]
    weight = log_ratio.copy()
    for i, offset in enumerate(offsets):
        if offset.any():
            weight += offset[rows.cells(i)]
    np.exp(weight, out=weight)
    scale = 1.0
    for _ in range(sweeps):
        mean = float(np.minimum(weight, cap).mean())
        weight /= mean
        scale *= mean
        for i, (margin, offset) in enumerate(zip(margins, offsets, strict=True)):
            cell = rows.cells(i)
            mass = np.minimum(weight, cap)
            if written is not None:
                mass *= written
            seen = np.bincount(cell, weights=mass, minlength=len(offset))
            seen *= n / seen.sum()
            step = (margin.share * n + PRIOR_ROWS) / (seen + PRIOR_ROWS)
            step = np.clip(step, 1.0 / FARTHEST, FARTHEST)
            weight *= step[cell]
            offset += np.log(step)
    weight = np.minimum(weight, cap)
    mean = float(weight.mean())
    found = tuple(replace(m, offset=offset) for m, offset in zip(margins, offsets, strict=True))
    return found, np.log(weight / mean), float(np.log(scale * mean)), float(np.log(scale * cap))


def before_refusals(
    margins: Sequence[Margin], rows: MarginRows, log_weight: FloatArray
) -> tuple[Margin, ...]:
    """Margins whose shares are those of weighted rows before some of them are refused."""
    weight = np.exp(log_weight)
    seen = (np.bincount(rows.cells(i), weight, len(m.share)) for i, m in enumerate(margins))
    return tuple(replace(m, share=mass / weight.sum()) for m, mass in zip(margins, seen, strict=True))


def farthest(margins: Sequence[Margin], rows: MarginRows, weight: FloatArray, n: int) -> float:
    """Largest distance of a weighted share from the training rows', in standard errors of `n` rows.

    Cells of fewer than `COUNTED_ROWS` training rows do not count.
    """
    worst, total = 0.0, weight.sum()
    for i, margin in enumerate(margins):
        seen = np.bincount(rows.cells(i), weight, len(margin.share)) / total
        expected = margin.share * n
        counted = np.minimum(expected, n - expected) >= COUNTED_ROWS
        error = np.sqrt(margin.share * (1.0 - margin.share) / n)
        worst = max(worst, float((np.abs(seen - margin.share)[counted] / error[counted]).max(initial=0.0)))
    return worst
