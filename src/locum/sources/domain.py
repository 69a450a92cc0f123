"""The space of codes of a private table: declared, taken from a public table, or bought; never just read.

What is taken to be public, and stands as an assumption on the certificate: that the file is in the form it is
in (names and storage types of columns, delimiter, encoding), and whatever the schema declares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from locum.codes.codebook import Codebook
from locum.codes.encoder import Encoder
from locum.codes.public_codebooks import (
    declared_encoder,
    generated_book,
    is_declared,
    public_books,
    refuse_data_bounds,
)
from locum.errors import DataError, UsageError
from locum.privacy.sealed import seal_errors
from locum.progress import Event, Listener, silent
from locum.schema.column import Column
from locum.schema.table import Schema
from locum.sources.discover import KINDS_SHARE, Guard, find_kinds, find_ranges, weight
from locum.sources.kinds import settled_by_type
from locum.sources.levels import find_levels
from locum.sources.rows import Rows

if TYPE_CHECKING:
    from locum.data.origin import Raw
    from locum.privacy.ledger import Ledger

#: Share of the budget that discovery may take.
DISCOVERY = 0.12


@dataclass(frozen=True, slots=True, eq=False)
class PrivateDomain:
    """How a private table is coded, and where each part of that came from.

    Attributes
    ----------
    schema
        Kinds, bounds and levels as they may be published.
    encoder
        The coding.
    origins
        For each column ``declared``, ``public``, ``bought`` or ``made afresh``.
    spent
        Share of the run's budget (in rho) that went into discovery.
    assumptions
        What is taken to be public, in sentences.
    """

    schema: Schema
    encoder: Encoder
    origins: Mapping[str, str]
    spent: float
    assumptions: tuple[str, ...]


def refuse_other_columns(public: Sequence[str], private: Sequence[str]) -> None:
    """Refuse a public table with other columns than the private one.

    Raises
    ------
    DataError
        Naming some of the columns; names of columns are public.
    """
    lost, new = sorted(set(private) - set(public)), sorted(set(public) - set(private))
    if lost or new:
        parts = [f"lacks {', '.join(lost[:3])}"] if lost else []
        parts += [f"has {', '.join(new[:3])} besides"] if new else []
        raise DataError(
            f"the public table {' and '.join(parts)}",
            where="public table",
            expected="the columns of the private table, in any order",
            do="rename or drop columns in the public table",
        )


def refuse_other_schema(schema: Schema, columns: Sequence[str], name: str) -> None:
    """Refuse a schema about other columns than the table's; raises DataError, names of columns only."""
    lost, new = sorted(set(schema.names) - set(columns)), sorted(set(columns) - set(schema.names))
    if lost or new:
        parts = [f"names {', '.join(lost[:3])}, which the data lack" if lost else ""]
        parts += [f"lacks {', '.join(new[:3])}" if new else ""]
        raise DataError(
            f"the schema {' and '.join(p for p in parts if p)}",
            where=name,
            expected="the columns of the data, in any order",
            do="correct locum.toml",
        )


def private_domain(
    rows: Rows,
    ledger: Ledger,
    guard: Guard,
    *,
    schema: Schema | None = None,
    public: Raw | None = None,
    target: str | None = None,
    share: float = DISCOVERY,
    progress: Listener = silent,
) -> tuple[PrivateDomain, Rows]:
    """Settle the codes of a private table, and read it with them.

    Parameters
    ----------
    rows
        The private rows as read, at most k of each unit.
    ledger, guard
        Who pays, and what puts a guard before a source.
    schema
        Declared kinds, bounds and levels; those that are not declared are bought. None buys kinds as well.
    public
        A public table with the same columns, from which whatever is not declared is taken.
    target
        Column to be predicted; it is never taken for an id.
    share
        Part of what is left that discovery takes, all of it if anything must be bought.
    progress
        Hears about the steps.

    Returns
    -------
    The domain, and the canonical rows (private!).

    Raises
    ------
    LeakError
        When the schema took a bound from the data.
    UsageError
        When the unit's column or the target is not there.
    BudgetError
        When too little is left.
    """
    before = ledger.remaining_rho
    rho = before * share
    origins: dict[str, str] = {}
    public_schema: Schema | None = None
    if public is not None:
        refuse_other_columns(public.table.column_names, rows.schema.names)
    if schema is not None:
        refuse_data_bounds(schema)
    elif public is not None:
        from locum.data.detect import detect

        public_schema = detect(public, target=target)
        schema = replace(public_schema, name=rows.name)
    else:
        progress(Event("discover", 0, 3, "kinds of columns"))
        schema, rho = _bought_kinds(rows, guard, rho, target)
    with seal_errors("reading the values"):
        typed = rows.canonical(schema)
    books: dict[str, Codebook] = {}
    if public is not None:
        books = _from_public(public, schema)
        origins |= dict.fromkeys(books, "public")
    for column in schema:
        if column.regenerated:
            origins[column.name] = "made afresh"
        elif column.name not in books:
            origins[column.name] = "declared" if weight(column) == 0 else "bought"
    wanted = [c for c in schema if c.name not in books and weight(c) > 0]
    schema = _buy(typed, schema, wanted, books, guard, rho, ledger, progress)
    origins |= {c.name: "made afresh" for c in schema if c.regenerated}
    encoder = declared_encoder(schema, books)
    spent = 1 - ledger.remaining_rho / before if before > 0 else 0.0
    return PrivateDomain(schema, encoder, origins, spent, assumptions_of(origins)), typed


