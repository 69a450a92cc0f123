"""Missing cells filled without a generator: drawn by chained equations, or the nearest single values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.arrays import IntArray
from locum.control.impute.chain import ChainColumn, Drawn, run_chain
from locum.control.impute.column_values import ColumnValues, learnable, values_of
from locum.control.impute.dependents import agree
from locum.control.impute.nearest import nearest_codes
from locum.control.impute.number_form import number_form
from locum.control.impute.recipe import Recipe
from locum.data.distinct import flat, put
from locum.errors import UsageError
from locum.randomness import child_seed, stream
from locum.schema.table import Schema

Method = Literal["draw", "best"]


@dataclass(frozen=True, slots=True)
class Completed:
    """A table whose missing cells are filled.

    Attributes
    ----------
    table
        Canonical table; cells that held a value are as they were.
    filled
        Cells filled, by column, where there were any.
    left
        Columns that still have missing cells, with the reason.
    rows
        Rows in which a cell was filled.
    single
        Filled columns of which only one value was known.
    """

    table: pa.Table
    filled: tuple[tuple[str, int], ...]
    left: tuple[tuple[str, str], ...]
    rows: int
    single: tuple[str, ...] = ()

    def cells(self, name: str) -> int:
        """Cells that were filled in a column."""
        return dict(self.filled).get(name, 0)

    def to_json(self) -> dict[str, Any]:
        """Everything but the rows, JSON-ready."""
        return {
            "rows": self.table.num_rows,
            "filled": dict(self.filled),
            "left": dict(self.left),
            "rows_filled": self.rows,
        }


def complete(
    table: pa.Table,
    schema: Schema,
    *,
    columns: Sequence[str] | None = None,
    method: Method = "draw",
    seed: int = 0,
) -> Completed:
    """Fill the missing cells of a canonical table from its other cells, once; see `completions`."""
    return next(completions(table, schema, columns=columns, method=method, seed=seed))


def completions(
    table: pa.Table,
    schema: Schema,
    *,
    columns: Sequence[str] | None = None,
    method: Method = "draw",
    seed: int = 0,
    repeat: int = 1,
) -> Iterator[Completed]:
    """Fill the missing cells of a canonical table from its other cells; no generator is needed.

    ``draw`` runs a chain of equations for each completed table (`locum.control.impute.chain.run_chain`): a
    column is foretold by a linear or logistic equation of the others, with products, bends and steps where
    they tell (`locum.control.impute.terms`), and boosted trees on top where rows kept aside say so
    (`locum.control.impute.boosted`); parameters are drawn before cells are, so that several completed tables
    differ by as much as is unknown (proper multiple imputation, Rubin 1987). ``best`` is
    `locum.control.impute.nearest.nearest_codes`. Declared dependencies hold afterwards, as far as the given
    rows show them.

    Parameters
    ----------
    table, schema
        The table and what its columns are.
    columns
        Columns to fill; None for all. Columns made afresh (ids, texts) and wholly empty ones are left.
    method
        ``draw`` one value at random: of labels one that occurs, of numbers one on the column's grid and
        within its limits (`locum.control.impute.number_form`), or one that occurs where the column repeats
        its values; ``best`` the likeliest label and the value nearest the mean, or a frequent one
        near it, all of them values that occur.
    seed
        Same seed, same tables.
    repeat
        How many completed tables; with ``best`` all are the same.

    Yields
    ------
    Completed
        The first is what `complete` gives.

    Raises
    ------
    UsageError
        For an unknown column or method.

    Notes
    -----
    Cost of a drawn table: eight turns over the columns with missing cells, each some n p^2 for p features;
    memory 4 bytes for each row and feature. Equations learn from 10,000 rows at most.
    """
    if method not in ("draw", "best"):
        raise UsageError(f"there is no method {method!r}", where="impute", expected="draw or best")
    names = table.column_names
    for name in columns or ():
        if name not in names:
            raise UsageError(f"there is no column {name!r}", where="column", expected=", ".join(names[:12]))
    asked = [n for n in (names if columns is None else columns) if table.column(n).null_count]
    able = {c.name for c in learnable(table, schema)}
    left = tuple((n, _reason(n, table, schema)) for n in asked if n not in able)
    fill = [n for n in asked if n in able]
    if not fill:
        for _ in range(repeat):
            yield Completed(table, (), left, 0)
    elif method == "best":
        held, codes = nearest_codes(table, schema, fill, seed)
        agree(held, codes, schema.dependencies, None)
        done = _filled(table, held, {i: Drawn(c[held[i].missing], None) for i, c in codes.items()}, left)
        for _ in range(repeat):
            yield done
    else:
        yield from _chained(table, schema, fill, left, seed, repeat)


def _chained(
    table: pa.Table,
    schema: Schema,
    fill: Sequence[str],
    left: tuple[tuple[str, str], ...],
    seed: int,
    repeat: int,
) -> Iterator[Completed]:
    fixed = {n for d in schema.dependencies for n in (d.determinant, d.dependent)}
    columns = []
    for column in learnable(table, schema):
        held = values_of(table, column)
        form = None if held.number is None else number_form(held, column, fixed=column.name in fixed)
        columns.append(ChainColumn(held, form))
    all_held = [c.held for c in columns]
    recipes: dict[int, Recipe] = {}
    for number in range(repeat):
        own = seed if number == 0 else child_seed(seed, "repeat", number)
        drawn, recipes = run_chain(columns, own, recipes)
        drawn = {j: d for j, d in drawn.items() if all_held[j].name in fill}
        codes = {j: _all_codes(all_held[j], d.codes) for j, d in drawn.items() if d.codes is not None}
        agree(all_held, codes, schema.dependencies, stream(own, "complete", "agree"))
        for j, full in codes.items():
            drawn[j] = Drawn(full[all_held[j].missing], None)
        yield _filled(table, all_held, drawn, left)


def _all_codes(held: ColumnValues, drawn: IntArray) -> IntArray:
    out = held.codes.copy()
    out[held.missing] = drawn
    return out


def _filled(
    table: pa.Table,
    held: Sequence[ColumnValues],
    drawn: dict[int, Drawn],
    left: tuple[tuple[str, str], ...],
) -> Completed:
    """The table with the drawn cells in it."""
    out, rows = table, np.zeros(table.num_rows, dtype=np.bool_)
    counts = []
    single = tuple(held[j].name for j in drawn if len(held[j].values) == 1)
    for j, cells in drawn.items():
        own, missing = held[j], held[j].missing
        old = flat(out.column(own.name))
        new = _values(own, cells, old.type)
        place = np.zeros(table.num_rows, dtype=np.int64)
        place[missing] = np.arange(len(missing))
        mask = np.zeros(table.num_rows, dtype=np.bool_)
        mask[missing] = True
        out = put(out, own.name, pc.if_else(pa.array(mask), new.take(pa.array(place)), old))
        rows |= mask
        counts.append((own.name, len(missing)))
    return Completed(out, tuple(counts), left, int(rows.sum()), single)


def _values(held: ColumnValues, cells: Drawn, kind: pa.DataType) -> pa.Array:
    """Drawn cells as values of the column's type."""
    if cells.codes is not None:
        return held.values.take(pa.array(cells.codes)).cast(kind)
    if pa.types.is_floating(kind):
        return pa.array(cells.numbers, kind)
    assert cells.numbers is not None
    whole = np.rint(cells.numbers)
    if pa.types.is_date32(kind):
        return pa.array(whole.astype(np.int32)).view(kind)
    return pa.array(whole.astype(np.int64)).view(kind)


def _reason(name: str, table: pa.Table, schema: Schema) -> str:
    if table.column(name).null_count == table.num_rows:
        return "it holds no value at all"
    return f"its values are made afresh ({schema[name].kind})"
