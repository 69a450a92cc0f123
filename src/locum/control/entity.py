"""Rows of persons who have several: as many each as real persons have, and the same in all where it is so.

A row is drawn for each person; its constants are what is known of the person. The person's other rows are
drawn from the model given these constants (`locum.control.given`), so that every row is one that the model
makes, rules and all. How the rows of a person follow each other is not modelled.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.arrays import BoolArray, IntArray
from locum.codes.entity import EntityForm
from locum.codes.fresh_values import GeneratedCodebook
from locum.control.constraints import Problem
from locum.control.draw import calculate_made, first_of_each
from locum.control.drawn_rows import DrawnRows
from locum.control.given import complete
from locum.control.request import RowRequest
from locum.data.distinct import flat, put
from locum.models.fitted import Fitted
from locum.randomness import child_seed, stream

#: Times that rows are drawn again where a rule says that they may not repeat within a person.
_AGAIN = 12

Draw = Callable[[int, int], DrawnRows]


def draw_persons(fitted: Fitted, n: int, request: RowRequest, seed: int, draw: Draw) -> DrawnRows:
    """`n` rows of persons.

    Parameters
    ----------
    fitted
        A fitted generator that knows about persons.
    n, request, seed
        As for `locum.control.sample.sample`; the request has no proportions.
    draw
        Draws so many rows, each by itself, by a seed.

    Raises
    ------
    Infeasible
        As `draw`.

    Notes
    -----
    Cost: a row of a person costs as much as a given row, but the first, which costs as much as any.
    """
    form = fitted.entity
    assert form is not None
    unknown = round(n * form.unknown / max(form.unknown + form.rows, 1))
    sizes = form.draw_sizes(n - unknown, stream(seed, "persons"))
    drawn = draw(len(sizes) + unknown, child_seed(seed, "first"))
    heads = drawn.table
    whose = np.repeat(np.arange(len(sizes)), sizes - 1)
    more, notes = _further(fitted, heads.take(pa.array(whose)), form, request, child_seed(seed, "more"), draw)
    nobody = len(sizes) + np.arange(unknown)
    owner = np.concatenate([np.arange(len(sizes)), nobody, whose])
    table = pa.concat_tables([heads, more]).combine_chunks()
    order = _order(owner, form, stream(seed, "order"))
    owner, table = owner[order], table.take(pa.array(order)).combine_chunks()
    table = _made(fitted, table, owner, len(sizes) + unknown, len(sizes), seed)
    problem = Problem.of(fitted.encoder, request.clauses)
    table = calculate_made(problem, table, skip=(form.name,))
    table, repeats = _apart(fitted, table, form, request, child_seed(seed, "apart"), draw)
    if repeats:
        notes = (
            *notes,
            f"{repeats:,} rows repeat another of the same {form.name}, though a rule says unique.",
        )
    return replace(drawn, table=table, effective=float(n), notes=(*drawn.notes, *notes))


def each_its_own(fitted: Fitted, table: pa.Table, seed: int, given: tuple[str, ...] = ()) -> pa.Table:
    """Rows that were not drawn by persons, each as somebody's only row; columns in `given` stay."""
    form = fitted.entity
    assert form is not None
    rows = np.arange(table.num_rows)
    return _made(fitted, table, rows, len(rows), len(rows), seed, given)


def _further(
    fitted: Fitted, heads: pa.Table, form: EntityForm, request: RowRequest, seed: int, draw: Draw
) -> tuple[pa.Table, tuple[str, ...]]:
    """A further row for each of some rows, with the same constants."""
    if heads.num_rows == 0:
        return heads, ()
    if not form.constants:
        return draw(heads.num_rows, seed).table, ()
    followed = {d.dependent: d.determinant for d in fitted.schema.dependencies}
    loose = [name for name in form.constants if followed.get(name, name) not in form.constants]
    known = [name for name in form.constants if name not in loose]
    todo, tables, places = np.arange(heads.num_rows), [], []
    notes: tuple[str, ...] = ()
    for attempt in range(_AGAIN + 1):
        mine = heads.take(pa.array(todo))
        # In the end what the constants follow from is taken from the person's first row, too.
        given = known if attempt < _AGAIN else [*known, *_roots(loose, followed)]
        mark = child_seed(seed, attempt)
        found = complete(fitted, mine.select(given), request, mark) if given else draw(len(todo), mark)
        notes = notes or found.notes
        ok = np.ones(len(todo), dtype=np.bool_)
        for name in loose if attempt < _AGAIN else ():
            ok &= _same(found.table.column(name), mine.column(name))
        table = found.table
        for name in known:
            # what is missing in a person is not a cell to be filled
            table = put(table, name, flat(mine.column(name)))
        tables.append(table.select(heads.column_names).filter(pa.array(ok)))
        places.append(todo[ok])
        todo = todo[~ok]
        if len(todo) == 0:
            break
    order = np.argsort(np.concatenate(places))
    return pa.concat_tables(tables).combine_chunks().take(pa.array(order)), notes


