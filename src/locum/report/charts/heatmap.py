"""Two columns at once: joint shares as two grids of the same ink, side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from locum.evidence.evidence import PairView
from locum.report.charts.svg import chart, stretched, tag, title
from locum.report.words import share, visible

#: Steps of ink; step 0 is the bare page.
LEVELS = 9


@dataclass(frozen=True, slots=True)
class Cell:
    """One joint cell: position, labels, and its share in real and synthetic rows."""

    row: int
    column: int
    a: str
    b: str
    real: float
    synthetic: float


def row_height(pair: PairView) -> int:
    """Height of one row in pixels: room for a label, and taller when there are few rows."""
    return max(16, min(30, 150 // max(1, len(pair.labels_a))))


def cells(pair: PairView) -> tuple[Cell, ...]:
    """All joint cells, the largest difference first."""
    found = [
        Cell(i, j, label_a, label_b, pair.real[i][j], pair.synthetic[i][j])
        for i, label_a in enumerate(pair.labels_a)
        for j, label_b in enumerate(pair.labels_b)
    ]
    return tuple(sorted(found, key=lambda c: (-abs(c.real - c.synthetic), c.row, c.column)))


def ink(value: float, top: float) -> int:
    """Step of ink for a share: square-root scale, so that small cells are not lost beside a large one.

    >>> ink(0.0, 0.3), ink(0.3, 0.3), ink(0.003, 0.3)
    (0, 9, 1)
    """
    if not (value > 0 and top > 0) or not math.isfinite(value):
        return 0
    return min(LEVELS, max(1, round(LEVELS * math.sqrt(value / top))))


def heat_chart(pair: PairView, side: str, tooltips: int = 12) -> Markup:
    """One grid; `side` is ``real`` or ``synthetic``. Both sides share one scale.

    Tooltips are given to the cells that differ most only: 144 of them in each grid would make the page heavy.
    """
    matrix = pair.real if side == "real" else pair.synthetic
    n_rows, n_columns = len(pair.labels_a), len(pair.labels_b)
    top = max((v for m in (pair.real, pair.synthetic) for row in m for v in row), default=0.0)
    height = row_height(pair) * max(n_rows, 1)
    paths = [
        tag("path", class_=f"h{level}", d=path)
        for level in range(1, LEVELS + 1)
        if (path := _squares(matrix, top, level))
    ]
    hits = [
        tag("rect", title(_words(cell)), class_="hit", x=cell.column, y=cell.row, width=1, height=1)
        for cell in cells(pair)[:tooltips]
    ]
    label = f"Joint shares of {visible(pair.a, 60)} and {visible(pair.b, 60)} in {side} rows"
    body = stretched(float(max(n_columns, 1)), float(max(n_rows, 1)), *paths, *hits, y=0, pixels=height)
    return chart(label, height, body, class_="heat")


def _squares(matrix: Sequence[Sequence[float]], top: float, level: int) -> str:
    """All cells of one step of ink as one path; neighbours in a row are drawn as one rectangle."""
    moves: list[str] = []
    for i, row in enumerate(matrix):
        steps = [ink(value, top) for value in row]
        j = 0
        while j < len(steps):
            run = j
            while run < len(steps) and steps[run] == level:
                run += 1
            if run > j:
                moves.append(f"M{j} {i}h{run - j}v1h-{run - j}z")
            j = max(run, j + 1)
    return "".join(moves)


def _words(cell: Cell) -> str:
    return (
        f"{visible(cell.a, 60)} with {visible(cell.b, 60)}: real {share(cell.real)}, "
        f"synthetic {share(cell.synthetic)}"
    )
