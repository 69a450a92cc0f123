"""The space of codes of a private table: declared, taken from a public table, or bought; never just read.

What is taken to be public, and stands as an assumption on the certificate: the names of the columns, and
whatever the schema declares of them. Of the form of the data nothing is: no type, spelling or encoding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from locum.codes.calendar import CalendarCodebook
from locum.codes.category import CategoryCodebook
from locum.codes.codebook import Codebook
from locum.codes.derived import DerivedCodebook
from locum.codes.encoder import Encoder
from locum.codes.numeric import NumericCodebook
from locum.codes.public_codebooks import (
    declared_book,
    declared_encoder,
    is_declared,
    public_books,
    refuse_data_bounds,
)
from locum.errors import DataError
from locum.privacy.sealed import seal_errors
from locum.progress import Event, Listener, silent
from locum.schema.column import Column
from locum.schema.table import Schema
from locum.sources.discover import KINDS_SHARE, Guard, find_kinds, find_ranges, weight
from locum.sources.kinds import settled_by_name
from locum.sources.levels import find_levels
from locum.sources.lookups import LOOKUP_WEIGHT, can_look_up, find_lookups
from locum.sources.rows import Rows

if TYPE_CHECKING:
    from locum.data.origin import Raw
    from locum.privacy.ledger import Ledger

#: Share of the budget that discovery may take.
DISCOVERY = 0.12
#: Longest part of a rule that is quoted in an assumption.
_MOST_RULE = 300
#: Of a column whose range or levels noise hid: it is left empty.
NOTHING_FOUND = "nothing found"


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
        For each column ``declared``, ``public``, ``bought``, ``made afresh`` or `NOTHING_FOUND`.
    spent
        Share of the run's budget (in rho) that went into discovery.
    assumptions
        What is taken to be public, in sentences.
    hidden
        Of each column that is looked up under noise, what it follows from, for how many values of that noise
        hides what goes with them, and how many there are.
    """

    schema: Schema
    encoder: Encoder
    origins: Mapping[str, str]
    spent: float
    assumptions: tuple[str, ...]
    hidden: Mapping[str, tuple[str, int, int]] = field(default_factory=dict)


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
        Declared kinds, bounds and levels; those that are not declared are bought, as are the kinds of columns
        that it does not have. None buys all.
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
    BudgetError
        When too little is left.
    """
    before = ledger.remaining_rho
    rho = before * share
    if public is not None:
        refuse_other_columns(public.table.column_names, rows.names)
    if schema is not None:
        refuse_data_bounds(schema)
    given = schema
    schema = known_schema(rows.names, given, public, target, rows.name)
    unknown = [name for name in rows.names if name not in schema.names]
    if unknown:
        progress(Event("discover", 0, 3, "kinds of columns"))
        found = find_kinds(rows, unknown, guard, rho * KINDS_SHARE)
        rho *= 1 - KINDS_SHARE
        schema = _with_columns(schema, rows.names, {n: f.column for n, f in found.items()}, given, target)
    with seal_errors("reading the values"):
        typed = rows.canonical(schema)
    books: dict[str, Codebook] = {}
    origins: dict[str, str] = {}
    if public is not None:
        books = _from_public(public, schema)
        origins |= dict.fromkeys(books, "public")
    for column in schema:
        if column.regenerated:
            origins[column.name] = "made afresh"
        elif column.name not in books:
            declared = weight(column) == 0 and column.name not in unknown
            origins[column.name] = "declared" if declared else "bought"
    wanted = [c for c in schema if c.name not in books and weight(c) > 0]
    hidden: dict[str, tuple[str, int, int]] = {}
    schema = _buy(typed, schema, wanted, books, guard, rho, ledger, progress, hidden)
    origins |= {c.name: NOTHING_FOUND for c in wanted if not _has_codes(books[c.name])}
    encoder = declared_encoder(schema, books)
    spent = 1 - ledger.remaining_rho / before if before > 0 else 0.0
    ordered = {name: origins[name] for name in rows.names}
    said = (*assumptions_of(ordered), *ranges_assumed(schema, ordered), *relations_assumed(schema))
    return PrivateDomain(schema, encoder, ordered, spent, said, hidden), typed


def with_unit(schema: Schema | None, unit: str | None, name: str) -> Schema | None:
    """The schema with the unit's column as an id without gaps, whatever it says.

    Ids are never modelled, and rows without one are left out.
    """
    if unit is None:
        return schema
    given = schema if schema is not None else Schema((), name=name)
    columns = {c.name: c for c in given}
    if unit in columns and columns[unit].regenerated:
        columns[unit] = replace(columns[unit], nullable=False)
        return replace(given, columns=tuple(columns.values()))
    columns[unit] = Column(unit, "id", nullable=False, reason="says whose row it is")
    return replace(
        given,
        columns=tuple(columns.values()),
        dependencies=tuple(d for d in given.dependencies if unit not in (d.determinant, d.dependent)),
    )


def known_schema(
    names: Sequence[str], schema: Schema | None, public: Raw | None, target: str | None, name: str
) -> Schema:
    """What is known of some columns before anything is bought; the others are not in it.

    Declared facts come first, then those of a public table, then what the name of a column says by itself.
    """
    columns = {c.name: c for c in schema} if schema is not None else {}
    taken: Schema | None = None
    if public is not None and set(names) - set(columns):
        from locum.data.detect import detect

        taken = detect(public, target=target)
        columns |= {c.name: c for c in taken if c.name not in columns}
    for column in names:
        settled = settled_by_name(column)
        if column not in columns and settled is not None and column != target:
            columns[column] = settled
    base = schema if schema is not None else taken or Schema((), name=name)
    ordered = tuple(columns[column] for column in names if column in columns)
    kept = {c.name for c in ordered}
    return replace(
        base,
        columns=ordered,
        name=name if schema is None else schema.name,
        target=base.target if base.target in kept else None,
        protected=tuple(p for p in base.protected if p in kept),
        dependencies=tuple(d for d in base.dependencies if {d.determinant, d.dependent} <= kept),
    )


def _with_columns(
    schema: Schema,
    names: Sequence[str],
    found: Mapping[str, Column],
    declared: Schema | None,
    target: str | None,
) -> Schema:
    """The schema with columns that were bought, in the order of the table, and all that was declared."""
    columns = {c.name: c for c in schema} | dict(found)
    if target is not None and target in columns and columns[target].regenerated:
        columns[target] = replace(columns[target], kind="category")
    return replace(declared or schema, columns=tuple(columns[name] for name in names), name=schema.name)


def _has_codes(book: Codebook) -> bool:
    """Whether a value can come out of a codebook that was bought."""
    if isinstance(book, CategoryCodebook):
        return len(book.levels) > 0
    grid = book.grid if isinstance(book, NumericCodebook) else True
    return grid is not None and not (isinstance(book, CalendarCodebook) and book.days is None)


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
    hidden: dict[str, tuple[str, int, int]],
) -> Schema:
    """Buy levels and ranges; adds to `books` and gives the schema with what was found."""
    lookups = [
        d for d in schema.dependencies if can_look_up(schema, d) and d.dependent not in _derived(books)
    ]
    total = sum(weight(c) for c in wanted) + LOOKUP_WEIGHT * len(lookups)
    if not total:
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
    schema = replace(schema, columns=tuple(found.get(c.name, c) for c in schema))
    if lookups:
        progress(Event("discover", 2, 3, "values that go together"))
        known = {c.name: books.get(c.name) or declared_book(c) for c in schema if is_declared(c)} | books
        books |= find_lookups(rows, schema, known, guard, unit * LOOKUP_WEIGHT, hidden)
    progress(Event("discover", 3, 3))
    return schema


def _derived(books: Mapping[str, Codebook]) -> set[str]:
    """Columns that are looked up already, in a public table."""
    return {name for name, book in books.items() if isinstance(book, DerivedCodebook)}


def assumptions_of(origins: Mapping[str, str]) -> tuple[str, ...]:
    """What is taken to be public, in sentences; `origins` in the order of the columns."""
    out = [f"The names of the columns ({_listed(list(origins))}) are public."]
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


def ranges_assumed(schema: Schema, origins: Mapping[str, str]) -> tuple[str, ...]:
    """What is taken to be public of columns whose codes were bought inside a declared range, in sentences."""
    names = [
        column.name
        for column in schema
        if column.bounds is not None
        and column.bounds.source in ("declared", "public")
        and origins.get(column.name) == "bought"
    ]
    if not names:
        return ()
    return (
        f"The ranges that the schema declares of {_listed(names)} are public knowledge and were not read "
        "from the data.",
    )


def relations_assumed(schema: Schema) -> tuple[str, ...]:
    """What is taken to be public of columns together, in sentences: dependencies and rules."""
    pairs = (f"each {d.determinant} goes with one {d.dependent}" for d in schema.dependencies)
    rules = (f"every row keeps the rule {rule[:_MOST_RULE]}" for rule in schema.rules)
    return tuple(
        f"That {words} is public knowledge and was not read from the data." for words in (*pairs, *rules)
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 8} more columns" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more
