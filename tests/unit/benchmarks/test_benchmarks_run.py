"""Tables are the same every time; measuring counts children; records and the page hold together."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmarks import earlier, environments, generate, growth, measure, page, results, run, tables
from benchmarks.roster import CONTROLS, EVERYBODY, PEERS


@pytest.mark.parametrize("name", ["numeric", "mixed50", "sums", "lin", "rare"])
def test_made_up_tables_are_the_same_every_time(name):
    table = tables.load(name)
    assert (len(table.train), len(table.columns)) == tables.SIZES[name]
    assert generate.digest(table) == generate.digest(tables.load(name))
    assert table.target in table.columns and set(table.categorical) <= set(table.columns)
    assert not table.train[table.target].isna().any()


def test_real_tables_have_the_stated_sizes_and_names():
    try:
        tables.folder()
    except tables.NoTable as absent:
        pytest.skip(f"real tables: {absent}")
    for name in ("adult", "shoppers", "compas", "german", "rows10k", "magic", "beijing"):
        table = tables.load(name)
        assert (table.name, len(table.train), len(table.columns)) == (name, *tables.SIZES[name])
        assert (table.target in table.categorical) == (name != "beijing")
        assert "No" not in table.columns


def test_the_laws_are_what_they_say():
    sums, rare, lin = (tables.drawn(law, 8_000, 2_000).train for law in ("sums", "rare", "lin"))
    assert (sums["gross"] - sums["net"] - sums["tax"]).abs().max() < 0.006
    assert np.corrcoef(sums["x"], sums["y"])[0, 1] == pytest.approx(0.999, abs=2e-4)
    # Chance of a label is about 0.7 %; five standard errors of 8,000 rows are 0.5 %.
    assert 0.002 < rare["fraud"].mean() < 0.012
    assert np.var(lin["y"] - lin["v5"] - 0.5 * lin["v6"]) == pytest.approx(1.0, abs=0.08)


def test_cuts_take_other_rows_and_never_test_on_those_they_learn_from():
    first, second = (tables.small("rare3000", cut) for cut in (0, 1))
    assert len(first.train) == 3_000 and first.target == "fraud" and "fraud" in first.categorical
    assert not first.train.equals(second.train)
    try:
        small = tables.load("german600")
    except tables.NoTable as absent:
        pytest.skip(f"real tables: {absent}")
    assert (len(small.train), len(small.holdout)) == (600, 400)
    assert not set(map(tuple, small.train.to_numpy())) & set(map(tuple, small.holdout.to_numpy()))


@pytest.mark.parametrize("who", ["cart", "copula"])
def test_baselines_keep_what_they_can_and_lose_what_they_must(who, tmp_path):
    """Both keep a straight line; only the trees keep the two humps beside a label."""
    table = tables.drawn("sums", 1_500, 500)
    gaps = table.train["tax"].mask(table.train["tax"] > 100)
    table = dataclasses.replace(
        table, train=table.train.assign(tax=gaps, word=np.where(table.train["mode"] > 0, "a", "b"))
    )
    table = dataclasses.replace(table, categorical=(*table.categorical, "word"))
    pytest.importorskip("sklearn")
    out = tmp_path / "made.csv"
    done = generate.produce(table, sys.executable, who, 0, out, minutes=1, quick=True)
    assert done["status"] == "ok", done
    made = pd.read_csv(out)
    assert list(made) == list(table.train) and len(made) == 1_500
    assert np.corrcoef(made["x"], made["y"])[0, 1] > 0.98
    assert (
        set(made["word"]) == {"a", "b"} and made["net"].between(*table.train["net"].agg(["min", "max"])).all()
    )
    agrees = ((made["mode"] > 0) == (made["word"] == "a")).mean()
    assert agrees > 0.97 if who == "cart" else 0.6 < agrees < 0.97
    assert made["tax"].isna().any() == (who == "cart")


def test_absent_tables_are_named(monkeypatch, tmp_path):
    monkeypatch.setenv("LOCUM_TEST_DATA", str(tmp_path))
    monkeypatch.setattr(tables, "ROOT", tmp_path / "nowhere" / "project")
    with pytest.raises(tables.NoTable, match="LOCUM_TEST_DATA"):
        tables.load("adult")
    with pytest.raises(tables.NoTable, match="no table 'adlut'"):
        tables.load("adlut")


def test_every_peer_has_its_script_and_its_list():
    for peer in PEERS.values():
        assert (environments.LISTS / peer.script).is_file()
        if peer.environment:
            pins = environments.pins(peer.environment)
            assert pins and all(pin.count("==") == 1 and " " not in pin for pin in pins)


def test_missing_environment_is_a_reason_and_no_error(monkeypatch, tmp_path):
    monkeypatch.setattr(environments, "HOME", tmp_path)
    table = tables.load("numeric", 60)
    given = {"minutes": 1, "quick": True, "keep": tmp_path / "kept", "install": False}
    record = generate.one(table, "sdv_gc", 0, **given)
    assert (record["status"], record["reason"]) == ("skipped", "not installed")
    (tmp_path / "sdv.failed").write_text("no such version\n")
    assert generate.one(table, "sdv_gc", 0, **given)["reason"] == "no such version"


def test_cpu_of_children_is_counted():
    burn = "import os, subprocess, sys, time\nwhile time.process_time() < 0.3: pass\n"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}])"
    found = measure.measured([sys.executable, "-c", code], 60)
    assert found["code"] == 0 and found["cpu_s"] >= 0.3 and found["rss_mb"] >= 1


def test_too_slow_is_ended_with_its_children(tmp_path):
    child = "import time; time.sleep(600)"
    code = (
        "import pathlib, subprocess, sys\n"
        f"p = subprocess.Popen([sys.executable, '-c', {child!r}])\n"
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(p.pid))\n"
        "p.wait()\n"
    )
    found = measure.measured([sys.executable, "-c", code], 1.5)
    assert found["code"] is None
    pid = (tmp_path / "pid").read_text()
    state = Path(f"/proc/{pid}/stat")
    # Gone, or a zombie that nobody has collected yet.
    assert not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z"


def test_failure_tells_the_last_words_without_paths():
    said = f"Traceback\n  File x\nOSError: {generate.HERE.parent}/thing broke\n\n"
    assert generate.last_words(said) == "OSError: ./thing broke"


def record(who, **more):
    scores = dict.fromkeys(
        ("c2st", "c2st_se", "tstr", "trtr", "tv1", "tv2", "tv3", "floor1", "floor2", "floor3", "membership",
         "membership_se", "nearer_train", "nearer_train_se", "copies", "copies_holdout"), 0.25,
    )  # fmt: skip
    base = {"table": "adult", "who": who, "seed": 0, "status": "ok", "rows_train": 1000, "columns": 15}
    return base | {"date": "2026-01-02", "cpu_s": 9.0, "stages": {"fit": 8.0, "sample": 1.0}} | scores | more


def test_records_survive_a_kill_and_the_latest_counts(tmp_path):
    results.append(tmp_path, record("locum", c2st=0.9))
    results.append(tmp_path, record("locum", c2st=0.6))
    with (tmp_path / "adult.jsonl").open("a") as file:
        file.write('{"table": "adult", "who": "loc')
    assert results.load(tmp_path)["adult", "locum", 0]["c2st"] == 0.6


def test_page_shows_means_ranks_and_who_is_missing():
    made = page.page(
        [
            record("sdv_gc", c2st=0.9),
            record("locum", c2st=0.5, versions={"locum": "0.1.0"}),
            record("locum", seed=1, c2st=0.6),
            record("copy"),
            record("mostlyai", status="skipped", reason="does not install"),
        ],
        [record("locum", table="rows10k", rss_mb=100)],
        "the command",
    )
    lines = [line for line in made.splitlines() if line.startswith(("| locum", "| sdv_gc", "| *copy*"))]
    assert [line.split(" | ")[0] for line in lines[:3]] == ["| locum", "| sdv_gc", "| *copy*"]
    assert "| locum | 2 | 9.0 | 8.0 / 1.0 |" in made and "| 0.550 |" in made
    assert "- mostlyai, seed 0: skipped, does not install" in made
    assert "| rows10k | 1,000 | 15 | locum | 9.0 | 8.0 | 1.0 | 1,000 | 100 |" in made
    assert "the command" in made and "locum 0.1.0" in made


def test_rows_of_an_earlier_page_fill_gaps_and_say_so():
    first = [
        record("mostlyai", c2st=0.61, rss_mb=900, wall_s=99.0, versions={"mostlyai-engine": "2.7.3"}),
        record("sdv_gc", c2st=0.9, rss_mb=400, wall_s=9.0),
        record("locum", c2st=0.52, rss_mb=300, wall_s=9.0),
    ]
    kept = list(earlier.rows(page.page(first, [], "old command"), "two cores"))
    assert [r["who"] for r in kept] == ["mostlyai", "sdv_gc"]
    assert kept[0]["c2st"] == 0.61 and kept[0]["stages"] == {"fit": 8.0, "sample": 1.0}
    now = [record("sdv_gc", c2st=0.8, date="2026-03-04"), record("locum", c2st=0.51)]
    made = page.page(now, [], "new command", kept)
    assert "| mostlyai † | 1 | 9.0 | 8.0 / 1.0 | 99.0 | 900 | 0.610 |" in made
    assert "2026-01-02 (two cores)" in made and "mostlyai-engine 2.7.3" in made
    assert "| sdv_gc | 1 |" in made and "0.900" not in made
    other = [record("locum", rows_train=7)]
    assert "†" not in page.page(other, [], "c", kept)
    with pytest.raises(ValueError, match="not a page"):
        list(earlier.rows("# Something else", "two cores"))


def test_what_is_there_is_not_measured_again(tmp_path, capsys):
    chosen = run.options(["--tables", "numeric", "--who", "independent", "--quick", "--no-install"])
    run.measure(chosen, tmp_path)
    run.measure(chosen, tmp_path)
    assert len((tmp_path / "numeric.jsonl").read_text().splitlines()) == 1
    assert "1 measurements" in capsys.readouterr().out
    kept = json.loads((tmp_path / "numeric.jsonl").read_text())
    assert kept["status"] == "ok" and kept["c2st"] > 0.9


def test_wrong_names_are_refused(capsys):
    with pytest.raises(SystemExit):
        run.options(["--who", "nobody"])
    assert "locum" in capsys.readouterr().err


def test_predictions_exist_for_everything():
    for name in tables.SIZES:
        assert all(run.predicted_minutes(name, who) > 0 for who in EVERYBODY)
    assert set(CONTROLS).isdisjoint(PEERS) and set(growth.WHO) <= set(PEERS)


def test_module_can_be_called():
    root = Path(run.__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.run", "--help"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--growth" in done.stdout
