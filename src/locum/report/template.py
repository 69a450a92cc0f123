"""How every page is made: templates with autoescape on, the report's words, charts and marks."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from locum import wording
from locum.report import words
from locum.report.charts import bars, heatmap, interval, outline
from locum.report.marks import mark


@cache
def environment() -> Environment:
    """Jinja environment with autoescape on and the report's own words and charts."""
    made = Environment(
        loader=PackageLoader("locum.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        number=wording.number,
        count=wording.whole,
        share=wording.share,
        seconds=wording.seconds,
        moment=words.moment,
        visible=words.visible,
        sentence=words.sentence,
        brief=words.brief,
        axis=words.axis,
        key_words=words.words_of_key,
        setting=words.setting,
        cell=cell,
    )
    made.globals.update(
        bar_rows=bars.bar_rows,
        outline_chart=outline.outline_chart,
        outline_cells=outline.cells,
        heat_real=partial(heatmap.heat_chart, side="real"),
        heat_synthetic=partial(heatmap.heat_chart, side="synthetic"),
        heat_row_height=heatmap.row_height,
        interval_chart=interval.interval_chart,
        meter=interval.meter,
        verdict_of=lambda result: mark(result.verdict, result.question),
    )
    return made


def _finalize(value: Any) -> Any:
    """Last look at everything that a template prints: plain text is made harmless, then escaped by Jinja."""
    return words.harmless(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def cell(value: Any) -> str:
    """A cell of a detail table: numbers as numbers, texts made harmless, none as a dash."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return wording.number(value)
    return wording.NONE if value is None else words.visible(value, 120)
