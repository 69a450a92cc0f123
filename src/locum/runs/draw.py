"""Rows on request, from a model file into a file: conditions, given cells, proportions, rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.errors import UsageError
from locum.progress import Event, Listener, silent

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.schema.table import Schema
    from locum.synthesizer.table import Synthesizer


@dataclass(frozen=True, slots=True)
class SampleOptions:
    """What the command line asks of the rows; see `locum.synthesizer.table.Synthesizer.sample`.

    Attributes
    ----------
    where, rules
        Conditions and rules as texts.
    given
        File with some of the columns.
    targets
        Proportions as text: JSON, a JSON file, or ``sex = balanced; age >= 65: 0.3``.
    temperature
        1 as learned.
    """

    where: Sequence[str] = ()
    given: Path | None = None
    targets: str | None = None
    rules: Sequence[str] = ()
    temperature: float = 1.0

    @property
    def anything(self) -> bool:
        """Whether anything is asked at all."""
        return bool(self.where or self.given or self.targets or self.rules) or self.temperature != 1.0


def draw_rows(
    synth: Synthesizer, rows: int | None, asked: SampleOptions, seed: int, progress: Listener = silent
) -> tuple[pa.Table, dict[str, Any]]:
    """A canonical table of rows that fulfil a request, and facts about how they were found.

    Raises
    ------
    LocumError
        As `locum.synthesizer.table.Synthesizer.sample`.
    """
    from locum.control.targets import targets_from_text
    from locum.control.where.names import Names

    if rows is None and asked.given is None:
        raise UsageError("the number of rows is missing", where="--rows", do="add --rows N")
    progress(Event("sample", 0, 1))
    spec = None if asked.targets is None else targets_from_text(asked.targets, Names.of(synth.encoder))
    drawn = synth.draw(
        rows,
        where=asked.where,
        given=asked.given,
        targets=spec,
        rules=asked.rules,
        temperature=asked.temperature,
        seed=seed,
    )
    progress(Event("sample", 1, 1))
    return drawn.table, {**drawn.to_json(), "sentence": str(drawn)}


def rule_notes(table: pa.Table, schema: Schema) -> tuple[str, ...]:
    """One sentence for each rule of the schema that real rows break.

    Raises
    ------
    UsageError
        When a rule does not fit the columns.
    """
    if not schema.rules:
        return ()
    from locum.control.rules.clause import rule_clauses
    from locum.control.where.names import Names

    notes = []
    for clause in rule_clauses(schema.rules, Names(schema)):
        broken = int((~clause.holds(table)).sum())
        if broken:
            notes.append(f"{broken:,} rows of the data break the rule {clause.text}; no synthetic row will.")
    return tuple(notes)
