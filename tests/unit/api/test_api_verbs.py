"""The verbs of the public interface on small tables: types are kept, seeds decide, runs resume."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

import locum
from locum.data.canonical import canonical
from locum.data.read import read
from locum.errors import FileFormatError, FolderError, SchemaError, UsageError
from locum.runs.sample import sample_file


def frame(n: int = 150) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    age = rng.integers(20, 80, n)
    return pd.DataFrame(
        {
            "id": [f"P{i:04d}" for i in range(n)],
            "age": pd.array(np.where(rng.random(n) < 0.1, None, age), dtype="Int64"),
            "ward": pd.Categorical(rng.choice(["A", "B", "C"], n)),
            "late": rng.random(n) < age / 100,
        }
    )


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "visits.csv"
    frame().to_csv(path, index=False)
    return path


def test_detect_gives_a_reason_for_every_column(csv):
    schema = locum.detect(csv, target="late", protected=["ward"])
    assert schema.names == ("id", "age", "ward", "late")
    assert schema["id"].kind == "id"
    assert schema.target == "late"
    assert schema.protected == ("ward",)
    assert all(column.reason for column in schema)


@pytest.mark.parametrize("make", [frame, lambda: pl.from_pandas(frame())], ids=["pandas", "polars"])
def test_fit_and_sample_give_back_the_same_kind_of_table(make):
    real = make()
    synth = locum.fit(real, synthesizer="tree-fast", seed=5)
    fake = locum.sample(synth, 40, seed=1)
    assert type(fake) is type(real)
    assert list(fake.columns) == list(real.columns)
    assert list(fake.dtypes) == list(real.dtypes)
    assert len(fake) == 40
    assert fake.equals(locum.sample(synth, 40, seed=1))
    assert not fake.equals(locum.sample(synth, 40, seed=2))


def test_rows_of_a_file_are_typed_and_the_file_that_is_written_keeps_its_form(tmp_path):
    """Dates, whole numbers with gaps, yes and no, categories: today's first example of the readme."""
    path = tmp_path / "stays.csv"
    rows = [
        f"{1 + i % 28:02d}/0{1 + i % 9}/2024,{'?' if i % 7 == 0 else i % 50},{'YN'[i % 2]},w{i % 3},{i}.50"
        for i in range(120)
    ]
    path.write_text("\n".join(["day,age,late,ward,cost", *rows]) + "\n", "utf-8")
    synth = locum.fit(path, synthesizer="independent", seed=3)
    made = locum.sample(synth, 200, seed=1)
    assert {name: str(made.schema.field(name).type) for name in made.column_names} == {
        "day": "date32[day]",
        "age": "int64",
        "late": "bool",
        "ward": "string",
        "cost": "double",
    }
    assert made["age"].null_count > 0
    assert set(made["ward"].to_pylist()) == {"w0", "w1", "w2"}
    # The same rows as a file look like the file that was learned from.
    synth.save(tmp_path / "m.locum")
    sample_file(tmp_path / "m.locum", tmp_path / "out.csv", 200, seed=1)
    written = pd.read_csv(tmp_path / "out.csv", dtype=str, keep_default_na=False)
    assert written["day"].str.fullmatch(r"\d\d/\d\d/2024").all()
    assert set(written["late"]) == {"Y", "N"}
    assert (written["age"] == "?").sum() == made["age"].null_count
    assert written["cost"].str.endswith("0").all()
    # What came back is judged as the file is.
    schema = locum.detect(path)
    pd.testing.assert_frame_equal(
        canonical(read(made), schema).to_pandas(),
        canonical(read(tmp_path / "out.csv"), schema).to_pandas(),
    )


def test_a_saved_model_gives_the_same_rows(csv, tmp_path):
    synth = locum.fit(csv, synthesizer="independent")
    synth.save(tmp_path / "m.locum")
    assert locum.sample(tmp_path / "m.locum", 20, seed=3).equals(locum.sample(synth, 20, seed=3))
    assert locum.load(tmp_path / "m.locum").schema == synth.schema


