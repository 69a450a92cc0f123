"""Rules that a table seems to follow, and what was tried to find them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RuleProposal:
    """A rule that might hold.

    Attributes
    ----------
    rule
        In the language of rules.
    kind
        One of `locum.control.rules.discover.KINDS`.
    support
        Rows that speak for it.
    violations
        Rows against it.
    """

    rule: str
    kind: str
    support: int
    violations: int

    @property
    def remark(self) -> str:
        """Rows for and against, in words."""
        against = "no row against" if not self.violations else f"{self.violations:,} against"
        return f"{self.support:,} rows for, {against}"

    @property
    def rate(self) -> float:
        """Share of the rows it is about that break it."""
        return self.violations / max(1, self.support + self.violations)

    def __str__(self) -> str:
        return f"{self.rule}  ({self.remark})"


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a search for rules found, and how far it looked.

    Attributes
    ----------
    proposals
        Rules, those without a row against them first.
    tried
        Candidates that were tried, by kind.
    left_out
        Columns that were not looked at, and why in a few words.
    """

    proposals: tuple[RuleProposal, ...] = ()
    tried: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def exact(self) -> tuple[RuleProposal, ...]:
        """Rules that no row breaks."""
        return tuple(p for p in self.proposals if not p.violations)

    def __iter__(self) -> Iterator[RuleProposal]:
        return iter(self.proposals)

    def __len__(self) -> int:
        return len(self.proposals)
