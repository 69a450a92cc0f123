"""One result as a dot with its interval, between what real rows score and what a bad stand-in scores.

Every line is drawn so that right is better, whatever the direction of the measure; the numbers stand beside.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from locum.evaluation.result import Result
from locum.report.charts.svg import chart, figures, percent, strip, tag, title
from locum.report.words import visible
from locum.wording import number

_HEIGHT, _MIDDLE = 28, 14.0
_LEFT, _RIGHT = 0.04, 0.96


@dataclass(frozen=True, slots=True)
class Track:
    """Places of the marks along the line, from 0 (left, worse) to 1 (right, better); None when absent."""

    value: float | None
    low: float | None
    high: float | None
    reference: float | None
    worst: float | None


def track(result: Result, worst: float | None = None) -> Track:
    """Turn a result into places.

    Parameters
    ----------
    result
        Any result; non-finite numbers are left out.
    worst
        Value of the mark at the bad end; the result's floor when not given.

    Notes
    -----
    Distance from the best possible value is the value itself when lower is better, its negative when higher
    is better, and the distance to the target otherwise (an interval that holds the target then starts at 0);
    of a copying test only the side above the target is bad.
    The line runs over all marks. Where there is no mark at the bad end it runs to the natural end of the
    measure, so that a small distance is not blown up: to 0 for scores out of 1, to 0.5 for an AUC with
    target 0.5, and otherwise a quarter beyond the largest distance. It is never shorter than the distance of
    real hold-out rows: a difference much smaller than chance must look small.
    """
    bad = worst if worst is not None else result.floor
    value = _distance(result, result.value)
    reference = _distance(result, result.reference)
    far = _distance(result, bad)
    near_end, far_end = _interval(result)
    marks = [m for m in (value, reference, far, near_end, far_end) if m is not None]
    if value is None or not marks:
        return Track(None, None, None, None, None)
    start, end = _ends(result, marks, has_worst=far is not None)
    if reference is not None and reference > 0:
        end = max(end, start + reference)
    span = end - start

    def place(distance: float | None) -> float | None:
        if distance is None:
            return None
        return 0.9 if span <= 0 else _RIGHT - (_RIGHT - _LEFT) * (distance - start) / span

    return Track(place(value), place(far_end), place(near_end), place(reference), place(far))


def _distance(result: Result, value: float | None) -> float | None:
    if value is None or not math.isfinite(value):
        return None
    if result.direction == "lower":
        return value
    if result.direction == "higher":
        return -value
    gap = value - (result.target or 0.0)
    # Copying shows on one side only: below the target the rows learned from are not favoured.
    return gap if result.question == "private" else abs(gap)


def _interval(result: Result) -> tuple[float | None, float | None]:
    """Nearest and farthest distance in the interval."""
    low, high = result.low, result.high
    if low is None or high is None:
        return None, None
    a, b = _distance(result, low), _distance(result, high)
    if a is None or b is None:
        return None, None
    folded = result.direction == "target" and result.question != "private"
    if folded and low <= (result.target or 0.0) <= high:
        return 0.0, max(a, b)
    return min(a, b), max(a, b)


def _ends(result: Result, marks: list[float], *, has_worst: bool) -> tuple[float, float]:
    start, end = min(marks), max(marks)
    if result.direction == "target":
        start = min(start, 0.0)
        end = max(end, 0.5 if result.target == 0.5 else 1.25 * end) if not has_worst else end
    elif result.direction == "higher" and not has_worst and start >= -1 and end <= 0:
        start, end = -1.0, 0.0
    elif not has_worst:
        start = min(start, 0.0)
        end = end + 0.25 * abs(end - start)
    return start, end


def interval_chart(result: Result, worst: float | None = None, worst_name: str = "floor") -> Markup:
    """The line of one result; empty when its value is not a number."""
    places = track(result, worst)
    if places.value is None:
        return Markup("")
    bad = worst if worst is not None else result.floor
    parts = [tag("line", class_="rail", x1="0%", x2="100%", y1=_MIDDLE, y2=_MIDDLE)]
    if places.worst is not None:
        parts.append(_worst(places.worst, f"{worst_name} {number(bad)}"))
    if places.reference is not None:
        x = percent(places.reference)
        parts.append(
            tag(
                "line",
                title(f"real hold-out rows {number(result.reference)}"),
                class_="ref",
                x1=x,
                x2=x,
                y1=3.0,
                y2=25.0,
            )
        )
    if places.low is not None and places.high is not None:
        parts.append(
            tag(
                "line", class_="span", x1=percent(places.low), x2=percent(places.high), y1=_MIDDLE, y2=_MIDDLE
            )
        )
    parts.append(
        tag(
            "circle",
            title(f"synthetic rows {number(result.value)}"),
            class_="dot",
            cx=percent(places.value),
            cy=_MIDDLE,
            r=5.0,
        )
    )
    return chart(_words(result, bad, worst_name), _HEIGHT, *parts, class_="interval")


def _worst(place: float, text: str) -> Markup:
    # An open square: an <svg> carries it because a rect cannot be centred on a percentage.
    return tag(
        "svg",
        tag("rect", title(text), class_="floor", x=-4.0, y=-4.0, width=8.0, height=8.0),
        x=percent(place),
        y=_MIDDLE,
        overflow="visible",
    )


def _words(result: Result, bad: float | None, worst_name: str) -> str:
    text = f"{visible(result.title, 80)}: {figures(result.value, result.low, result.high)}"
    if result.reference is not None:
        text += f", real hold-out rows {number(result.reference)}"
    if bad is not None:
        text += f", {worst_name} {number(bad)}"
    return text


def meter(value: float, reference: float | None, top: float, label: str) -> Markup:
    """A plain bar from 0 with a tick for the reference, drawn against `top`; for the table of all columns."""
    scale = 1 / top if top > 0 else 0.0
    parts = []
    if math.isfinite(value):
        parts.append(tag("rect", class_="b-syn", x=0, y=4, width=percent(min(1.0, value * scale)), height=6))
    if reference is not None and math.isfinite(reference):
        x = percent(min(1.0, reference * scale))
        parts.append(tag("line", class_="ref", x1=x, x2=x, y1=0, y2=14))
    return strip(visible(label, 200), 14, *parts)
