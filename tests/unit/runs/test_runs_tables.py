"""Bringing two tables to one shape, and the evaluation of anybody's table, from Python."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import locum
from locum.errors import DataError, FolderError, UsageError
from locum.runs.evaluate import save_folder, thin
from locum.runs.out_folder import refuse_taken
from locum.runs.tables import align, check_target, without_data_bounds


def frame(n: int = 200, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = rng.integers(20, 80, n)
    return pd.DataFrame(
        {
            "age": age,
            "ward": rng.choice(["A", "B", "C"], n),
            "score": np.round(age / 10 + rng.normal(size=n), 2),
            "late": np.where(rng.random(n) < age / 100, "yes", "no"),
        }
    )


@pytest.fixture(scope="module")
def schema():
    return locum.detect(frame(), target="late")


class TestAlign:
    """`align` brings another table to a schema."""

    def raw(self, table):
        from locum.data.read import read

        return read(table)

    def test_order_does_not_matter(self, schema):
        table, same, notes = align(schema, self.raw(frame()[["late", "score", "age", "ward"]]))
        assert tuple(table.column_names) == schema.names
        assert same == schema
        assert notes == ()

    def test_surplus_columns_are_left_out_and_named(self, schema):
        table, _, notes = align(schema, self.raw(frame().assign(junk=1)))
        assert "junk" not in table.column_names
        assert "junk" in notes[0]

    def test_a_missing_column_is_named_with_the_nearest_there_is(self, schema):
        with pytest.raises(DataError, match="ward") as caught:
            align(schema, self.raw(frame().rename(columns={"ward": "wards"})))
        assert "rename 'wards' to 'ward'" in caught.value.do

    def test_fractions_in_a_whole_number_column_widen_it(self, schema):
        table, wider, _ = align(schema, self.raw(frame().assign(age=lambda f: f.age + 0.25)))
        assert wider["age"].kind == "number"
        assert table.column("age")[0].as_py() % 1 == 0.25

    def test_whole_numbers_written_as_fractions_stay_whole(self, schema):
        table, same, _ = align(schema, self.raw(frame().assign(age=lambda f: f.age.astype(float))))
        assert same["age"].kind == "integer"
        assert str(table.schema.field("age").type) == "int64"


def test_bounds_read_from_the_data_do_not_reach_the_generator_but_declared_ones_do(schema):
    from dataclasses import replace

    from locum.schema.column import Bounds

    columns = tuple(
        replace(c, bounds=Bounds(0, 120, "declared"))
        if c.name == "age"
        else replace(c, bounds=Bounds(1, 2, "data"))
        for c in schema
    )
    stripped = without_data_bounds(replace(schema, columns=columns))
    assert stripped["age"].bounds == Bounds(0, 120, "declared")
    assert stripped["score"].bounds is None


def test_a_target_must_vary(schema):

    def table(late):
        return pa.table({"age": [1, 2, 3], "ward": ["A", "B", "C"], "score": [1.0, 2.0, 3.0], "late": late})

    check_target(table([True, False, None]), schema, "late")
    check_target(table([True, True, True]), schema, None)
    for values, words in (([True, True, True], "same value"), (pa.array([None] * 3, pa.bool_()), "no value")):
        with pytest.raises(DataError, match=words):
            check_target(table(values), schema, "late")


def test_thinning_keeps_order_and_follows_the_seed():

    table = pa.table({"i": list(range(1000))})
    assert thin(table, None, 1, "x") is table
    assert thin(table, 1000, 1, "x") is table
    some = thin(table, 100, 1, "x").column("i").to_pylist()
    assert some == sorted(set(some))
    assert len(some) == 100
    assert some == thin(table, 100, 1, "x").column("i").to_pylist()
    assert some != thin(table, 100, 2, "x").column("i").to_pylist()


@pytest.fixture(scope="module")
def found():
    """An evaluation of a table whose columns stand in another order, with one too many."""
    return locum.evaluate(
        frame(400), frame(300, seed=1).sample(frac=1, axis=1, random_state=0).assign(junk=1),
        holdout=frame(200, seed=2), target="late",
    )  # fmt: skip


class TestEvaluate:
    """`locum.evaluate` on anybody's tables."""

    def test_five_sentences(self, found):
        assert len(found.sentences) == 5
        shown = str(found).splitlines()
        assert shown[0] == "Can I use it for this?"
        assert shown[7] == "Is it faithful? [good]"
        assert [line.removeprefix("  ") for line in shown[8::2]] == list(found.sentences)
        assert [a.question for a in found.evidence.answers] == [
            "faithful",
            "useful",
            "private",
            "fair",
            "risk",
        ]

    def test_sizes_and_target(self, found):
        assert (found.evidence.n_train, found.evidence.n_synthetic, found.evidence.n_holdout) == (
            400,
            300,
            200,
        )
        assert found.evidence.target == "late"

    def test_what_was_left_out_is_in_the_report(self, found):
        assert any("junk" in note for note in found.notes)
        assert any("junk" in alert.sentence for alert in found.evidence.alerts)

    def test_saving(self, found, tmp_path):
        page = found.save(tmp_path / "r.html").read_text(encoding="utf-8")
        assert page.startswith("<!")
        assert all(len(sentence) > 10 for sentence in found.sentences)
        numbers = json.loads(found.save(tmp_path / "r.json").read_text(encoding="utf-8"))
        assert numbers["evidence"]["n_train"] == 400
        with pytest.raises(UsageError, match=r"\.pdf"):
            found.save(tmp_path / "r.pdf")
        with pytest.raises(FolderError):
            found.save(tmp_path / "absent" / "r.html")

    def test_a_folder_is_only_filled_when_empty(self, found, tmp_path):
        save_folder(found, tmp_path / "new")
        assert {p.name for p in (tmp_path / "new").iterdir()} == {"report.html", "report.json"}
        with pytest.raises(FolderError, match="report"):
            refuse_taken(tmp_path / "new")

    def test_frames_of_two_libraries_can_be_compared(self):
        found = locum.evaluate(pl.from_pandas(frame(100)), frame(80, seed=1))
        assert found.evidence.n_holdout == 0
        assert len(found.sentences) == 5

    def test_an_absent_target_is_refused_before_any_work(self):
        with pytest.raises(UsageError, match="latte") as caught:
            locum.evaluate(frame(50), frame(50, seed=1), target="latte")
        assert "did you mean 'late'" in caught.value.do
