"""One offline HTML page out of evidence: no script, no network, readable without style sheets."""

from __future__ import annotations

from locum.evaluation.evidence import Evidence, RunContext
from locum.evaluation.vocabulary import USE_HEADING
from locum.report import page
from locum.report.template import environment


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
    return template.render(
        page=page.build(evidence, context),
        open_columns=page.OPEN_COLUMNS,
        open_pairs=page.OPEN_PAIRS,
        open_alerts=page.OPEN_ALERTS,
        use_heading=USE_HEADING,
    )
