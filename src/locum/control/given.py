"""Rows of which some cells are given: the rest is drawn from the model, given these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from locum.codes.derived import DerivedCodebook
from locum.codes.encoder import Encoder, arrow_type
from locum.codes.numeric import NumericCodebook
from locum.control.bank import attributes_of, flat, roots
from locum.control.draw import first_of_each, unseen, with_made
from locum.control.drawn import Infeasible, Outcome
from locum.control.guided import propose
from locum.control.problem import Problem
from locum.control.rules.clash import explain
from locum.control.rules.clause import Clause
from locum.control.where.names import Names
from locum.errors import UsageError
from locum.models.guide import FREE, Guide, systematic
from locum.randomness import child_seed, stream
from locum.schema.domain import Codes
from locum.schema.table import Schema

if TYPE_CHECKING:
    from locum.control.sample import Request
    from locum.synthesizer.table import Synthesizer

#: Rows drawn for each given row: at first, and in later rounds for those that no draw has fitted; rounds.
PARTICLES, MORE, ROUNDS = 16, 64, 24
#: Rows that the model draws at a time.
BLOCK = 2**18


def read_given(given: Any, synth: Synthesizer, *, strict: bool = True) -> pa.Table:
    """Read a frame or file with some of the columns as a canonical table of those.

    With `strict` off, levels that the model cannot write are let through.

    Raises
    ------
    UsageError
        For a column that the model has not, for levels that rows cannot have (with the nearest), for no rows.
    DataError
        When it cannot be read, or values are not of their column's kind.
    """
    from locum.data.canonical import canonical
    from locum.data.read import read

    raw = read(given)
    names = Names.of(synth.encoder)
    for name in raw.table.column_names:
        names.column(name)
    if raw.table.num_rows == 0:
        raise UsageError("the given frame has no rows", where="given", do="give at least one row")
    columns = tuple(replace(c, bounds=None) for c in synth.schema if c.name in raw.table.column_names)
    table = canonical(raw, Schema(columns, name="given"))
    for name in table.column_names if strict else ():
        _known_levels(flat(table.column(name)), name, names)
    return table


def _known_levels(values: pa.Array, name: str, names: Names) -> None:
    if name not in names.levels:
        return
    known = pa.array(list(names.levels[name]), pa.string())
    odd = pc.unique(values.filter(pc.invert(pc.is_in(values, value_set=known)))).drop_null().to_pylist()
    if odd:
        near = names.nearest_level(name, odd[0])
        what = f"{name} has no level {odd[0]!r}" + (f" and {len(odd) - 1} others" if len(odd) > 1 else "")
        raise UsageError(
            what, where="given",
            do=f"use {', '.join(map(repr, near))}, or leave the cell empty" if near else "leave it out",
        )  # fmt: skip


def fixed_codes(encoder: Encoder, given: pa.Table, *, keep_missing: Sequence[str] = ()) -> Codes:
    """Codes of the given cells, `FREE` elsewhere; shape (n_rows, n_attributes).

    A missing cell is free, except in columns of `keep_missing`, where it is given as missing. A given value
    of a column that follows from another one stands for the values that lead to it, when there is just one.
    """
    n = given.num_rows
    out = np.full((n, len(encoder.domain)), FREE, dtype=np.int32, order="F")
    root = roots(encoder)
    for column, book in zip(encoder.schema, encoder.books, strict=True):
        if column.name not in given.column_names or isinstance(book, DerivedCodebook):
            continue
        values = flat(given.column(column.name)).cast(arrow_type(column))
        present = ~np.asarray(values.is_null())
        if column.name in keep_missing:
            present[:] = True
        for at, codes in zip(attributes_of(encoder, column.name), book.encode(values), strict=True):
            out[present, at] = codes[present]
    for column, book in zip(encoder.schema, encoder.books, strict=True):
        if isinstance(book, DerivedCodebook) and column.name in given.column_names:
            _back(encoder, root[column.name], column.name, given, out)
    return out


def _back(encoder: Encoder, root: str, name: str, given: pa.Table, out: Codes) -> None:
    """Where only one root value gives the dependent's value, fix that."""
    from locum.control.bank import build_bank

    bank = build_bank(encoder, root, {})
    at = bank.attributes[0]
    leads: dict[Any, set[int]] = {}
    for value, code in zip(flat(bank.table.column(name)).to_pylist(), bank.code.tolist(), strict=True):
        leads.setdefault(value, set()).add(code)
    for i, value in enumerate(flat(given.column(name)).to_pylist()):
        codes = leads.get(value, set())
        if value is not None and out[i, at] == FREE and len(codes) == 1:
            out[i, at] = next(iter(codes))


