"""What given cells leave no choice about, once the rest of a row has been drawn."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeGuard

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.arrays import BoolArray
from locum.codes.derived import DerivedCodebook
from locum.codes.encoder import Encoder, arrow_type
from locum.codes.recoding import Recoding
from locum.control.code_values import as_table, build_bank, draw_roots, roots
from locum.control.layout.forced import Forced
from locum.control.layout.formula import Formula
from locum.control.layout.gap import OrderGap
from locum.control.layout.joined import Joined, numbered
from locum.control.layout.nested import Nested
from locum.data.distinct import flat
from locum.randomness import stream
from locum.schema.domain import Codes

Cells = Mapping[str, pa.Array]


def settle(encoder: Encoder, codes: Codes, given: pa.Table, seed: int) -> pa.Table | None:
    """The given cells, and those that follow from them and from drawn rows through a recoding.

    Where the later of two dates is given, the drawn gap says the earlier one; where one of several columns is
    given of which only some combinations occur, the drawn combination or one that goes with the given cells
    says the others.

    Parameters
    ----------
    encoder
        The coding.
    codes
        A drawn completion of each given row.
    given
        The given cells; null means free.
    seed
        For the choice of combinations.

    Returns
    -------
    pa.Table or None
        None where nothing is settled that was not given.
    """
    cells = {name: flat(given.column(name)) for name in given.column_names}
    mine = [r for r in encoder.recodings if _touched(r, cells)]
    followers = _followers(encoder, cells)
    forced = [r for r in encoder.recodings if isinstance(r, Forced) and r.hidden and r.column.name in cells]
    if not mine and not followers and not forced:
        return None
    drawn = draw_roots(encoder, codes, seed)
    table = as_table(encoder, drawn, cells)
    place = {name: i for i, name in enumerate(encoder.order)}
    more = dict(cells)
    for name, leads in followers.items():
        rng = stream(seed, "determinant", name)
        more |= _determinants(name, leads, flat(table.column(name)), more, rng, _possible(encoder, name))
    for rule in forced:
        more |= _conditions(rule, as_table(encoder, drawn), more, stream(seed, "condition", rule.column.name))
    for recoding in sorted(mine, key=lambda r: -place[r.gives[0]]):
        if isinstance(recoding, OrderGap):
            more |= _backwards(encoder, recoding, drawn[recoding.column.name], more)
        else:
            rng = stream(seed, "combination", recoding.joined.name)
            more |= _combinations(recoding.joined, table, more, rng)
    same = set(more) == set(cells) and all(more[name].equals(cells[name]) for name in cells)
    return None if same else pa.table(more)


def _touched(recoding: Recoding, cells: Cells) -> TypeGuard[OrderGap | Joined | Nested]:
    """Whether given cells say something about what a recoding codes."""
    if isinstance(recoding, Joined | Nested):
        return bool(set(recoding.joined.gives) & set(cells))
    return isinstance(recoding, OrderGap) and recoding.column.name in cells


def may_settle(encoder: Encoder, names: Collection[str]) -> frozenset[str]:
    """The given columns and all those of which `settle` may find cells."""
    out, before = set(names), 0
    while len(out) > before:
        before = len(out)
        out |= set(_followers(encoder, out))
        for recoding in encoder.recodings:
            if isinstance(recoding, Joined | Nested) and set(recoding.joined.gives) & out:
                out |= set(recoding.joined.gives)
            elif isinstance(recoding, OrderGap) and recoding.column.name in out:
                out |= set(recoding.others) if len(recoding.others) == 1 else set()
            elif isinstance(recoding, Forced) and recoding.hidden and recoding.column.name in out:
                out |= set(recoding.inputs)
    return frozenset(out)


def settled_rows(given: pa.Table, more: pa.Table) -> BoolArray:
    """The rows in which `settle` found a cell that was not given."""
    rows = np.zeros(more.num_rows, dtype=bool)
    for name in more.column_names:
        new = np.asarray(pc.is_valid(flat(more.column(name))))
        if name in given.column_names:
            new &= np.asarray(pc.is_null(flat(given.column(name))))
        rows |= new
    return rows


@dataclass(frozen=True, slots=True)
class _Lead:
    """A column that follows from one other alone.

    Attributes
    ----------
    name
        The column.
    of
        Its values for values of the other.
    known
        Values of the other that are known to lead somewhere; None for any.
    """

    name: str
    of: Callable[[pa.Array], pa.Array]
    known: pa.Array | None


def _followers(encoder: Encoder, cells: Collection[str]) -> dict[str, list[_Lead]]:
    """The given columns that follow from one other alone, by that other."""
    out: dict[str, list[_Lead]] = {}
    for book in encoder.books:
        if isinstance(book, DerivedCodebook) and book.name in cells:
            out.setdefault(book.determinant, []).append(_Lead(book.name, book.look_up, book.keys))
    for recoding in encoder.recodings:
        if recoding.coded is None and len(recoding.inputs) == 1 and recoding.gives[0] in cells:
            (name,) = recoding.gives
            out.setdefault(recoding.inputs[0], []).append(_Lead(name, partial(_back, recoding), None))
    return out


def _possible(encoder: Encoder, name: str) -> pa.Array | None:
    """Values of every code of a column that is coded itself."""
    if roots(encoder)[name] != (name,) or name in encoder.needs:
        return None
    return build_bank(encoder, name, {}).values.drop_null()


def _back(recoding: Recoding, values: pa.Array) -> pa.Array:
    return recoding.back(None, {recoding.inputs[0]: values})[recoding.gives[0]]


def _determinants(
    name: str,
    leads: Sequence[_Lead],
    drawn: pa.Array,
    cells: Cells,
    rng: np.random.Generator,
    possible: pa.Array | None,
) -> dict[str, pa.Array]:
    """Values of a column that others follow from, where the drawn one does not lead to what is given of them.

    Taken from other drawn rows, else from all values that are known to lead there, or are possible at all.
    """
    wrong = np.zeros(len(drawn), dtype=bool)
    for lead in leads:
        wrong |= np.asarray(pc.fill_null(pc.not_equal(lead.of(drawn), cells[lead.name]), False))
    if name in cells:
        wrong &= np.asarray(pc.is_null(cells[name]))
    rows = np.flatnonzero(wrong)
    if not len(rows):
        return {}
    size = len(drawn) - drawn.null_count
    known = [lead.known.cast(drawn.type) for lead in leads if lead.known is not None]
    known += [] if possible is None else [possible.cast(drawn.type)]
    pool = pa.concat_arrays([drawn.drop_null(), *known])
    values = [lead.of(pool) for lead in leads]
    number, first = numbered([flat(cells[lead.name]).take(pa.array(rows)) for lead in leads])
    index = np.arange(len(drawn))
    for pattern, row in enumerate(first.tolist()):
        fits = np.ones(len(pool), dtype=bool)
        for lead, found in zip(leads, values, strict=True):
            value = cells[lead.name][int(rows[row])]
            if value.is_valid:
                fits &= np.asarray(pc.fill_null(pc.equal(found, value.cast(found.type)), False))
        good = np.flatnonzero(fits)
        good = good[good < size] if (good < size).any() else good
        if len(good):
            mine = rows[number == pattern]
            index[mine] = len(drawn) + rng.choice(good, size=len(mine))
    new = pa.concat_arrays([drawn, pool]).take(pa.array(index))
    new = pc.if_else(pa.array(index >= len(drawn)), new, pa.scalar(None, new.type))
    return {name: pc.coalesce(cells[name].cast(new.type), new) if name in cells else new}


def _conditions(rule: Forced, drawn: pa.Table, cells: Cells, rng: np.random.Generator) -> dict[str, pa.Array]:
    """What a rule asks about, where what it says is given: as in some drawn row that has the same value."""
    value, name = rule.implication.value, rule.column.name
    missing = [n for n in rule.inputs if n not in cells or cells[n].null_count]
    if value is None or not missing:
        return {}
    given = np.asarray(pc.fill_null(pc.equal(cells[name], value), False))
    pool = np.flatnonzero(np.asarray(pc.fill_null(pc.equal(flat(drawn.column(name)), value), False)))
    if not given.any() or not len(pool):
        return {}
    rows = pa.array(rng.choice(pool, size=len(given)), mask=~given)
    out = {}
    for other in missing:
        new = flat(drawn.column(other)).take(rows)
        out[other] = pc.coalesce(cells[other].cast(new.type), new) if other in cells else new
    return out


def _backwards(encoder: Encoder, gap: OrderGap, own: pa.Array, cells: Cells) -> dict[str, pa.Array]:
    """The one column that another lies beyond, where that other is given: it less the drawn gap."""
    if len(gap.others) != 1 or gap.column.name not in cells:
        return {}
    (name,) = gap.others
    column = encoder.schema[name]
    value, there = gap.unit.read(cells[gap.column.name])
    width, present = gap.width(own)
    nearest = value - gap.sign * np.maximum(width, int(gap.strict[0]))
    step = gap.unit.step(column)
    if gap.unit.whole and step > 1:
        nearest = nearest // step * step if gap.sign > 0 else -(-nearest // step) * step
    new = gap.unit.write(nearest, there & present & ~_calculable(encoder, name, cells), column)
    return {name: pc.coalesce(cells[name].cast(new.type), new) if name in cells else new}


def _calculable(encoder: Encoder, name: str, cells: Cells) -> BoolArray:
    """Rows in which all other columns of a formula are given, so that it says what the column is."""
    out = np.zeros(len(next(iter(cells.values()))), dtype=bool)
    for recoding in encoder.recodings:
        others = {*recoding.gives, *recoding.inputs} - {name}
        about = isinstance(recoding, Formula) and name in recoding.inputs
        if about and others <= set(cells):
            out |= np.logical_and.reduce([np.asarray(pc.is_valid(cells[other])) for other in others])
    return out


def _combinations(
    joined: Joined, table: pa.Table, cells: Cells, rng: np.random.Generator
) -> dict[str, pa.Array]:
    """Whole combinations for rows that have a part of one."""
    n = table.num_rows
    held = {name: cells[name] for name in joined.gives if name in cells}
    known = {name: np.asarray(pc.is_valid(values)) for name, values in held.items()}
    some = np.logical_or.reduce(list(known.values()))
    whole = np.logical_and.reduce([known.get(name, np.zeros(n, bool)) for name in joined.gives])
    todo = np.flatnonzero(some & ~whole)
    if not len(todo):
        return {}
    at = pa.array(todo)
    parts = {name: values.take(at) for name, values in held.items()}
    drawn = joined.numbers({name: flat(table.column(name)).take(at) for name in joined.gives})
    chosen = np.where(drawn >= 0, drawn, joined.choose(parts, joined.weights, rng))
    place = np.full(n, -1, dtype=np.int64)
    place[todo] = chosen
    out = {}
    for column, values in zip(joined.columns, joined.combinations, strict=True):
        new = values.take(pa.array(np.maximum(place, 0), mask=place < 0)).cast(arrow_type(column))
        out[column.name] = (
            pc.coalesce(cells[column.name].cast(new.type), new) if column.name in cells else new
        )
    return out
