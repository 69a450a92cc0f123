"""`locum subgroups`: every sort of model, what is written, and what is said to a wrong call."""

from __future__ import annotations

import json
import re

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pytest

import locum
from locum.cli.main import main
from locum.errors import FolderError, UsageError


def people(n: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    g = np.where(rng.random(n) < 0.1, "b", "a")
    x = rng.normal(0, 1, n).round(3)
    agree = rng.random(n) < np.where(g == "b", 0.6, 0.9)
    y = np.where((x > 0) == agree, "yes", "no").tolist()
    return pa.table({"g": g.tolist(), "x": x, "y": [None, *y[1:]]})


def rule(features: pa.Table) -> list[str]:
    return ["yes" if x > 0 else "no" for x in features.column("x").to_pylist()]


QUICK = {"target": "y", "generators": 2, "rows": 1_500}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("subgroups")
    csv.write_csv(people(900, 1), folder / "learn.csv")
    csv.write_csv(people(600, 2), folder / "test.csv")
    (folder / "rules.py").write_text(
        "def rule(t):\n    return ['yes' if x > 0 else 'no' for x in t.column('x').to_pylist()]\n"
    )
    return folder


def test_the_command_writes_a_page_and_numbers(place, capsys):
    out = place / "out"
    call = ["subgroups", f"{place}/learn.csv", "--test", f"{place}/test.csv", "--target", "y", "--by", "g"]
    call += ["--by", "g,x", "--shift", "g = balanced", "--generators", "2", "--rows", "1500"]
    assert main([*call, "--out", str(out)]) == 0
    shown = capsys.readouterr()
    assert "go by" in shown.out and "if g = balanced" in shown.out
    assert "1 test rows without a known" in shown.err
    assert sorted(p.name for p in out.iterdir()) == ["subgroups.html", "subgroups.json"]
    page = (out / "subgroups.html").read_text()
    assert "If the population were another" in page and "<script" not in page
    assert not re.search(r"https?://", page)
    numbers = json.loads((out / "subgroups.json").read_text())
    assert [t["columns"] for t in numbers["tables"]] == [["g"], ["g", "x"]]
    assert numbers["test_rows"] == 599
    assert main([*call, "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["command"] == "subgroups" and again["tables"] == numbers["tables"]


def test_functions_generators_and_runs_are_models(place):
    test = csv.read_csv(place / "test.csv")
    by_name = locum.subgroups(f"{place}/rules.py:rule", place / "test.csv", by="g", **QUICK)
    found = locum.subgroups(rule, test, by="g", **QUICK)
    assert by_name.tables == found.tables and found.model == "rule"
    synth = locum.fit(people(500, 3), synthesizer="independent")
    drawn = locum.subgroups(synth, test, by=["g"], **QUICK)
    assert "boosted trees trained on 20,000 rows of a generator" in drawn.model
    run = place / "run"
    run.mkdir()
    csv.write_csv(people(700, 5), run / "synthetic.csv")
    assert "the run run" in locum.subgroups(run, test, by="g", **QUICK).model


def test_evaluate_takes_groups(place):
    held = place / "test.csv"
    made = csv.read_csv(place / "learn.csv")
    found = locum.evaluate(
        people(800, 8), made, holdout=held, target="y", by=["g"], shift=["g = balanced"], effort="quick"
    )
    assert found.evidence.thin.tables[0].columns == ("g",)
    assert "Where there are few rows" in found.page()
    assert found.to_json()["evidence"]["thin"]["measure"] == "share right"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"by": ()}, "no groups were named"),
        ({"by": "h"}, "no column 'h'"),
        ({"by": ","}, "needs a column"),
        ({"target": None}, "nobody said what the model predicts"),
        ({"target": "z"}, "no column 'z'"),
        ({"generators": 1}, "cannot be"),
        ({"shift": "g: half"}, "is no target"),
        ({"synthesizer": "magic"}, "magic"),
        ({"model": "nowhere.csv"}, "nowhere.csv"),
        ({"model": "nowhere:rule"}, "cannot be loaded"),
    ],
)
def test_wrong_calls_are_told(place, change, said):
    call = {"model": place / "learn.csv", "by": "g", **QUICK} | change
    with pytest.raises(locum.LocumError, match=said):
        locum.subgroups(call.pop("model"), place / "test.csv", **call)


def test_folders_and_missing_hold_outs_are_told(place):
    empty = place / "empty"
    empty.mkdir(exist_ok=True)
    with pytest.raises(FolderError, match="no synthetic rows"):
        locum.subgroups(empty, place / "test.csv", by="g", **QUICK)
    with pytest.raises(UsageError, match="never saw"):
        locum.evaluate(place / "learn.csv", place / "learn.csv", target="y", by=["g"])
