"""Two figures of a field of contestants against each other, with the front that nobody beats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from locum.report.charts.svg import chart, percent, tag, title
from locum.report.words import brief
from locum.wording import number

_HEIGHT, _TOP, _BOTTOM = 340, 14, 44
#: Share of the width before the first and after the last position.
_LEFT, _RIGHT = 0.095, 0.07
#: Names of dots right of this place stand to their left. Pixels of a letter, and of the narrowest chart.
_TURN, _LETTER, _NARROW = 0.6, 7.2, 340


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

    The better end of both axes is said in their words. Names stand beside their dots, towards the middle, and
    are moved apart where they would cover each other on a narrow page.
    """
    shown = [p for p in points if math.isfinite(p.x) and math.isfinite(p.y) and not (x.log and p.x <= 0)]
    if not shown:
        return Markup("")
    across = _scale([p.x for p in shown], x.log)
    up = _scale([p.y for p in shown], y.log)
    parts = [*_grid(across, up, x, y)]
    places = [(_LEFT + (1 - _LEFT - _RIGHT) * across.at(p.x), _y(up.at(p.y))) for p in shown]
    names = [brief(p.name, 24) for p in shown]
    labels = _move_apart([(*_reach(px, len(n)), py) for (px, py), n in zip(places, names, strict=True)])
    order = sorted(zip(shown, names, places, labels, strict=True), key=lambda t: t[0].front)
    for p, name, (px, py), ly in order:
        words = f"{p.name}: {x.words} {number(p.x)}, {y.words} {number(p.y)}"
        kind = "s-front" if p.front else "s-control" if p.control else "s-dot"
        parts.append(tag("circle", title(words), class_=kind, cx=percent(px), cy=py, r=6.0))
        dx, anchor = (-12, "end") if px > _TURN else (12, None)
        text = tag("text", name, class_="s-name", x=percent(px), y=ly + 4.0, dx=dx, text_anchor=anchor)
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

    def words(self, tick: float) -> str:
        """A figure of the axis with as many decimals as its steps need."""
        if self.log or tick >= 1e6:
            return f"{tick:g}"
        step = self.ticks[1] - self.ticks[0]
        return f"{tick:,.{max(0, -math.floor(math.log10(step) + 1e-9))}f}"

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
            tag("text", up.words(tick), class_="tick", x=percent(_LEFT), y=at + 4.0, dx=-8, text_anchor="end")
        )
    for tick in across.ticks:
        at_x = percent(_LEFT + (1 - _LEFT - _RIGHT) * across.at(tick))
        parts.append(tag("line", class_="grid", x1=at_x, x2=at_x, y1=_TOP, y2=bottom))
        parts.append(
            tag("text", across.words(tick), class_="tick", x=at_x, y=bottom + 16.0, text_anchor="middle")
        )
    ends = "more is better" if x.higher else "less is better"
    middle = percent(_LEFT + (1 - _LEFT - _RIGHT) / 2)
    parts.append(
        tag("text", f"{x.words} ({ends})", class_="tick", x=middle, y=_HEIGHT - 8.0, text_anchor="middle")
    )
    return parts


def _reach(at: float, letters: int) -> tuple[float, float]:
    """From where to where a name reaches beside its dot, as shares of the narrowest width."""
    width = (_LETTER * letters + 12) / _NARROW
    return (at - width, at) if at > _TURN else (at, at + width)


def _move_apart(places: Sequence[tuple[float, float, float]]) -> list[float]:
    """Heights of names (left end, right end, height): as the dots, 15 pixels apart where they meet."""
    order = sorted(range(len(places)), key=lambda i: places[i][2])
    out = [p[2] for p in places]
    for n, i in enumerate(order):
        for j in order[:n]:
            meet = places[i][0] < places[j][1] and places[j][0] < places[i][1]
            if meet and out[i] - out[j] < 15:
                out[i] = out[j] + 15
    return out
