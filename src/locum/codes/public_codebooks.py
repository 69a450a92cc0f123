"""Codebooks that were never shown a private row: from what a schema declares, or from a public table.

Each column always has its special codes, whether or not the data hold such a value: missing (unless the
schema says that none can be), ``other`` for labels that are not among the levels, and an outermost code for
numbers and dates beyond a bound. What the data hold can therefore not be told from the codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa

from locum.arrays import FloatArray
from locum.codes.boolean import BooleanCodebook
from locum.codes.calendar import CalendarCodebook
from locum.codes.category import CategoryCodebook
from locum.codes.cells import LIMIT, Cells
from locum.codes.codebook import Codebook
from locum.codes.derived import DerivedCodebook
from locum.codes.encoder import Encoder
from locum.codes.filler_text import TextMaker
from locum.codes.fresh_values import GeneratedCodebook, Maker
from locum.codes.identifier import IdMaker
from locum.codes.lattice import Lattice
from locum.codes.numeric import NumericCodebook
from locum.codes.persons import PersonMaker
from locum.codes.settings import EncoderSettings
from locum.errors import LeakError, SchemaError
from locum.schema.column import Column
from locum.schema.table import Schema
from locum.schema.validate import limit

#: Forms of invented personal values where the real form must not be looked at.
_STYLES: Mapping[str, str] = {"pii.name": "first last", "pii.ip": "4"}
#: Digits that a declared range is resolved into when no decimals are declared.
_DIGITS = 6
#: Words of invented texts, as quantiles.
_WORDS = (3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20)


def refuse_data_bounds(schema: Schema) -> None:
    """Refuse a schema that took a bound from the rows themselves.

    Raises
    ------
    LeakError
        Naming the first such column, and the three ways out.
    """
    for column in schema:
        if column.bounds is not None and column.bounds.source == "data":
            raise LeakError(
                "the bounds were read from the data, so they would publish somebody's value",
                where=f"{schema.name}.{column.name}",
                expected="bounds that are declared, public, or bought under the budget",
                do='declare them from public knowledge (source = "declared"), give a public table with '
                "--public, or remove the bounds to have them discovered under the budget",
            )


def is_declared(column: Column) -> bool:
    """Whether the codes of a column follow from the schema alone."""
    if column.regenerated or column.kind == "boolean":
        return True
    if column.kind == "category":
        return column.levels is not None
    bounds = column.bounds
    return bounds is not None and bounds.low is not None and bounds.high is not None


def declared_book(column: Column) -> Codebook:
    """The codebook of a column that `is_declared`, from the schema alone.

    Raises
    ------
    SchemaError
        When the bounds cannot be coded.
    """
    if column.regenerated:
        return generated_book(column)
    if column.kind == "boolean":
        return BooleanCodebook(column.name, True, column.nullable, 0)
    if column.kind == "category":
        return category_book(column, column.levels or ())
    return ordered_book(column, declared_cells(column), lattice=raster(column))


def raster(column: Column, decimals: int | None = None) -> Lattice:
    """The raster of an ordered column: days for dates, seconds for times, decimals for numbers.

    Without declared decimals (nor `decimals`) a declared range is resolved into a million steps or so.
    """
    if column.kind in ("date", "datetime"):
        return Lattice(0)
    if column.kind == "duration":
        return Lattice(0, step=1_000_000)
    if column.kind == "integer":
        return Lattice(0)
    found = column.decimals if decimals is None else decimals
    if found is None:
        low, high = (float(limit(column, b)) for b in _ends(column))
        found = _DIGITS - int(np.floor(np.log10(max(high - low, 1e-12))))
    return Lattice(int(np.clip(found, 0, 15)))


def declared_cells(column: Column) -> Cells:
    """Cells of the declared range, in units of the raster.

    Raises
    ------
    SchemaError
        When a bound cannot be read, or is too large for the raster.
    """
    low, high = (limit(column, bound) for bound in _ends(column))
    where = column.name
    if low is None or high is None:
        raise SchemaError("a bound cannot be read", where=where, expected="two bounds of the column's kind")
    if column.kind in ("date", "datetime"):
        a, b = (int(np.datetime64(v, "D").astype(np.int64)) for v in (low, high))
    elif column.kind in ("duration", "integer"):
        a, b = int(np.ceil(low)), int(np.floor(high))
    else:
        scale = 10.0 ** (raster(column).decimals or 0)
        a, b = round(float(low) * scale), round(float(high) * scale)
    if not -LIMIT < a <= b < LIMIT:
        raise SchemaError("the bounds cannot be coded", where=where, expected="low <= high, below 4e18")
    return Cells.between(a, b)


def _ends(column: Column) -> tuple[float | str | None, float | str | None]:
    assert column.bounds is not None
    return column.bounds.low, column.bounds.high


def category_book(
    column: Column, levels: tuple[str, ...], weights: FloatArray | None = None
) -> CategoryCodebook:
    """Levels as given, then ``other``, then missing; `weights` decide how ``other`` is decoded."""
    n = len(levels)
    share = np.full(n, 1.0 / max(1, n)) if weights is None else np.maximum(weights, 0.0)
    share = np.round(share / max(float(share.sum()), 1e-9), 6)
    book = CategoryCodebook(column.name, pa.array(levels, pa.string()), share, True, column.nullable, None, 0)
    # what a level that is unknown is written as when no level is known at all
    text = column.storage in ("string", "large_string", "string_view", "dictionary")
    return replace(book, stand_in=None if column.nullable else "other" if text else "0")


def ordered_book(
    column: Column,
    cells: Cells,
    mass: FloatArray | None = None,
    *,
    lattice: Lattice,
    most: int = 64,
    least: float = 0.0,
    alone: float = np.inf,
) -> Codebook:
    """Numbers, durations, dates or datetimes in the given cells; other arguments as `Cells.to_grid`."""
    grid = cells.to_grid(mass, most=most, least=least, alone=alone)
    if column.kind not in ("date", "datetime"):
        return NumericCodebook(column.name, column.kind, lattice, grid, False, False, column.nullable)
    clock = seconds = None
    if column.kind == "datetime":
        starts = np.arange(24, dtype=np.int64) * 3600
        clock, seconds = Cells(starts, starts + 3599).to_grid(), Lattice(0, step=1_000_000)
    return CalendarCodebook(
        column.name, column.kind, column.timezone, grid, None, clock, seconds, column.nullable
    )


def empty_book(column: Column, lattice: Lattice) -> Codebook:
    """An ordered column of which nothing is known: every value is missing."""
    if column.kind in ("date", "datetime"):
        return CalendarCodebook(column.name, column.kind, column.timezone, None, None, None, None, True)
    return NumericCodebook(column.name, column.kind, lattice, None, False, False, True)


def generated_book(column: Column, form: str = "") -> GeneratedCodebook:
    """An id, text or PII column whose form was not looked at; `form` ``uuid`` asks for such ids."""
    maker: Maker
    if column.kind == "id":
        maker = IdMaker("uuid") if form == "uuid" else IdMaker("sequence", low=0, high=10**9)
    elif column.kind == "text":
        maker = TextMaker(_WORDS)
    else:
        maker = PersonMaker(column.kind, _STYLES.get(column.kind, ""))
    return GeneratedCodebook(column.name, column.kind, maker, 1.0, column.nullable)


def public_books(table: pa.Table, schema: Schema, *, codes: int = 64) -> dict[str, Codebook]:
    """Codebooks learned from a public canonical table, with every special code added.

    Columns in which the public table holds no value are left out. A column that another determines is looked
    up as in the public table.

    Parameters
    ----------
    table, schema
        Public rows and what their columns are; they are learned from as if nothing in them needed protection.
    codes
        About how many codes a column may have.
    """
    settings = replace(EncoderSettings.coarse(codes), rare_rows=1, edge_rows=1)
    books: dict[str, Codebook] = {}
    for column, book in zip(schema, Encoder.fit(table, schema, settings=settings).books, strict=True):
        nulls = column.nullable
        if isinstance(book, CategoryCodebook) and len(book.levels):
            stand_in = None if nulls else book.stand_in
            books[column.name] = replace(book, has_other=True, has_nulls=nulls, stand_in=stand_in)
        elif isinstance(book, BooleanCodebook):
            books[column.name] = replace(book, has_values=True, has_nulls=nulls)
        elif isinstance(book, NumericCodebook) and book.grid is not None:
            books[column.name] = replace(book, minus=False, plus=False, has_nulls=nulls)
        elif isinstance(book, CalendarCodebook) and book.days is not None:
            books[column.name] = replace(book, has_nulls=nulls)
        elif isinstance(book, GeneratedCodebook):
            maker = book.maker
            books[column.name] = generated_book(column) if maker is None else replace(book, has_nulls=nulls)
        elif isinstance(book, DerivedCodebook):
            books[column.name] = book
    return books


def declared_encoder(schema: Schema, known: Mapping[str, Codebook] | None = None) -> Encoder:
    """An encoder made of what the schema declares and of codebooks that are `known` already.

    Dependencies are kept where the dependent's codebook is known to look it up; otherwise both columns are
    coded, for which value goes with which would have to be read from the data.

    Raises
    ------
    LeakError
        For bounds read from the data, and for a column that is neither declared nor known.
    """
    refuse_data_bounds(schema)
    given = dict(known or {})
    for column in schema:
        if column.name not in given and not is_declared(column):
            need = "levels" if column.kind == "category" else "bounds"
            raise LeakError(
                f"nothing says which {need} the column has, and they may not be read from the data",
                where=f"{schema.name}.{column.name}",
                expected=f"{need} that are declared, public, or bought under the budget",
                do=f"declare its {need} in locum.toml, give a public table with --public, or let them be "
                "discovered under the budget",
            )
    books = tuple(given.get(c.name) or declared_book(c) for c in schema)
    looked_up = {b.name for b in books if isinstance(b, DerivedCodebook)}
    ignored = sorted({d.dependent for d in schema.dependencies} - looked_up)
    return Encoder.of(schema, books, ignored=tuple(ignored))
