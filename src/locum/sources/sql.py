"""Generated SQL with nothing spliced in unquoted: names pass through `identifier`, texts through `text`."""

from __future__ import annotations

from collections.abc import Sequence

from locum.errors import UsageError


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
