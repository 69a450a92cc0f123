"""Ordered columns: real as a filled area, synthetic as a line of steps over it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from markupsafe import Markup

from locum.evidence.evidence import ColumnView
from locum.report.charts.svg import chart, coordinate, percent, stretched, tag, title
from locum.report.words import brief, number, share, visible

_WIDTH, _PIXELS, _TOP, _AXIS = 1000, 116, 8, 20

#: Fewer cells than this say more as bars with their labels.
MIN_CELLS = 7
#: A cell that takes more of the axis than this is a long tail; it is drawn shorter, not to squeeze the rest.
_TAIL = 0.4
#: Width of a shortened cell, in median cells.
_SHORT = 5.0
#: With one cell this many times denser than the average everything else would be flat on the floor.
_MAX_PEAK = 14.0


@dataclass(frozen=True, slots=True)
class Steps:
    """Geometry of the chart: cell borders along x in 0-1 and the height of each cell in 0-1.

    `to_scale` tells whether the x axis is the column's own scale (heights are then densities) or every cell
    is drawn equally wide (heights are then shares). `shortened` are the cells of a long tail that are drawn
    less wide than they are; their height is right.
    """

    borders: tuple[float, ...]
    real: tuple[float, ...]
    synthetic: tuple[float, ...]
    to_scale: bool
    shortened: tuple[int, ...] = ()


def steps(view: ColumnView) -> Steps:
    """Choose the x axis and scale the heights; the missing cell is left out.

    Edges that do not ascend, are not finite, or are too uneven to be seen lead to cells of equal width.
    A view without cells gives empty steps.
    """
    n = cells(view)
    real, synthetic = view.real[:n], view.synthetic[:n]
    widths = _widths(view.edges if len(view.edges) == n + 1 else ())
    drawn = _drawn(widths)
    shortened = tuple(i for i, w in enumerate(widths) if w > drawn[i])
    total = sum(drawn)
    to_scale = bool(widths)
    if to_scale:
        densities = [max(r, s) / w for r, s, w in zip(real, synthetic, widths, strict=True)]
        to_scale = max(densities) * total <= _MAX_PEAK
    if to_scale:
        real = tuple(r / w for r, w in zip(real, widths, strict=True))
        synthetic = tuple(s / w for s, w in zip(synthetic, widths, strict=True))
    else:
        drawn, total, shortened = (1.0,) * n, float(n), ()
    borders = tuple(b / total for b in accumulate(drawn, initial=0.0)) if n else ()
    top = max([*real, *synthetic], default=0.0) or 1.0
    return Steps(
        borders, tuple(r / top for r in real), tuple(s / top for s in synthetic), to_scale, shortened
    )


def _widths(edges: Sequence[float]) -> tuple[float, ...]:
    """Widths of the cells; empty when the edges cannot be drawn to scale."""
    widths = tuple(b - a for a, b in pairwise(edges))
    return widths if all(math.isfinite(w) and w > 0 for w in widths) else ()


def cells(view: ColumnView) -> int:
    """Number of cells without the one for missing values, which comes last where there is one."""
    n = len(view.labels)
    if view.edges and len(view.edges) - 1 <= n:
        return len(view.edges) - 1
    return n - 1 if n and view.labels[-1] == "missing" else n


def _drawn(widths: tuple[float, ...]) -> tuple[float, ...]:
    """Widths as drawn: a tail shrinks to a few median cells, but not below the widest cell that is none."""
    if not widths:
        return ()
    span = sum(widths)
    usual = sorted(widths)[len(widths) // 2]
    widest = max((w for w in widths if w <= _TAIL * span), default=usual)
    return tuple(min(w, max(_SHORT * usual, widest)) if w > _TAIL * span else w for w in widths)


def outline_chart(view: ColumnView) -> Markup:
    """The chart of one ordered column, with a tooltip per cell and three labels below the axis."""
    shape = steps(view)
    n = len(shape.real)
    floor = _TOP + _PIXELS
    parts = [
        tag("line", class_="grid", x1=0, x2="100%", y1=y, y2=y)
        for y in (_TOP + 0.5, _TOP + _PIXELS // 2 + 0.5)
    ]
    if n:
        parts.append(
            stretched(
                _WIDTH, 100.0,
                tag("path", class_="a-real", d=_area(shape.borders, shape.real)),
                tag("path", class_="l-real", d=_line(shape.borders, shape.real)),
                tag("path", class_="l-syn", d=_line(shape.borders, shape.synthetic)),
                y=_TOP, pixels=_PIXELS,
            )
        )  # fmt: skip
        for i in range(n):
            left, right = shape.borders[i], shape.borders[i + 1]
            text = f"{view.labels[i]}: real {share(view.real[i])}, synthetic {share(view.synthetic[i])}"
            parts.append(
                tag("rect", title(text), class_="hit", x=percent(left), y=_TOP, width=percent(right - left),
                    height=_PIXELS)
            )  # fmt: skip
    parts.append(tag("line", class_="axis", x1=0, x2="100%", y1=floor + 0.5, y2=floor + 0.5))
    parts.extend(_break(shape, i, floor) for i in shape.shortened)
    parts.extend(_labels(view, shape, floor + 15))
    label = f"{visible(view.name, 80)}: shares of real and synthetic rows in {n} cells from low to high"
    return chart(label, floor + _AXIS, *parts, class_="outline")


def _break(shape: Steps, cell: int, floor: int) -> Markup:
    """Two strokes through the axis below a shortened cell."""
    middle = (shape.borders[cell] + shape.borders[cell + 1]) / 2
    strokes = tag("path", title("drawn shorter than it is"), class_="cut", d="M-5 4L-1-4M1 4L5-4")
    return tag("svg", strokes, x=percent(middle), y=floor, overflow="visible")


def _labels(view: ColumnView, shape: Steps, y: int) -> list[Markup]:
    """Lowest, middle and highest edge; labels of cells where the axis is not to scale or holds times."""
    n = len(shape.real)
    if not n:
        return [tag("text", "no values", class_="tick", x=0, y=y)]
    if shape.to_scale and view.kind in ("integer", "number"):
        middle = min(range(n + 1), key=lambda i: abs(shape.borders[i] - 0.5))
        marks = [(0.0, tick(view.edges[0])), (shape.borders[middle], tick(view.edges[middle])),
                 (1.0, tick(view.edges[-1]))]  # fmt: skip
        if not 0.2 < shape.borders[middle] < 0.8:
            del marks[1]
    elif n < 3:
        marks = [(0.0, brief(view.labels[0], 20)), (1.0, brief(view.labels[n - 1], 20))][:n]
    else:
        marks = [(0.0, brief(view.labels[0], 16)), (0.5, brief(view.labels[n // 2], 16)),
                 (1.0, brief(view.labels[n - 1], 16))]  # fmt: skip
    anchors = {0.0: "start", 1.0: "end"}
    return [
        tag("text", text, class_="tick", x=percent(x), y=y, text_anchor=anchors.get(x, "middle"))
        for x, text in marks
    ]


def tick(value: float) -> str:
    """An axis number: whole numbers whole, others with as few digits as they need.

    >>> tick(17.0), tick(0.25), tick(1234567.0)
    ('17', '0.25', '1,234,567')
    """
    if value == int(value):
        return number(int(value))
    if abs(value) >= 100:
        return number(round(value))
    return f"{value:.3g}".replace("-", "\u2212") if abs(value) >= 1e-4 else number(value)


def _line(borders: Sequence[float], heights: Sequence[float]) -> str:
    """Steps as a path that starts and ends at the height of the first and last cell."""
    moves = [f"M{coordinate(_WIDTH * borders[0])} {coordinate(100 * (1 - heights[0]))}"]
    for i, height in enumerate(heights):
        if i:
            moves.append(f"V{coordinate(100 * (1 - height))}")
        moves.append(f"H{coordinate(_WIDTH * borders[i + 1])}")
    return "".join(moves)


def _area(borders: Sequence[float], heights: Sequence[float]) -> str:
    """The same steps closed along the floor."""
    return f"{_line(borders, heights)}V100H{coordinate(_WIDTH * borders[0])}Z"
