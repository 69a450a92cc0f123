"""What a laboratory of self-consumption found: one record per loop and generation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from locum.evaluation.result import plain
from locum.schema.lineage import Lineage

Mode = Literal["replace", "accumulate", "subsample", "fresh", "verified"]
MODES: tuple[Mode, ...] = ("replace", "accumulate", "subsample", "fresh", "verified")


@dataclass(frozen=True, slots=True)
class Generation:
    """Rows after `t` generators, against real rows that no generator saw.

    Attributes
    ----------
    error
        Mean total variation distance over pairs of columns; over words when the rows are texts.
    tail
        Share of the rare real cells (below one row in a hundred) that still appear, weighted by their mass.
        Of texts: of the words written at most three times in the real texts that the loops began with.
    diversity
        Mean over columns of ``1 - sum of squared shares``, relative to the real rows. Of
        texts: share of different pairs of neighbouring words in runs of one length, relative to real texts.
    law
        What theory says of `diversity` (of texts: of `tail`) for this loop, None where it is silent.
    groups
        Triples (column, level, share of rows).
    entropy
        Bits a word that real texts cost under a model of these; None for a table.
    """

    t: int
    error: float
    tail: float
    diversity: float
    law: float | None
    groups: tuple[tuple[str, str, float], ...]
    lineage: Lineage
    entropy: float | None = None


@dataclass(frozen=True, slots=True)
class Loop:
    """One way to feed generators with their own rows, generation after generation."""

    mode: Mode
    generations: tuple[Generation, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class Collapsing:
    """All loops on one table.

    Attributes
    ----------
    floor
        Pair error of real rows against real rows of the same number: nothing can be better.
    real_groups
        Share of each group in the real rows.
    notes
        What was cut short, and why.
    text
        Column of texts; empty when a whole table was learned.
    floor_entropy
        Bits a word of real texts under a model of as many other real ones; 0 for a table.
    """

    table: str
    synthesizer: str
    rows: int
    floor: float
    loops: tuple[Loop, ...]
    real_groups: tuple[tuple[str, str, float], ...]
    sentence: str
    notes: tuple[str, ...] = ()
    created: str = ""
    cpu_s: float = 0.0
    text: str = ""
    floor_entropy: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dictionary with every number."""
        return {name: plain(getattr(self, name)) for name in self.__dataclass_fields__}
