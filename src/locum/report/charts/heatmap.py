"""Two columns at once: joint shares as two grids of the same ink, side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from locum.evaluation.evidence import PairView
from locum.report.charts.svg import chart, stretch, tag, title
from locum.report.words import visible
from locum.wording import share

#: Steps of ink; step 0 is the bare page.
LEVELS = 9
#: The largest cell may be this many times the average one on a straight scale.
_EVEN = 5.0


@dataclass(frozen=True, slots=True)
class JointCell:
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


def cells(pair: PairView) -> tuple[JointCell, ...]:
    """All joint cells, the largest difference first."""
    found = [
        JointCell(i, j, label_a, label_b, pair.real[i][j], pair.synthetic[i][j])
        for i, label_a in enumerate(pair.labels_a)
        for j, label_b in enumerate(pair.labels_b)
    ]
    return tuple(sorted(found, key=lambda c: (-abs(c.real - c.synthetic), c.row, c.column)))


@dataclass(frozen=True, slots=True)
class Ink:
    """How much ink a share gets: full ink for `top`, by a power law below it."""

    top: float
    power: float

    @classmethod
    def of(cls, pair: PairView) -> Ink:
        """One scale for both sides of a pair.

        Shares of about the same size are told apart best on a straight scale; where one cell is far above the
        others a square root keeps the others from vanishing.
        """
        shares = [
            v for m in (pair.real, pair.synthetic) for row in m for v in row if v > 0 and math.isfinite(v)
        ]
        if not shares:
            return cls(0.0, 1.0)
        top = max(shares)
        return cls(top, 1.0 if top <= _EVEN * sum(shares) / len(shares) else 0.5)

    def step(self, value: float) -> int:
        """Step of ink for a share: 0 for none, at least 1 for any, `LEVELS` for the largest.

        >>> ink = Ink(0.3, 0.5)
        >>> ink.step(0.0), ink.step(0.3), ink.step(0.003)
        (0, 9, 1)
        """
        if not (value > 0 and self.top > 0) or not math.isfinite(value):
            return 0
        return min(LEVELS, max(1, round(LEVELS * math.pow(value / self.top, self.power))))


def heat_chart(pair: PairView, side: str, tooltips: int = 12) -> Markup:
    """One grid; `side` is ``real`` or ``synthetic``. Both sides share one scale.

    Tooltips are given to the cells that differ most only: 144 of them in each grid would make the page heavy.
    """
    matrix = pair.real if side == "real" else pair.synthetic
    n_rows, n_columns = len(pair.labels_a), len(pair.labels_b)
    ink = Ink.of(pair)
    height = row_height(pair) * max(n_rows, 1)
    paths = [
        tag("path", class_=f"h{level}", d=path)
        for level in range(1, LEVELS + 1)
        if (path := _squares(matrix, ink, level))
    ]
    hits = [
        tag("rect", title(_words(cell)), class_="hit", x=cell.column, y=cell.row, width=1, height=1)
        for cell in cells(pair)[:tooltips]
    ]
    label = f"Joint shares of {visible(pair.a, 60)} and {visible(pair.b, 60)} in {side} rows"
    body = stretch(float(max(n_columns, 1)), float(max(n_rows, 1)), *paths, *hits, y=0, pixels=height)
    return chart(label, height, body, class_="heat")


def _squares(matrix: Sequence[Sequence[float]], ink: Ink, level: int) -> str:
    """All cells of one step of ink as one path; neighbours in a row are drawn as one rectangle."""
    moves: list[str] = []
    for i, row in enumerate(matrix):
        steps = [ink.step(value) for value in row]
        j = 0
        while j < len(steps):
            run = j
            while run < len(steps) and steps[run] == level:
                run += 1
            if run > j:
                moves.append(f"M{j} {i}h{run - j}v1h-{run - j}z")
            j = max(run, j + 1)
    return "".join(moves)


def _words(cell: JointCell) -> str:
    return (
        f"{visible(cell.a, 60)} with {visible(cell.b, 60)}: real {share(cell.real)}, "
        f"synthetic {share(cell.synthetic)}"
    )