@dataclass(slots=True)
class Count:
    """What happened over all rounds."""

    drawn: int = 0
    realised: int = 0
    accepted: int = 0
    strange: int = 0


def complete(synth: Synthesizer, given: pa.Table, request: Request, seed: int) -> Outcome:
    """Draw the missing cells and columns of given rows; conditions and rules hold in every row.

    Each row is drawn `PARTICLES` times with its given cells forced, and one draw is kept in proportion to how
    likely the model holds the given cells to be in its company.

    Raises
    ------
    Infeasible
        When the given cells of a row contradict conditions or rules, with the first such rows.
    """
    if request.targets:
        from locum.control.given_shares import complete_in_shares

        return complete_in_shares(synth, given, request, seed)
    encoder = synth.encoder
    problem, guide, fixed = opened(synth, given, request, seed)
    count = Count()
    table, codes = rounds_of(synth, problem, given, fixed, guide, seed, count)
    keep = [n for n in given.column_names if encoder.schema[n].regenerated]
    table = with_made(problem, table, codes, child_seed(seed, "made"), keep)
    notes = []
    if count.strange:
        notes.append(
            f"{count.strange:,} rows hold values that the model cannot have together; the rest of these rows "
            "was drawn without regard to them."
        )
    notes += _beyond(given, encoder)
    share = count.accepted / max(count.realised, 1)
    n = given.num_rows
    return Outcome(table, "guided", share, float(n), share, count.drawn, notes=tuple(notes))


def _beyond(given: pa.Table, encoder: Encoder) -> list[str]:
    """One sentence for each column of numbers with given values that the model knows nothing like."""
    notes = []
    for column, book in zip(encoder.schema, encoder.books, strict=True):
        if column.kind not in ("integer", "number") or column.name not in given.column_names:
            continue
        if not isinstance(book, NumericCodebook) or book.grid is None:
            continue
        units = np.array([book.grid.low.min(), book.grid.high.max()])
        low, high = book.lattice.to_values(units, integer=book.kind != "number").tolist()
        values = np.asarray(flat(given.column(column.name)).drop_null()).astype(np.float64)
        odd = int(((values < low) | (values > high)).sum())
        if odd:
            notes.append(
                f"{odd:,} given {'value' if odd == 1 else 'values'} of {column.name} beyond what the model "
                f"knows ({low:g} to {high:g}): kept, and the rest of the row drawn as for the nearest end."
            )
    return notes


def opened(synth: Synthesizer, given: pa.Table, request: Request, seed: int) -> tuple[Problem, Guide, Codes]:
    """The compiled request, its guide and the fixed codes; refuses what the given cells contradict.

    Raises
    ------
    Infeasible
        As `complete`.
    """
    encoder = synth.encoder
    problem = Problem.of(encoder, request.clauses, frozenset(given.column_names))
    if any(not (weight > 0).any() for weight in problem.weights.values()):
        raise explain(synth, request.clauses, None, seed)
    _refuse_contradictions(given, request.clauses, encoder)
    _refuse_repeats(given, problem)
    pairs = tuple(problem.pairs()) if problem.loose else ()
    guide = Guide(problem.weights, pairs, temperature=request.temperature)
    return problem, guide, fixed_codes(encoder, given)


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
                clash=[text], nearest=f"leave out {_them(len(again))}, or the rule {text}", where="given",
            )  # fmt: skip


def _refuse_contradictions(given: pa.Table, clauses: Sequence[Clause], encoder: Encoder) -> None:
    """Rows that break a clause by what is given alone."""
    for clause in clauses:
        if (
            clause.term.op == "unique"
            or not clause.columns
            or not set(clause.columns) <= set(given.column_names)
        ):
            continue
        part = given.select(list(clause.columns))
        whole = np.logical_and.reduce([~np.asarray(flat(part.column(c)).is_null()) for c in clause.columns])
        bad = np.flatnonzero(whole & ~clause.holds(part))
        if len(bad):
            shown = ", ".join(str(i + 1) for i in bad[:5]) + (", ..." if len(bad) > 5 else "")
            raise Infeasible(
                f"{_rows(len(bad), 'breaks', 'break')} {clause.text} (row {shown})",
                clash=[clause.text], where="given",
                nearest=f"leave out {_them(len(bad))}, or the condition {clause.text}",
            )  # fmt: skip


