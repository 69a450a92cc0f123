"""Ordered columns: real as a filled area, synthetic as a line of steps over it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from markupsafe import Markup

from locum.evaluation.evidence import ColumnView
from locum.report.charts.svg import chart, coordinate, percent, stretch, tag, title
from locum.report.words import brief, visible
from locum.wording import share

_WIDTH, _PIXELS, _TOP, _AXIS = 1000, 116, 8, 20

#: Fewer cells than this say more as bars with their labels.
MIN_CELLS = 7
#: A cell that takes more of the axis than this is a long tail; it is drawn shorter, not to squeeze the rest.
_TAIL = 0.4
#: Width of a shortened cell, in median cells.
_SHORT = 5.0
#: With one narrow cell this many times denser than the average all else would be flat on the floor.
_MAX_PEAK = 14.0
#: Longest axis label, and letters that fit below the axis on a phone.
_LABEL, _ROOM = 22, 42


@dataclass(frozen=True, slots=True)
class OutlineSteps:
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


def steps(view: ColumnView) -> OutlineSteps:
    """Choose the x axis and scale the heights; the missing cell is left out.

    Edges that do not ascend, are not finite, or are too uneven to be seen lead to cells of equal width.
    A view without cells gives empty steps.
    """
    n = cells(view)
    real, synthetic = view.real[:n], view.synthetic[:n]
    widths = _widths(view.edges if len(view.edges) == n + 1 else ())
    drawn = _shorten(widths)
    shortened = tuple(i for i, w in enumerate(widths) if w > drawn[i])
    total = sum(drawn)
    to_scale = bool(widths)
    if to_scale:
        to_scale = not _has_spike(widths, drawn, real, synthetic)
    if to_scale:
        real = tuple(r / w for r, w in zip(real, widths, strict=True))
        synthetic = tuple(s / w for s, w in zip(synthetic, widths, strict=True))
    else:
        drawn, total, shortened = (1.0,) * n, float(n), ()
    borders = tuple(b / total for b in accumulate(drawn, initial=0.0)) if n else ()
    top = max([*real, *synthetic], default=0.0) or 1.0
    return OutlineSteps(
        borders, tuple(r / top for r in real), tuple(s / top for s in synthetic), to_scale, shortened
    )


def _widths(edges: Sequence[float]) -> tuple[float, ...]:
    """Widths of the cells; empty when the edges cannot be drawn to scale."""
    widths = tuple(b - a for a, b in pairwise(edges))
    usable = all(math.isfinite(w) and w > 0 and math.isfinite(1.0 / w) for w in widths)
    return widths if usable else ()


def cells(view: ColumnView) -> int:
    """Number of cells without the one for missing values, which comes last where there is one."""
    n = len(view.labels)
    if view.edges and len(view.edges) - 1 <= n:
        return len(view.edges) - 1
    return n - 1 if n and view.labels[-1] == "missing" else n


def _has_spike(
    widths: Sequence[float], drawn: Sequence[float], real: Sequence[float], synthetic: Sequence[float]
) -> bool:
    """Whether one narrow cell stands so high that equal widths show more."""
    densities = [max(r, s) / w for r, s, w in zip(real, synthetic, widths, strict=True)]
    peak = max(range(len(densities)), key=densities.__getitem__)
    return densities[peak] * sum(drawn) > _MAX_PEAK and drawn[peak] * len(drawn) < 0.5 * sum(drawn)


def _shorten(widths: tuple[float, ...]) -> tuple[float, ...]:
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
            stretch(
                _WIDTH,
                100.0,
                tag("path", class_="a-real", d=_area(shape.borders, shape.real)),
                tag("path", class_="l-real", d=_line(shape.borders, shape.real)),
                tag("path", class_="l-syn", d=_line(shape.borders, shape.synthetic)),
                y=_TOP,
                pixels=_PIXELS,
            )
        )
        for i in range(n):
            left, right = shape.borders[i], shape.borders[i + 1]
            text = f"{view.labels[i]}: real {share(view.real[i])}, synthetic {share(view.synthetic[i])}"
            parts.append(
                tag(
                    "rect",
                    title(text),
                    class_="hit",
                    x=percent(left),
                    y=_TOP,
                    width=percent(right - left),
                    height=_PIXELS,
                )
            )
    parts.append(tag("line", class_="axis", x1=0, x2="100%", y1=floor + 0.5, y2=floor + 0.5))
    parts.extend(_break(shape, i, floor) for i in shape.shortened)
    parts.extend(_labels(view, shape, floor + 15))
    label = f"{visible(view.name, 80)}: shares of real and synthetic rows in {n} cells from low to high"
    return chart(label, floor + _AXIS, *parts, class_="outline")


def _break(shape: OutlineSteps, cell: int, floor: int) -> Markup:
    """Two strokes through the axis below a shortened cell."""
    strokes = tag("path", title("drawn shorter than it is"), class_="cut", d="M-5 4L-1-4M1 4L5-4")
    return tag("svg", strokes, x=percent(_centre(shape, cell)), y=floor, overflow="visible")


def _labels(view: ColumnView, shape: OutlineSteps, y: int) -> list[Markup]:
    """Names of the lowest, the middle and the highest cell; the middle one only where there is room."""
    n = len(shape.real)
    if not n:
        return [tag("text", "no values", class_="tick", x=0, y=y)]
    first, last = brief(view.labels[0], _LABEL), brief(view.labels[n - 1], _LABEL)
    labels = [tag("text", first, class_="tick", x=0, y=y)]
    if n > 1:
        labels.append(tag("text", last, class_="tick", x="100%", y=y, text_anchor="end"))
    if n > 2:
        middle = min(range(1, n - 1), key=lambda i: abs(_centre(shape, i) - 0.5))
        text, x = brief(view.labels[middle], _LABEL), _centre(shape, middle)
        if 0.3 < x < 0.7 and len(first) + len(text) + len(last) <= _ROOM:
            labels.append(tag("text", text, class_="tick", x=percent(x), y=y, text_anchor="middle"))
    return labels


def _centre(shape: OutlineSteps, cell: int) -> float:
    return (shape.borders[cell] + shape.borders[cell + 1]) / 2


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
