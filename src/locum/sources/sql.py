"""How a raw column becomes codes inside a database: generated SQL with nothing spliced in unquoted.

Names pass through `identifier`; edges are numbers; levels are bound as parameters of a table of their own
(`Levels.rows`), never written into a statement.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from locum.errors import UsageError
from locum.schema.domain import Attribute


class Coding(ABC):
    """One attribute, and the SQL that computes its codes."""

    __slots__ = ()

    @property
    @abstractmethod
    def attribute(self) -> Attribute:
        """The attribute that the codes belong to."""

    @property
    def rows(self) -> tuple[tuple[str, int], ...]:
        """Pairs (value, code) to be joined on the column's text; empty when codes are computed."""
        return ()

    @abstractmethod
    def sql(self, raw: str, number: str, joined: str) -> str:
        """Expression of the code.

        Given the raw column, what to cast where a number is wanted, and the joined code.
        """


@dataclass(frozen=True, slots=True)
class Levels(Coding):
    """Texts as codes: the levels in order, then ``other``, then missing.

    Attributes
    ----------
    name, column
        Of the attribute and of the raw column.
    levels
        Distinct texts.
    """

    name: str
    column: str
    levels: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.levels)) != len(self.levels):
            raise UsageError("a level comes twice", where=self.column)

    @property
    def attribute(self) -> Attribute:
        """Codes 0 .. n-1 are the levels, n is any other text, n + 1 is missing."""
        n = len(self.levels)
        return Attribute(self.name, self.column, n + 2, False, n + 1)

    @property
    def rows(self) -> tuple[tuple[str, int], ...]:
        """The levels with their codes."""
        return tuple((level, i) for i, level in enumerate(self.levels))

    def sql(self, raw: str, number: str, joined: str) -> str:
        """Expression of the code."""
        n = len(self.levels)
        return f"CASE WHEN {raw} IS NULL THEN {n + 1} ELSE coalesce({joined}, {n}) END"


@dataclass(frozen=True, slots=True)
class Edges(Coding):
    """Numbers as codes: the number of edges at or below the value; what is no number is missing.

    Attributes
    ----------
    name, column
        Of the attribute and of the raw column.
    edges
        Finite, ascending. Code 0 is below the first edge, ``len(edges)`` at or above the last.
    """

    name: str
    column: str
    edges: tuple[float, ...]

    def __post_init__(self) -> None:
        pairs = zip(self.edges, self.edges[1:], strict=False)
        if not all(math.isfinite(e) for e in self.edges) or any(a >= b for a, b in pairs):
            raise UsageError("edges must be finite and ascend", where=self.column)

    @property
    def attribute(self) -> Attribute:
        """Cells in ascending order, then missing."""
        n = len(self.edges)
        return Attribute(self.name, self.column, n + 2, True, n + 1)

    def sql(self, raw: str, number: str, joined: str) -> str:
        """Expression of the code: a search tree of comparisons."""
        value = f"TRY_CAST({number} AS DOUBLE)"
        missing = f"{value} IS NULL OR isnan({value})"
        return f"CASE WHEN {missing} THEN {len(self.edges) + 1} ELSE {self._search(value, 0)} END"

    def _search(self, value: str, low: int, high: int | None = None) -> str:
        high = len(self.edges) if high is None else high
        if low == high:
            return str(low)
        middle = (low + high) // 2
        less, more = self._search(value, low, middle), self._search(value, middle + 1, high)
        return f"CASE WHEN {value} < {float(self.edges[middle])!r}::DOUBLE THEN {less} ELSE {more} END"


@dataclass(frozen=True, slots=True)
class Ready(Coding):
    """A column that holds codes already: below 0 counts as 0, too large or no number as the last.

    Attributes
    ----------
    of
        The attribute.
    """

    of: Attribute

    @property
    def attribute(self) -> Attribute:
        """The attribute as given."""
        return self.of

    def sql(self, raw: str, number: str, joined: str) -> str:
        """Expression of the code."""
        last = int(self.of.size) - 1
        return f"least(greatest(coalesce(TRY_CAST({number} AS BIGINT), {last}), 0), {last})"


def identifier(name: str) -> str:
    """A name quoted for SQL.

    Raises
    ------
    UsageError
        When it is empty or holds the character 0, which no database takes.
    """
    if not name or "\0" in name:
        raise UsageError("a column has no usable name", where="sql", expected="text without NUL characters")
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text quoted for SQL, for the few places that take no parameter; raises UsageError on NUL."""
    if "\0" in value:
        raise UsageError("a text holds the character NUL", where="sql")
    return "'" + value.replace("'", "''") + "'"


def count_statement(table: str, attributes: Sequence[tuple[str, int]]) -> str:
    """Statement that counts the rows of a coded table by cell number (C order).

    Parameters
    ----------
    table
        Name of the coded table.
    attributes
        Names of its columns with their sizes.
    """
    place = "0::BIGINT"
    for name, size in attributes:
        place = f"({place}) * {int(size)} + {identifier(name)}"
    return f"SELECT {place} AS cell, count(*) AS n FROM {identifier(table)} GROUP BY cell"