def rounds_of(
    synth: Synthesizer,
    problem: Problem,
    given: pa.Table,
    fixed: Codes,
    guide: Guide,
    seed: int,
    count: Count,
) -> tuple[pa.Table, Codes]:
    """Draw until every row has a completion that fits, and that no row must not repeat."""
    seen: dict[tuple[str, ...], pa.Table] = {}
    n = len(fixed)
    codes = np.zeros((n, fixed.shape[1]), dtype=np.int32, order="F")
    tables: list[pa.Table] = []
    places: list[npt.NDArray[np.int64]] = []
    todo = np.arange(n)
    for attempt in range(ROUNDS):
        size = PARTICLES if attempt == 0 else MORE
        left = []
        for start in range(0, len(todo), max(1, BLOCK // size)):
            rows = todo[start : start + max(1, BLOCK // size)]
            part = given.take(pa.array(rows))
            mark = child_seed(seed, "given", attempt, start)
            drawn, strange = one_each(synth, fixed[rows], guide, size, mark)
            count.drawn += size * len(rows)
            count.strange += strange if attempt == 0 else 0
            table, ok = problem.realise(drawn, mark, part)
            ok = unseen(problem, seen, table, ok)
            count.realised += len(rows)
            count.accepted += int(ok.sum())
            codes[rows[ok]] = drawn[ok]
            tables.append(table.filter(pa.array(ok)))
            places.append(rows[ok])
            left.append(rows[~ok])
        todo = np.concatenate(left)
        if len(todo) == 0:
            break
    if len(todo):
        shown = ", ".join(str(i + 1) for i in todo[:5])
        texts = [c.text for c in problem.clauses] + [f"unique({', '.join(c)})" for c in problem.unique]
        raise Infeasible(
            f"{len(todo):,} given rows could not be completed so that {' and '.join(texts)} "
            f"(row {shown}{', ...' if len(todo) > 5 else ''})",
            clash=texts, nearest="leave out these rows or a condition", proven=False, where="given",
        )  # fmt: skip
    order = np.argsort(np.concatenate(places), kind="stable")
    return pa.concat_tables(tables).combine_chunks().take(pa.array(order)).combine_chunks(), codes


def one_each(synth: Synthesizer, fixed: Codes, guide: Guide, size: int, seed: int) -> tuple[Codes, int]:
    """One completion of each row of fixed cells, and how many rows the model holds to be impossible."""
    drawn, _, strange = several_each(synth, fixed, guide, size, seed)
    pick = stream(seed, "which").integers(size, size=len(fixed))
    return np.asfortranarray(drawn[np.arange(len(fixed)) * size + pick]), strange


def several_each(
    synth: Synthesizer, fixed: Codes, guide: Guide, size: int, seed: int
) -> tuple[Codes, npt.NDArray[np.float64], int]:
    """`size` equally weighted completions of each row, row by row, and how many rows are impossible.

    The second value is the log of the model's probability of each row's fixed cells and of what the guide
    asks, as estimated from its own draws; shape (n_rows,).
    """
    groups = len(fixed)
    drawn, log_weight = propose(synth.model, groups * size, replace(guide, fixed=fixed), seed)
    dead = ~np.isfinite(log_weight.reshape(groups, size)).any(axis=1)
    if dead.any():
        # Nothing agrees: the given cells stay, the rest comes from the model without them.
        free, other = propose(synth.model, int(dead.sum()) * size, replace(guide, fixed=None), seed)
        at = np.repeat(dead, size)
        held = np.repeat(fixed[dead], size, axis=0)
        drawn[at] = np.where(held != FREE, held, free)
        log_weight[at] = other
    chosen = systematic(log_weight, groups, stream(seed, "one"))
    mass = np.logaddexp.reduce(log_weight.reshape(groups, size), axis=1) - np.log(size)
    return np.asfortranarray(drawn[chosen]), np.where(dead, -np.inf, mass), int(dead.sum())
