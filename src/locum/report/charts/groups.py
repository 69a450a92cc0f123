"""One line a group: a dot with its interval for the synthetic side, a tall line for the real one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from locum.report.charts.svg import percent, tag
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
    low, high = min(known), max(known)
    spread = max(high - low, 1e-9)

    def at(value: float) -> str:
        return percent(0.03 + 0.94 * (value - low) / spread)

    return [(g, _line(g, at)) for g in groups]


def _line(g: Group, at: object) -> Markup:
    place = at if callable(at) else str
    words = f"{brief(g.name, 60)}: {number(g.value)}"
    if g.low is not None and g.high is not None:
        words += f", interval {number(g.low)} to {number(g.high)}"
    if g.reference is not None:
        words += f", real rows {number(g.reference)}"
    middle = _HEIGHT / 2
    parts = [tag("line", class_="rail", x1="0%", x2="100%", y1=middle, y2=middle)]
    if g.reference is not None:
        x = place(g.reference)
        parts.append(tag("line", class_="ref", x1=x, x2=x, y1=2, y2=_HEIGHT - 2))
    if g.low is not None and g.high is not None:
        parts.append(tag("line", class_="span", x1=place(g.low), x2=place(g.high), y1=middle, y2=middle))
    if g.value is not None:
        parts.append(tag("circle", class_="dot", cx=place(g.value), cy=middle, r=4.5))
    return tag(
        "svg", *parts, class_="meter", width="100%", height=_HEIGHT, role="img", aria_label=words
    )  # fmt: skip
