"""What control, fairness, mixing and collapse refuse: one sentence, and the nearest that can be done."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest

from locum.cli.main import main

FAIR = ["fair", "p.locum", "--target", "y", "--protected", "sex", "--out", "o.csv"]
SAMPLE = ["sample", "p.locum", "--rows", "10", "--out", "o.csv"]
EDGES = [x for e in ("sex -> city", "city -> y", "y -> sex") for x in ("--edge", e)]
CASES = {
    "contradictory rules": (
        [*SAMPLE, "--rule", "age < 30", "--rule", "age > 60"], 1,
        "the rule `age < 30` and the rule `age > 60` cannot hold together", "leave age < 30 out",
    ),
    "condition outside the domain": (
        [*SAMPLE, "--where", "age > 200"], 1, "no row can fulfil `age > 200`", "ask for age >= ",
    ),
    "condition on an unknown level": (
        [*SAMPLE, "--where", "city = 'Pariss'"], 2, "city has no level 'Pariss'", "use '",
    ),
    "target for a level that does not exist": (
        [*SAMPLE, "--targets", '{"city": {"Paris": 0.5}}'], 2, "city has no level 'Paris'", "use '",
    ),
    "target shares of all levels below 1": (
        [*SAMPLE, "--targets", '{"sex": {"F": 0.3, "M": 0.3}}'], 1,
        "sum to 0.6", "make the shares sum to 1",
    ),
    "target shares above 1": (
        [*SAMPLE, "--targets", '{"sex": {"F": 0.8, "M": 0.4}}'], 2, "the shares sum to 1.2", "at most 1",
    ),
    "balance of numbers": (
        [*SAMPLE, "--targets", "age = balanced"], 2, "age is no column of labels", "age >= 1: 0.5",
    ),
    "unknown column in where": (
        [*SAMPLE, "--where", "agee > 20"], 2, "there is no column 'agee'", "did you mean age?",
    ),
    "more rows than uniqueness allows": (
        [*SAMPLE, "--rule", "unique(sex, y)"], 1, "only 3 of 10 rows were found", "ask for at most 3 rows",
    ),
    "a given row that breaks a rule": (
        ["sample", "p.locum", "--given", "sex.csv", "--rule", "sex = 'M'", "--out", "o.csv"], 1,
        "6 given rows break sex = 'M' (row 1, 2, 3, 4, 5, ...)", "leave out these rows, or the condition",
    ),
    "given frame with unknown levels": (
        ["sample", "p.locum", "--given", "paris.csv", "--out", "o.csv"], 2,
        "given: city has no level 'Paris'", "leave the cell empty",
    ),
    "given rows that do not allow a target": (
        ["sample", "p.locum", "--given", "sex.csv", "--targets", "sex = balanced", "--out", "o.csv"], 1,
        "the given rows allow sex = 'M' a share of 0 to 0, and 0.5 is asked for",
        "ask for a share of 0",
    ),
    "rows that cannot be picked over": (
        ["sample", "p.locum", "--given", "sex.csv", "--verify", "p.csv", "--out", "o.csv"], 2,
        "rows of --given cannot be picked over", "leave out --verify or --given",
    ),
    "causal graph with a cycle": (
        [*FAIR, "--method", "causal", *EDGES], 2, "has a cycle: sex -> city -> y -> sex", "take one of these",
    ),
    "group without positives": (
        [*FAIR, "--method", "reweigh"], 1, "group 'F' has no row of y = 'true' to weigh up", "use parity",
    ),
    "strength that is none": ([*FAIR, "--strength", "2"], 2, "2.0 is not a strength", "from 0 to 1"),
    "folds without real rows": ([*FAIR, "--folds", "5"], 2, "folds need the real rows", "give the data"),
    "one fold": (
        [*FAIR, "--folds", "1", "--data", "p.csv"], 2, "1 folds cannot be", "2 up to a tenth of the rows",
    ),
    "tables with different columns": (
        ["mix", "p.csv", "--target", "y", "--synthetic", "other.csv"], 1,
        "columns of the real table are missing", "add them",
    ),
    "more generations than can be": (
        ["collapse", "p.csv", "--generations", "5000"], 2, "5000 generations cannot be", "from 1 to 1000",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table in which no woman says yes, and a model that has learned as much."""
    here = tmp_path_factory.mktemp("control")
    rng = random.Random(1)
    rows = ["age,sex,city,y"]
    for _ in range(300):
        sex = rng.choice("FM")
        yes = "yes" if sex == "M" and rng.random() < 0.4 else "no"
        rows.append(f"{rng.randint(18, 90)},{sex},{rng.choice(['Rome', 'Oslo', 'Bern'])},{yes}")
    (here / "p.csv").write_text("\n".join(rows) + "\n")
    (here / "paris.csv").write_text("city\nParis\n")
    (here / "sex.csv").write_text("sex\n" + "F\n" * 6)
    (here / "other.csv").write_text("a,b\n" + "\n".join(f"{i % 3},{i % 5}" for i in range(100)))
    assert (
        main(["fit", str(here / "p.csv"), "--synthesizer", "bootstrap", "--model", str(here / "p.locum")])
        == 0
    )
    return here


@pytest.mark.parametrize("case", list(CASES))
def test_one_sentence_and_the_nearest_that_can_be_done(
    case: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    words, code, what, do = CASES[case]
    monkeypatch.chdir(folder)
    capsys.readouterr()
    assert main(words) == code
    told = capsys.readouterr().err
    assert what in told and do in told
    assert "Traceback" not in told
    assert not (folder / "o.csv").exists()


def test_given_numbers_beyond_what_the_model_knows_are_kept_and_told(folder: Path, capsys: Any) -> None:
    (folder / "old.csv").write_text("age\n500\n40\n")
    out = folder / "old-full.csv"
    assert (
        main(["sample", str(folder / "p.locum"), "--given", str(folder / "old.csv"), "--out", str(out)]) == 0
    )
    told = " ".join(capsys.readouterr().out.split())
    found = re.search(r"1 given value of age beyond what the model knows \((\d+) to (\d+)\)", told)
    assert found is not None
    assert 10 < int(found[1]) <= 20
    assert 88 <= int(found[2]) < 110
    assert out.read_text().splitlines()[1].startswith("500,")


def test_too_little_time_runs_what_fits_and_says_so(folder: Path, capsys: Any) -> None:
    words = ["collapse", str(folder / "p.csv"), "--generations", "900", "--time", "1s"]
    assert main([*words, "--loop", "replace", "--synthesizer", "independent"]) == 0
    assert "900 generations would take longer than allowed" in capsys.readouterr().out
