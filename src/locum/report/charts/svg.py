"""The few SVG words that the charts are written in. Every attribute and text is escaped here, once.

A chart stretches to the width of the page while its text keeps its size: positions along x are percentages
of the outer ``<svg>``, and paths sit in an inner ``<svg>`` with ``preserveAspectRatio="none"``.
"""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup, escape

from locum.report.words import visible
from locum.wording import number


def coordinate(value: float) -> str:
    """A coordinate with at most two decimals and no trailing zeros.

    >>> coordinate(12.50), coordinate(3.0), coordinate(-0.001)
    ('12.5', '3', '0')
    """
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def percent(fraction: float) -> str:
    """Position along the width, from a fraction in 0-1.

    >>> percent(0.125)
    '12.5%'
    """
    return f"{coordinate(100 * fraction)}%"


def tag(name: str, *children: Markup | str, **attributes: object) -> Markup:
    """One element. ``class_`` becomes ``class``, ``stroke_width`` becomes ``stroke-width``; None is left out.

    Children that are plain text are escaped, `Markup` is taken as it is.

    >>> str(tag("text", "a < b", x=3, class_="t"))
    '<text x="3" class="t">a &lt; b</text>'
    """
    parts = [f"<{name}"]
    for key, value in attributes.items():
        if value is None:
            continue
        text = coordinate(value) if isinstance(value, float) else str(value)
        parts.append(f' {key.rstrip("_").replace("_", "-")}="{escape(text)}"')
    inner = "".join(str(escape(child)) for child in children)
    parts.append(f">{inner}</{name}>" if inner else "/>")
    return Markup("".join(parts))


def title(text: str) -> Markup:
    """What is shown when the pointer rests on a shape."""
    return tag("title", visible(text, 400))


def chart(label: str, height: int, *children: Markup, class_: str) -> Markup:
    """Outer element of a chart: as wide as its place, `height` pixels high, named for screen readers."""
    return tag(
        "svg",
        *children,
        class_=f"chart {class_}",
        width="100%",
        height=height,
        role="img",
        aria_label=visible(label, 600),
    )


def strip(label: str, height: int, *children: Markup) -> Markup:
    """A drawing as high as a line of a table, named for screen readers."""
    return tag("svg", *children, class_="meter", width="100%", height=height, role="img", aria_label=label)


def scale(low: float, high: float, margin: float = 0.02) -> Callable[[float], str]:
    """What places values along the width, `low` and `high` at the margins; what lies beyond stays there."""
    width = max(high - low, 1e-9)

    def place(value: float) -> str:
        return percent(margin + (1 - 2 * margin) * (min(max(value, low), high) - low) / width)

    return place


def figures(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """A value with its interval, if there is one, in words."""
    interval = "" if low is None or high is None else f", interval {number(low)} to {number(high)}"
    return number(value) + interval


def stretch(width: float, height: float, *children: Markup, y: int, pixels: int) -> Markup:
    """Inner coordinate system of `width` x `height` units, stretched over the full width at height `y`."""
    return tag(
        "svg",
        *children,
        x=0,
        y=y,
        width="100%",
        height=pixels,
        viewBox=f"0 0 {coordinate(width)} {coordinate(height)}",
        preserveAspectRatio="none",
    )
