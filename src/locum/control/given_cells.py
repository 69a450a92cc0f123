"""Given cells as codes: which are fixed, what contradicts the request, and completions of each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from locum.arrays import IntArray
from locum.codes.codebook import with_nulls
from locum.codes.derived import DerivedCodebook
from locum.codes.encoder import Encoder, arrow_type
from locum.codes.recoding import RestoredCodebook
from locum.control.code_values import attributes_of, build_bank, roots
from locum.control.constraints import Problem
from locum.control.draw import first_of_each
from locum.control.drawn_rows import Infeasible
from locum.control.guided import propose
from locum.control.layout.forced import Forced
from locum.control.layout.lookup import Lookup
from locum.control.layout.nearest_day import NearestDay
from locum.control.request import RowRequest
from locum.control.rules.clash import explain
from locum.control.rules.clause import Clause
from locum.control.settle import may_settle
from locum.data.distinct import flat
from locum.models.fitted import Fitted
from locum.models.guide import FREE, Guide, systematic
from locum.randomness import stream
from locum.schema.domain import Codes

#: Rows that the model draws at a time.
BLOCK = 2**18


@dataclass(slots=True)
class Count:
    """What happened over all rounds."""

    drawn: int = 0
    realised: int = 0
    accepted: int = 0
    strange: int = 0
    left: int = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of it, in plain sentences."""
        if not self.strange:
            return ()
        what = (
            "rows hold values that the model cannot have together; the rest of these rows was drawn without"
        )
        return (f"{self.strange:,} {what} regard to them.",)


def fixed_codes(encoder: Encoder, given: pa.Table, *, keep_missing: Sequence[str] = ()) -> Codes:
    """Codes of the given cells, `FREE` elsewhere; shape (n_rows, n_attributes).

    A missing cell is free, except in columns of `keep_missing`, where it is given as missing. A given value
    of a column that follows from another one stands for the values that lead to it, when there is just one.
    """
    n = given.num_rows
    out = np.full((n, len(encoder.domain)), FREE, dtype=np.int32, order="F")
    root, held = roots(encoder), _held(encoder, given, keep_missing)
    for name, (values, known) in held.items():
        book = encoder.by_name[name]
        for at, codes in zip(attributes_of(encoder, name), book.encode(values), strict=True):
            out[known, at] = codes[known]
    for column, book in zip(encoder.schema, encoder.books, strict=True):
        if isinstance(book, DerivedCodebook) and column.name in given.column_names:
            leads = root[column.name]
            if len(leads) == 1 and leads[0] in encoder.by_name:
                _back(encoder, leads[0], column.name, given, out)
    return out


def _held(
    encoder: Encoder, given: pa.Table, keep_missing: Sequence[str]
) -> dict[str, tuple[pa.Array, npt.NDArray[np.bool_]]]:
    """What is coded of the given cells, column by column, and the rows in which that is known."""
    cells: dict[str, pa.Array] = {}
    known: dict[str, npt.NDArray[np.bool_]] = {}
    for column in encoder.schema:
        if column.name in given.column_names:
            cells[column.name] = flat(given.column(column.name)).cast(arrow_type(column))
            missing = np.asarray(cells[column.name].is_null())
            known[column.name] = np.ones(len(missing), bool) if column.name in keep_missing else ~missing
    coded, sure = dict(cells), dict(known)
    for recoding in encoder.recodings:
        own = {name: coded.pop(name) for name in recoding.gives if name in coded}
        needed = () if recoding.alone else recoding.inputs
        whole = len(own) == len(recoding.gives) and all(name in cells for name in needed)
        place = recoding.coded
        if place is None or not whole:
            continue
        new = recoding.forth(own, cells)
        if new is not None:
            ready = [sure[name] for name in recoding.gives] + [known[name] for name in needed]
            coded[place.name] = new
            sure[place.name] = np.logical_and.reduce(ready)
            if isinstance(recoding, Forced) and recoding.hidden:
                sure[place.name] &= ~recoding.silent(own, cells)
    skip = (DerivedCodebook, RestoredCodebook)
    return {name: (v, sure[name]) for name, v in coded.items() if not isinstance(encoder.by_name[name], skip)}


def _back(encoder: Encoder, root: str, name: str, given: pa.Table, out: Codes) -> None:
    """Where only one root value gives the dependent's value, fix that."""
    bank = build_bank(encoder, root, {})
    at = bank.attributes[0]
    leads: dict[Any, set[int]] = {}
    for value, code in zip(flat(bank.table.column(name)).to_pylist(), bank.code.tolist(), strict=True):
        leads.setdefault(value, set()).add(code)
    for i, value in enumerate(flat(given.column(name)).to_pylist()):
        codes = leads.get(value, set())
        if value is not None and out[i, at] == FREE and len(codes) == 1:
            out[i, at] = next(iter(codes))


def compile_given(
    fitted: Fitted, given: pa.Table, request: RowRequest, seed: int
) -> tuple[Problem, Guide, Codes]:
    """The compiled request, its guide and the fixed codes; refuses what the given cells contradict.

    Raises
    ------
    Infeasible
        When the given cells of a row contradict conditions, rules or what follows from a column, with the
        first such rows.
    """
    encoder = fitted.encoder
    problem = Problem.of(encoder, request.clauses, may_settle(encoder, given.column_names))
    if problem.impossible:
        raise explain(fitted, request.clauses, None, seed)
    _refuse_contradictions(given, request.clauses)
    _refuse_other_values(encoder, given)
    _refuse_repeats(given, problem)
    return problem, problem.guide(request.temperature, paired=True), fixed_codes(encoder, given)


