"""Why a request cannot be met: the smallest set of clauses that clash, and the nearest request that can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from locum.control.code_values import attributes_of, build_bank, roots
from locum.control.constraints import Problem
from locum.control.draw import Drawer
from locum.control.drawn_rows import Infeasible
from locum.control.rules.clause import Clause, asked_values, clauses_of
from locum.control.rules.contradiction import contradiction
from locum.control.where.bind import constant
from locum.control.where.names import Names
from locum.control.where.token import quote
from locum.data.distinct import as_numbers, flat
from locum.errors import LocumError
from locum.models.fitted import Fitted
from locum.randomness import child_seed

#: Rows drawn to see whether a smaller request can be met.
LOOK = 4000


@dataclass(slots=True)
class _Judge:
    """Says whether some clauses can hold together: by proof where there is one, else by looking for a row."""

    fitted: Fitted
    seed: int

    def proof(self, clauses: Sequence[Clause]) -> list[Clause]:
        """Clauses that cannot hold together; empty where there is no proof."""
        encoder = self.fitted.encoder
        problem = Problem.of(encoder, clauses)
        root = roots(encoder)
        for name, bank in problem.banks.items():
            if not problem.lines[name].any():
                mine = [c for c in clauses if {r for x in c.columns for r in root[x]} == {name}]
                return _smallest(mine, lambda some, b=bank: not _common(b.table, some))
        present = frozenset(
            name for name in encoder.schema.names if root[name] == (name,) and self._never_null(problem, name)
        )
        asked = sorted({c for clause in clauses for c in clause.columns})
        ranges = {name: r for name in asked if (r := self._range(name)) is not None}
        found = contradiction([c for c in clauses if not c.about_table], ranges, present)
        if not found:
            return []
        return _smallest(found, lambda some: bool(contradiction(some, ranges, present)))

    def _never_null(self, problem: Problem, name: str) -> bool:
        for i in attributes_of(problem.encoder, name):
            null = problem.encoder.domain.attributes[i].null
            if null is not None and problem.weights.get(i, np.ones(null + 1))[null] > 0:
                return False
        return True

    def _range(self, name: str) -> tuple[float, float] | None:
        encoder = self.fitted.encoder
        if roots(encoder)[name] != (name,) or not encoder.schema[name].ordered:
            return None
        values = flat(build_bank(encoder, name, {}).table.column(name)).drop_null()
        if len(values) == 0:
            return None
        data = np.asarray(as_numbers(values)).astype(np.float64)
        data *= 86_400_000_000 if pa.types.is_date32(values.type) else 1
        return float(data.min()), float(data.max())

    def probability(self, clauses: Sequence[Clause]) -> float:
        """The model's probability of some clauses, from a small search; 0 when nothing was found."""
        if self.proof(clauses):
            return 0.0
        problem = Problem.of(self.fitted.encoder, clauses)
        drawer = Drawer(self.fitted.model, problem, child_seed(self.seed, "look"), patience=LOOK)
        try:
            drawer.rows(20)
        except Infeasible:
            return 0.0
        return max(drawer.tally.probability, 1e-300)


def _common(table: pa.Table, clauses: Sequence[Clause]) -> bool:
    return bool(np.logical_and.reduce([c.holds(table) for c in clauses]).any()) if clauses else True


def _smallest(clauses: Sequence[Clause], clash: Any) -> list[Clause]:
    """A clashing set of which no clause can be left out, by leaving out one after the other."""
    kept = list(clauses)
    for clause in list(kept):
        fewer = [c for c in kept if c is not clause]
        if fewer and clash(fewer):
            kept = fewer
    return kept


def explain(fitted: Fitted, clauses: Sequence[Clause], error: Infeasible | None, seed: int) -> Infeasible:
    """The error that names the clashing clauses and the nearest request.

    Parameters
    ----------
    fitted, clauses, seed
        The request.
    error
        What the search said, None when it was not begun.
    """
    judge = _Judge(fitted, seed)
    clash = judge.proof(clauses)
    proven = bool(clash)
    if not proven:
        if error is not None and any(c.term.op == "unique" for c in clauses) and "differ" in error.what:
            return error
        clash = [c for c in clauses if not c.about_table]
        if 1 < len(clash) <= 12:
            clash = _smallest(clash, lambda some: judge.probability(some) == 0.0)
    words = " and ".join(_quoted(c) for c in clash)
    if proven and len(clash) == 1:
        what = f"no row can fulfil {words}"
    elif proven:
        what = f"{words} cannot hold together"
    else:
        drawn = error.what if error is not None else "no row was found"
        what = f"{drawn}; what stands in the way is {words}"
    nearest = _nearest(judge, list(clauses), clash)
    return Infeasible(what, clash=[c.text for c in clash], nearest=nearest, proven=proven)


def _quoted(clause: Clause) -> str:
    return f"{'the rule ' if clause.origin == 'rule' else ''}`{clause.text}`"


def _nearest(judge: _Judge, clauses: list[Clause], clash: list[Clause]) -> str:
    """The nearest request: one constant moved as little as needed, or the clause that costs most left out."""
    for clause in clash:
        if clause.origin == "rule":
            continue
        others = [c for c in clauses if c is not clause]
        text = _move_constant(judge, clause, others)
        if text is not None:
            return f"ask for {text} instead of {clause.text}"
    chances = []
    for clause in clash:
        others = [c for c in clauses if c is not clause]
        chances.append(judge.probability(others) if others else 1.0)
    best = int(np.argmax(chances)) if chances else 0
    if not chances or chances[best] <= 0:
        return "leave some of the conditions out"
    return f"leave {clash[best].text} out; the rest has probability {chances[best]:.2g}"


def _move_constant(judge: _Judge, clause: Clause, others: list[Clause]) -> str | None:
    """A comparison with a constant, the constant moved to the nearest value that rows can have."""
    term = clause.term
    if (
        len(term.args) != 2
        or term.args[0].op != "name"
        or term.args[0].sort not in ("number", "moment", "span")
    ):
        return None
    name, value = term.args[0].node.value, constant(term.args[1])
    encoder = judge.fitted.encoder
    root = roots(encoder)
    if value is None or root[name] != (name,) or term.op not in ("<", "<=", ">", ">=", "="):
        return None
    bank = build_bank(encoder, name, asked_values(others))
    mine = [c for c in others if {r for x in c.columns for r in root[x]} == {name}]
    fits = (
        np.logical_and.reduce([c.holds(bank.table) for c in mine]) if mine else np.ones(len(bank.code), bool)
    )
    held = flat(bank.table.column(name)).filter(pa.array(fits)).drop_null()
    if len(held) == 0:
        return None
    numbers = np.asarray(as_numbers(held)).astype(np.float64)
    goal = value / 86_400_000_000 if pa.types.is_date32(held.type) else value
    at = int(np.abs(numbers - goal).argmin())
    found, op = held[at].as_py(), {"<": "<=", ">": ">="}.get(term.op, term.op)
    text = f"{quote(name)} {op} {_literal_of(found)}"
    try:
        moved = clauses_of(text, clause.origin, Names.of(encoder))
    except LocumError:
        return None
    return text if judge.probability([*others, *moved]) > 0 else None


def _literal_of(value: Any) -> str:
    if isinstance(value, int | float):
        return f"{value:.10g}" if isinstance(value, float) else str(value)
    if hasattr(value, "total_seconds"):
        return f"{value.total_seconds():g} seconds"
    return f"'{value.isoformat(sep=' ') if hasattr(value, 'hour') else value.isoformat()}'"
