"""What is asked of a generator: wishes as a user writes them, and the request that they make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from locum.control.rules.clause import Clause, clauses_of, rule_clauses
from locum.control.targets import ShareTarget, TargetSpec, read_targets
from locum.control.where.names import Names
from locum.errors import UsageError
from locum.models.fitted import Fitted


class Wishes(TypedDict, total=False):
    """What may be asked besides a number of rows; see `locum.synthesizer.table.Synthesizer.sample`."""

    where: str | Iterable[str] | None
    given: Any
    targets: TargetSpec | None
    rules: str | Iterable[str]
    temperature: float


@dataclass(frozen=True, slots=True)
class RowRequest:
    """What is asked of a generator, bound to its columns.

    Attributes
    ----------
    names
        The columns.
    clauses
        Conditions and rules.
    targets
        Asked proportions.
    temperature
        1 as learned, below 1 more of the frequent, above 1 more of the rare.
    """

    names: Names
    clauses: tuple[Clause, ...] = ()
    targets: tuple[ShareTarget, ...] = ()
    temperature: float = 1.0

    @property
    def empty(self) -> bool:
        """Whether any row of the model will do."""
        return not self.clauses and not self.targets and self.temperature == 1.0


def read_request(
    fitted: Fitted,
    *,
    where: str | Iterable[str] | None = None,
    targets: TargetSpec | None = None,
    rules: str | Iterable[str] = (),
    temperature: float = 1.0,
) -> RowRequest:
    """Bind a request to a fitted generator; the rules of its schema are always added.

    Raises
    ------
    UsageError
        For anything that the columns do not allow, with the nearest thing that they do.
    """
    names = Names.of(fitted.encoder)
    conditions = _texts(() if where is None else where, "where", "age >= 80")
    clauses = [clause for text in conditions for clause in clauses_of(text, "where", names)]
    more = _texts(() if rules is None else rules, "rules", "start <= end")
    clauses += rule_clauses(dict.fromkeys([*fitted.schema.rules, *more]), names)
    for clause in clauses:
        if clause.origin == "where" and clause.about_table:
            raise UsageError(f"{clause.text} is a rule", where="where", do="give it as a rule")
    if not isinstance(temperature, int | float) or not 0.05 <= temperature <= 20:
        raise UsageError(f"temperature {temperature!r} is not usable", expected="a number from 0.05 to 20")
    if targets is not None and not isinstance(targets, Mapping):
        raise UsageError(
            f"{targets!r} is no mapping",
            where="targets",
            expected="such as {'sex': 'balanced'}",
        )
    read = () if targets is None else tuple(read_targets(targets, names))
    return RowRequest(names, tuple(clauses), read, float(temperature))


def _texts(given: str | Iterable[str], where: str, example: str) -> list[str]:
    """One text or several as a list."""
    found = [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
    for text in found:
        if not isinstance(text, str):
            raise UsageError(f"{text!r} is no text", where=where, expected=f"such as {example!r}, or several")
    return found
