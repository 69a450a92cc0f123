"""Labels that are too rare to be written are said, where they are many."""

from __future__ import annotations

import pyarrow as pa

from locum.runs.rare_labels import rare_label_notes
from locum.schema.column import Column
from locum.schema.table import Schema

SCHEMA = Schema((Column("city", "category"), Column("size", "category", False)))


def test_many_rare_labels_are_said_once() -> None:
    city = [f"c{i // 2}" for i in range(100)] + ["big"] * 100
    table = pa.table({"city": city, "size": ["s", "m"] * 100})
    (note,) = rare_label_notes(table, SCHEMA)
    assert "50 values of 51 of city (50 % of the rows)" in note
    assert "size" not in note


def test_a_few_rare_labels_are_not() -> None:
    city = ["a", "a", "b"] + [f"c{i % 5}" for i in range(297)]
    table = pa.table({"city": city, "size": ["s", None] * 150})
    assert rare_label_notes(table, SCHEMA) == ()


def test_declared_levels_are_written_however_rare() -> None:
    levels = tuple(f"c{i}" for i in range(100))
    schema = Schema((Column("city", "category", levels=levels),))
    assert rare_label_notes(pa.table({"city": list(levels)}), schema) == ()
