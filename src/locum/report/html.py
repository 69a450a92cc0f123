"""One offline HTML page out of evidence: no script, no network, readable without style sheets."""

from __future__ import annotations

from functools import partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from locum.evaluation.evidence import Evidence, RunContext
from locum.report import page as pages
from locum.report import words
from locum.report.charts import bars, heatmap, interval, outline


def render(evidence: Evidence, context: RunContext) -> str:
    """The whole report as one HTML document.

    Parameters
    ----------
    evidence
        What was measured; any part may be empty. It holds aggregates only, and so does the page.
    context
        How the stand-in was made.

    Returns
    -------
    str
        HTML5 without script and without any address outside the page, under a content security policy that
        forbids both. Encode it as UTF-8: names from the data are kept, lone surrogates are replaced.

    Notes
    -----
    About 6 kB for each column and 8 kB for each pair; 60 columns and 12 pairs stay below 0.5 MB.
    The page is computed on real rows and says so in its first line.
    """
    template = environment().get_template("report.html.j2")
    return template.render(page=pages.build(evidence, context))


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
        number=words.number,
        count=words.count,
        share=words.share,
        seconds=words.seconds,
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
        verdict_of=lambda result: pages.verdict(result.verdict, result.question),
        open_columns=pages.OPEN_COLUMNS,
        open_pairs=pages.OPEN_PAIRS,
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
        return words.number(value)
    return words.NONE if value is None else words.visible(value, 120)
