"""Columns that may hold names of persons, where their look leaves it open: what to ask the user first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from locum.data.distinct import distinct
from locum.data.person_column import judge_names
from locum.schema.table import Schema
from locum.schema.toml import section

if TYPE_CHECKING:
    import pyarrow as pa

#: Rows, and different values, that are looked at.
_ROWS, _LOOKED = 50_000, 500


def name_notes(table: pa.Table, schema: Schema) -> tuple[str, ...]:
    """One sentence for each column of which nobody has said whether it holds names of persons.

    Columns of which somebody has declared the kind are not asked about.
    """
    notes = []
    for column in schema:
        if column.kind not in ("category", "pii.name") or "kind" not in column.read_off:
            continue
        if column.name in (schema.target, *schema.protected):
            continue
        held = distinct(table.column(column.name).slice(0, _ROWS))
        rows = len(held.index) - held.nulls
        verdict = judge_names(column.name, held.values.slice(0, _LOOKED).to_pylist(), len(held.values), rows)
        if verdict is None or verdict.sure:
            continue
        learned = column.kind == "category"
        treated = "they are learned and will stand in the rows" if learned else "they are made afresh"
        other = "pii.name" if learned else "category"
        notes.append(
            f"Does {column.name} hold names of persons? {verdict.reason[:1].upper()}{verdict.reason[1:]}; "
            f"{treated}. Settle it in locum.toml (written by `locum init`) under "
            f'{section(schema.name, column.name)}: kind = "{column.kind}" or kind = "{other}", without '
            'source = "data".'
        )
    return tuple(notes)
