"""Rows of which some cells are given: the rest is drawn from the model, given these."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from locum.arrays import BoolArray, IntArray
from locum.codes.encoder import Encoder
from locum.codes.numeric import NumericCodebook
from locum.control.constraints import Problem
from locum.control.draw import drop_repeats, fill_generated
from locum.control.drawn_rows import DrawnRows, Infeasible
from locum.control.given_cells import BLOCK, Count, compile_given, complete_each, fixed_codes
from locum.control.request import RowRequest
from locum.control.settle import settle, settled_rows
from locum.control.where.names import Names
from locum.data.distinct import flat
from locum.errors import UsageError
from locum.models.fitted import Fitted
from locum.models.guide import FREE, Guide
from locum.randomness import child_seed, stream
from locum.schema.domain import Codes
from locum.schema.table import Schema

#: Rows drawn for each given row: at first, and in later rounds for those that no draw has fitted; rounds.
PARTICLES, MORE, ROUNDS = 16, 64, 24
#: Rounds in which one of these draws is tried; later all of them are, so many of them at a time, and each is
#: drawn so often again where a cell that was not given is settled.
NARROW, WIDE_BLOCK, AGAIN = 4, 2**16, 4


def read_given(given: Any, fitted: Fitted, *, strict: bool = True) -> pa.Table:
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
    names = Names.of(fitted.encoder)
    for name in raw.table.column_names:
        names.column(name)
    if raw.table.num_rows == 0:
        raise UsageError("the given frame has no rows", where="given", do="give at least one row")
    columns = tuple(replace(c, bounds=None) for c in fitted.schema if c.name in raw.table.column_names)
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
            what,
            where="given",
            do=f"use {', '.join(map(repr, near))}, or leave the cell empty" if near else "leave it out",
        )


def complete(fitted: Fitted, given: pa.Table, request: RowRequest, seed: int) -> DrawnRows:
    """Draw the missing cells and columns of given rows; conditions and rules hold in every row.

    Each row is drawn `PARTICLES` times with its given cells forced, and one draw is kept in proportion to how
    likely the model holds the given cells to be in its company.

    Raises
    ------
    Infeasible
        When the given cells of a row contradict conditions or rules, with the first such rows.
    """
    encoder = fitted.encoder
    problem, guide, fixed = compile_given(fitted, given, request, seed)
    count = Count()
    table, codes = rounds_of(fitted, problem, given, fixed, guide, seed, count)
    keep = [n for n in given.column_names if encoder.schema[n].regenerated]
    table = fill_generated(problem, table, codes, child_seed(seed, "made"), given=keep)
    notes = (*count.notes, *_beyond(given, encoder))
    share = count.accepted / max(count.realised, 1)
    n = given.num_rows
    return DrawnRows(table, "guided", share, float(n), share, count.drawn, notes=notes)


def _beyond(given: pa.Table, encoder: Encoder) -> list[str]:
    """One sentence for each column of numbers with given values that the model knows nothing like."""
    notes = []
    for column, book in zip(encoder.schema, encoder.books, strict=True):
        if column.kind not in ("integer", "number") or column.name not in given.column_names:
            continue
        if not isinstance(book, NumericCodebook) or book.grid is None or column.name in encoder.needs:
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


def rounds_of(
    fitted: Fitted,
    problem: Problem,
    given: pa.Table,
    fixed: Codes,
    guide: Guide,
    seed: int,
    count: Count,
    *,
    leave: bool = False,
) -> tuple[pa.Table, Codes]:
    """Draw until every row has a completion that fits, and that no row must not repeat.

    With `leave` rows of which none is found come back empty, and are counted; without, they are refused.
    """
    seen: dict[tuple[str, ...], pa.Table] = {}
    n = len(fixed)
    codes = np.zeros((n, fixed.shape[1]), dtype=np.int32, order="F")
    tables: list[pa.Table] = []
    places: list[npt.NDArray[np.int64]] = []
    todo = np.arange(n)
    for attempt in range(ROUNDS):
        size = PARTICLES if attempt == 0 else MORE
        every = attempt >= NARROW
        step = max(1, (WIDE_BLOCK if every else BLOCK) // size)
        left = []
        for start in range(0, len(todo), step):
            rows = todo[start : start + step]
            mark = child_seed(seed, "given", attempt, start)
            table, drawn, ok = _tried(fitted, problem, given, (fixed, rows), guide, size, mark, count, every)
            ok = drop_repeats(problem, seen, table, ok)
            count.realised += len(rows)
            count.accepted += int(ok.sum())
            codes[rows[ok]] = drawn[ok]
            tables.append(table.filter(pa.array(ok)))
            places.append(rows[ok])
            left.append(rows[~ok])
        todo = np.concatenate(left)
        if len(todo) == 0:
            break
    if len(todo) and leave:
        kinds = tables[0].schema
        tables.append(pa.table([pa.nulls(len(todo), f.type) for f in kinds], names=kinds.names))
        places.append(todo)
        count.left = len(todo)
    elif len(todo):
        shown = ", ".join(str(i + 1) for i in todo[:5])
        texts = [c.text for c in problem.clauses] + [f"unique({', '.join(c)})" for c in problem.unique]
        raise Infeasible(
            f"{len(todo):,} given rows could not be completed so that {' and '.join(texts)} "
            f"(row {shown}{', ...' if len(todo) > 5 else ''})",
            clash=texts,
            nearest="leave out these rows or a condition",
            proven=False,
            where="given",
        )
    order = np.argsort(np.concatenate(places), kind="stable")
    return pa.concat_tables(tables).combine_chunks().take(pa.array(order)).combine_chunks(), codes


def _tried(
    fitted: Fitted,
    problem: Problem,
    given: pa.Table,
    fixed_rows: tuple[Codes, IntArray],
    guide: Guide,
    size: int,
    seed: int,
    count: Count,
    every: bool,
) -> tuple[pa.Table, Codes, BoolArray]:
    """One completion of some rows, its codes, and which are as asked.

    With `every` all draws for a row are tried and the first that is as asked is taken; else one of them.
    """
    fixed, rows = fixed_rows
    mine, part = fixed[rows], given.take(pa.array(rows))
    if every:
        drawn, _, strange = complete_each(fitted, mine, guide, size, seed)
        again_size, repeat = AGAIN, size
        mine, part = np.repeat(mine, size, axis=0), part.take(pa.array(np.repeat(np.arange(len(rows)), size)))
    else:
        drawn, strange = complete_one(fitted, mine, guide, size, seed)
        again_size, repeat = size, 1
        count.strange += strange if size == PARTICLES else 0
    count.drawn += size * len(rows)
    more = settle(fitted.encoder, drawn, part, seed)
    if more is not None:
        # what is now settled is given too: the rest of the row is drawn in its company
        again = np.flatnonzero(settled_rows(part, more))
        if len(again):
            held = fixed_codes(fitted.encoder, more.take(pa.array(again)))
            held = np.asfortranarray(np.where(held == FREE, mine[again], held))
            drawn[again], _ = complete_one(fitted, held, guide, again_size, child_seed(seed, "settled"))
            count.drawn += again_size * len(again)
            part = more
    table, ok = problem.realise(drawn, seed, part)
    if repeat == 1:
        return table, drawn, ok
    first = np.arange(len(rows)) * repeat + ok.reshape(len(rows), repeat).argmax(axis=1)
    return table.take(pa.array(first)).combine_chunks(), np.asfortranarray(drawn[first]), ok[first]


def complete_one(fitted: Fitted, fixed: Codes, guide: Guide, size: int, seed: int) -> tuple[Codes, int]:
    """One completion of each row of fixed cells, and how many rows the model holds to be impossible."""
    drawn, _, strange = complete_each(fitted, fixed, guide, size, seed)
    pick = stream(seed, "which").integers(size, size=len(fixed))
    return np.asfortranarray(drawn[np.arange(len(fixed)) * size + pick]), strange