def test_run_gives_the_outcome_and_takes_it_up_again(csv, tmp_path):
    call = {"target": "late", "synthesizer": "independent", "rows": 60, "holdout": 0.25}
    heard = []
    result = locum.run(csv, tmp_path / "run", progress=heard.append, **call)
    assert result.report.is_file()
    assert len(result.sentences) == 5
    assert (result.n_train, result.n_holdout, result.n_synthetic) == (112, 38, 60)
    assert result.resumed == ()
    assert [s for i, s in enumerate(e.stage for e in heard) if i == 0 or heard[i - 1].stage != s] == [
        "read",
        "detect",
        "fit",
        "sample",
        "evaluate",
        "report",
    ]
    assert all(0 <= e.done <= e.total for e in heard)
    again = locum.run(csv, tmp_path / "run", **call)
    assert again.resumed == ("fit", "sample", "evaluate")
    assert again.answers == result.answers
    with pytest.raises(FolderError, match="another plan"):
        locum.run(csv, tmp_path / "run", **{**call, "rows": 61})


def test_run_takes_a_frame_and_writes_parquet(tmp_path):
    result = locum.run(frame(), tmp_path / "run", synthesizer="independent")
    assert (tmp_path / "run" / "synthetic.parquet").is_file()
    assert pd.read_parquet(tmp_path / "run" / "synthetic.parquet").shape == (150, 4)
    assert result.n_synthetic == 150


def test_a_config_beside_the_data_decides_and_arguments_win(csv, tmp_path):
    (tmp_path / "locum.toml").write_text(
        'version = 1\n[data]\nvisits = { path = "visits.csv" }\n'
        '[schema.visits.id]\nkind = "id"\n[schema.visits.age]\nkind = "number"\n'
        '[schema.visits.ward]\nkind = "category"\n[schema.visits.late]\nkind = "category"\n'
        '[model]\nname = "independent"\nseed = 11\n[evaluate]\nholdout = 0.1\ntarget = "late"\n'
    )
    from locum.runs.prepare import prepare
    from locum.runs.request import RunRequest

    plan = prepare(RunRequest(data=csv)).plan
    assert (plan.synthesizer, plan.seed, plan.holdout, plan.schema.target) == ("independent", 11, 0.1, "late")
    assert plan.schema["age"].kind == "number"
    plan = prepare(RunRequest(data=csv, seed=2, holdout=0.3, synthesizer="bootstrap", target="ward")).plan
    assert (plan.synthesizer, plan.seed, plan.holdout, plan.schema.target) == ("bootstrap", 2, 0.3, "ward")
    other = tmp_path / "others.csv"
    frame().to_csv(other, index=False)
    assert prepare(RunRequest(data=other)).plan.synthesizer == "tree", "a config about another file"


def test_the_resolved_config_of_a_run_repeats_it(csv, tmp_path):
    locum.run(csv, tmp_path / "one", synthesizer="independent", seed=4, target="late")
    locum.run(csv, tmp_path / "two", config=tmp_path / "one" / "locum.toml")
    assert (tmp_path / "one" / "synthetic.csv").read_bytes() == (
        tmp_path / "two" / "synthetic.csv"
    ).read_bytes()


def test_a_time_budget_is_kept_by_a_run_that_is_taken_up_again(csv, tmp_path):
    from dataclasses import replace

    from locum.runs.execute import execute
    from locum.runs.prepare import prepare
    from locum.runs.request import RunRequest

    request = RunRequest(data=csv, out=tmp_path / "run", time_budget_s=3600, rows=50)
    prepared = prepare(request)
    # As if the machine had been slow when the run was begun.
    slow = replace(prepared, plan=replace(prepared.plan, synthesizer="tree-fast", evaluate_rows=100))
    execute(slow)
    again = prepare(request)
    assert (again.plan.synthesizer, again.plan.evaluate_rows) == ("tree-fast", 100)
    assert execute(again).resumed == ("fit", "sample", "evaluate")


def test_refusals(csv, tmp_path):
    with pytest.raises(UsageError, match="agee"):
        locum.detect(csv, target="agee")
    with pytest.raises(UsageError, match="seed"):
        locum.fit(csv, seed=-1)
    with pytest.raises(UsageError, match="rows"):
        locum.run(csv, tmp_path / "run", rows=0)
    with pytest.raises(SchemaError):
        locum.run(csv, tmp_path / "run", config=tmp_path / "absent.toml")
    (tmp_path / "bad.locum").write_bytes(b"x")
    with pytest.raises(FileFormatError):
        locum.load(tmp_path / "bad.locum")
    assert not (tmp_path / "run").exists()
