"""Which facts of a schema were read off rows, and what is left of it without them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from locum.schema.column import Bounds, Column
from locum.schema.table import Schema


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that a schema says and that was read off rows.

    Attributes
    ----------
    where
        The table, and the column where it is about one: ``visits.age``.
    fact
        Which fact: one of `locum.schema.column.FACTS`, ``bounds``, ``dependency`` or ``rule``.
    value
        What it says, in words.
    """

    where: str
    fact: str
    value: str

    def __str__(self) -> str:
        return f"{self.where}: {self.fact} {self.value}"


def facts_read_off(schema: Schema) -> tuple[Fact, ...]:
    """Everything in a schema that was read off rows: facts of columns in order, dependencies, rules."""
    found = [fact for column in schema for fact in _of_column(schema.name, column)]
    found += [
        Fact(schema.name, "dependency", f"{d.determinant} -> {d.dependent}")
        for d in schema.dependencies
        if d.source == "data"
    ]
    found += [Fact(schema.name, "rule", rule) for rule in schema.rules if rule in schema.rules_read_off]
    found += [Fact(schema.name, "rule", rule) for rule in schema.near_rules]
    return tuple(found)


def without_read_off(schema: Schema) -> tuple[Schema | None, tuple[str, ...]]:
    """What a schema says without a look at the rows.

    A column whose kind was read off is left out, and with it the dependencies and roles (target, protected)
    that need it; any other fact that was read off falls back to its default. Bounds, dependencies and rules
    that were read off go, and so does what nearly all rows keep.

    Returns
    -------
    tuple
        The schema, None when no column is left; and the names of all columns in order, but for names that
        were themselves read off rows.
    """
    names = tuple(column.name for column in schema if "name" not in column.read_off)
    columns = tuple(_declared(c) for c in schema if "name" not in c.read_off and "kind" not in c.read_off)
    if not columns:
        return None, names
    kept = {column.name for column in columns}
    dependencies = tuple(
        d for d in schema.dependencies if d.source != "data" and {d.determinant, d.dependent} <= kept
    )
    left = replace(
        schema,
        columns=columns,
        dependencies=dependencies,
        target=schema.target if schema.target in kept else None,
        protected=tuple(name for name in schema.protected if name in kept),
        rules=tuple(rule for rule in schema.rules if rule not in schema.rules_read_off),
        rules_read_off=(),
        near_rules=(),
        entity=None,
    )
    return left, names


def all_read_off(schema: Schema) -> Schema:
    """The schema with everything in it marked as read off rows, but bounds that say where they come from.

    What a model that was fitted without a guarantee says of its columns may all come from rows.
    """
    return replace(
        schema,
        columns=tuple(replace(column, read_off=column.told) for column in schema),
        dependencies=tuple(replace(d, source="data") for d in schema.dependencies),
        rules_read_off=schema.rules,
    )


def with_marks_of(schema: Schema, marked: Schema) -> Schema:
    """`schema` with the marks that `marked` has on the same columns, dependencies and rules.

    A model file keeps no marks; this puts them back where the schema that was fitted is at hand.
    """
    marks = {column.name: (column.read_off, column.by) for column in marked}
    pairs = {(d.determinant, d.dependent): d for d in marked.dependencies}
    columns = []
    for column in schema:
        read_off, by = marks.get(column.name, ((), ""))
        columns.append(replace(column, read_off=read_off, by=by))
    return replace(
        schema,
        columns=tuple(columns),
        dependencies=tuple(pairs.get((d.determinant, d.dependent), d) for d in schema.dependencies),
        rules_read_off=tuple(rule for rule in marked.rules_read_off if rule in schema.rules),
        rules_by=tuple((rule, by) for rule, by in marked.rules_by if rule in schema.rules),
    )


def _of_column(table: str, column: Column) -> Iterator[Fact]:
    where = f"{table}.{column.name}"
    for fact in column.read_off:
        value = getattr(column, fact)
        if fact == "name":
            yield Fact(where, fact, "of a field that stands in the rows")
        else:
            yield Fact(where, fact, _words(value))
    if column.bounds is not None and column.bounds.source == "data":
        yield Fact(where, "bounds", _range(column.bounds))


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(f'"{item}"' for item in value) or "none"
    return str(value) if value not in (None, "") else "none"


def _range(bounds: Bounds) -> str:
    low = "no lowest value" if bounds.low is None else str(bounds.low)
    high = "no highest value" if bounds.high is None else str(bounds.high)
    return f"{low} to {high}"


def _declared(column: Column) -> Column:
    """The column with what was read off at its default."""
    plain = Column(column.name, column.kind)
    bounds = column.bounds
    kept = None if bounds is not None and bounds.source == "data" else bounds
    return replace(
        column, **{fact: getattr(plain, fact) for fact in column.read_off}, bounds=kept, read_off=()
    )
