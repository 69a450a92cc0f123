"""The page of a study of few rows: verdict, every way with its interval, related table, group."""

from __future__ import annotations

from locum.report.template import environment
from locum.studies.mix.page import span
from locum.studies.scarce.result import ScarceVerdict, Scarcity

_MARK: dict[ScarceVerdict, str] = {"helps": "good", "no evidence": "unclear", "does not help": "poor"}


def render(found: Scarcity) -> str:
    """The study as one offline HTML page, in the manner of `locum.report.html.render`."""
    ends = [0.0, *(v for way in found.judged if way.gain for v in (way.gain.low, way.gain.high))]
    low, high = min(ends), max(ends)
    rows = [(way, span(way.gain, low, high)) for way in found.judged if way.gain]
    bases = [way for way in found.ways if not way.verdict]
    return (
        environment()
        .get_template("scarce.html.j2")
        .render(found=found, mark=_MARK[found.verdict], marks=_MARK, rows=rows, bases=bases)
    )
