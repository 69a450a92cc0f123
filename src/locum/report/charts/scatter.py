"""Two figures of a field of contestants against each other, with the front that nobody beats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from locum.report.charts.svg import chart, percent, tag, title
from locum.report.words import brief, number

_HEIGHT, _TOP, _BOTTOM = 340, 14, 44
#: Share of the width before the first and after the last position: room for names.
_LEFT, _RIGHT = 0.075, 0.17


@dataclass(frozen=True, slots=True)
class Point:
    """One contestant; `front` when nobody beats it on both axes, `control` for a negative control."""

    name: str
    x: float
    y: float
    front: bool
    control: bool


@dataclass(frozen=True, slots=True)
class Axis:
    """A direction: its words, whether it is logarithmic, and which end is better."""

    words: str
    log: bool = False
    higher: bool = False


def scatter(points: Sequence[Point], x: Axis, y: Axis) -> Markup:
    """The chart as inline SVG; an empty field gives nothing.

    The better end of both axes is said in their words. Names stand to the right of their dots and are moved
    apart upwards and downwards where they would cover each other.
    """
    shown = [p for p in points if math.isfinite(p.x) and math.isfinite(p.y) and not (x.log and p.x <= 0)]
    if not shown:
        return Markup("")
    across = _scale([p.x for p in shown], x.log)
    up = _scale([p.y for p in shown], y.log)
    parts = [*_grid(across, up, x, y)]
    places = [(_LEFT + (1 - _LEFT - _RIGHT) * across.at(p.x), _y(up.at(p.y))) for p in shown]
    labels = _apart([(px, py) for px, py in places])
    for p, (px, py), ly in sorted(zip(shown, places, labels, strict=True), key=lambda t: t[0].front):
        words = f"{p.name}: {x.words} {number(p.x)}, {y.words} {number(p.y)}"
        kind = "s-front" if p.front else "s-control" if p.control else "s-dot"
        parts.append(tag("circle", title(words), class_=kind, cx=percent(px), cy=py, r=6.0))
        text = tag("text", brief(p.name, 24), class_="s-name", x=percent(px), y=ly + 4.0, dx=12)
        parts.append(text)
    label = f"{y.words} against {x.words}: " + "; ".join(
        f"{p.name} {number(p.x)}, {number(p.y)}" for p in shown
    )
    return chart(label, _HEIGHT, *parts, class_="scatter")


@dataclass(frozen=True, slots=True)
class _Scale:
    low: float
    high: float
    log: bool
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Place from 0 to 1."""
        a, b, v = (math.log10(q) if self.log else q for q in (self.low, self.high, value))
        return (v - a) / (b - a)


def _scale(values: Sequence[float], log: bool) -> _Scale:
    low, high = min(values), max(values)
    if log:
        a, b = math.floor(math.log10(low)), math.ceil(math.log10(high))
        b = max(b, a + 1)
        return _Scale(10.0**a, 10.0**b, True, tuple(10.0**e for e in range(a, b + 1)))
    spread = max(high - low, abs(high) * 0.05, 1e-6)
    step = 10 ** math.floor(math.log10(spread / 2))
    step = next(step * m for m in (1, 2, 5, 10) if spread / (step * m) <= 5)
    a, b = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    b = max(b, a + 1)
    return _Scale(a * step, b * step, False, tuple(i * step for i in range(a, b + 1)))


def _y(share: float) -> float:
    return _TOP + (1 - share) * (_HEIGHT - _TOP - _BOTTOM)


def _grid(across: _Scale, up: _Scale, x: Axis, y: Axis) -> list[Markup]:
    bottom = _HEIGHT - _BOTTOM
    parts = []
    for tick in up.ticks:
        at = _y(up.at(tick))
        parts.append(tag("line", class_="grid", x1=percent(_LEFT), x2="100%", y1=at, y2=at))
        parts.append(
            tag("text", _tick(tick), class_="tick", x=percent(_LEFT), y=at + 4.0, dx=-8, text_anchor="end")
        )
    for tick in across.ticks:
        at_x = percent(_LEFT + (1 - _LEFT - _RIGHT) * across.at(tick))
        parts.append(tag("line", class_="grid", x1=at_x, x2=at_x, y1=_TOP, y2=bottom))
        parts.append(tag("text", _tick(tick), class_="tick", x=at_x, y=bottom + 16.0, text_anchor="middle"))
    ends = "more is better" if x.higher else "less is better"
    middle = percent(_LEFT + (1 - _LEFT - _RIGHT) / 2)
    parts.append(
        tag("text", f"{x.words} ({ends})", class_="tick", x=middle, y=_HEIGHT - 8.0, text_anchor="middle")
    )
    return parts


def _tick(value: float) -> str:
    return number(value) if value < 1e6 else f"{value:.0e}"


def _apart(places: Sequence[tuple[float, float]]) -> list[float]:
    """Heights of the names: as the dots, but names that share a stretch of width keep 15 pixels apart."""
    order = sorted(range(len(places)), key=lambda i: places[i][1])
    out = [p[1] for p in places]
    for n, i in enumerate(order):
        for j in order[:n]:
            if abs(places[i][0] - places[j][0]) < _RIGHT and out[i] - out[j] < 15:
                out[i] = out[j] + 15
    return out
