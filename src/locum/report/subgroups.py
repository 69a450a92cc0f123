"""A model on thin groups and shifted populations: the page, and the section of the evaluation's page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from locum.evaluation.subgroups.result import Subgroup, Subgrouping, trusted_estimate
from locum.report.charts.twins import twins
from locum.report.template import environment

#: Groups shown of one table; those with fewest real rows come first.
SHOWN = 24

#: Which ruler to go by, in words.
TRUST = {"generated": "generated rows", "real": "real rows", "neither": "neither"}


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group, or a shift, with its drawing and the ruler to go by."""

    name: str
    rows: float
    found: Subgroup
    picture: Markup
    trust: str


def section(found: Subgrouping) -> dict[str, Any]:
    """A study arranged for the templates: tables are heading, rows, and how many groups are not shown."""
    everybody = trusted_estimate(found.overall)
    overall = None if everybody is None else everybody.value
    tables = []
    for table in found.tables:
        shown = [(g.name, 0 if g.real is None else g.real.rows, g) for g in table.groups[:SHOWN]]
        tables.append((" x ".join(table.columns), _rows(shown, overall), len(table.groups) - len(shown)))
    shifts = _rows([(s.asked, s.rows, s.found) for s in found.shifts], overall)
    return {"found": found, "overall": overall, "tables": tables, "shifts": shifts}


def _rows(groups: Sequence[tuple[str, float, Subgroup]], overall: float | None) -> list[GroupRow]:
    pictures = twins([g for _, _, g in groups], overall)
    return [GroupRow(*g, p, TRUST[g[2].trust]) for g, p in zip(groups, pictures, strict=True)]


def render(found: Subgrouping) -> str:
    """The study as one offline HTML page, in the manner of `locum.report.html.render`."""
    return environment().get_template("subgroups.html.j2").render(thin=section(found))
