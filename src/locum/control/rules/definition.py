"""What a rule without exception calculates."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Definition:
    """What a rule without exception calculates: a column, from what, and by which kind of rule.

    Attributes
    ----------
    column, sources
        As in `locum.control.rules.shapes.sheet.RuleCandidate`.
    kind
        Of the rule.
    plain
        Whether it is the bare sum, product or copy of its sources.
    """

    column: str
    sources: tuple[str, ...]
    kind: str
    plain: bool = False
