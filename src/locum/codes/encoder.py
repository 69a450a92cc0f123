"""A table <-> a matrix of small integers, column by column, with what one column determines in another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.codes.boolean import BooleanCodebook
from locum.codes.calculated import find_calculated
from locum.codes.calendar import CalendarCodebook
from locum.codes.category import CategoryCodebook
from locum.codes.codebook import Codebook, Treatment
from locum.codes.derived import DerivedCodebook
from locum.codes.entity import once_each
from locum.codes.follow import needs_of, order_of, restore
from locum.codes.fresh_values import GeneratedCodebook
from locum.codes.json_fields import Wire
from locum.codes.numeric import NumericCodebook
from locum.codes.recoding import Recoding, RestoredCodebook, Values
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
#: Reads recodings of a table from a model file.
ReadRecodings = Callable[[list[Wire], Schema], tuple[Recoding, ...]]

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
    recodings
        What is coded in the place of some columns, so that rules hold by construction; where several give the
        same column, in the order in which they are applied.
    hidden
        Codebooks of what recodings code that no column of the table is in the place of; after `books`.
    """

    schema: Schema
    settings: EncoderSettings
    books: tuple[Codebook, ...]
    domain: Domain
    ignored: tuple[str, ...] = ()
    recodings: tuple[Recoding, ...] = ()
    hidden: tuple[Codebook, ...] = ()

    @classmethod
    def fit(
        cls,
        table: pa.Table,
        schema: Schema,
        *,
        seed: int = 0,
        settings: EncoderSettings | None = None,
        recodings: Sequence[Recoding] = (),
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
        coded = _recoded(columns, recodings)
        places = {c.name: c for r in recodings if (c := r.coded) is not None}
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
            if name not in coded:
                books[name] = RestoredCodebook(name, column.kind, _sentence(name, recodings))
                continue
            column, values = places.get(name, column), coded[name]
            if whose is not None and not column.regenerated:
                values = once_each(values, whose)
            books[name] = _family(column).fit(values, column, settings)
        ordered = tuple(books[c.name] for c in schema)
        more = [c for name, c in places.items() if name not in schema.names]
        hidden = tuple(_family(c).fit(coded[c.name], c, settings) for c in more)
        domain = _domain((*ordered, *hidden), schema, recodings)
        return cls(schema, settings, ordered, domain, tuple(sorted(ignored)), tuple(recodings), hidden)

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
        columns = {c.name: _column(table, c) for c in self.schema}
        coded = {**columns, **_recoded(columns, self.recodings)}
        at = 0
        for name, book in self.by_name.items():
            for part in book.encode(coded[name]):
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
        drawn = {
            name: book.decode(self._parts(name, codes), stream(seed, "decode", name))
            for name, book in self.by_name.items()
            if not isinstance(book, DerivedCodebook | RestoredCodebook)
        }
        done = self.restore(drawn)
        fields = [pa.field(n, done[n].type) for n in self.schema.names]
        return pa.Table.from_arrays([done[n] for n in self.schema.names], schema=pa.schema(fields))

    def _parts(self, name: str, codes: Codes) -> list[Codes]:
        """The codes of one column, attribute by attribute."""
        return [
            codes[:, i].astype(np.int32, copy=False)
            for i, attribute in enumerate(self.domain)
            if attribute.column == name
        ]

    def restore(self, drawn: Values, given: Values | None = None) -> dict[str, pa.Array]:
        """Columns of the table from decoded columns: what was recoded is given back, what follows looked up.

        Parameters
        ----------
        drawn
            What the codebooks gave, by name.
        given
            Values that replace what comes out, where they are not null, and that others then follow from.

        Returns
        -------
        dict
            As far as `drawn` allows: a column is left out when something that it needs is not there.
        """
        return restore(self.order, self.by_name, self.recodings, drawn, given)

    @property
    def order(self) -> list[str]:
        """Column names such that what a column follows from, wholly or in part, comes before it."""
        return order_of(self.schema.names, self.needs)

    @property
    def needs(self) -> dict[str, tuple[str, ...]]:
        """For each column that is not just decoded the columns that it takes besides its own codes."""
        return needs_of(self.by_name, self.recodings)

    @property
    def kept(self) -> frozenset[str]:
        """Texts of the rules that hold in every row by the way in which the table is coded."""
        return frozenset(rule for recoding in self.recodings for rule in recoding.rules)

    @property
    def by_name(self) -> dict[str, Codebook]:
        """The codebook of each column, and after them those of what is coded besides."""
        more = {book.attributes[0].column: book for book in self.hidden}
        return dict(zip(self.schema.names, self.books, strict=True)) | more

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
            elif not isinstance(book, RestoredCodebook) and _sentence(told.column, self.recodings):
                words = f"{_sentence(told.column, self.recodings)} {told.sentence}"
                told = Treatment(told.column, self.schema[told.column].kind, told.codes, words)
            out.append(told)
        return tuple(out)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready state; holds kept levels, atoms and rounded cell edges, no rows."""
        columns = [
            {"name": name, "family": book.family, **book.to_json()} for name, book in self.by_name.items()
        ]
        state = {
            "format": FORMAT,
            "settings": self.settings.to_json(),
            "columns": columns,
            "ignored": list(self.ignored),
        }
        if self.recodings:
            state["recodings"] = [recoding.to_json() for recoding in self.recodings]
        return state

    @classmethod
    def from_json(cls, obj: object, schema: Schema, read: ReadRecodings | None = None) -> Encoder:
        """Rebuild an encoder for `schema`.

        `read` reads recodings, which lie above this package; without it a file that has some is refused.

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
        recodings: tuple[Recoding, ...] = ()
        if "recodings" in wire.data:
            if read is None:
                raise wire.fail("recodings", "no recodings")
            recodings = read(wire.objects("recodings"), schema)
        places = {c.name: c for r in recodings if (c := r.coded) is not None}
        restored = {name for r in recodings for name in r.gives} - set(places)
        hidden = [c for name, c in places.items() if name not in schema.names]
        if len(items) != len(schema) + len(hidden):
            raise wire.fail("columns", f"{len(schema) + len(hidden)} columns")
        parent = {d.dependent: d.determinant for d in schema.dependencies}
        books: list[Codebook] = []
        for item, column in zip(items, [*schema, *hidden], strict=True):
            if item.text("name") != column.name:
                raise item.fail("name", "the schema's columns in order")
            family = item.text("family")
            place = places.get(column.name, column)
            if family == DerivedCodebook.family:
                determinant = parent.get(column.name)
                if determinant is None or item.text("determinant") != determinant:
                    raise item.fail("determinant", "a dependency of the schema")
                types = arrow_type(schema[determinant]), arrow_type(column)
                books.append(DerivedCodebook.from_json(item, column, *types))
            elif (family == RestoredCodebook.family) != (column.name in restored):
                raise item.fail("family", f"the family of {column.name}")
            elif family == RestoredCodebook.family:
                books.append(RestoredCodebook(column.name, column.kind, item.text("words")))
            elif family == _family(place).family:
                books.append(_family(place).from_json(item, place))
            else:
                raise item.fail("family", f"the family of {place.kind}")
        settings = EncoderSettings.from_json(wire.object("settings"))
        ignored = tuple(wire.texts("ignored"))
        mine, more = tuple(books[: len(schema)]), tuple(books[len(schema) :])
        return cls(schema, settings, mine, _domain(tuple(books), schema, recodings), ignored, recodings, more)


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


def _recoded(columns: Values, recodings: Sequence[Recoding]) -> dict[str, pa.Array]:
    """The columns that are coded: those of the table where nothing else takes their place."""
    coded = dict(columns)
    for recoding in recodings:
        new = recoding.forth({name: coded.pop(name) for name in recoding.gives}, columns)
        if recoding.coded is not None and new is not None:
            coded[recoding.coded.name] = new
    return coded


def _sentence(column: str, recodings: Sequence[Recoding]) -> str:
    """What recodings do to a column; empty when none does anything."""
    return " ".join(r.sentence() for r in recodings if column in r.gives)


def _reachable(book: Codebook, values: pa.Array) -> pa.Array:
    """The values of a column to which its book can decode; none when the book is not exact."""
    if not book.exact:
        return values.slice(0, 0)
    if isinstance(book, DerivedCodebook):
        possible = book.reachable
    elif isinstance(book, RestoredCodebook):
        return pc.unique(values).drop_null()
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


def _domain(books: tuple[Codebook, ...], schema: Schema, recodings: Sequence[Recoding] = ()) -> Domain:
    """All attributes, and what is calculated from them.

    A second attribute whose name a column already has gets a longer one.
    """
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
    domain = Domain(tuple(attributes))
    names = [*schema.names, *(book.attributes[0].column for book in books[len(schema) :])]
    by_name = dict(zip(names, books, strict=True))
    return Domain(domain.attributes, find_calculated(schema, by_name, domain, recodings))
