"""A schema comes back from JSON as it was, and what is no schema is refused."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.errors import FileFormatError
from locum.schema.column import KINDS, Bounds, Column
from locum.schema.json import schema_from_json, schema_to_json
from locum.schema.table import Dependency, Schema

text = st.text(st.characters(codec="utf-8"), max_size=12)
limit = st.none() | st.integers(-(2**63), 2**64) | st.floats(allow_nan=False) | text
bounds = st.builds(Bounds, limit, limit, st.sampled_from(["data", "declared", "public", "dp"]))


@st.composite
def schemas(draw) -> Schema:
    names = draw(st.lists(text, min_size=1, max_size=6, unique=True))
    columns = tuple(
        Column(
            name=name,
            kind=draw(st.sampled_from(KINDS)),
            nullable=draw(st.booleans()),
            missing=tuple(draw(st.lists(text, max_size=3))),
            storage=draw(text),
            bounds=draw(st.none() | bounds),
            levels=draw(st.none() | st.lists(text, max_size=3).map(tuple)),
            decimals=draw(st.none() | st.integers(0, 15)),
            format=draw(text),
            timezone=draw(text),
            confidence=draw(st.floats(0, 1)),
            reason=draw(text),
        )
        for name in names
    )
    chain = tuple(Dependency(a, b) for a, b in pairwise(names) if draw(st.booleans()))
    target = draw(st.none() | st.sampled_from(names))
    protected = tuple(draw(st.lists(st.sampled_from(names), unique=True)))
    return Schema(columns, chain, target, protected, draw(text))


@given(schemas())
def test_comes_back_equal(schema):
    again = schema_from_json(json.loads(json.dumps(schema_to_json(schema), allow_nan=False)))
    assert again == schema
    # Equality of floats and integers hides their types; bounds must keep theirs.
    for old, new in zip(schema, again, strict=True):
        if old.bounds and new.bounds:
            assert type(old.bounds.low) is type(new.bounds.low)


def good() -> dict:
    columns = (Column("a", "integer", bounds=Bounds(0, 9)), Column("b", "category"))
    return schema_to_json(Schema(columns, (Dependency("b", "a"),), "a", ("b",)))


@pytest.mark.parametrize("value", [None, [], 3, "x", {}, {"columns": []}])
def test_what_is_no_schema(value):
    with pytest.raises(FileFormatError, match="not in order"):
        schema_from_json(value)


def test_every_part_is_checked():
    assert schema_from_json(good()).names == ("a", "b")
    for key in good():
        less = good()
        less.pop(key)
        for wrong in (less, {**good(), key: 3}, {**good(), key: [3]}, {**good(), "surplus": 1}):
            with pytest.raises(FileFormatError):
                schema_from_json(wrong)
    for key in good()["columns"][0]:
        less = good()
        less["columns"][0].pop(key)
        with pytest.raises(FileFormatError):
            schema_from_json(less)
        for value in ({"x": 1}, [[]], object):
            wrong = good()
            wrong["columns"][0][key] = value
            with pytest.raises(FileFormatError):
                schema_from_json(wrong)


def test_contradictions_are_refused_too():
    twice = good()
    twice["columns"].append(twice["columns"][0])
    unknown = {**good(), "target": "nobody"}
    cycle = good()
    cycle["dependencies"].append({"determinant": "a", "dependent": "b"})
    for wrong in (twice, unknown, cycle):
        with pytest.raises(FileFormatError, match="contradicts itself"):
            schema_from_json(wrong)
