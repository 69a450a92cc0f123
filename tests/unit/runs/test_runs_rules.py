"""Rules that hold in every row are found, listed, and kept by everything that is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv

import locum
from locum.cli.main import main
from locum.control.rules.clause import rule_clauses
from locum.control.where.names import Names
from locum.data.canonical import canonical
from locum.data.read import read
from locum.runs.config import load_config


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(8)
    n = 400
    net, kind = rng.integers(10, 5000, n), rng.choice(["a", "b", "c"], n)
    low = rng.integers(0, 1000, n)
    table = pa.table(
        {
            "net": net,
            "tax": rng.integers(1, 900, n),
            "low": low,
            "high": low + rng.integers(150, 550, n),
            "kind": kind,
            "extra": pa.array(rng.integers(0, 9, n), mask=kind == "a"),
        }
    )
    table = table.append_column("total", pa.array(net + np.asarray(table["tax"])))
    csv.write_csv(table, tmp_path / "bills.csv")
    return tmp_path / "bills.csv"


def test_what_init_finds_is_written_as_rules(data: Path, capsys: Any) -> None:
    assert main(["init", str(data), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    rules = {r["holds"]: (r["support"], r["violations"]) for r in told["rules"]}
    assert rules["total = net + tax"] == (400, 0)
    assert rules["low <= high"] == (400, 0)
    assert "extra is null exactly if kind = 'a'" in rules
    text = (data.parent / "locum.toml").read_text()
    assert '[[rule]]\nholds = "total = net + tax"  # 400 rows for, no row against\nsource = "data"' in text
    assert set(load_config(data.parent / "locum.toml").schema.rules) == set(rules)
    assert {p.rule for p in locum.propose_rules(data)} == set(rules)


def test_what_nearly_all_rows_keep_is_marked_and_refuses_no_row(data: Path) -> None:
    table = csv.read_csv(data)
    high = np.asarray(table["high"]).copy()
    high[:2] = np.asarray(table["low"])[:2] - 1
    csv.write_csv(table.set_column(table.column_names.index("high"), "high", pa.array(high)), data)
    assert main(["init", str(data)]) == 0
    schema = load_config(data.parent / "locum.toml").schema
    assert "low <= high" in schema.near_rules
    assert "low <= high" not in schema.rules
    assert "nearly = true" in (data.parent / "locum.toml").read_text()


def _against(path: Path, schema: Any) -> dict[str, int]:
    rows = canonical(read(path), schema)
    clauses = rule_clauses(schema.rules, Names(schema))
    return {c.text: int((~c.holds(rows)).sum()) for c in clauses if not c.holds(rows).all()}


@pytest.mark.parametrize("synthesizer", ["independent", "tree-fast"])
def test_found_rules_hold_in_run_and_sample_without_a_config(
    data: Path, tmp_path: Path, synthesizer: str
) -> None:
    schema = locum.detect(data)
    assert {"total = net + tax", "low <= high"} <= set(schema.rules)
    run, out = tmp_path / "run", tmp_path / "more.csv"
    assert main(["run", str(data), "--synthesizer", synthesizer, "--out", str(run)]) == 0
    assert main(["sample", str(run), "--rows", "300", "--out", str(out), "--seed", "4"]) == 0
    for path, rows in ((run / "synthetic.csv", 400), (out, 300)):
        assert not _against(path, schema)
        assert csv.read_csv(path).num_rows == rows


def test_a_rule_that_was_removed_from_the_config_is_not_kept(data: Path, tmp_path: Path) -> None:
    assert main(["init", str(data)]) == 0
    config = tmp_path / "locum.toml"
    text = config.read_text()
    start = text.index('[[rule]]\nholds = "total = net + tax"')
    config.write_text(text[:start] + text[text.index("\n\n", start) + 2 :])
    run = tmp_path / "run"
    assert main(["run", str(data), "--synthesizer", "independent", "--out", str(run)]) == 0
    broken = _against(run / "synthetic.csv", locum.detect(data))
    assert set(broken) == {"total = net + tax"}


def test_declared_rules_alone(data: Path, tmp_path: Path, capsys: Any) -> None:
    run = tmp_path / "run"
    words = ["--synthesizer", "independent", "--rules", "declared"]
    assert main(["run", str(data), *words, "--out", str(run)]) == 0
    assert set(_against(run / "synthetic.csv", locum.detect(data))) >= {"total = net + tax", "low <= high"}
    assert main(["run", str(data), "--rules", "all", "--out", str(tmp_path / "no")]) == 2
    assert "there is no choice of rules 'all'" in " ".join(capsys.readouterr().err.split())


def test_declared_rules_alone_in_python(data: Path) -> None:
    found = locum.fit(data, synthesizer="independent", seed=1)
    alone = locum.fit(data, synthesizer="independent", seed=1, rules="declared")
    assert found.schema.rules and not alone.schema.rules and not alone.schema.near_rules


def test_check_lists_rules_with_how_they_are_kept(data: Path, capsys: Any) -> None:
    assert main(["check", str(data), "--json"]) == 0
    told = {r["rule"]: r for r in json.loads(capsys.readouterr().out)["rules"]}
    assert told["total = net + tax"] == {
        "rule": "total = net + tax",
        "support": 400,
        "against": 0,
        "how": "calculated",
    }
    assert main(["check", str(data)]) == 0
    assert "total = net + tax" in capsys.readouterr().out


def test_evaluate_says_which_rules_foreign_rows_break(data: Path, tmp_path: Path) -> None:
    table = csv.read_csv(data)
    order = np.random.default_rng(0).permutation(table.num_rows)
    spoilt = table.set_column(
        table.column_names.index("total"), "total", table["total"].take(pa.array(order))
    )
    found = locum.evaluate(data, spoilt, effort="quick").evidence
    broken = next(r for r in found.results if r.name == "rules.broken")
    assert broken.verdict == "poor"
    assert broken.value > 0.9
    assert "total = net + tax" in broken.sentence
    faithful = next(a for a in found.answers if a.question == "faithful")
    assert faithful.verdict == "poor"
    same = locum.evaluate(data, table, effort="quick").evidence
    assert next(r for r in same.results if r.name == "rules.broken").value == 0
