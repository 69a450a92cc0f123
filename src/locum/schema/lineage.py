"""Where rows come from: generators between them and real rows, and how real their ancestors are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from locum.errors import FileFormatError


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where rows come from.

    Attributes
    ----------
    real
        Share of real rows among the rows that the generator of these rows learned from; 1 for real rows.
    depth
        Generators between these rows and real ones at most; 0 for real rows.
    verified
        Whether the rows were filtered by a judge that has seen real rows.
    own
        Share of the rows themselves that are real: 1 for real rows, 0 for made ones, between in a mixture.
    """

    real: float = 1.0
    depth: int = 0
    verified: bool = False
    own: float = 1.0

    @property
    def risky(self) -> bool:
        """Whether learning from these rows feeds a generator with unverified rows of generators."""
        return self.depth >= 1 and not self.verified

    def child(self, *, verified: bool = False) -> Lineage:
        """Lineage of the rows of a generator that learned from these rows."""
        return Lineage(self.own, self.depth + 1, verified, 0.0)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dictionary."""
        return {"real": self.real, "depth": self.depth, "verified": self.verified, "own": self.own}

    def __str__(self) -> str:
        if self.depth == 0:
            return "real rows"
        many = "one generator" if self.depth == 1 else f"{self.depth} generators, one after the other,"
        words = f"{many} away from real rows; {self.real:.0%} of the rows learned from were real"
        if self.own > 0:
            words += f"; {self.own:.0%} of the rows themselves are real"
        return words + ("; verified by a judge that saw real rows" if self.verified else "")


#: Rows that nobody has stamped are taken to be real.
REAL = Lineage()


def blend(parts: Iterable[tuple[int, Lineage]]) -> Lineage:
    """Lineage of tables laid end to end, given as (number of rows, lineage).

    Depth is the deepest; the shares are averages over rows; verified are they when all made parts are.

    >>> blend([(100, Lineage()), (300, Lineage().child())])
    Lineage(real=1.0, depth=1, verified=False, own=0.25)
    """
    known = [(n, lineage) for n, lineage in parts if n > 0]
    total = sum(n for n, _ in known)
    if total == 0:
        return REAL
    made = [lineage for _, lineage in known if lineage.depth > 0]
    return Lineage(
        sum(n * lineage.real for n, lineage in known) / total,
        max(lineage.depth for _, lineage in known),
        bool(made) and all(lineage.verified for lineage in made),
        sum(n * lineage.own for n, lineage in known) / total,
    )


def partly(lineage: Lineage, own: float) -> Lineage:
    """The same lineage for a table of which a share `own` of the rows was left as it was."""
    return replace(lineage, own=own)


def lineage_from_json(value: object, where: str) -> Lineage:
    """Lineage from untrusted JSON.

    Raises
    ------
    FileFormatError
        When a part is missing, surplus or cannot be.
    """
    wanted = {"real", "depth", "verified", "own"}
    if isinstance(value, dict) and set(value) == wanted:
        real, depth, verified, own = (value[k] for k in ("real", "depth", "verified", "own"))
        shares = all(type(x) in (int, float) and 0 <= x <= 1 for x in (real, own))
        if shares and type(depth) is int and 0 <= depth < 10**6 and type(verified) is bool:
            return Lineage(float(real), depth, verified, float(own))
    raise FileFormatError("the lineage stamp is not in order", where=where, do="remove it, or make it anew")


def warning_of(lineage: Lineage | None, name: str) -> str:
    """What to tell someone who learns from such rows; empty where there is nothing to tell."""
    if lineage is None or not lineage.risky:
        return ""
    return (
        f"{name} is stamped as made by a generator ({lineage}). A generator that learns from such rows "
        "without verification loses rare cases and drifts, more with each generation: learn from real rows, "
        "mix real ones in, or verify the rows against real ones (`locum sample --verify REAL`)."
    )
