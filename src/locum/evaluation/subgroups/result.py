"""How well a model does on small groups and on shifted populations: typed values for report and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from locum.evaluation.result import plain

Trust = Literal["generated", "real", "neither"]
Measure = Literal["share right", "absolute error"]

#: Rows that an estimate must rest on for its group to be named as the worst.
FEW = 10


@dataclass(frozen=True, slots=True)
class GroupEstimate:
    """A mean score with its 95 % interval and the rows behind it (all pools together)."""

    value: float
    low: float
    high: float
    rows: int


@dataclass(frozen=True, slots=True)
class Subgroup:
    """A group under both rulers.

    Attributes
    ----------
    group
        Column and level or range, one for each column asked for; empty for all rows together.
    real
        From the real test rows; None without any.
    generated
        From the generators; None when fewer than two of them drew enough rows of the group.
    trust
        Which one to go by: ``generated`` when both are there, their intervals meet and its own is the
        narrower; ``real`` otherwise; ``neither`` when only generated rows know the group.
    sentence
        What follows, in one sentence.
    drawn
        The generated rows' own mean, before the generators' error in other groups was taken off.
    """

    group: tuple[tuple[str, str], ...]
    real: GroupEstimate | None
    generated: GroupEstimate | None
    trust: Trust
    sentence: str
    drawn: float | None = None

    @property
    def name(self) -> str:
        """The group in words."""
        return ", ".join(level for _, level in self.group) or "everybody"


@dataclass(frozen=True, slots=True)
class SubgroupTable:
    """All groups of some columns; those with fewest real rows first."""

    columns: tuple[str, ...]
    groups: tuple[Subgroup, ...]


@dataclass(frozen=True, slots=True)
class Shift:
    """All test rows, weighed so that the population has other shares.

    Attributes
    ----------
    asked
        The shares, as they were given.
    found
        The model's score there, by both rulers.
    rows
        How many equally weighted real rows the weighted ones are worth.
    """

    asked: str
    found: Subgroup
    rows: float


@dataclass(frozen=True, slots=True)
class Subgrouping:
    """What a test of a model on subgroups found.

    Attributes
    ----------
    table, test_rows
        The real test rows.
    model
        What was tested, in words.
    target, measure
        What is predicted, and the score: share of right answers (higher is better) or mean absolute error
        (lower is better).
    overall
        All test rows.
    tables, shifts
        One entry for each ``by`` and each shift asked for.
    synthesizer, generators, rows
        What the generated rows come from, how many generators, and rows of each.
    notes
        What was left out.
    """

    table: str
    test_rows: int
    model: str
    target: str
    measure: Measure
    overall: Subgroup
    tables: tuple[SubgroupTable, ...]
    shifts: tuple[Shift, ...]
    synthesizer: str
    generators: int
    rows: int
    seed: int
    notes: tuple[str, ...] = ()
    created: str = ""
    cpu_s: float = 0.0
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def groups(self) -> tuple[Subgroup, ...]:
        """Every group of every table."""
        return tuple(g for t in self.tables for g in t.groups)

    @property
    def worst(self) -> Subgroup | None:
        """The worst of the groups that are worse than everybody beyond their interval; None without any.

        Groups that only fewer than `FEW` real rows speak for are passed over: among many groups, one or two
        wrong answers are chance.
        """
        everybody = trusted_estimate(self.overall)
        sign = 1.0 if self.measure == "share right" else -1.0
        known = []
        for group in self.groups:
            estimate = trusted_estimate(group)
            if estimate is None or everybody is None or estimate.rows < FEW:
                continue
            nearest = estimate.high if sign > 0 else estimate.low
            if sign * nearest < sign * everybody.value:
                known.append((sign * estimate.value, group))
        return min(known, key=lambda pair: pair[0])[1] if known else None

    @property
    def sentence(self) -> str:
        """The whole of it in a few sentences."""
        narrowed = sum(g.trust == "generated" for g in self.groups)
        contradicted = sum("contradicts" in g.sentence for g in self.groups)
        said = []
        worst, everybody = self.worst, trusted_estimate(self.overall)
        estimate = None if worst is None else trusted_estimate(worst)
        if worst is not None and estimate is not None and everybody is not None:
            said.append(
                f"Worst off is {worst.name}: {self.measure} {estimate.value:.3f} ({estimate.low:.3f} to "
                f"{estimate.high:.3f}) against {everybody.value:.3f} for everybody."
            )
        elif self.groups:
            said.append("No group is worse off than everybody beyond the interval of its own figure.")
        if self.groups:
            said.append(
                f"In {narrowed} of {len(self.groups)} groups generated rows say more than the real ones do "
                "alone."
            )
        if contradicted:
            said.append(f"In {contradicted} they contradict the real rows and are not believed.")
        return " ".join(said)

    def __str__(self) -> str:
        return self.sentence

    def __repr__(self) -> str:
        return f"<Subgrouping of {self.test_rows:,} test rows, {len(self.groups)} groups: {self.sentence}>"

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dictionary with every number."""
        return {name: plain(getattr(self, name)) for name in self.__dataclass_fields__} | {
            "sentence": self.sentence
        }


def trusted_estimate(group: Subgroup) -> GroupEstimate | None:
    """The estimate to go by; None where nothing confirms the generated rows."""
    if group.trust == "neither":
        return None
    return group.generated if group.trust == "generated" else group.real
