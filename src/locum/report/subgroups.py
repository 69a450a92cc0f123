"""The page about a model on thin groups and shifted populations."""

from __future__ import annotations

from locum.evaluation.subgroups.result import Subgrouping
from locum.report.html import environment
from locum.report.thin import section


def render(found: Subgrouping) -> str:
    """The study as one offline HTML page, in the manner of `locum.report.html.render`."""
    return environment().get_template("subgroups.html.j2").render(thin=section(found))
