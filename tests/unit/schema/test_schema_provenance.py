"""Marks: what was read off rows is told, taken out, confirmed, and survives a locum.toml."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.data.detect import detect
from locum.data.read import read
from locum.errors import SchemaError, UsageError
from locum.runs.config import parse_config
from locum.runs.config_text import dump_config
from locum.schema.column import FACTS, Bounds, Column
from locum.schema.json import schema_from_json, schema_to_json
from locum.schema.provenance import facts_read_off, with_marks_of, without_read_off
from locum.schema.table import Dependency, Schema

SCHEMA = Schema(
    (
        Column("age", "integer", bounds=Bounds(0, 97), read_off=("kind",)),
        Column("price", "number", decimals=2, missing=("?", "-1"), read_off=("missing", "decimals")),
        Column("city", "category", levels=("a", "b")),
        Column("state", "category", read_off=("kind",), nullable=False),
        Column("seen", "date", bounds=Bounds("2020-01-01", "2021-01-01", "declared")),
    ),
    dependencies=(Dependency("city", "state", "data"), Dependency("seen", "price")),
    target="age",
    name="visits",
    rules=("age > 0", "price > 0"),
    rules_read_off=("age > 0",),
)


def test_every_fact_that_was_read_off_is_told_in_order():
    assert [str(fact) for fact in facts_read_off(SCHEMA)] == [
        "visits.age: kind integer",
        "visits.age: bounds 0 to 97",
        'visits.price: missing "?", "-1"',
        "visits.price: decimals 2",
        "visits.state: kind category",
        "visits: dependency city -> state",
        "visits: rule age > 0",
    ]


def test_without_them_kinds_go_and_other_facts_fall_back():
    left, names = without_read_off(SCHEMA)
    assert names == SCHEMA.names
    assert left.names == ("price", "city", "seen")
    assert (left["price"].missing, left["price"].decimals) == ((), None)
    assert left["seen"].bounds == SCHEMA["seen"].bounds
    assert left.dependencies == (Dependency("seen", "price"),)
    assert (left.target, left.rules) == (None, ("price > 0",))
    assert facts_read_off(left) == ()


def test_nothing_is_left_where_every_kind_was_read_off():
    schema = Schema(
        (Column("a", "integer", read_off=("name", "kind")), Column("b", "text", read_off=("kind",)))
    )
    assert without_read_off(schema) == (None, ("b",))


def test_a_schema_without_marks_is_left_alone():
    schema = Schema(tuple(c for c in SCHEMA if c.name in ("city", "seen")), name="visits")
    assert without_read_off(schema) == (schema, schema.names)


def test_confirming_takes_every_mark_off_and_names_who_did():
    sure = SCHEMA.confirmed("the registry, 2025")
    assert facts_read_off(sure) == ()
    assert sure["age"].bounds == Bounds(0, 97, "public")
    assert (sure["age"].by, sure["price"].by, sure["city"].by) == ("the registry, 2025",) * 2 + ("",)
    assert sure.dependencies[0].by == "the registry, 2025"
    assert without_read_off(sure)[0] == sure
    with pytest.raises(UsageError, match="nobody says"):
        SCHEMA.confirmed(" ")


@st.composite
def marked(draw):
    """Schemas with any marks that a file can hold."""
    columns = []
    for i, kind in enumerate(
        draw(st.lists(st.sampled_from(("integer", "number", "category")), min_size=1, max_size=4))
    ):
        plain = Column(
            f"c{i}",
            kind,
            nullable=draw(st.booleans()),
            missing=tuple(draw(st.lists(st.text("ab?", min_size=1), max_size=2))),
            format=draw(st.sampled_from(("", "thousands=,"))),
            bounds=draw(st.sampled_from((None, Bounds(0, 1, "data"), Bounds(0, 1, "public")))),
        )
        told = ("name", *plain.told)
        read_off = tuple(f for f in told if draw(st.booleans()))
        by = draw(st.sampled_from(("", "the ward's book")))
        if len(read_off) == len(told) and (plain.bounds is None or plain.bounds.source != "public"):
            by = ""
        if by and not [f for f in plain.told if f not in read_off] and plain.bounds is None:
            by = ""
        columns.append(
            Column(
                **{
                    **{f: getattr(plain, f) for f in FACTS},
                    "bounds": plain.bounds,
                    "read_off": read_off,
                    "by": by,
                }
            )
        )
    pair = Dependency("c0", "c1", *draw(st.sampled_from((("data", ""), ("declared", ""), ("public", "us")))))
    marks = draw(st.sampled_from(((("c0 > 1",), ()), ((), (("c0 > 1", "us"),)), ((), ()))))
    return Schema(tuple(columns), (pair,) if len(columns) > 1 else (), None, (), "t", ("c0 > 1",), *marks)


def marks(schema):
    return (
        [(c.read_off, c.by) for c in schema],
        [(d.source, d.by) for d in schema.dependencies],
        schema.rules_read_off,
        schema.rules_by,
    )


@settings(max_examples=200)
@given(marked())
def test_marks_come_back_from_the_file(schema):
    again = parse_config(dump_config(schema)).schema
    assert again == schema
    # who vouches is written where something is vouched for
    for column, other in zip(schema, again, strict=True):
        assert other.read_off == column.read_off
        if set(column.told) - set(column.read_off) or (column.bounds and column.bounds.source == "public"):
            assert other.by == column.by
    assert marks(again)[1:] == marks(schema)[1:]


@settings(max_examples=50)
@given(marked())
def test_model_files_hold_no_marks_and_they_can_be_put_back(schema):
    text = json.dumps(schema_to_json(schema))
    assert "read_off" not in text and '"by"' not in text
    bare = schema_from_json(json.loads(text))
    assert bare == schema
    assert not any(c.read_off for c in bare)
    assert marks(with_marks_of(bare, schema)) == marks(schema)


def test_detection_marks_what_it_decided(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        "city,state,price\n" + "".join(f"c{i % 6},s{i % 3},{i % 7}.50\n" for i in range(200)) + "c1,s1,?\n"
    )
    schema = detect(read(path), overrides={"price": {"decimals": 2}})
    assert schema["city"].read_off == ("kind",)
    assert schema["price"].read_off == ("kind", "missing", "format")
    assert [d.source for d in schema.dependencies] == ["data"]
    mine = Column("city", "category")
    assert detect(read(path), overrides={"city": mine})["city"].read_off == ()


def test_names_in_json_lines_stand_in_the_rows(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": 1}\n{"a": 2, "hiv_positive": true}\n')
    schema = detect(read(path))
    assert schema["hiv_positive"].read_off[:2] == ("name", "kind")
    assert without_read_off(schema) == (None, ())
    again = parse_config(dump_config(schema)).schema
    assert [c.read_off for c in again] == [c.read_off for c in schema]


GOOD = """version = 1
[schema.t.a]
kind = "number"
decimals = 2
"""


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('source = "public"', r'schema\.t\.a: source = "public" does not say who.*Add by = '),
        ('source = "public"\nby = " "', "does not say who"),
        ('by = "me"', r'no fact here is public.*Set source = "public"'),
        ('source = "data"\nby = "me"', "no fact here is public"),
        ('source = "rows"', "'rows' is no source.*one of data, declared, public"),
        ('source = { colour = "data" }', "there is no fact 'colour'.*kind"),
        ('source = { bounds = "data" }', "bounds tell their own source"),
        ('source = { kind = "public" }', "does not say who"),
        ("source = 3", "3 is no source"),
        ('source = { "" = "data" }', "there is no fact ''"),
        ('[[rule]]\nholds = "a > 1"\nsource = { kind = "data" }', r"rule\.0: a section that says one thing"),
        ('[[rule]]\nholds = "a > 1"\nsource = "public"', r"rule\.0: .*does not say who"),
    ],
)
def test_marks_that_cannot_be_are_named(lines, words):
    with pytest.raises(SchemaError, match=words):
        parse_config(GOOD + lines)


def test_the_words_of_a_section():
    schema = parse_config(GOOD + 'source = { kind = "public", decimals = "data" }\nby = "us"').schema
    assert (schema["a"].read_off, schema["a"].by) == (("decimals",), "us")
    old = parse_config(GOOD + 'bounds = { low = 0, high = 1, source = "public" }').schema
    assert (old["a"].read_off, old["a"].by) == ((), "")
