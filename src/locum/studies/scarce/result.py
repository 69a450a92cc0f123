"""What a study of few rows found: typed values for page, command line and JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from locum.evaluation.result import plain
from locum.studies.mix.result import Contrast

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.schema.table import Schema

ScarceVerdict = Literal["helps", "does not help", "no evidence"]
#: ``real`` and ``copy`` are what the others are held against; ``rival`` needs no rows from elsewhere;
#: ``generated``, ``file``, ``related`` and ``group`` are rows that stand in for more real ones.
WayKind = Literal["real", "copy", "rival", "generated", "file", "related", "group"]


@dataclass(frozen=True, slots=True)
class WayResult:
    """One way to train on few rows, and what it brought.

    Attributes
    ----------
    name, kind
        What it is.
    added
        Rows that it adds to the real ones, mean over splits.
    score
        Mean AUC or R2 on rows that were not learned from; of the group where one is amplified.
    gain, over_copies
        Difference to real rows alone, and to copies of them in the place of the added rows. The intervals of
        all ways hold at once in 95 % of cases. None for the two themselves.
    verdict
        What the two say; empty for real rows and copies.
    others
        Difference to real rows alone for everybody outside the group, where one is amplified.
    """

    name: str
    kind: WayKind
    added: float
    score: float
    gain: Contrast | None = None
    over_copies: Contrast | None = None
    verdict: ScarceVerdict | Literal[""] = ""
    others: Contrast | None = None


@dataclass(frozen=True, slots=True)
class RelatedFinding:
    """Whether the rows of a related table help; a verdict of its own, since other ways may help as well."""

    name: str
    rows: int
    verdict: ScarceVerdict
    sentence: str


@dataclass(frozen=True, slots=True, eq=False)
class Scarcity:
    """The answer to the question whether rows that stand in for real ones help where these are few.

    Attributes
    ----------
    measure
        ``AUC`` or ``R2``.
    rows, learned_from, test_rows
        Real rows; rows that a split learns from and is tested on.
    splits
        How often it was learned and tested.
    group
        The condition of the group that is amplified; empty without.
    chosen
        The way that helps most; empty where none does.
    beside
        How the chosen way does beside the best simple rival, or which of those helps; may be empty.
    related
        About the related table; None without one.
    notes
        What was left out, and why.
    written
        File that the rows of the chosen way were written to; None where none was.
    drawn, schema
        Rows of the chosen way, made from all real rows, and their columns; None where none was chosen.
    """

    table: str
    target: str
    measure: str
    synthesizer: str
    rows: int
    learned_from: int
    test_rows: int
    splits: int
    verdict: ScarceVerdict
    sentence: str
    chosen: str
    beside: str
    ways: tuple[WayResult, ...]
    group: str = ""
    related: RelatedFinding | None = None
    notes: tuple[str, ...] = ()
    written: str | None = None
    lineage: dict[str, Any] | None = None
    created: str = ""
    cpu_s: float = 0.0
    drawn: pa.Table | None = None
    schema: Schema | None = None

    def way(self, name: str) -> WayResult:
        """The way of that name; KeyError when there is none."""
        for found in self.ways:
            if found.name == name:
                return found
        raise KeyError(name)

    @property
    def judged(self) -> tuple[WayResult, ...]:
        """The ways that have a verdict."""
        return tuple(way for way in self.ways if way.verdict)

    def to_json(self) -> dict[str, Any]:
        """Everything but the rows, JSON-ready."""
        kept = (name for name in self.__dataclass_fields__ if name not in ("drawn", "schema"))
        return {name: plain(getattr(self, name)) for name in kept}