def _rows(n: int, one: str, many: str) -> str:
    return f"1 given row {one}" if n == 1 else f"{n:,} given rows {many}"


def _them(n: int) -> str:
    return "this row" if n == 1 else "these rows"


def _refuse_repeats(given: pa.Table, problem: Problem) -> None:
    """Rows that agree, by what is given alone, on columns that must be unique."""
    for columns in problem.unique:
        if not set(columns) <= set(given.column_names):
            continue
        whole = np.logical_and.reduce([~np.asarray(flat(given.column(c)).is_null()) for c in columns])
        rows = np.flatnonzero(whole)
        first = first_of_each(given.take(pa.array(rows)), columns)
        if len(first) < len(rows):
            again = np.delete(rows, first)
            text = f"unique({', '.join(columns)})"
            what = _rows(len(again), "repeats", "repeat")
            raise Infeasible(
                f"{what} another and may not, by {text} (row {again[0] + 1})",
                clash=[text],
                nearest=f"leave out {_them(len(again))}, or the rule {text}",
                where="given",
            )


def _refuse_contradictions(given: pa.Table, clauses: Sequence[Clause]) -> None:
    """Rows that break a clause by what is given alone."""
    for clause in clauses:
        if clause.about_table or not clause.columns or not set(clause.columns) <= set(given.column_names):
            continue
        part = given.select(list(clause.columns))
        whole = np.logical_and.reduce([~np.asarray(flat(part.column(c)).is_null()) for c in clause.columns])
        bad = np.flatnonzero(whole & ~clause.holds(part))
        if len(bad):
            raise _broken(bad, clause.text, f"the condition {clause.text}")


def _broken(bad: IntArray, text: str, other: str) -> Infeasible:
    """The error for given rows that break what `text` says; `other` can be left out in their place."""
    shown = ", ".join(str(i + 1) for i in bad[:5]) + (", ..." if len(bad) > 5 else "")
    return Infeasible(
        f"{_rows(len(bad), 'breaks', 'break')} {text} (row {shown})",
        clash=[text],
        where="given",
        nearest=f"leave out {_them(len(bad))}, or {other}",
    )


def _refuse_other_values(encoder: Encoder, given: pa.Table) -> None:
    """Rows with another value of a column than follows from the given cells of others.

    What those lead to is looked up on the way: a country that follows from a region that follows from a town.
    Values of which nothing is known lead nowhere.
    """
    cells = {name: flat(given.column(name)) for name in given.column_names}
    lead = {name: name for name in cells}
    for name in encoder.order:
        value, source = _following(encoder, name, cells)
        if value is None:
            continue
        leads = " and ".join(dict.fromkeys(lead[other] for other in source))
        if name in given.column_names:
            value = value.cast(cells[name].type)
            bad = np.flatnonzero(np.asarray(pc.fill_null(pc.not_equal(cells[name], value), False)))
            if len(bad):
                raise _broken(bad, f"{name} follows from {leads}", f"the cells of {name}")
            value, leads = pc.coalesce(cells[name], value), name
        cells[name], lead[name] = value, leads


def _following(
    encoder: Encoder, name: str, cells: Mapping[str, pa.Array]
) -> tuple[pa.Array | None, tuple[str, ...]]:
    """What known cells lead to in a column that is looked up, null where they lead nowhere; and from what."""
    book = encoder.by_name[name]
    if isinstance(book, DerivedCodebook) and book.determinant in cells:
        source = cells[book.determinant].cast(book.keys.type)
        known = np.asarray(pc.is_in(source, value_set=book.keys))
        return with_nulls(book.look_up(source), ~known), (book.determinant,)
    for recoding in encoder.recodings:
        look_up = recoding.part if isinstance(recoding, NearestDay) else recoding
        if isinstance(look_up, Lookup) and look_up.gives == (name,) and set(look_up.inputs) <= set(cells):
            own = {other: cells[other] for other in look_up.inputs}
            known = look_up.known(own)
            for values in own.values():
                known &= np.asarray(pc.is_valid(values))
            return with_nulls(look_up.back(None, own)[name], ~known), look_up.inputs
    return None, ()


def complete_each(
    fitted: Fitted, fixed: Codes, guide: Guide, size: int, seed: int
) -> tuple[Codes, npt.NDArray[np.float64], int]:
    """`size` equally weighted completions of each row, row by row, and how many rows are impossible.

    The second value is the log of the model's probability of each row's fixed cells and of what the guide
    asks, as estimated from its own draws; shape (n_rows,).
    """
    groups = len(fixed)
    drawn, log_weight = propose(fitted.model, groups * size, replace(guide, fixed=fixed), seed)
    dead = ~np.isfinite(log_weight.reshape(groups, size)).any(axis=1)
    if dead.any():
        # Nothing agrees: the given cells stay, the rest comes from the model without them.
        free, other = propose(fitted.model, int(dead.sum()) * size, replace(guide, fixed=None), seed)
        at = np.repeat(dead, size)
        held = np.repeat(fixed[dead], size, axis=0)
        drawn[at] = np.where(held != FREE, held, free)
        log_weight[at] = other
    chosen = systematic(log_weight, groups, stream(seed, "one"))
    mass = np.logaddexp.reduce(log_weight.reshape(groups, size), axis=1) - np.log(size)
    return np.asfortranarray(drawn[chosen]), np.where(dead, -np.inf, mass), int(dead.sum())
