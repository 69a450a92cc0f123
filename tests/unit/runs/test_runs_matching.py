"""Another table's columns under a schema: other spellings are read, the rest is listed."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pyarrow as pa
import pytest

import locum
from locum.data.detect import detect
from locum.data.read import read
from locum.errors import DataError
from locum.evaluation.limits import Requirements
from locum.runs.align import align_tables, mark_incomplete
from locum.runs.match_columns import drop_columns, match
from locum.runs.tables import align

DAYS = [dt.date(2020, 1, 1) + dt.timedelta(days=7 * i) for i in range(60)]


def frame() -> pd.DataFrame:
    n = range(60)
    return pd.DataFrame(
        {
            "age": [20 + i % 50 for i in n],
            "city": [("Bern", "Basel", "Genf")[i % 3] for i in n],
            "grade": [str(1 + i % 3) for i in n],
            "pay": [f"{1000.5 + 7 * i:.2f}" for i in n],
            "joined": [d.isoformat() for d in DAYS],
            "member": [("true", "false")[i % 2] for i in n],
        }
    )


REAL = read(frame())
SCHEMA = detect(REAL, overrides={"grade": "category"})


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("joined", [d.strftime("%d/%m/%Y") for d in DAYS], "%d/%m/%Y"),
        ("joined", DAYS, ""),
        ("member", [i % 2 == 0 for i in range(60)], ""),
        ("member", [1 - i % 2 for i in range(60)], ""),
        ("member", ["YN"[i % 2] for i in range(60)], "written in another way"),
        ("pay", [f"{1000.5 + 7 * i:,.2f}" for i in range(60)], "thousands"),
        ("age", [f"{20 + i % 50}.0" for i in range(60)], ""),
        ("grade", [f"{1 + i % 3}.0" for i in range(60)], ""),
        ("grade", [1.0 + i % 3 for i in range(60)], ""),
    ],
)
def test_the_same_values_in_another_spelling_are_the_same_column(column, values, said):
    found = match(SCHEMA, read(frame().assign(**{column: values})), REAL)
    plain = match(SCHEMA, REAL, REAL)
    assert not found.unmatched
    assert found.table.column(column).to_pylist() == plain.table.column(column).to_pylist()
    assert found.schema == SCHEMA
    assert said in " ".join(found.notes)
    assert bool(found.notes) == bool(said)


def test_codes_for_missing_of_its_own_are_read_and_named():
    odd = frame().assign(age=["nan" if i < 4 else str(20 + i % 50) for i in range(60)])
    found = match(SCHEMA, read(pa.Table.from_pandas(odd)), REAL)
    assert found.table.column("age").null_count == 4
    assert not found.unmatched


def test_kinds_are_widened_where_values_would_be_lost():
    late = frame().assign(age=[20.5 + i for i in range(60)], joined=[f"{d} 08:30:00" for d in DAYS])
    found = match(SCHEMA, read(late), REAL)
    assert (found.schema["age"].kind, found.schema["joined"].kind) == ("number", "datetime")
    assert found.table.column("joined")[0].as_py() == dt.datetime(2020, 1, 1, 8, 30)
    assert len(found.notes) == 2


def test_names_in_another_case_are_taken_unless_that_is_ambiguous():
    shouted = match(SCHEMA, read(frame().rename(columns=str.upper)), REAL)
    assert shouted.table.column_names == list(SCHEMA.names)
    assert len(shouted.notes) == 6
    double = frame().drop(columns="age").assign(AGE=1, Age=2)
    assert [a.column for a in match(SCHEMA, read(double), REAL).unmatched] == ["age"]


def test_what_does_not_fit_is_listed_with_the_reason():
    bad = frame().drop(columns="pay").assign(age="old", joined="spring")
    found = match(SCHEMA, read(bad), REAL)
    assert {a.column for a in found.unmatched} == {"age", "joined", "pay"}
    assert found.table.column_names == ["city", "grade", "member"]
    with pytest.raises(DataError, match="3 columns do not fit") as caught:
        align(SCHEMA, read(bad))
    assert "age" in caught.value.what
    assert "joined" in caught.value.what
    # Values stay masked, however the reason is told.
    assert all("spring" not in a.reason for a in found.unmatched)


def test_tables_meet_in_the_columns_that_all_of_them_have():
    made, held = read(frame().drop(columns="pay")), read(frame().assign(age="old"))
    train, others, schema, unmatched, _ = align_tables(REAL, SCHEMA, [made, held])
    assert schema.names == ("city", "grade", "joined", "member")
    assert {a.column for a in unmatched} == {"age", "pay"}
    assert [train.column_names, *(t.column_names for t in others if t)] == [list(schema.names)] * 3


def test_a_column_that_only_the_others_fill_is_left_out():
    real = read(frame().assign(pay=None))
    schema = locum.detect(frame().assign(pay=None))
    assert [a.column for a in align_tables(real, schema, [REAL])[3]] == ["pay"]
    assert align_tables(real, schema, [real])[3] == ()


def test_ids_that_a_generator_dropped_take_nothing_from_the_comparison():
    real = read(frame().assign(code=[f"P{i:05d}-{i * i}" for i in range(60)]))
    schema = detect(real, overrides={"code": "id"})
    _, _, met, unmatched, notes = align_tables(real, schema, [REAL])
    assert unmatched == ()
    assert "code" not in met.names
    assert "'code'" in notes[0]


def test_the_target_cannot_be_left_out():
    schema = locum.detect(frame(), target="city")
    with pytest.raises(DataError, match="city"):
        align_tables(REAL, schema, [read(frame().drop(columns="city"))])
    with pytest.raises(DataError, match="missing"):
        align_tables(REAL, SCHEMA, [read(pd.DataFrame({"x": [1, 2], "y": [3, 4]}))])


def test_a_schema_without_columns_keeps_only_what_is_about_the_others():
    assert drop_columns(SCHEMA, set()) is SCHEMA
    assert drop_columns(SCHEMA, {"age"}).names == SCHEMA.names[1:]


def test_an_evaluation_of_some_columns_says_so_and_lets_no_limit_pass():
    found = locum.evaluate(
        frame(), frame().drop(columns="pay"), effort="quick", require={"c2st.max": 1.0, "tv.1way.max": 1.0}
    )
    assert found.evidence.alerts[0].where == "pay"
    assert any("'pay' was not compared" in note for note in found.notes)
    faithful = found.evidence.answers[0]
    assert faithful.verdict != "good"
    assert "1 column of 6" in faithful.sentence
    assert {c.verdict for c in found.evidence.requirements} == {"unclear"}
    assert found.passed
    assert mark_incomplete(found.evidence, (), 6, Requirements()).answers == found.evidence.answers
