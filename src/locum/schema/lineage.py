"""Where rows come from: generators between them and real rows, how real these are, and what is guaranteed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from locum.errors import FileFormatError

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Guarantee:
    """A guarantee of privacy that a model, and rows that it makes, carry with them.

    Attributes
    ----------
    statement
        What is guaranteed, in one sentence.
    account
        SHA-256 of the steps that were paid for, in hexadecimal; the certificate of a release lists them.
    voided
        Why it holds no more; empty while it holds.
    """

    statement: str
    account: str
    voided: str = ""

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dictionary."""
        return {"statement": self.statement, "account": self.account, "voided": self.voided}


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
    guarantee
        The guarantee of privacy that they were made under, or that was voided since; None for neither.
    """

    real: float = 1.0
    depth: int = 0
    verified: bool = False
    own: float = 1.0
    guarantee: Guarantee | None = None

    @property
    def guaranteed(self) -> bool:
        """Whether a guarantee of privacy holds for these rows."""
        return self.guarantee is not None and not self.guarantee.voided

    @property
    def risky(self) -> bool:
        """Whether learning from these rows feeds a generator with unverified rows of generators."""
        return self.depth >= 1 and not self.verified

    def child(self, *, verified: bool = False) -> Lineage:
        """Lineage of the rows of a generator that learned from these rows; a guarantee holds for them too."""
        return Lineage(self.own, self.depth + 1, verified, 0.0, self.guarantee)

    def under(self, guarantee: Guarantee | None) -> Lineage:
        """The same lineage under a guarantee."""
        return replace(self, guarantee=guarantee)

    def void(self, why: str) -> Lineage:
        """The same lineage with its guarantee voided, where one holds."""
        if self.guarantee is None or self.guarantee.voided:
            return self
        return replace(self, guarantee=replace(self.guarantee, voided=why))

    def after(self, other: Lineage | None, why: str) -> Lineage:
        """The same lineage once rows of another went in: voided unless these are under the same guarantee."""
        same = other is not None and other.guaranteed and other.guarantee == self.guarantee
        return self if same else self.void(why)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dictionary; one without a guarantee does not speak of it."""
        plain = {"real": self.real, "depth": self.depth, "verified": self.verified, "own": self.own}
        return plain if self.guarantee is None else {**plain, "guarantee": self.guarantee.to_json()}

    def __str__(self) -> str:
        if self.depth == 0:
            return "real rows"
        many = "one generator" if self.depth == 1 else f"{self.depth} generators, one after the other,"
        words = f"{many} away from real rows; {self.real:.0%} of the rows learned from were real"
        if self.own > 0:
            words += f"; {self.own:.0%} of the rows themselves are real"
        words += "; verified by a judge that saw real rows" if self.verified else ""
        if self.guarantee is not None:
            void = f"; its guarantee of privacy is void: {self.guarantee.voided}"
            words += void if self.guarantee.voided else "; under a guarantee of privacy"
        return words


#: Why a guarantee holds no more, by what was done.
JUDGED = "real rows were read to choose among the rows"
GIVEN = "cells were taken over from rows that are not under the guarantee"
BLENDED = "rows were laid end to end with others that are not under the guarantee"
REPAIRED = "real rows were read to repair the rows, or to judge the repair"
#: Rows that nobody has stamped are taken to be real.
REAL = Lineage()


def blend(parts: Iterable[tuple[int, Lineage]]) -> Lineage:
    """Lineage of tables laid end to end, given as (number of rows, lineage).

    Depth is the deepest; the shares are averages over rows; verified are they when all made parts are. Under
    a guarantee they are when all parts are under the same.

    >>> blend([(100, Lineage()), (300, Lineage().child())])
    Lineage(real=1.0, depth=1, verified=False, own=0.25)
    """
    known = [(n, lineage) for n, lineage in parts if n > 0]
    total = sum(n for n, _ in known)
    if total == 0:
        return REAL
    made = [lineage for _, lineage in known if lineage.depth > 0]
    promised = [lineage for _, lineage in known if lineage.guarantee is not None]
    guarantee = promised[0].guarantee if promised else None
    if len({lineage.guarantee for _, lineage in known}) > 1:
        guarantee = promised[0].void(BLENDED).guarantee
    return Lineage(
        sum(n * lineage.real for n, lineage in known) / total,
        max(lineage.depth for _, lineage in known),
        bool(made) and all(lineage.verified for lineage in made),
        sum(n * lineage.own for n, lineage in known) / total,
        guarantee,
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
    if isinstance(value, dict) and set(value) - {"guarantee"} == wanted:
        real, depth, verified, own = (value[k] for k in ("real", "depth", "verified", "own"))
        shares = all(type(x) in (int, float) and 0 <= x <= 1 for x in (real, own))
        if shares and type(depth) is int and 0 <= depth < 10**6 and type(verified) is bool:
            guarantee = _guarantee(value["guarantee"], where) if "guarantee" in value else None
            return Lineage(float(real), depth, verified, float(own), guarantee)
    raise _broken(where)


def _guarantee(value: object, where: str) -> Guarantee:
    if isinstance(value, dict) and set(value) == {"statement", "account", "voided"}:
        texts = [value["statement"], value["account"], value["voided"]]
        if all(isinstance(t, str) and len(t) <= 20_000 for t in texts) and _DIGEST.fullmatch(texts[1]):
            return Guarantee(*texts)
    raise _broken(where)


def _broken(where: str) -> FileFormatError:
    return FileFormatError("the lineage stamp is not in order", where=where, do="remove it, or make it anew")


def void_warning(before: Lineage | None, after: Lineage | None) -> str:
    """What to tell someone whose rows have lost their guarantee on the way; empty where none was lost."""
    if before is None or not before.guaranteed or after is None or after.guaranteed:
        return ""
    why = after.guarantee.voided if after.guarantee is not None else GIVEN
    return (
        f"the guarantee of privacy does not hold for what is written: {why}. Keep it like the real rows; "
        "what the model draws by itself stays under the guarantee."
    )


def uncovered_warning(lineage: Lineage | None, name: str) -> str:
    """What to tell someone who computes figures on guaranteed and on real rows; empty without a guarantee."""
    if lineage is None or not lineage.guaranteed:
        return ""
    return (
        f"{name} is under a guarantee of privacy, and these figures are not: real rows were read for them. "
        "Keep the figures like the real rows."
    )


def warning_of(lineage: Lineage | None, name: str) -> str:
    """What to tell someone who learns from such rows; empty where there is nothing to tell."""
    if lineage is None or not lineage.risky:
        return ""
    return (
        f"{name} is stamped as made by a generator ({lineage}). A generator that learns from such rows "
        "without verification loses rare cases and drifts, more with each generation: learn from real rows, "
        "mix real ones in, or verify the rows against real ones (`locum sample --verify REAL`)."
    )
