"""check: a schema that contradicts itself or the table is refused, with the column named."""

import datetime as dt

import pyarrow as pa
import pytest

from locum.errors import SchemaError
from locum.schema.column import Bounds, Column
from locum.schema.table import Dependency, Schema
from locum.schema.validate import check, problems


def schema(*columns, **more):
    return Schema(tuple(columns), name="t", **more)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (Column("a", "nonsense"), "no kind 'nonsense'"),
        (Column("a", "integer", decimals=2), "no decimals"),
        (Column("a", "number", decimals=16), "not possible"),
        (Column("a", "date", timezone="UTC"), "no time zone"),
        (Column("a", "datetime", timezone="Mars/Base"), "no time zone 'Mars/Base'"),
        (Column("a", "integer", levels=("1",)), "no levels"),
        (Column("a", "category", levels=("1", "1")), "name one twice"),
        (Column("a", "category", format="x"), "no format"),
        (Column("a", "boolean", format="yes"), "not two texts"),
        (Column("a", "boolean", format="a|a"), "not two texts"),
        (Column("a", "category", bounds=Bounds(0, 1)), "no bounds"),
        (Column("a", "integer", bounds=Bounds(2, 1)), "above the upper"),
        (Column("a", "integer", bounds=Bounds("x", None)), "cannot be read"),
        (Column("a", "number", bounds=Bounds(float("nan"), None)), "cannot be read"),
        (Column("a", "date", bounds=Bounds("2020-02-30", None)), "cannot be read"),
        (Column("a", "date", bounds=Bounds(5, None)), "cannot be read"),
        (Column("a", "datetime", bounds=Bounds("2021-01-01", "2020-01-01")), "above the upper"),
    ],
)
def test_columns_that_cannot_be(column, words):
    with pytest.raises(SchemaError, match=words) as caught:
        check(schema(column))
    assert caught.value.where == "t.a"


def test_columns_that_can_be():
    check(
        schema(
            Column("a", "integer", bounds=Bounds(0, 110)),
            Column(
                "b", "datetime", timezone="Europe/Berlin", bounds=Bounds("2020-01-01T00:00:00+02:00", None)
            ),
            Column("c", "datetime", timezone="+05:30"),
            Column("d", "date", bounds=Bounds("1677-01-01", "2262-04-12"), format="%d.%m.%Y"),
            Column("e", "boolean", format="no|yes"),
            Column("f", "category", levels=("x", "y")),
        )
    )


def test_roles():
    with pytest.raises(SchemaError, match="target is of kind id"):
        check(schema(Column("a", "id"), target="a"))
    with pytest.raises(SchemaError, match=r"protected column is of kind pii\.name"):
        check(schema(Column("a", "pii.name"), protected=("a",)))
    pair = (Dependency("a", "b"),)
    with pytest.raises(SchemaError, match="target is determined"):
        check(schema(Column("a", "category"), Column("b", "category"), dependencies=pair, target="b"))
    with pytest.raises(SchemaError, match="cannot take part"):
        check(schema(Column("a", "id"), Column("b", "category"), dependencies=pair))


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        (Column("a", "integer"), pa.array([1.5]), "values are double"),
        (Column("a", "integer", nullable=False), pa.array([1, None]), "1 of 2 values are missing"),
        (Column("a", "number"), pa.array([float("nan")]), "NaN"),
        (Column("a", "category", levels=("x",)), pa.array(["x", "y", None]), "1 of 3 values are not among"),
        (
            Column("a", "integer", bounds=Bounds(0, 10)),
            pa.array([-1, 5, 11, None]),
            "2 of 4 values lie outside",
        ),
        (Column("a", "number", bounds=Bounds(0.5, None)), pa.array([0.0]), "1 of 1 values lie outside"),
        (Column("a", "date", bounds=Bounds("2020-01-01", None)), pa.array([dt.date(2019, 1, 1)]), "outside"),
        (
            Column("a", "datetime", timezone="UTC", bounds=Bounds(None, "2020-01-01")),
            pa.array([dt.datetime(2021, 1, 1)], pa.timestamp("us", tz="UTC")),
            "outside",
        ),
        (Column("a", "duration", bounds=Bounds(0, 60)), pa.array([61_000_000], pa.duration("us")), "outside"),
        (Column("b", "integer"), pa.array([1]), "did you mean 'a'|no such column"),
    ],
)
def test_tables_that_break_the_schema(column, values, words):
    with pytest.raises(SchemaError, match=words):
        check(schema(column), pa.table({"a": values}))


def test_all_problems_are_listed_and_counted():
    broken = schema(Column("a", "integer", decimals=1), Column("b", "category", format="x"))
    table = pa.table({"a": pa.array([1]), "b": pa.array(["x"]), "c": pa.array([1])})
    found = list(problems(broken, table))
    assert [problem.where for problem in found] == ["t.a", "t.b", "t.c"]
    with pytest.raises(SchemaError, match=r"2 more to mend"):
        check(broken, table)


def test_a_good_table_passes():
    columns = (
        Column("i", "integer"),
        Column("n", "number"),
        Column("b", "boolean"),
        Column("d", "date"),
        Column("t", "datetime"),
        Column("z", "datetime", timezone="Europe/Berlin"),
        Column("u", "duration"),
        Column("s", "text"),
    )
    table = pa.table(
        {
            "i": pa.array([1]),
            "n": pa.array([float("inf")]),
            "b": pa.array([True]),
            "d": pa.array([1], pa.date32()),
            "t": pa.array([1], pa.timestamp("us")),
            "z": pa.array([1], pa.timestamp("us", tz="UTC")),
            "u": pa.array([1], pa.duration("us")),
            "s": pa.array(["x"]),
        }
    )
    check(schema(*columns), table)
