"""What detection says about a column, with the counts it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from locum.schema.column import Column
from locum.schema.table import Schema

Count = int | float | str


@dataclass(frozen=True, slots=True)
class Hints:
    """What the user said about the whole table: texts that are missing, and the decimal sign."""

    missing: tuple[str, ...] = ()
    decimal: str | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """One column's proposal.

    Attributes
    ----------
    column
        What is proposed; its reason holds no data values and may be shown to anybody.
    evidence
        Counts behind it by name: ``rows``, ``missing``, ``distinct``, and where they apply ``top_share``
        (share of rows with the most frequent value), ``zeros``, ``not_parsed``, ``sentinel_rows``. Internal:
        they are read from the rows.
    alerts
        Short sentences on what deserves a look: constant, many levels, mixed types, one value in many rows.
    other_format
        The second reading of dates when day and month could be swapped; else empty.
    """

    column: Column
    evidence: Mapping[str, Count] = field(default_factory=dict)
    alerts: tuple[str, ...] = ()
    other_format: str = ""


@dataclass(frozen=True, slots=True)
class Detection:
    """All of what was detected.

    Attributes
    ----------
    schema
        The proposed schema.
    proposals
        One entry per column, in order.
    notes
        Sentences on what was not looked for, and on the table as a whole.
    """

    schema: Schema
    proposals: tuple[Proposal, ...]
    notes: tuple[str, ...] = ()
