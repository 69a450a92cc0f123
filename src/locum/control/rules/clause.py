"""One thing that rows must fulfil, with where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from locum.control.where.bind import Term, bind, constants
from locum.control.where.evaluate import evaluate
from locum.control.where.names import Names
from locum.control.where.tree import ABOUT_TABLE, COMPARISONS

if TYPE_CHECKING:
    import pyarrow as pa

Origin = Literal["where", "rule", "target"]


@dataclass(frozen=True, slots=True)
class Clause:
    """A condition or rule that must hold in every row.

    Attributes
    ----------
    text
        As the user wrote it.
    origin
        A condition (``where``, ``target``) must be true; a ``rule`` must not be false, so that a missing
        value breaks no rule (as with CHECK in SQL).
    term
        The bound expression.
    """

    text: str
    origin: Origin
    term: Term

    @property
    def about_table(self) -> bool:
        """Whether it says something about the rows together (``unique``, ``follows from``)."""
        return self.term.op in ABOUT_TABLE

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that it is about."""
        return self.term.columns

    def holds(self, table: pa.Table) -> npt.NDArray[np.bool_]:
        """Which rows fulfil it; shape (n_rows,)."""
        truth = evaluate(self.term, table)
        return ~truth.no if self.origin == "rule" else truth.yes


def clauses_of(text: str, origin: Origin, names: Names) -> list[Clause]:
    """Bind a text and cut it where ``and`` joins its parts at the top.

    Raises
    ------
    UsageError
        As `locum.control.where.bind.bind`.
    """
    term = bind(text, names, strict=origin != "rule")
    return [Clause(_source(text, part), origin, part) for part in _parts(term)]


def rule_clauses(rules: Iterable[str] | str, names: Names) -> list[Clause]:
    """The clauses of several rules."""
    texts: Sequence[str] = [rules] if isinstance(rules, str) else list(rules)
    return [clause for text in texts for clause in clauses_of(text, "rule", names)]


def asked_values(clauses: Iterable[Clause]) -> dict[str, set[Any]]:
    """Values that columns are compared with, by column."""
    asked: dict[str, set[Any]] = {}
    for clause in clauses:
        for name, values in constants(clause.term).items():
            asked.setdefault(name, set()).update(values)
    return asked


def _parts(term: Term) -> list[Term]:
    if term.op != "and":
        return [term]
    return [part for arg in term.args for part in _parts(arg)]


def _source(text: str, part: Term) -> str:
    """The part as written; one half of ``x between a and b`` is put together from its sides."""
    node = part.node
    if node.op in COMPARISONS:
        first, last = sorted(node.args, key=lambda side: side.start)
        if text[first.stop : last.start].strip() not in COMPARISONS:
            left, right = (text[side.start : side.stop].strip() for side in node.args)
            return f"{left} {node.op} {right}"
        return text[first.start : max(last.stop, node.stop)].strip()
    return text[node.start : node.stop].strip() or text