def _roots(names: list[str], followed: Mapping[str, str]) -> list[str]:
    """The columns from which some columns follow in the end."""
    out = []
    for name in names:
        while name in followed:
            name = followed[name]
        out.append(name)
    return list(dict.fromkeys(out))


def _same(one: pa.ChunkedArray, other: pa.ChunkedArray) -> BoolArray:
    """Where two columns agree; missing agrees with missing."""
    one, other = flat(one), flat(other)
    both = pc.and_(one.is_null(), other.is_null())
    out: BoolArray = np.asarray(pc.or_(pc.fill_null(pc.equal(one, other), False), both))
    return out


def _order(owner: IntArray, form: EntityForm, rng: np.random.Generator) -> IntArray:
    """Rows in random order, or persons in random order with their rows together."""
    order: IntArray = rng.permutation(len(owner))
    if not form.together:
        return order
    rank = rng.permutation(int(owner.max(initial=-1)) + 1)
    return order[np.argsort(rank[owner[order]], kind="stable")]


def _made(
    fitted: Fitted,
    table: pa.Table,
    owner: IntArray,
    persons: int,
    known: int,
    seed: int,
    given: tuple[str, ...] = (),
) -> pa.Table:
    """The table with ids that differ from person to person, and one value a person where that is so.

    Only the first `known` persons have an id.
    """
    form = fitted.entity
    assert form is not None
    ratios = dict(zip(form.made, form.ratios, strict=True)) | {form.name: 1.0}
    for name, ratio in ratios.items():
        book = fitted.encoder.by_name[name]
        if name in given or not isinstance(book, GeneratedCodebook) or book.maker is None:
            continue
        rng = stream(seed, "person", name)
        pool = persons if ratio >= 1 else max(1, math.ceil(ratio * persons))
        values = book.maker.make(pool, rng)
        place = np.arange(persons) if pool == persons else rng.integers(pool, size=persons)
        empty = (
            np.arange(persons) >= known if name == form.name else _empty(table.column(name), owner, persons)
        )
        values = pc.if_else(pa.array(empty), pa.scalar(None, values.type), values.take(pa.array(place)))
        table = put(table, name, values.take(pa.array(owner)))
    return table


def _empty(column: pa.ChunkedArray, owner: IntArray, persons: int) -> BoolArray:
    """Persons without a value: those of whose rows the first has none."""
    _, first = np.unique(owner, return_index=True)
    out: BoolArray = np.asarray(flat(column).is_null())[first]
    assert len(out) == persons
    return out


def _apart(
    fitted: Fitted, table: pa.Table, form: EntityForm, request: RowRequest, seed: int, draw: Draw
) -> tuple[pa.Table, int]:
    """Rows drawn again where they repeat another row of the person and a rule says that they may not."""
    keys = [c.columns for c in request.clauses if c.term.op == "unique" and form.name in c.columns]
    again = np.zeros(0, dtype=np.int64)
    for attempt in range(_AGAIN if keys else 0):
        first = np.ones(table.num_rows, dtype=np.bool_)
        for columns in keys:
            kept = np.zeros(table.num_rows, dtype=np.bool_)
            kept[first_of_each(table, columns)] = True
            first &= kept
        again = np.flatnonzero(~first)
        if len(again) == 0:
            break
        heads = table.take(pa.array(again))
        fresh, _ = _further(fitted, heads, form, request, child_seed(seed, attempt), draw)
        for name in (form.name, *form.made):
            fresh = put(fresh, name, flat(heads.column(name)))
        places = np.arange(table.num_rows)
        places[again] = table.num_rows + np.arange(len(again))
        table = (
            pa.concat_tables([table, fresh.select(table.column_names)])
            .take(pa.array(places))
            .combine_chunks()
        )
    return table, len(again)
