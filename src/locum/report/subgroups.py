"""A model on thin groups and shifted populations: the page, and the section of the evaluation's page."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from locum.evaluation.subgroups.result import Shift, Subgroup, Subgrouping, trusted
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


@dataclass(frozen=True, slots=True)
class GroupCard:
    """The groups of one table."""

    heading: str
    rows: tuple[GroupRow, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Section:
    """Everything that the template of the section needs."""

    found: Subgrouping
    overall: float | None
    tables: tuple[GroupCard, ...]
    shifts: tuple[GroupRow, ...]


def section(found: Subgrouping) -> Section:
    """Arrange a study for the templates."""
    everybody = trusted(found.overall)
    against = None if everybody is None else everybody.value
    tables = []
    for table in found.tables:
        shown = table.groups[:SHOWN]
        drawn = zip(shown, twins(shown, against), strict=True)
        rows = tuple(_row(g.name, 0 if g.real is None else g.real.rows, g, p) for g, p in drawn)
        tables.append(GroupCard(" x ".join(table.columns), rows, len(table.groups) - len(shown)))
    pictures = twins([s.found for s in found.shifts], against)
    shifts = tuple(_shift(s, p) for s, p in zip(found.shifts, pictures, strict=True))
    return Section(found, against, tuple(tables), shifts)


def _row(name: str, rows: float, group: Subgroup, picture: Markup) -> GroupRow:
    return GroupRow(name, rows, group, picture, TRUST[group.trust])


def _shift(shift: Shift, picture: Markup) -> GroupRow:
    return _row(shift.asked, shift.rows, shift.found, picture)


def render(found: Subgrouping) -> str:
    """The study as one offline HTML page, in the manner of `locum.report.html.render`."""
    return environment().get_template("subgroups.html.j2").render(thin=section(found))
