"""Filled cells brought into line with the rules of a table; cells that were given stay as they are."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from locum.arrays import BoolArray
from locum.control.calculate import calculate
from locum.control.layout.gap import OrderGap, order_of_clause
from locum.control.layout.joined import Joined
from locum.control.layout.lookup import Lookup
from locum.control.rules.clause import Clause, rule_clauses
from locum.control.rules.equation import equations_of
from locum.control.rules.implication import implications_of
from locum.control.where.evaluate import evaluate
from locum.control.where.names import Names
from locum.control.where.token import quote
from locum.data.distinct import as_numbers, flat, put
from locum.randomness import stream
from locum.schema.table import Schema

#: Passes over the rules: what one changes another may be about.
PASSES = 2
#: Rows that are looked at one by one, and complete rows that are near enough to give a cell.
MOST_DONATED, NEAR = 20_000, 5


def keep_rules(
    before: pa.Table, after: pa.Table, schema: Schema, seed: int, columns: Collection[str] | None = None
) -> pa.Table:
    """Change filled cells so that rows keep the rules.

    Parameters
    ----------
    before, after
        The table with missing cells, and filled.
    schema
        Its rules.
    seed
        For what is drawn: combinations, and gaps of orders.
    columns
        Columns that were filled; the missing cells of others stay missing. None for all.

    Returns
    -------
    pa.Table
        A cell that a rule says is missing is missing again; what a rule gives is calculated or looked up; of
        an order that a filled cell breaks the gap is that of another row. A row may still break a rule, where
        several pull at one cell.
    """
    known = [f"{quote(d.dependent)} follows from {quote(d.determinant)}" for d in schema.dependencies]
    clauses = rule_clauses([*known, *schema.rules], Names(schema))
    holes = {
        n: np.asarray(pc.is_null(flat(before.column(n)))) & (columns is None or n in columns)
        for n in before.column_names
    }
    table = after
    for turn in range(PASSES if clauses else 0):
        for number, clause in enumerate(clauses):
            rng = stream(seed, "rules", turn, number)
            table = _combined(clause, before, table, schema, holes, rng)
            table = _ordered(clause, before, table, schema, holes, rng)
            table = _calculated(clause, table, schema, holes)
            table = _implied(clause, table, schema, holes)
            table = _donated(clause, before, table, holes, rng)
    return table


def _calculated(clause: Clause, table: pa.Table, schema: Schema, holes: dict[str, BoolArray]) -> pa.Table:
    free = np.ones(table.num_rows, dtype=bool)
    for way in equations_of(clause, schema):
        column = schema[way.column]
        mine = free & holes[way.column]
        if column.regenerated or not mine.any():
            continue
        value = calculate(way.value, table, column)
        mine &= np.asarray(pc.is_valid(value))
        table = _write(table, way.column, mine, value)
        free &= ~mine
    return table


def _implied(clause: Clause, table: pa.Table, schema: Schema, holes: dict[str, BoolArray]) -> pa.Table:
    for found in implications_of(clause, schema):
        mine = holes[found.column] & evaluate(found.condition, table).yes
        if mine.any() and not schema[found.column].regenerated:
            kind = flat(table.column(found.column)).type
            value = pa.scalar(None if found.value is None else found.value.as_py(), kind)
            table = _write(table, found.column, mine, value)
    return table


def _ordered(
    clause: Clause,
    before: pa.Table,
    table: pa.Table,
    schema: Schema,
    holes: dict[str, BoolArray],
    rng: np.random.Generator,
) -> pa.Table:
    """Where a filled cell breaks an order, the other cell and the gap of a random row that has both."""
    order = order_of_clause(clause)
    if order is None:
        return table
    low, high, strict = order
    broken = ~clause.holds(table)
    for name, other, sign in ((high, low, 1), (low, high, -1)):
        mine = broken & holes[name]
        if not mine.any() or schema[name].regenerated:
            continue
        columns = {n: flat(before.column(n)) for n in (name, other)}
        whole = np.flatnonzero(
            np.asarray(pc.and_(pc.is_valid(columns[name]), pc.is_valid(columns[other])))
            & clause.holds(before)
        )
        if not len(whole):
            continue
        gap = OrderGap.fit(columns, schema[name], [schema[other]], sign, [strict], [clause.text])
        donors = pa.array(rng.choice(whole, size=table.num_rows))
        own = gap.forth({name: columns[name]}, columns).take(donors)
        new = gap.back(own, {other: flat(table.column(other))})[name]
        table = _write(table, name, mine & np.asarray(pc.is_valid(new)), new)
        broken &= ~mine
    return table


def _donated(
    clause: Clause, before: pa.Table, table: pa.Table, holes: dict[str, BoolArray], rng: np.random.Generator
) -> pa.Table:
    """Where filled cells still break a rule: those of a complete row like it in the cells that were given."""
    if clause.about_table or not clause.columns:
        return table
    names = list(clause.columns)
    filled = np.logical_or.reduce([holes[n] for n in names])
    broken = np.flatnonzero(~clause.holds(table) & filled)[:MOST_DONATED]
    whole = np.flatnonzero(~filled & clause.holds(before))
    if not len(broken) or not len(whole):
        return table
    numbers = {n: _comparable(table.column(n)) for n in names}
    donor = np.full(table.num_rows, -1, dtype=np.int64)
    for row in broken.tolist():
        fits = whole
        for name in names:
            if not holes[name][row] and len(fits):
                distance = np.abs(numbers[name][fits] - numbers[name][row])
                near = np.sort(distance)[min(NEAR, len(fits)) - 1]
                fits = fits[distance <= (0.0 if (distance == 0).any() else near)]
        donor[row] = rng.choice(fits)
    for name in names:
        values = flat(table.column(name)).take(pa.array(np.maximum(donor, 0)))
        table = _write(table, name, holes[name] & (donor >= 0), values)
    return table


def _comparable(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """Values as numbers: labels far apart, ordered values as they are; missing is far from all."""
    values = flat(column)
    if pa.types.is_string(values.type) or pa.types.is_boolean(values.type):
        codes = values.dictionary_encode(null_encoding="encode").indices
        return np.asarray(codes).astype(np.float64) * 1e12
    return np.asarray(pc.fill_null(pc.cast(as_numbers(values), pa.float64(), safe=False), 1e300))


def _combined(
    clause: Clause,
    before: pa.Table,
    table: pa.Table,
    schema: Schema,
    holes: dict[str, BoolArray],
    rng: np.random.Generator,
) -> pa.Table:
    """Filled cells of a combination that does not occur: those of one that goes with the given cells."""
    names = clause.columns
    if clause.term.op == "follows" and any(arg.op != "name" for arg in clause.term.args):
        lookup = Lookup.fit({n: flat(before.column(n)) for n in names}, schema[names[0]], clause)
        mine = holes[names[0]]
        if lookup is None or not mine.any():
            return table
        new = lookup.back(None, {n: flat(table.column(n)) for n in names})[names[0]]
        return _write(table, names[0], mine, new)
    listed = clause.term.op == "in" and len(names) > 1
    if not (clause.term.op == "follows" or listed) or any(schema[n].regenerated for n in names):
        return table
    whole = np.logical_and.reduce([~holes[n] for n in names])
    if not whole.any() or whole.all():
        return table
    known = before.select(list(names)).filter(pa.array(whole))
    joined = Joined.fit(
        {n: flat(known.column(n)) for n in names}, [schema[n] for n in names], [], schema.names
    )
    rows = np.flatnonzero(~whole & (joined.numbers({n: flat(table.column(n)) for n in names}) < 0))
    if not len(rows):
        return table
    parts = {n: flat(before.column(n)).take(pa.array(rows)) for n in names}
    seen = {n: flat(known.column(n)) for n in names}
    weight = np.bincount(joined.numbers(seen)).astype(np.float64)
    place = np.full(table.num_rows, -1, dtype=np.int64)
    place[rows] = joined.choose(parts, weight, rng)
    for name, values in zip(names, joined.combinations, strict=True):
        new = values.take(pa.array(np.maximum(place, 0)))
        table = _write(table, name, holes[name] & (place >= 0), new)
    return table


def _write(table: pa.Table, name: str, rows: BoolArray, values: pa.Array | pa.Scalar) -> pa.Table:
    old = flat(table.column(name))
    new = values.cast(old.type)
    return put(table, name, pc.if_else(pa.array(rows), new, old))