def _bought_kinds(rows: Rows, guard: Guard, rho: float, target: str | None) -> tuple[Schema, float]:
    """Kinds from noisy counts where names and types do not say them; and what is left of `rho`."""
    if target is not None and target not in rows.schema.names:
        raise UsageError(f"there is no column {target!r}", where="target", do="check the spelling")
    columns: dict[str, Column] = {}
    unknown: list[str] = []
    for field in rows.schema:
        settled = settled_by_type(field.name, field.type)
        if settled is None or (field.name == target and settled.regenerated):
            unknown.append(field.name)
        else:
            columns[field.name] = settled
    if unknown:
        found = find_kinds(rows, unknown, guard, rho * KINDS_SHARE)
        rho *= 1 - KINDS_SHARE
        columns |= {name: f.column for name, f in found.items()}
    if target is not None and columns[target].regenerated:
        columns[target] = replace(columns[target], kind="category")
    ordered = tuple(columns[name] for name in rows.schema.names)
    return Schema(ordered, target=target, name=rows.name), rho


def public_codebooks(
    public: Raw, schema: Schema | None, target: str | None
) -> tuple[Schema, dict[str, Codebook]]:
    """The schema with what a public table says, and codebooks of what was not declared."""
    if schema is None:
        from locum.data.detect import detect

        schema = detect(public, target=target)
    return schema, _from_public(public, schema)


def _from_public(public: Raw, schema: Schema) -> dict[str, Codebook]:
    """Codebooks of a public table; what the schema declares stays as declared."""
    from locum.data.canonical import canonical

    books = public_books(canonical(public, schema, lenient=True), schema)
    dependents = {d.dependent for d in schema.dependencies}
    return {
        name: book
        for name, book in books.items()
        if schema[name].regenerated
        or name in dependents
        or not is_declared(schema[name])
        or schema[name].kind == "boolean"
    }


def _buy(
    rows: Rows,
    schema: Schema,
    wanted: Sequence[Column],
    books: dict[str, Codebook],
    guard: Guard,
    rho: float,
    ledger: Ledger,
    progress: Listener,
) -> Schema:
    """Buy levels and ranges; adds to `books` and gives the schema with what was found."""
    total = sum(weight(c) for c in wanted)
    if not wanted:
        return schema
    unit = rho / total
    found: dict[str, Column] = {}
    ordered = [c for c in wanted if c.ordered]
    labels = [c for c in wanted if c.kind == "category"]
    if ordered:
        progress(Event("discover", 1, 3, "ranges of columns"))
        new, columns = find_ranges(rows, ordered, guard, unit)
        books |= new
        found |= columns
    if labels:
        progress(Event("discover", 2, 3, "levels of columns"))
        new, columns = find_levels(rows, labels, ledger, unit)
        books |= new
        found |= columns
    for column in found.values():
        if column.regenerated:
            books[column.name] = generated_book(column)
    progress(Event("discover", 3, 3))
    return replace(schema, columns=tuple(found.get(c.name, c) for c in schema))


def assumptions_of(origins: Mapping[str, str]) -> tuple[str, ...]:
    """What is taken to be public, in sentences; `origins` in the order of the columns."""
    out = [
        "The names and storage types of the columns and the form of the file (delimiter, encoding) are "
        "public."
    ]
    declared = [name for name, origin in origins.items() if origin == "declared"]
    taken = [name for name, origin in origins.items() if origin == "public"]
    if declared:
        out.append(
            f"What the schema declares about {_listed(declared)} is public knowledge and was not read from "
            "the data."
        )
    if taken:
        out.append(
            f"The public table, from which the codes of {_listed(taken)} were taken, is public and "
            "independent of the data; the privacy of anybody in it is not protected."
        )
    return tuple(out)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 8} more columns" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more
