"""One line a group with two rulers: what real rows say above, what generated rows say below."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from markupsafe import Markup

from locum.evaluation.subgroups.result import GroupEstimate, Subgroup
from locum.report.charts.svg import percent, tag, title
from locum.report.words import brief
from locum.wording import number

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
    low, high = min(known), max(known)
    spread = max(high - low, 1e-9)

    def at(value: float) -> str:
        share = (min(max(value, low), high) - low) / spread
        return percent(0.03 + 0.94 * share)

    return [_line(g, against, at) for g in groups]


def _line(g: Subgroup, against: float | None, at: Callable[[float], str]) -> Markup:
    parts = []
    if against is not None and math.isfinite(against):
        parts.append(tag("line", class_="rail", x1=at(against), x2=at(against), y1=1, y2=_HEIGHT - 1))
    words = [brief(g.name, 80)]
    if g.real is not None:
        parts += _mark(g.real, _REAL, at, "t-real", "real rows", faint=g.trust == "generated")
        words.append(f"real rows {_said(g.real)}")
    if g.generated is not None:
        parts += _mark(g.generated, _GENERATED, at, "t-made", "generated rows", faint=g.trust != "generated")
        words.append(f"generated rows {_said(g.generated)}")
    return tag(
        "svg", *parts, class_="meter", width="100%", height=_HEIGHT, role="img", aria_label="; ".join(words)
    )


def _mark(
    e: GroupEstimate, y: float, at: Callable[[float], str], kind: str, what: str, *, faint: bool
) -> list[Markup]:
    faded = f"{kind} faint" if faint else kind
    return [
        tag("line", class_=f"t-span {faded}", x1=at(e.low), x2=at(e.high), y1=y, y2=y),
        tag("circle", title(f"{what} {_said(e)}"), class_=f"t-dot {faded}", cx=at(e.value), cy=y, r=4.5),
    ]


def _said(e: GroupEstimate) -> str:
    return f"{number(e.value)}, interval {number(e.low)} to {number(e.high)}"
