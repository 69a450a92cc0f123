"""A table <-> a matrix of small integers, column by column, with what one column determines in another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.codes.boolean import BooleanCodebook
from locum.codes.calendar import CalendarCodebook
from locum.codes.category import CategoryCodebook
from locum.codes.codebook import Codebook, Treatment
from locum.codes.derived import DerivedCodebook
from locum.codes.entity import once_each
from locum.codes.fresh_values import GeneratedCodebook
from locum.codes.json_fields import Wire
from locum.codes.numeric import NumericCodebook
from locum.codes.settings import EncoderSettings
from locum.data.arrowtypes import parse_type
from locum.data.distinct import distinct, flat
from locum.errors import DataError, FileFormatError, UsageError
from locum.randomness import check_seed, stream
from locum.schema.column import Column
from locum.schema.domain import Attribute, Coded, Codes, Domain
from locum.schema.table import Schema
from locum.schema.validate import canonical_type

#: Version of the JSON form.
FORMAT = 1

_FAMILIES: Mapping[str, Any] = {
    "category": CategoryCodebook,
    "boolean": BooleanCodebook,
    "integer": NumericCodebook,
    "number": NumericCodebook,
    "duration": NumericCodebook,
    "date": CalendarCodebook,
    "datetime": CalendarCodebook,
}


@dataclass(frozen=True, slots=True, eq=False)
class Encoder:
    """The coding of one table.

    Attributes
    ----------
    schema
        The table.
    settings
        How finely it is coded.
    books
        One codebook per column, in the schema's order.
    domain
        The attributes of the codes.
    ignored
        Dependents whose determinant is not coded exactly, or has rare values only, so that both are coded.
    """

    schema: Schema
    settings: EncoderSettings
    books: tuple[Codebook, ...]
    domain: Domain
    ignored: tuple[str, ...] = ()

    @classmethod
    def fit(
        cls, table: pa.Table, schema: Schema, *, seed: int = 0, settings: EncoderSettings | None = None
    ) -> Encoder:
        """Learn the coding of a canonical table.

        Nothing random happens today; `seed` is there so that a family may need it. Cost: about one sort per
        ordered column and one hash per other column. What is frequent enough to be kept is counted in persons
        where the schema names an entity.

        Raises
        ------
        DataError
            When a column of the schema is not in the table, or is not of its kind's Arrow type.
        """
        check_seed(seed)
        settings = settings or EncoderSettings()
        columns = {c.name: _column(table, c) for c in schema}
        books: dict[str, Codebook] = {}
        ignored: list[str] = []
        parent = {d.dependent: d.determinant for d in schema.dependencies}
        whose = None if schema.entity is None else distinct(table.column(schema.entity)).index
        for name in _determinants_first(schema):
            column = schema[name]
            determinant = parent.get(name)
            if determinant is not None:
                reachable = _reachable(books[determinant], columns[determinant])
                if len(reachable) and not column.regenerated:
                    pair = columns[determinant], columns[name]
                    books[name] = DerivedCodebook.fit(*pair, determinant, column, reachable)
                    continue
                ignored.append(name)
            values = columns[name]
            if whose is not None and not column.regenerated:
                values = once_each(values, whose)
            books[name] = _family(column).fit(values, column, settings)
        ordered = tuple(books[c.name] for c in schema)
        return cls(schema, settings, ordered, _domain(ordered, schema), tuple(sorted(ignored)))

    @classmethod
    def of(cls, schema: Schema, books: tuple[Codebook, ...], *, ignored: tuple[str, ...] = ()) -> Encoder:
        """An encoder of codebooks that were made elsewhere, one per column in the schema's order."""
        return cls(schema, EncoderSettings(), books, _domain(books, schema), ignored)

    def encode(self, table: pa.Table) -> Coded:
        """Code a canonical table; values unseen in fit go where each codebook says, never an exception.

        Raises
        ------
        DataError
            When a column is missing or of another Arrow type.
        """
        codes = np.empty((table.num_rows, len(self.domain)), dtype=np.int32, order="F")
        at = 0
        for column, book in zip(self.schema, self.books, strict=True):
            for part in book.encode(_column(table, column)):
                codes[:, at] = part
                at += 1
        return Coded(self.domain, codes)

    def decode(self, codes: Codes, *, seed: int) -> pa.Table:
        """Canonical table of code rows; the same seed gives the same table.

        Parameters
        ----------
        codes
            int32, shape (n_rows, n_attributes), each within its attribute's size.
        seed
            For what the codes leave open.

        Raises
        ------
        UsageError
            When the matrix does not fit the domain.
        """
        seed = check_seed(seed)
        sizes = np.array(self.domain.sizes)
        if codes.ndim != 2 or codes.shape[1] != len(sizes):
            raise UsageError(f"codes of shape {codes.shape} do not fit", expected=f"{len(sizes)} attributes")
        if len(codes) and ((codes.min(axis=0) < 0) | (codes.max(axis=0) >= sizes)).any():
            raise UsageError("a code is outside its attribute", expected="codes from 0 to size - 1")
        parts: dict[str, list[Codes]] = {c.name: [] for c in self.schema}
        for i, attribute in enumerate(self.domain):
            parts[attribute.column].append(codes[:, i].astype(np.int32, copy=False))
        done: dict[str, pa.Array] = {}
        books = self.by_name
        for name in _determinants_first(self.schema):
            book = books[name]
            if isinstance(book, DerivedCodebook):
                done[name] = book.look_up(done[book.determinant])
            else:
                done[name] = book.decode(parts[name], stream(seed, "decode", name))
        fields = [pa.field(n, done[n].type) for n in self.schema.names]
        return pa.Table.from_arrays([done[n] for n in self.schema.names], schema=pa.schema(fields))

    @property
    def by_name(self) -> dict[str, Codebook]:
        """The codebook of each column."""
        return dict(zip(self.schema.names, self.books, strict=True))

    def treatments(self) -> tuple[Treatment, ...]:
        """What was done to each column, in the schema's order."""
        out = []
        for book in self.books:
            told = book.treatment()
            if told.column in self.ignored:
                words = (
                    f"{told.sentence} The column it follows from has too many or too rare values to look up."
                )
                told = Treatment(told.column, told.kind, told.codes, words)
            out.append(told)
        return tuple(out)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready state; holds kept levels, atoms and rounded cell edges, no rows."""
        columns = [
            {"name": name, "family": book.family, **book.to_json()} for name, book in self.by_name.items()
        ]
        return {
            "format": FORMAT,
            "settings": self.settings.to_json(),
            "columns": columns,
            "ignored": list(self.ignored),
        }

    @classmethod
    def from_json(cls, obj: object, schema: Schema) -> Encoder:
        """Rebuild an encoder for `schema`.

        Raises
        ------
        FileFormatError
            On a newer version and on anything that `to_json` cannot have written: wrong types and shapes,
            numbers that are not finite, absurd sizes, another schema's columns.
        """
        wire = Wire.of(obj, "encoder")
        version = wire.integer("format", low=1)
        if version > FORMAT:
            raise FileFormatError(
                f"has format {version}", where="encoder", expected=f"at most {FORMAT}", do="update locum"
            )
        items = wire.objects("columns")
        if len(items) != len(schema):
            raise wire.fail("columns", f"{len(schema)} columns")
        parent = {d.dependent: d.determinant for d in schema.dependencies}
        books: list[Codebook] = []
        for item, column in zip(items, schema, strict=True):
            if item.text("name") != column.name:
                raise item.fail("name", "the schema's columns in order")
            family = item.text("family")
            if family == DerivedCodebook.family:
                determinant = parent.get(column.name)
                if determinant is None or item.text("determinant") != determinant:
                    raise item.fail("determinant", "a dependency of the schema")
                types = arrow_type(schema[determinant]), arrow_type(column)
                books.append(DerivedCodebook.from_json(item, column, *types))
            elif family == _family(column).family:
                books.append(_family(column).from_json(item, column))
            else:
                raise item.fail("family", f"the family of {column.kind}")
        settings = EncoderSettings.from_json(wire.object("settings"))
        ignored = tuple(wire.texts("ignored"))
        return cls(schema, settings, tuple(books), _domain(tuple(books), schema), ignored)


def arrow_type(column: Column) -> pa.DataType:
    """Arrow type of a column in the canonical table."""
    return parse_type(canonical_type(column))


def _family(column: Column) -> Any:
    return GeneratedCodebook if column.regenerated else _FAMILIES[column.kind]


def _column(table: pa.Table, column: Column) -> pa.Array:
    """One column as one array of the canonical type."""
    at = table.schema.get_all_field_indices(column.name)
    if len(at) != 1:
        raise DataError("there is no such column" if not at else "column appears twice", where=column.name)
    values = flat(table.column(at[0]))
    wanted = arrow_type(column)
    if values.type == wanted:
        return values
    if pa.types.is_timestamp(values.type) and pa.types.is_timestamp(wanted):
        # the canonical form is UTC with or without a mark of it
        return values.cast(pa.timestamp("us", values.type.tz)).view(pa.int64()).view(wanted)
    try:
        return values.cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(
            f"holds {values.type}", where=column.name, expected=f"{wanted}, as {column.kind} columns do"
        ) from error


def _reachable(book: Codebook, values: pa.Array) -> pa.Array:
    """The values of a column to which its book can decode; none when the book is not exact."""
    if not book.exact:
        return values.slice(0, 0)
    if isinstance(book, DerivedCodebook):
        possible = book.reachable
    else:
        codes = np.arange(book.attributes[0].size, dtype=np.int32)
        possible = pc.unique(book.decode([codes], stream(0, "reachable")))
    return possible.filter(pc.is_in(possible, value_set=pc.unique(values)))


def _determinants_first(schema: Schema) -> list[str]:
    """Column names such that a determinant comes before its dependents."""
    parent = {d.dependent: d.determinant for d in schema.dependencies}
    depth = {}
    for name in schema.names:
        at, steps = name, 0
        while at in parent:
            at, steps = parent[at], steps + 1
        depth[name] = steps
    return sorted(schema.names, key=lambda name: depth[name])


def _domain(books: tuple[Codebook, ...], schema: Schema) -> Domain:
    """All attributes; a second attribute whose name a column already has gets a longer one."""
    taken = set(schema.names)
    attributes: list[Attribute] = []
    for book in books:
        first, *others = book.attributes
        attributes.append(first)
        for other in others:
            name = other.name
            while name in taken:
                name += "'"
            taken.add(name)
            attributes.append(Attribute(name, other.column, other.size, other.ordered, other.null))
    return Domain(tuple(attributes))
