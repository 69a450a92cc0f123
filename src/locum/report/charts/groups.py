"""One line a group: a dot with its interval for the synthetic side, a tall line for the real one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from locum.report.charts.svg import figures, scale, strip, tag
from locum.report.words import brief
from locum.wording import number

_HEIGHT = 20


@dataclass(frozen=True, slots=True)
class Group:
    """A group's figures; None where there are none."""

    name: str
    rows: int
    value: float | None
    low: float | None
    high: float | None
    reference: float | None


def lines(groups: Sequence[Group]) -> list[tuple[Group, Markup]]:
    """Every group with its drawing, all against one scale that fits them."""
    known = [
        v for g in groups for v in (g.value, g.low, g.high, g.reference) if v is not None and math.isfinite(v)
    ]
    if not known:
        return [(g, Markup("")) for g in groups]
    at = scale(min(known), max(known), 0.03)
    return [(g, _line(g, at)) for g in groups]


def _line(g: Group, at: Callable[[float], str]) -> Markup:
    words = f"{brief(g.name, 60)}: {figures(g.value, g.low, g.high)}"
    if g.reference is not None:
        words += f", real rows {number(g.reference)}"
    middle = _HEIGHT / 2
    parts = [tag("line", class_="rail", x1="0%", x2="100%", y1=middle, y2=middle)]
    if g.reference is not None:
        x = at(g.reference)
        parts.append(tag("line", class_="ref", x1=x, x2=x, y1=2, y2=_HEIGHT - 2))
    if g.low is not None and g.high is not None:
        parts.append(tag("line", class_="span", x1=at(g.low), x2=at(g.high), y1=middle, y2=middle))
    if g.value is not None:
        parts.append(tag("circle", class_="dot", cx=at(g.value), cy=middle, r=4.5))
    return strip(words, _HEIGHT, *parts)
