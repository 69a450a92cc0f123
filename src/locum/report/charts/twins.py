"""One line a group with two rulers: what real rows say above, what generated rows say below."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from markupsafe import Markup

from locum.evaluation.subgroups.result import Subgroup
from locum.report.charts.svg import figures, scale, strip, tag, title
from locum.report.words import brief

_HEIGHT, _REAL, _GENERATED = 30, 9.0, 21.0


def twins(groups: Sequence[Subgroup], against: float | None = None) -> list[Markup]:
    """A drawing for each group, all against one scale that fits their intervals.

    `against` is a value marked in all of them, that of everybody. Ends that are not finite are drawn at the
    edge. Nothing is drawn for a group without estimates.
    """
    known = [v for g in groups for e in (g.real, g.generated) if e for v in (e.value, e.low, e.high)]
    known = [v for v in (*known, against) if v is not None and math.isfinite(v)]
    if not known:
        return [Markup("")] * len(groups)
    at = scale(min(known), max(known), 0.03)
    return [_line(g, against, at) for g in groups]


def _line(g: Subgroup, against: float | None, at: Callable[[float], str]) -> Markup:
    parts = []
    if against is not None and math.isfinite(against):
        parts.append(tag("line", class_="rail", x1=at(against), x2=at(against), y1=1, y2=_HEIGHT - 1))
    words = [brief(g.name, 80)]
    made = g.trust == "generated"
    for what, e, y, kind in (
        ("real rows", g.real, _REAL, "t-real faint" if made else "t-real"),
        ("generated rows", g.generated, _GENERATED, "t-made" if made else "t-made faint"),
    ):
        if e is not None:
            words.append(f"{what} {figures(e.value, e.low, e.high)}")
            parts.append(tag("line", class_=f"t-span {kind}", x1=at(e.low), x2=at(e.high), y1=y, y2=y))
            parts.append(tag("circle", title(words[-1]), class_=f"t-dot {kind}", cx=at(e.value), cy=y, r=4.5))
    return strip("; ".join(words), _HEIGHT, *parts)
