"""The page of a study of mixing: verdict, gains with intervals, learning curve, groups, cost in copying."""

from __future__ import annotations

from markupsafe import Markup

from locum.report.charts.curves import LineCurve, curves
from locum.report.charts.svg import scale, strip, tag, title
from locum.report.template import environment
from locum.studies.mix.result import Contrast, Mixing

_MARK = {"helps": "good", "no evidence": "unclear", "harms": "poor"}


def render(found: Mixing) -> str:
    """The study as one offline HTML page, in the manner of `locum.report.html.render`."""
    shown = [a for a in found.arms if a.kind in ("mix", "synthetic", "rival")]
    copies = {a.name.removeprefix("copy: "): a.gain for a in found.arms if a.kind == "copy"}
    # Synthetic rows alone often do far worse: on their scale nothing else could be told apart.
    judged = [a.gain for a in found.arms if a.gain and a.kind != "synthetic"]
    ends = [0.0, *(v for g in judged for v in (g.low, g.high))]
    low, high = min(ends), max(ends)
    line = [LineCurve("real rows", tuple((float(n), s) for n, s in found.curve))]
    mixed = found.arm(found.chosen).score
    line.append(LineCurve("with the mix", ((float(found.curve[-1][0]), mixed),), marked=True))
    return (
        environment()
        .get_template("mix.html.j2")
        .render(
            found=found,
            mark=_MARK[found.verdict],
            real=found.arm("real"),
            rows=[(a, span(a.gain, low, high, copies.get(a.name))) for a in shown if a.gain],
            curve=curves(line, "real rows learned from", found.measure, 1.0),
        )
    )


def span(gain: Contrast, low: float, high: float, copy: Contrast | None = None) -> Markup:
    """An interval on a line from `low` to `high`, with a tick at no difference; that of copies below it.

    What lies beyond an end of the line is drawn as an arrow at that end.
    """
    at = scale(low, high)
    words = f"{gain.value:+.4f}, interval {gain.low:+.4f} to {gain.high:+.4f}"
    below = []
    if copy is not None:
        words += f"; copies {copy.value:+.4f}, interval {copy.low:+.4f} to {copy.high:+.4f}"
        below = [
            tag("line", class_="echo", x1=at(copy.low), x2=at(copy.high), y1=21, y2=21),
            tag("circle", class_="floor", cx=at(copy.value), cy=21, r=3.5),
        ]
    height = 26 if below else 18
    mark = tag("circle", title(words), class_="dot", cx=at(gain.value), cy=9, r=5)
    if not low <= gain.value <= high:
        arrow, end = ("◀", "start") if gain.value < low else ("▶", "end")
        mark = tag(
            "text",
            title(words),
            arrow,
            class_="beyond",
            x="0%" if end == "start" else "100%",
            y=14,
            text_anchor=end,
        )
    return strip(
        words,
        height,
        tag("line", class_="rail", x1="0%", x2="100%", y1=9, y2=9),
        tag("line", class_="rail", x1=at(0.0), x2=at(0.0), y1=1, y2=height - 1),
        tag("line", class_="span", x1=at(gain.low), x2=at(gain.high), y1=9, y2=9),
        mark,
        *below,
    )
