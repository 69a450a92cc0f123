"""Ordered columns: real as a filled area, synthetic as a line of steps over it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from locum.evidence.evidence import ColumnView
from locum.report.charts.svg import chart, coordinate, percent, stretched, tag, title
from locum.report.words import brief, number, share, visible

_WIDTH, _PIXELS, _TOP, _AXIS = 1000, 116, 8, 20

#: A cell narrower than this share of the axis cannot be seen, so such columns get cells of equal width.
_MIN_MEDIAN_WIDTH = 0.012
#: With one cell this many times denser than the average everything else would be flat on the floor.
_MAX_PEAK = 14.0


@dataclass(frozen=True, slots=True)
class Steps:
    """Geometry of the chart: cell borders along x in 0-1 and the height of each cell in 0-1.

    `to_scale` tells whether the x axis is the column's own scale (heights are then densities) or every cell
    is drawn equally wide (heights are then shares).
    """

    borders: tuple[float, ...]
    real: tuple[float, ...]
    synthetic: tuple[float, ...]
    to_scale: bool


def steps(view: ColumnView) -> Steps:
    """Choose the x axis and scale the heights; the missing cell is left out.

    Edges that do not ascend, are not finite, or are too uneven to be seen lead to cells of equal width.
    A view without cells gives empty steps.
    """
    n = cells(view)
    real, synthetic = view.real[:n], view.synthetic[:n]
    edges = view.edges if len(view.edges) == n + 1 else ()
    to_scale = n > 0 and _drawable(edges, real, synthetic)
    if to_scale:
        span = edges[-1] - edges[0]
        borders = tuple((e - edges[0]) / span for e in edges)
        widths = [b - a for a, b in zip(borders, borders[1:], strict=False)]
        real = tuple(r / w for r, w in zip(real, widths, strict=True))
        synthetic = tuple(s / w for s, w in zip(synthetic, widths, strict=True))
    else:
        borders = tuple(i / n for i in range(n + 1)) if n else ()
    top = max([*real, *synthetic], default=0.0) or 1.0
    return Steps(borders, tuple(r / top for r in real), tuple(s / top for s in synthetic), to_scale)


def cells(view: ColumnView) -> int:
    """Number of cells without the one for missing values, which comes last where there is one."""
    n = len(view.labels)
    if view.edges and len(view.edges) - 1 <= n:
        return len(view.edges) - 1
    return n - 1 if n and view.labels[-1] == "missing" else n


def _drawable(edges: Sequence[float], real: Sequence[float], synthetic: Sequence[float]) -> bool:
    if len(edges) < 2 or not all(math.isfinite(e) for e in edges):
        return False
    widths = [b - a for a, b in zip(edges, edges[1:], strict=False)]
    span = edges[-1] - edges[0]
    if not math.isfinite(span) or min(widths) <= 0 or span <= 0:
        return False
    if sorted(widths)[len(widths) // 2] < _MIN_MEDIAN_WIDTH * span:
        return False
    peak = max(max(r, s) * span / w for r, s, w in zip(real, synthetic, widths, strict=True))
    return peak <= _MAX_PEAK


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
    parts.extend(_labels(view, shape, floor + 15))
    label = f"{visible(view.name, 80)}: shares of real and synthetic rows in {n} cells from low to high"
    return chart(label, floor + _AXIS, *parts, class_="outline")


def _labels(view: ColumnView, shape: Steps, y: int) -> list[Markup]:
    """Lowest, middle and highest value; cell labels where the axis is not to scale or holds times."""
    n = len(shape.real)
    if not n:
        return [tag("text", "no values", class_="tick", x=0, y=y)]
    if shape.to_scale and view.kind in ("integer", "number"):
        low, high = view.edges[0], view.edges[-1]
        texts = [tick(low), tick((low + high) / 2), tick(high)]
    elif n == 1:
        texts = ["", brief(view.labels[0], 24), ""]
    else:
        texts = [brief(view.labels[0], 16), brief(view.labels[n // 2], 16) if n > 2 else "",
                 brief(view.labels[n - 1], 16)]  # fmt: skip
    places = (("0%", "start"), ("50%", "middle"), ("100%", "end"))
    return [
        tag("text", text, class_="tick", x=x, y=y, text_anchor=anchor)
        for text, (x, anchor) in zip(texts, places, strict=True)
        if text
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
