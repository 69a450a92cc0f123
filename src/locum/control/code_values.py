"""Values that a model can write for one column, code by code: conditions on values become code weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.arrays import BoolArray, FloatArray, IntArray
from locum.codes.calendar import DAY, CalendarCodebook
from locum.codes.category import CategoryCodebook
from locum.codes.derived import DerivedCodebook
from locum.codes.encoder import Encoder
from locum.codes.fresh_values import GeneratedCodebook
from locum.codes.grid import Grid
from locum.codes.numeric import NumericCodebook
from locum.codes.recoding import RestoredCodebook
from locum.data.distinct import flat
from locum.randomness import stream
from locum.schema.domain import Codes

#: Values drawn per code that stands for several values.
DRAWS = 64
#: Share of a cell without a raster that a single asked value is taken to have.
POINT = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Bank:
    """Values of a root column and of the columns that follow from it.

    Attributes
    ----------
    root
        The column.
    attributes
        Its attributes' indices in the domain.
    code
        Code (of the first attribute) of each line; shape (n_lines,).
    mass
        Share of its code that each line stands for; the lines of a code sum to 1.
    values
        The values of the root as its codebook gives them.
    table
        The columns that follow from the root alone, in most cases itself and its dependents.
    """

    root: str
    attributes: tuple[int, ...]
    code: IntArray
    mass: FloatArray
    values: pa.Array
    table: pa.Table

    @property
    def single(self) -> bool:
        """Whether one attribute says all about the column."""
        return len(self.attributes) == 1

    def share(self, holds: BoolArray, size: int) -> FloatArray:
        """Share of each code on whose lines something holds; shape (size,), 0 to 1."""
        share = np.bincount(self.code, weights=self.mass * holds, minlength=size).astype(np.float64)
        return np.where(share > 1 - 1e-9, 1.0, share)


def roots(encoder: Encoder) -> dict[str, tuple[str, ...]]:
    """For each column the coded columns that it follows from in the end, just itself where it is coded."""
    books, needs = encoder.by_name, encoder.needs
    place = {name: r.coded for r in encoder.recodings for name in r.gives}
    out: dict[str, tuple[str, ...]] = {}
    for name in encoder.order:
        own: tuple[str, ...] = () if isinstance(books[name], DerivedCodebook) else (name,)
        if name in place:
            coded = place[name]
            own = () if coded is None else (coded.name,)
        others = (root for other in needs.get(name, ()) for root in out[other])
        out[name] = tuple(dict.fromkeys((*own, *others)))
    return out


def coded_roots(encoder: Encoder) -> tuple[str, ...]:
    """The coded columns, in the order of the table; those that stand for several columns last."""
    whole = (DerivedCodebook, RestoredCodebook)
    return tuple(name for name, book in encoder.by_name.items() if not isinstance(book, whole))


def attributes_of(encoder: Encoder, column: str) -> tuple[int, ...]:
    """Indices of the attributes that a column owns."""
    return tuple(i for i, a in enumerate(encoder.domain) if a.column == column)


def draw_root(encoder: Encoder, root: str, codes: Codes, rng: np.random.Generator) -> pa.Array:
    """Values of a root as its codebook gives them; `codes` is the whole row matrix.

    Ids, texts and personal data are not made here: present ones are empty texts, to be filled at the end.
    """
    book = encoder.by_name[root]
    parts = [np.ascontiguousarray(codes[:, i]) for i in attributes_of(encoder, root)]
    if isinstance(book, GeneratedCodebook):
        missing = (parts[0] == 1) if book.maker is not None else np.ones(len(codes), dtype=bool)
        return pa.array(np.full(len(codes), "", dtype=object), pa.string(), mask=missing)
    return book.decode(parts, rng)


def decode_root(encoder: Encoder, root: str, codes: Codes, rng: np.random.Generator) -> dict[str, pa.Array]:
    """Columns that follow from a root alone, for code rows."""
    return encoder.restore({root: draw_root(encoder, root, codes, rng)})


def draw_roots(encoder: Encoder, codes: Codes, seed: int) -> dict[str, pa.Array]:
    """Values of all roots as their codebooks give them."""
    return {
        root: draw_root(encoder, root, codes, stream(seed, "decode", root)) for root in coded_roots(encoder)
    }


def decode_table(encoder: Encoder, codes: Codes, seed: int) -> pa.Table:
    """Canonical table of code rows, as `Encoder.decode` but without made values."""
    return as_table(encoder, draw_roots(encoder, codes, seed))


def as_table(
    encoder: Encoder, drawn: Mapping[str, pa.Array], given: Mapping[str, pa.Array] | None = None
) -> pa.Table:
    """Canonical table of the values of all roots; `given` as in `Encoder.restore`."""
    done = encoder.restore(drawn, given)
    return pa.table({name: done[name] for name in encoder.schema.names})


def build_bank(encoder: Encoder, root: str, asked: Mapping[str, Iterable[Any]]) -> Bank:
    """Lines for every code of a column: the value of an atom, `DRAWS` draws of a cell, and the asked values.

    Parameters
    ----------
    encoder
        The coding.
    root
        A coded column.
    asked
        Values that conditions compare columns with; they and their neighbours get lines of their own where
        the column can take them, so that thin ranges and single values are not missed.
    """
    book = encoder.by_name[root]
    attributes = attributes_of(encoder, root)
    size = encoder.domain.attributes[attributes[0]].size
    several = not book.exact and not isinstance(book, GeneratedCodebook)
    several = several or (isinstance(book, CategoryCodebook) and book.has_other and len(book.levels) > 0)
    code = np.repeat(np.arange(size), DRAWS if several else 1)
    codes = np.zeros((len(code), len(encoder.domain)), dtype=np.int32, order="F")
    codes[:, attributes[0]] = code
    rng = stream(0, "bank", root)
    if len(attributes) > 1 and isinstance(book, CalendarCodebook) and book.clock is not None:
        clock = rng.choice(book.clock.size, size=len(code), p=book.clock.share / book.clock.share.sum())
        if book.has_nulls:
            clock = np.where(code == size - 1, book.clock.size, clock)
        codes[:, attributes[1]] = clock
    values = draw_root(encoder, root, codes, rng)
    mass = np.full(len(code), 1.0 / (DRAWS if several else 1))
    # of a recoded column the values asked for are not those that are coded
    plain = not any(r.coded is not None and r.coded.name == root for r in encoder.recodings)
    extra, extra_code, extra_mass = _extra_lines(book, tuple(asked.get(root, ())) if plain else ())
    if len(extra_code) and extra is not None:
        taken = np.bincount(extra_code, weights=extra_mass, minlength=size)
        shrink = np.maximum(1.0 - taken, 0.5)
        extra_mass = extra_mass * ((1.0 - shrink) / np.maximum(taken, 1e-300))[extra_code]
        mass = mass * shrink[code]
        values = pa.concat_arrays([values, extra.cast(values.type)])
        code, mass = np.append(code, extra_code), np.append(mass, extra_mass)
    table = pa.table(encoder.restore({root: values}))
    return Bank(root, attributes, code.astype(np.int64), mass, values, table)


def _extra_lines(book: Any, asked: tuple[Any, ...]) -> tuple[pa.Array | None, IntArray, FloatArray]:
    """Asked values and their neighbours that the column can take: values, codes, share of their code."""
    nothing = None, np.zeros(0, np.int64), np.zeros(0)
    numbers = sorted(
        v for v in asked if isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < 1e300
    )
    if not numbers:
        return nothing
    if isinstance(book, NumericCodebook) and book.grid is not None:
        points: Any = np.array(numbers, dtype=np.float64 if book.kind == "number" else np.int64)
        units, code, mass = _inside(book.grid, book.lattice.to_units(points))
        values = book.lattice.to_values(units, integer=book.kind != "number")
        array = pa.array(values).view(pa.duration("us")) if book.kind == "duration" else pa.array(values)
        return array, code + int(book.minus), mass
    if isinstance(book, CalendarCodebook) and book.days is not None and book.clock is None:
        days = np.array([int(v // DAY) for v in numbers], dtype=np.int64)
        units, code, mass = _inside(book.days, days)
        if book.kind == "date":
            return pa.array(units.astype(np.int32)).view(pa.date32()), code, mass
        zone = pa.timestamp("us", tz="UTC") if book.timezone else pa.timestamp("us")
        return pa.array(units * DAY).view(zone), code, mass
    return nothing


def _inside(grid: Grid, points: Any) -> tuple[Any, IntArray, FloatArray]:
    """Points, their neighbours and what lies half-way between them, as far as cells of the grid hold them."""
    whole = points.dtype.kind == "i"
    if whole:
        near = [points - 1, points, points + 1, (points[:-1] + points[1:]) // 2]
    else:
        near = [
            np.nextafter(points, -np.inf),
            points,
            np.nextafter(points, np.inf),
            (points[:-1] + points[1:]) / 2,
        ]
    units = np.unique(np.concatenate(near))
    code = grid.encode(units).astype(np.int64)
    keep = (units >= grid.low[code]) & (units <= grid.high[code]) & ~grid.atom[code]
    units, code = units[keep], code[keep]
    if whole:
        return units, code, 1.0 / (grid.high[code].astype(np.float64) - grid.low[code] + 1.0)
    return units, code, np.full(len(units), POINT)


def replace_rows(values: pa.Array, rows: IntArray, new: pa.Array) -> pa.Array:
    """`values` with those at `rows` replaced by `new`."""
    index = np.arange(len(values))
    index[rows] = len(values) + np.arange(len(rows))
    return pa.concat_arrays([values, new.cast(values.type)]).take(pa.array(index))


def ends(bank: Bank, column: str, where: BoolArray) -> tuple[Any, Any] | None:
    """Lowest and highest value of an ordered column among some lines; None when there is none."""
    values = flat(bank.table.column(column)).filter(pa.array(where)).drop_null()
    if len(values) == 0 or pa.types.is_string(values.type) or pa.types.is_boolean(values.type):
        return None
    found = pc.min_max(values).as_py()
    return found["min"], found["max"]
