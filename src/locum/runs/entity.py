"""Whose rows they are, as asked for, written down, or found; and what is said about it first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from locum.arrays import IntArray
from locum.codes.entity import EntityForm
from locum.data.distinct import distinct
from locum.data.entity import find_entity
from locum.runs.config import Config
from locum.runs.options import NO_ENTITY
from locum.runs.request import RunRequest
from locum.schema.column import Column
from locum.schema.table import Schema
from locum.wording import count

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.data.origin import Raw

#: Columns listed in one sentence at most.
_LISTED = 6
#: Rows for each value from which an id that is not the entity is worth a sentence.
_SHARED = 1.5


def settle_entity(schema: Schema, raw: Raw, request: RunRequest, config: Config | None) -> Schema:
    """The schema with the column that says whose row it is: as asked, as the config says, else as found.

    A schema that was given in Python is taken as it is. A column that is named becomes an id, for its values
    are made afresh.
    """
    said = request.entity or (config.entity if config and request.schema is None else None)
    if said == NO_ENTITY:
        return replace(schema, entity=None)
    if said is not None:
        return replace(schema, entity=said, columns=tuple(_id_of(c, said) for c in schema))
    if schema.entity is not None or request.schema is not None:
        return schema
    from locum.data.canonical import to_kind

    def codes(name: str) -> IntArray:
        return distinct(to_kind(raw.table.column(name), schema[name], name)).index

    return replace(schema, entity=find_entity(schema, codes))


def _id_of(column: Column, entity: str) -> Column:
    """The column as an id where it is the one that says whose row it is."""
    if column.name != entity or column.regenerated:
        return column
    return Column(
        column.name,
        "id",
        column.nullable,
        column.missing,
        column.storage,
        reason="said to tell whose row it is",
    )


def entity_notes(table: pa.Table, schema: Schema) -> tuple[str, ...]:
    """What to know first where several rows belong to one person, and of other ids that rows share."""
    notes, known = [], {schema.entity}
    if schema.entity is not None:
        form = EntityForm.fit(table, schema)
        name, same = schema.entity, form.constants + form.made
        known.update(form.made)
        notes.append(
            f"Several rows belong to one {name} ({count(form.rows, 'row')}, {form.persons:,} of them). So "
            f"rows are held out and drawn by {name}: none is on both sides, and each new one has as many "
            f"rows as real ones have. {_same(name, same)} The rest is drawn row by row: how the rows of one "
            f"follow each other is not learned. If each row stands for itself, say --entity {NO_ENTITY}."
        )
    for column in schema:
        if column.kind != "id" or column.name in known:
            continue
        held = distinct(table.column(column.name))
        rows = len(held.index) - held.nulls
        if rows and rows >= _SHARED * len(held.values):
            notes.append(
                f"{count(rows, 'row')} share {len(held.values):,} values of {column.name}, and are not drawn "
                f"by it: what is the same in all rows of one {column.name} does not stay so. If it says "
                f"whose rows they are, say --entity {column.name}."
            )
    return tuple(notes)


def _same(name: str, columns: tuple[str, ...]) -> str:
    """What is the same in all rows of one, in a sentence."""
    if not columns:
        return f"No column is the same in all rows of one {name}."
    more = f" and {len(columns) - _LISTED} more" if len(columns) > _LISTED else ""
    return f"What is the same in all rows of one {name} stays so ({', '.join(columns[:_LISTED])}{more})."
