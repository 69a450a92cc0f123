"""Private rows wherever they lie: what discovery and fitting may ask of them, and rows in memory.

Whoever holds rows offers no more than this: code every row by a function that looks at one row at a time, and
count; generators that are not private get the coded rows. So the rows may be a table in memory (`MemoryRows`)
or a file larger than it (`FileRows`), and what is learnt has the same law either way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from locum.data.distinct import flat
from locum.data.origin import Origin, Raw
from locum.privacy.group_keys import Part
from locum.privacy.random_bits import SystemBits
from locum.privacy.unit import Unit, bound_units
from locum.schema.domain import Coded, CodedRows, Codes, Domain
from locum.schema.table import Schema
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
    name, origin, schema
        The table's name, how it was held, names and storage types of its columns: public.
    n_rows
        Exact, and private: it goes through a mechanism before it goes anywhere.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def origin(self) -> Origin: ...  # noqa: D102

    @property
    def schema(self) -> pa.Schema: ...  # noqa: D102

    @property
    def n_rows(self) -> int: ...  # noqa: D102

    def only(self, kept: Mask) -> Rows:
        """Some of the rows; `kept` is bool, shape (n_rows,)."""
        ...

    def bounded(self, unit: Unit) -> Rows:
        """At most k rows of each unit, chosen at random; rows of nobody known are left out."""
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


@dataclass(frozen=True, slots=True, eq=False)
class MemoryRows:
    """Rows of a table in memory; see `Rows`."""

    raw: Raw

    @property
    def name(self) -> str:
        """Name of the table."""
        return self.raw.name

    @property
    def origin(self) -> Origin:
        """How the table was held."""
        return self.raw.origin

    @property
    def schema(self) -> pa.Schema:
        """Names and storage types of the columns."""
        return self.raw.table.schema

    @property
    def n_rows(self) -> int:
        """Exact number of rows."""
        return int(self.raw.table.num_rows)

    def only(self, kept: Mask) -> MemoryRows:
        """Some of the rows."""
        import pyarrow as pa

        return self._with(self.raw.table.filter(pa.array(kept)))

    def bounded(self, unit: Unit) -> MemoryRows:
        """At most k rows of each unit."""
        return self if unit.column is None else self.only(bound_units(self.units(unit.column), unit.rows))

    def coins(self, unit: Unit, chance: float) -> Mask:
        """A secret coin for each unit; rows of nobody known share one."""
        units = np.arange(self.n_rows) if unit.column is None else self.units(unit.column) + 1
        drawn = SystemBits().words(int(units.max(initial=0)) + 1)
        return np.asarray(drawn < np.uint64(min(2**64 - 1, round(chance * 2**64))))[units]

    def units(self, column: str) -> npt.NDArray[np.int64]:
        """A number for each row, the same for rows of one unit, -1 for nobody known; shape (n_rows,)."""
        import pyarrow as pa
        import pyarrow.compute as pc

        values = flat(self.raw.table.column(column))
        if not pa.types.is_dictionary(values.type):
            values = values.dictionary_encode()
        return np.asarray(pc.fill_null(values.indices.cast(pa.int64()), -1))

    def canonical(self, schema: Schema) -> MemoryRows:
        """The same rows in canonical types."""
        from locum.data.canonical import canonical

        return self._with(canonical(self.raw, schema, lenient=True))

    def coded(self, domain: Domain, code: Coder) -> MemorySource:
        """Counts of the coded rows."""
        return MemorySource(self.codes(domain, code))

    def codes(self, domain: Domain, code: Coder) -> Coded:
        """The coded rows."""
        return Coded(domain, code(self.raw.table))

    def tallies(self, columns: Sequence[str]) -> list[Iterator[Part]]:
        """Labels and their numbers of rows, each column in one part."""
        return [self._labels(name) for name in columns]

    def _labels(self, column: str) -> Iterator[Part]:
        import pyarrow.compute as pc

        found = pc.value_counts(self.raw.table.column(column).drop_null())
        found = found.take(pc.sort_indices(found.field("values")))
        yield found.field("values").to_pylist(), found.field("counts").to_pylist()

    def table(self) -> pa.Table:
        """The rows themselves."""
        return self.raw.table

    def _with(self, table: pa.Table) -> MemoryRows:
        return MemoryRows(Raw(table, self.raw.origin, self.raw.name))
