"""Private rows wherever they lie: what discovery and fitting may ask of them, and rows in memory.

What anybody may know of them is their name, the names of their columns, and their container. A value is read
as what it is by itself, whatever the type of its column (`typed_rows`).

Whoever holds rows offers no more than this: code every row by a function that looks at one row at a time, and
count; generators that are not private get the coded rows. So the rows may be a table in memory (`MemoryRows`)
or a file larger than it (`FileRows`), and what is learnt has the same law either way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from locum.data.arrowtypes import family
from locum.data.canonical import to_kind
from locum.data.cell_texts import cell_text, column_texts, within_calendar
from locum.data.distinct import distinct
from locum.data.missing import numbers_among
from locum.data.origin import Backend, Raw
from locum.data.private_table import PrivateTable, open_private
from locum.privacy.group_keys import Part
from locum.privacy.random_bits import SystemBits
from locum.privacy.unit import Unit, bound_units
from locum.schema.column import Column
from locum.schema.domain import Coded, CodedRows, Codes, Domain
from locum.schema.table import Schema
from locum.schema.validate import check
from locum.sources.base import Source
from locum.sources.memory import MemorySource

if TYPE_CHECKING:
    import pyarrow as pa

Mask = npt.NDArray[np.bool_]
#: Codes of some rows, int32, shape (n_rows, n_attributes). A row's codes depend on that row alone.
Coder = Callable[["pa.Table"], Codes]


class Rows(Protocol):
    """Private rows that are coded and counted, never looked at one by one by anybody behind them.

    Attributes
    ----------
    name, names, backend
        The table's name, its columns, and its container: public.
    n_rows
        Exact, and private: it goes through a mechanism before it goes anywhere.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def names(self) -> Sequence[str]: ...  # noqa: D102

    @property
    def backend(self) -> Backend: ...  # noqa: D102

    @property
    def n_rows(self) -> int: ...  # noqa: D102

    def only(self, kept: Mask) -> Rows:
        """Some of the rows; `kept` is bool, shape (n_rows,)."""
        ...

    def bounded(self, unit: Unit) -> Rows:
        """At most k rows of each unit, chosen at random; rows of nobody known are left out."""
        ...

    def crowded(self, unit: Unit) -> int:
        """How many units have more than k rows; exact, and private."""
        ...

    def coins(self, unit: Unit, chance: float) -> Mask:
        """A secret coin for each unit, true with probability `chance`; bool, shape (n_rows,)."""
        ...

    def canonical(self, schema: Schema) -> Rows:
        """The same rows in the canonical types of `schema`; what is not of its kind is missing."""
        ...

    def coded(self, domain: Domain, code: Coder) -> Source:
        """Counts of the rows as `code` codes them."""
        ...

    def codes(self, domain: Domain, code: Coder) -> CodedRows:
        """The rows themselves as `code` codes them, for generators that look at rows and are not private."""
        ...

    def tallies(self, columns: Sequence[str]) -> list[Iterator[Part]]:
        """The different labels of each canonical column with their exact numbers of rows, in parts."""
        ...

    def table(self) -> pa.Table:
        """The rows themselves, for the report that stays with whoever holds the data."""
        ...


#: Families of types in which a value of a kind is held as such; in any other column its text is read.
_HELD: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("integer", "number"), frozenset({"integer", "float"})),
    **dict.fromkeys(("date", "datetime"), frozenset({"date", "timestamp"})),
    "duration": frozenset({"duration", "time", "integer", "float"}),
}


#: Texts that stand for missing in every private column, besides the declared ones, unless they are levels.
MISSING = ("", "?", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "<NA>", "NaT", "-", "--")


def typed_rows(table: pa.Table, schema: Schema) -> pa.Table:
    """Private rows in the canonical types of `schema`; what is not of its kind is missing.

    A value becomes the same whatever the type of its column is, so that no row has an effect on another: a
    text that does not have the declared form is read in the plain one, as a typed value would be.
    """
    import pyarrow as pa

    check(schema)
    columns = {}
    for column in schema:
        values = table.column(column.name)
        if not _as_held(values.type, column):
            values = column_texts(values)
        elif family(values.type) in ("date", "timestamp"):
            values = within_calendar(values)
        gone = (*_missing(column), *(text for text in MISSING if text not in (column.levels or ())))
        columns[column.name] = _of_kind(values, replace(column, missing=gone))
    return pa.table(columns)


def _as_held(held: pa.DataType, column: Column) -> bool:
    """Whether a typed column gives each value as its text would.

    Not where the schema says how texts are to be read, or the type has a scale or time zone of its own: in a
    column of mixed values, which one row can make of it, such values are read as texts.
    """
    told = column.format or column.timezone
    return not told and getattr(held, "tz", None) is None and family(held) in _HELD.get(column.kind, ())


