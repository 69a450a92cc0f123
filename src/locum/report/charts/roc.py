"""ROC curves with a logarithmic false-alarm axis: what counts is what is found at few false alarms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from locum.report.charts.svg import chart, coordinate, percent, stretch, tag, title
from locum.wording import share

#: Smallest false-alarm rate drawn.
LEAST = 1e-3
_HEIGHT, _TOP, _BOTTOM = 300, 22, 44
_TICKS = (0.001, 0.01, 0.1, 1.0)


@dataclass(frozen=True, slots=True)
class RocCurve:
    """One attack: pairs of false-alarm rate and share found, ascending; `first` for the strongest."""

    name: str
    points: tuple[tuple[float, float], ...]
    first: bool = False


def roc(curves: Sequence[RocCurve]) -> Markup:
    """The curves as inline SVG beside that of guessing; nothing without curves. Names: `legend`."""
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
    parts.append(stretch(1000, inner, *paths, y=_TOP, pixels=inner))
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


def legend(curves: Sequence[RocCurve]) -> list[tuple[RocCurve, float]]:
    """Curves with what they find at 1 % false alarms, those that find most first."""
    found = [(c, _at(c.points, 0.01)) for c in curves]
    return sorted(found, key=lambda pair: -pair[1])


def _grid(inner: int) -> list[Markup]:
    """Lines and their figures; those of the height stand on their lines, so that no width cuts them."""
    parts = []
    for y in (0.0, 0.25, 0.5, 0.75, 1.0):
        at = _TOP + (1 - y) * inner
        parts.append(tag("line", class_="grid", x1="0%", x2="100%", y1=at, y2=at))
        parts.append(tag("text", f"{100 * y:.0f} %", class_="tick", x=0, y=at - 4.0))
    for tick, anchor in zip(_TICKS, ("start", "middle", "middle", "end"), strict=True):
        x = percent(_x(tick))
        parts.append(tag("line", class_="grid", x1=x, x2=x, y1=_TOP, y2=_TOP + inner))
        words = f"{100 * tick:g} %"
        parts.append(tag("text", words, class_="tick", x=x, y=_TOP + inner + 16.0, text_anchor=anchor))
    words, y = "False alarms", _HEIGHT - 8.0
    parts.append(tag("text", words, class_="tick", x="50%", y=y, text_anchor="middle"))
    return parts
