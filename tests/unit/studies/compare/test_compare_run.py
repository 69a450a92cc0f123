"""A whole comparison: every kind of entrant, failures as rows, resuming, and what is written."""

from __future__ import annotations

import json
import re
import sys

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq
import pytest

import locum
from locum.cli.main import main
from locum.errors import FolderError, UsageError

SCRIPT = """
import random, sys
train, out, rows, seed = sys.argv[1:5]
lines = open(train).read().splitlines()
random.seed(int(seed))
open(out, "w").write("\\n".join([lines[0], *random.choices(lines[1:], k=int(rows))]) + "\\n")
"""


def table(seed: int, n: int = 300) -> pa.Table:
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, n).round(3)
    c = np.where(rng.random(n) < 1 / (1 + np.exp(-2 * x)), "yes", "no")
    # Labels by which a row can be told: a copy of codes gives its members away by them.
    marks = {name: [f"{name}{i}" for i in rng.integers(0, 8, n)] for name in "pqr"}
    return pa.table({"x": x, "n": np.round(5 + 2 * x).astype(int), "c": c.tolist(), **marks})


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")
    csv.write_csv(table(1), folder / "one.csv")
    csv.write_csv(table(2, 40), folder / "two.csv")
    (folder / "make.py").write_text(SCRIPT)
    csv.write_csv(table(3), folder / "ready-one-0.csv")
    csv.write_csv(table(4).rename_columns(["x", "n", "other", "p", "q", "r"]), folder / "ready-two-0.csv")
    return folder


def half_empty(train, out, rows, seed):
    """A function as an entrant: shuffles every column, and one of them is all missing."""
    made = csv.read_csv(train)
    rng = np.random.default_rng(seed)
    columns = {name: made.column(name).take(rng.permutation(len(made))) for name in made.column_names}
    csv.write_csv(pa.table({**columns, "x": pa.nulls(len(made), pa.float64())}), out)


def fails(train, out, rows, seed):
    raise ValueError("no luck today")


@pytest.fixture(scope="module")
def found(place):
    python = sys.executable
    return locum.compare(
        [str(place / "one.csv") + "?target=c", str(place / "two.csv")],
        {
            "mine": f"{python} {place}/make.py {{train}} {{out}} {{rows}} {{seed}}",
            "ready": f"{place}/ready-{{table}}-{{seed}}.csv",
            "function": half_empty,
            "fails": fails,
            "silent": f"{python} -c pass {{train}} {{out}}",
            "absent": f"sdv.ctgan@{place}/no/python",
        },
        seeds=1,
        out=place / "out",
        keep=True,
    )


def test_every_attempt_is_a_cell_and_failures_say_why(found):
    assert len(found.cells) == 2 * 8
    status = {(c.contestant, c.table): (c.status, c.reason) for c in found.cells}
    for name in ("mine", "independent", "bootstrap", "function"):
        assert {status[name, t] for t in ("one", "two")} == {("ok", "")}
    assert status["ready", "one"][0] == "ok"
    assert "missing: c" in status["ready", "two"][1]
    assert "no luck today" in status["fails", "one"][1]
    assert "wrote no file" in status["silent", "one"][1]
    assert "cannot be started" in status["absent", "one"][1]


def test_controls_are_told_apart_and_costs_are_measured(found):
    copied, own = (
        next(c for c in found.cells if (c.contestant, c.table) == (n, "one")) for n in ("mine", "ready")
    )
    assert copied.value("advantage") > own.value("advantage") + 0.2
    assert copied.cpu_s is not None and 0 < copied.cpu_s < 5
    assert own.cpu_s is None
    # Rows that are copied are told from rows that were never seen.
    assert [passed for name, passed, _ in found.controls() if name == "bootstrap"] == [True]


def test_page_numbers_and_record(found, place):
    page = (place / "out" / "compare.html").read_text()
    assert "<script" not in page and "http" not in page.replace("http-equiv", "")
    assert page.count('class="chart scatter"') == 2
    for words in ("no luck today", "wrote no file", "negative control"):
        assert words in page
    assert not re.search(r"\bnan\b|None", page)
    numbers = json.loads((place / "out" / "compare.json").read_text())
    assert numbers["ranks"]["c2st"][0]["mean"] >= 1
    record = pq.read_table(place / "out" / "compare.parquet")
    assert record.num_rows == sum(max(1, len(c.results)) for c in found.cells)
    assert {"one-mine-0.csv", "two-function-0.csv"} <= {p.name for p in (place / "out" / "made").iterdir()}


def test_a_finished_comparison_is_not_run_again(found, place, capsys, monkeypatch):
    monkeypatch.chdir(place)
    (place / "make.py").write_text("raise SystemExit('must not run')")
    command = f"{sys.executable} {place}/make.py {{train}} {{out}} {{rows}} {{seed}}"
    call = [
        "compare",
        "one.csv?target=c",
        "two.csv",
        "--with",
        f"mine={command}",
        "--seeds",
        "1",
        "--out",
        "out",
    ]
    assert main([*call, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {c["status"] for c in told["cells"]} == {"ok"}
    before = {(c.contestant, c.table): c.value("c2st") for c in found.cells}
    for c in told["cells"]:
        value = next(r["value"] for r in c["results"] if r["name"] == "c2st")
        assert value == before[c["contestant"], c["table"]]


def test_bad_calls(place, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("precious")
    with pytest.raises(FolderError, match="something else"):
        locum.compare([place / "one.csv"], ["tree"], out=tmp_path / "full")
    with pytest.raises(UsageError, match="cannot be said"):
        locum.compare([f"{place}/one.csv?targt=c"], ["tree"])
    with pytest.raises(UsageError, match="seeds"):
        locum.compare([place / "one.csv"], ["tree"], seeds=[1, 1])
    with pytest.raises(UsageError, match="no data"):
        locum.compare([], ["tree"])
