"""Bars for categories: the wide pale bar is real, the thin dark bar on it synthetic; readable in grey."""

from __future__ import annotations

import re
from dataclasses import dataclass

from markupsafe import Markup

from locum.evaluation.evidence import ColumnView
from locum.report.charts.svg import percent, tag
from locum.report.words import visible
from locum.wording import share, whole

#: More levels than this are shown as one line "and 31 more levels"; report.json has all of them.
MAX_LEVELS = 8

_HEIGHT = 16

#: A level that already stands for many.
_POOLED = re.compile(r"([\d,]*\d) other levels")


@dataclass(frozen=True, slots=True)
class BarRow:
    """One line of a bar table: label, drawn bars, and both shares."""

    label: str
    real: float
    synthetic: float
    bar: Markup
    rest: bool = False


def bar(real: float, synthetic: float, top: float, label: str) -> Markup:
    """Both bars of one level, drawn against `top`, the largest share of the chart."""
    scale = 1 / top if top > 0 else 0.0
    text = f"{visible(label, 80)}: real {share(real)}, synthetic {share(synthetic)}"
    return tag(
        "svg",
        tag("title", text),
        tag("rect", class_="b-real", x=0, y=1, width=percent(real * scale), height=_HEIGHT - 2),
        tag("rect", class_="b-syn", x=0, y=6, width=percent(synthetic * scale), height=_HEIGHT - 12),
        class_="bar",
        width="100%",
        height=_HEIGHT,
        role="img",
        aria_label=text,
    )


def bar_rows(view: ColumnView, limit: int = MAX_LEVELS) -> tuple[BarRow, ...]:
    """Lines for the levels that matter most, then one line for the rest.

    Kept are the most frequent levels in real rows, and in place of the last three of them the levels that
    differ most, so that a rare level that the stand-in inflates cannot hide. Missing comes before the rest.
    Cells of an ordered column keep their order.
    """
    shares = [
        (i, label, real, synthetic)
        for i, (label, real, synthetic) in enumerate(zip(view.labels, view.real, view.synthetic, strict=True))
    ]
    pooled = {s[0]: int(m[1].replace(",", "")) for s in shares if (m := _POOLED.fullmatch(s[1]))}
    if len(shares) > limit + 1:  # one more line is shorter than a line that says "1 more"
        own = [s for s in shares if s[0] not in pooled]
        frequent = sorted(own, key=lambda s: -max(s[2], s[3]))[: limit - 3]
        left = [s for s in own if s not in frequent]
        differing = sorted(left, key=lambda s: -abs(s[2] - s[3]))[:3]
        kept = {s[0] for s in frequent + differing}
    else:
        kept = {s[0] for s in shares}
    shown = [s for s in shares if s[0] in kept]
    if not view.edges:
        shown.sort(key=lambda s: (s[1] == "missing", -s[2], s[0]))
    hidden = [s for s in shares if s[0] not in kept]
    rest_real, rest_synthetic = sum(s[2] for s in hidden), sum(s[3] for s in hidden)
    top = max([s[2] for s in shown] + [s[3] for s in shown], default=0.0)
    rows = [BarRow(s[1], s[2], s[3], bar(s[2], s[3], top, s[1])) for s in shown]
    if hidden:
        label = f"{whole(sum(pooled.get(s[0], 1) for s in hidden))} more"
        # Without bars: a sum of many levels beside single ones would set the scale.
        rows.append(BarRow(label, rest_real, rest_synthetic, Markup(""), rest=True))
    return tuple(rows)
