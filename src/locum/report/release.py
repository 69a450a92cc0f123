"""The quality report of a release as a page."""

from __future__ import annotations

from locum.evaluation.noisy import DPQuality
from locum.report.template import environment


def render(quality: DPQuality, *, title: str, guarantee: str, created: str) -> str:
    """The report as one HTML page without script and without any address outside it."""
    template = environment().get_template("quality.html.j2")
    return template.render(quality=quality, title=title, guarantee=guarantee, created=created)
