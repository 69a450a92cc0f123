"""ROC curves with a logarithmic false-alarm axis: what counts is what is found at few false alarms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from locum.report.charts.svg import chart, coordinate, percent, stretched, tag, title
from locum.report.words import brief, share

#: Smallest false-alarm rate drawn.
LEAST = 1e-3
_HEIGHT, _TOP, _BOTTOM = 300, 10, 44
_LEFT, _RIGHT = 0.075, 0.26
_TICKS = (0.001, 0.01, 0.1, 1.0)


@dataclass(frozen=True, slots=True)
class Curve:
    """One attack: pairs of false-alarm rate and share found, ascending; `first` for the strongest."""

    name: str
    points: tuple[tuple[float, float], ...]
    first: bool = False


def roc(curves: Sequence[Curve]) -> Markup:
    """The curves as inline SVG beside the curve of guessing; nothing without curves."""
    if not curves:
        return Markup("")
    inner = _HEIGHT - _TOP - _BOTTOM
    parts = _grid(inner)
    guess = [(x, x) for x in (10 ** (-3 + i / 20) for i in range(61))]
    paths = [tag("path", title("guessing"), d=_path(guess, inner), class_="r-guess")]
    drawn = sorted(curves, key=lambda c: c.first)
    for c in drawn:
        kind = "r-first" if c.first else "r-other"
        paths.append(tag("path", title(c.name), d=_path(c.points, inner), class_=kind))
    width = f"{coordinate(100 * (1 - _LEFT - _RIGHT))}%"
    plot = stretched(1000, inner, *paths, y=_TOP, pixels=inner)
    parts.append(tag("svg", plot, x=percent(_LEFT), y=0, width=width, height=_HEIGHT, overflow="visible"))
    parts += _names(drawn, inner)
    words = "Share of members found at 1 % false alarms: " + "; ".join(
        f"{c.name} {share(_at(c.points, 0.01))}" for c in curves
    )
    return chart(words, _HEIGHT, *parts, class_="roc")


def _x(rate: float) -> float:
    return 1 + math.log10(max(rate, LEAST)) / 3


def _path(points: Sequence[tuple[float, float]], inner: int) -> str:
    known = [(_at(points, LEAST), LEAST), *((y, x) for x, y in points if x > LEAST)]
    return "M" + "L".join(f"{coordinate(1000 * _x(x))} {coordinate((1 - y) * inner)}" for y, x in known)


def _at(points: Sequence[tuple[float, float]], rate: float) -> float:
    """Height of a curve at a rate, between its points along a straight line."""
    before = [(x, y) for x, y in points if x <= rate] or [points[0]]
    after = [(x, y) for x, y in points if x >= rate] or [points[-1]]
    (a, p), (b, q) = before[-1], after[0]
    return p if b <= a else p + (q - p) * (rate - a) / (b - a)


def _grid(inner: int) -> list[Markup]:
    parts = []
    for y in (0.0, 0.25, 0.5, 0.75, 1.0):
        at = _TOP + (1 - y) * inner
        parts.append(tag("line", class_="grid", x1=percent(_LEFT), x2=percent(1 - _RIGHT), y1=at, y2=at))
        parts.append(
            tag(
                "text",
                f"{100 * y:.0f} %",
                class_="tick",
                x=percent(_LEFT),
                y=at + 4.0,
                dx=-8,
                text_anchor="end",
            )
        )
    for tick in _TICKS:
        at_x = percent(_LEFT + (1 - _LEFT - _RIGHT) * _x(tick))
        parts.append(tag("line", class_="grid", x1=at_x, x2=at_x, y1=_TOP, y2=_TOP + inner))
        words = f"{100 * tick:g} %"
        parts.append(tag("text", words, class_="tick", x=at_x, y=_TOP + inner + 16.0, text_anchor="middle"))
    middle = percent(_LEFT + (1 - _LEFT - _RIGHT) / 2)
    parts.append(tag("text", "False alarms", class_="tick", x=middle, y=_HEIGHT - 8.0, text_anchor="middle"))
    return parts


def _names(curves: Sequence[Curve], inner: int) -> list[Markup]:
    """Names at the right, in the order of the curves at 1 % false alarms, joined by a swatch."""
    ordered = sorted(curves, key=lambda c: -_at(c.points, 0.01))
    parts = []
    for i, c in enumerate([*ordered, None]):
        at = _TOP + 14 + 19 * i
        kind = "r-guess" if c is None else "r-first" if c.first else "r-other"
        parts.append(
            tag(
                "line",
                class_=kind,
                x1=percent(1 - _RIGHT + 0.02),
                x2=percent(1 - _RIGHT + 0.045),
                y1=at,
                y2=at,
            )
        )
        name = "guessing" if c is None else f"{brief(c.name, 23)}, {share(_at(c.points, 0.01))}"
        parts.append(tag("text", name, class_="tick", x=percent(1 - _RIGHT + 0.053), y=at + 4.0))
    return parts