def _missing(column: Column) -> tuple[str, ...]:
    """The declared spellings of missing; of numbers also the one that a typed value has."""
    numbers = numbers_among(column.missing) if column.kind in ("integer", "number") else []
    return (*column.missing, *(text for n in numbers if (text := cell_text(n)) is not None))


def _of_kind(values: pa.ChunkedArray | pa.Array, column: Column) -> pa.Array:
    """One column in its canonical type: in its declared form, else in the plain one."""
    import pyarrow.compute as pc

    found = to_kind(values, column, column.name, lenient=True)
    if column.format and column.ordered and found.null_count:
        plain = to_kind(values, replace(column, format=""), column.name, lenient=True)
        found = pc.coalesce(found, plain)
    if column.kind == "duration" and found.null_count and family(values.type) == "text":
        number = to_kind(values, Column(column.name, "number", missing=column.missing), "", lenient=True)
        found = pc.coalesce(found, to_kind(number, column, column.name, lenient=True))
    return found


def unit_ids(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """Whose row each is, as text; null where nobody is named."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pc.utf8_trim_whitespace(column_texts(column))
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


@dataclass(frozen=True, slots=True, eq=False)
class MemoryRows:
    """Rows of a table in memory; see `Rows`. Make it with `of` or `of_raw`."""

    rows: pa.Table
    name: str
    backend: Backend

    @classmethod
    def of(cls, table: PrivateTable) -> MemoryRows:
        """The rows of a private table, all at once."""
        import pyarrow as pa

        blocks = list(table.read())
        none = pa.table([pa.nulls(0, pa.string())] * len(table.names), names=list(table.names))
        return cls(pa.concat_tables(blocks) if blocks else none, table.name, table.backend)

    @classmethod
    def of_raw(cls, raw: Raw) -> MemoryRows:
        """The rows of a table that was read; that its columns are those is public."""
        found = cls.of(open_private(raw.table, raw.table.column_names))
        return replace(found, name=raw.name, backend=raw.origin.backend)

    @property
    def names(self) -> Sequence[str]:
        """Names of the columns."""
        return tuple(self.rows.column_names)

    @property
    def n_rows(self) -> int:
        """Exact number of rows."""
        return int(self.rows.num_rows)

    def only(self, kept: Mask) -> MemoryRows:
        """Some of the rows."""
        import pyarrow as pa

        return self._with(self.rows.filter(pa.array(kept)))

    def bounded(self, unit: Unit) -> MemoryRows:
        """At most k rows of each unit."""
        return self if unit.column is None else self.only(bound_units(self.units(unit.column), unit.rows))

    def crowded(self, unit: Unit) -> int:
        """How many units have more than k rows."""
        if unit.column is None:
            return 0
        ids = self.units(unit.column)
        return int((np.bincount(ids[ids >= 0], minlength=1) > unit.rows).sum())

    def coins(self, unit: Unit, chance: float) -> Mask:
        """A secret coin for each unit; rows of nobody known share one."""
        units = np.arange(self.n_rows) if unit.column is None else self.units(unit.column) + 1
        drawn = SystemBits().words(int(units.max(initial=0)) + 1)
        return np.asarray(drawn < np.uint64(min(2**64 - 1, round(chance * 2**64))))[units]

    def units(self, column: str) -> npt.NDArray[np.int64]:
        """A number for each row, the same for rows of one unit, -1 for nobody known; shape (n_rows,)."""
        return np.asarray(distinct(unit_ids(self.rows.column(column))).index)

    def canonical(self, schema: Schema) -> MemoryRows:
        """The same rows in canonical types."""
        return self._with(typed_rows(self.rows, schema))

    def coded(self, domain: Domain, code: Coder) -> MemorySource:
        """Counts of the coded rows."""
        return MemorySource(self.codes(domain, code))

    def codes(self, domain: Domain, code: Coder) -> Coded:
        """The coded rows."""
        return Coded(domain, code(self.rows))

    def tallies(self, columns: Sequence[str]) -> list[Iterator[Part]]:
        """Labels and their numbers of rows, each column in one part."""
        return [self._labels(name) for name in columns]

    def _labels(self, column: str) -> Iterator[Part]:
        import pyarrow.compute as pc

        found = pc.value_counts(self.rows.column(column).drop_null())
        found = found.take(pc.sort_indices(found.field("values")))
        yield found.field("values").to_pylist(), found.field("counts").to_pylist()

    def table(self) -> pa.Table:
        """The rows themselves."""
        return self.rows

    def _with(self, table: pa.Table) -> MemoryRows:
        return MemoryRows(table, self.name, self.backend)
