"""Rules proposed by `init` are comments; uncommented, everything that is written obeys them."""

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
            "high": low + rng.integers(0, 400, n),
            "kind": kind,
            "extra": pa.array(rng.integers(0, 9, n), mask=kind == "a"),
        }
    )
    table = table.append_column("total", pa.array(net + np.asarray(table["tax"])))
    csv.write_csv(table, tmp_path / "bills.csv")
    return tmp_path / "bills.csv"


def test_proposals_are_comments_that_do_nothing(data: Path, capsys: Any) -> None:
    assert main(["init", str(data), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    rules = {r["holds"]: (r["support"], r["violations"]) for r in told["rules"]}
    assert rules["total = net + tax"] == (400, 0)
    assert rules["low <= high"] == (400, 0)
    assert "extra is null exactly if kind = 'a'" in rules
    text = (data.parent / "locum.toml").read_text()
    assert '# [[rule]]\n# holds = "total = net + tax"  # 400 rows for, no row against' in text
    assert load_config(data.parent / "locum.toml").schema.rules == ()
    assert {p.rule for p in locum.propose_rules(data)} == set(rules)


def test_uncommented_rules_hold_in_run_and_sample(data: Path, tmp_path: Path) -> None:
    assert main(["init", str(data)]) == 0
    config = tmp_path / "locum.toml"
    wanted = ("total = net + tax", "low <= high", "extra is null exactly if kind = 'a'")
    lines = config.read_text().splitlines()
    for i, line in enumerate(lines):
        if line.startswith("# holds = ") and any(f'"{w}"' in line for w in wanted):
            lines[i - 1], lines[i] = lines[i - 1][2:], line[2:]
    config.write_text("\n".join(lines) + "\n")
    schema = load_config(config).schema
    assert set(schema.rules) == set(wanted)
    run, out = tmp_path / "run", tmp_path / "more.csv"
    assert main(["run", str(data), "--synthesizer", "independent", "--out", str(run)]) == 0
    assert main(["sample", str(run), "--rows", "300", "--out", str(out), "--seed", "4"]) == 0
    clauses = rule_clauses(schema.rules, Names(schema))
    for path in (run / "synthetic.csv", out):
        rows = canonical(read(path), schema)
        assert all(c.holds(rows).all() for c in clauses)
        assert rows.num_rows == (400 if path.parent == run else 300)
