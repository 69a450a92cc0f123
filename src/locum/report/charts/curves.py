"""Lines over a common axis: learning curves, and what happens generation after generation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from locum.report.charts.svg import chart, coordinate, percent, stretch, tag, title
from locum.report.words import brief
from locum.wording import number

_HEIGHT, _TOP, _BOTTOM = 260, 14, 44
_LEFT, _RIGHT = 0.09, 0.28
#: Colours of lines that the style sheet knows.
HUES = 5

#: Height of a label, in pixels.
GAP = 15.0


@dataclass(frozen=True, slots=True)
class LineCurve:
    """Points joined in order; `dashed` for a law of theory, `marked` for a single point of note."""

    name: str
    points: tuple[tuple[float, float], ...]
    dashed: bool = False
    marked: bool = False


def curves(lines: Sequence[LineCurve], x: str, y: str, most: float | None = None) -> Markup:
    """The chart as inline SVG; points that are not finite are left out, an empty chart gives nothing.

    `most` is the largest value that can be, above which the axis does not go.
    """
    kept = [(c, [(a, b) for a, b in c.points if math.isfinite(a) and math.isfinite(b)]) for c in lines]
    kept = [(c, points) for c, points in kept if points]
    if not kept:
        return Markup("")
    xs = [a for _, points in kept for a, _ in points]
    ys = [b for _, points in kept for _, b in points]
    low_x, high_x = min(xs), max(xs)
    pad = 0.08 * (max(ys) - min(ys)) or 0.05 * abs(max(ys)) or 1.0
    low, high = min(ys) - pad, max(ys) + pad
    if most is not None:
        high = max(min(high, most), *ys)

    def across(value: float) -> float:
        share = 0.5 if high_x == low_x else (value - low_x) / (high_x - low_x)
        return _LEFT + (1 - _LEFT - _RIGHT) * share

    def up(value: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - (value - low) / (high - low))

    parts = _axes(low_x, high_x, low, high, x, y)
    ends = spread([up(points[-1][1]) for _, points in kept], GAP)
    solid = [c for c, _ in kept if not c.dashed]
    alone = sum(not c.marked for c in solid) == 1
    for (c, points), at in zip(kept, ends, strict=True):
        path = "M" + "L".join(f"{coordinate(1000 * across(a))} {coordinate(up(b))}" for a, b in points)
        hue = "" if c.dashed else f"k{solid.index(c) % HUES}"
        kind = "law" if c.dashed else f"curve {hue}"
        dash = "5 4" if c.dashed else None
        line = tag(
            "path",
            d=path,
            class_=kind,
            fill="none",
            stroke="currentColor",
            stroke_width=2,
            stroke_dasharray=dash,
            opacity=0.45 if c.dashed else None,
            vector_effect="non-scaling-stroke",
        )
        if len(points) > 1:
            parts.append(stretch(1000.0, float(_HEIGHT), line, y=0, pixels=_HEIGHT))
        for a, b in points if not c.dashed else ():
            words = f"{c.name}: {x} {number(a)}, {y} {number(b)}"
            dot = "s-front" if c.marked else f"s-dot {hue}"
            size = 6.0 if c.marked else 3.5
            parts.append(tag("circle", title(words), class_=dot, cx=percent(across(a)), cy=up(b), r=size))
        parts.append(
            tag(
                "text",
                *(
                    []
                    if c.dashed or c.marked or alone
                    else [tag("tspan", "● ", class_=kind, fill="currentColor")]
                ),
                brief(c.name, 26),
                class_="s-name",
                x=percent(across(points[-1][0])),
                y=at + 4.0,
                dx=10,
            )
        )
    label = f"{y} over {x}: " + "; ".join(f"{c.name} ends at {number(p[-1][1])}" for c, p in kept)
    return chart(label, _HEIGHT, *parts, class_="scatter")


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Heights of labels in the order of `places`, as near to them as can be with `gap` between neighbours.

    Labels that would overlap are pooled and laid out around their mean (pool adjacent violators).
    """
    order = sorted(range(len(places)), key=lambda i: places[i])
    pools: list[tuple[float, int]] = []
    for k, i in enumerate(order):
        mean, size = places[i] - k * gap, 1
        while pools and pools[-1][0] > mean:
            other, n = pools.pop()
            mean, size = (mean * size + other * n) / (size + n), size + n
        pools.append((mean, size))
    flat = [mean for mean, size in pools for _ in range(size)]
    out = [0.0] * len(places)
    for k, i in enumerate(order):
        out[i] = flat[k] + k * gap
    return out


def _axes(low_x: float, high_x: float, low: float, high: float, x: str, y: str) -> list[Markup]:
    bottom = _HEIGHT - _BOTTOM
    parts = []
    for share in (0.0, 0.5, 1.0):
        at = bottom - share * (bottom - _TOP)
        parts.append(tag("line", class_="s-grid", x1=percent(_LEFT), x2=percent(1 - _RIGHT), y1=at, y2=at))
        value = low + share * (high - low)
        parts.append(
            tag("text", number(value), class_="s-tick", x=percent(_LEFT), y=at + 4, dx=-8, text_anchor="end")
        )
    for share, value in ((0.0, low_x), (1.0, high_x)):
        place = percent(_LEFT + (1 - _LEFT - _RIGHT) * share)
        words = f"{value:,.0f}"
        parts.append(tag("text", words, class_="s-tick", x=place, y=bottom + 18, text_anchor="middle"))
    middle = percent(_LEFT + (1 - _LEFT - _RIGHT) / 2)
    parts.append(tag("text", x, class_="s-tick", x=middle, y=bottom + 36, text_anchor="middle"))
    parts.append(tag("text", y, class_="s-tick", x=percent(_LEFT), y=_TOP - 5, dx=8))
    return parts
