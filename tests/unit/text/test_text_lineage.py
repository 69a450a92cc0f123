"""Texts bear the lineage stamp of their seeds, in every file, and unverified seeds warn."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest

from locum.cli.main import main
from locum.data.lineage_stamp import stamp_of, write_stamp
from locum.data.read import read
from locum.errors import LineageWarning
from locum.schema.lineage import Lineage
from locum.text import Export, Expression, Plan, Seed, run

FIRST = Lineage(1.0, 1, False, 0.0)


def lines(path: Path, n: int = 6) -> Path:
    path.write_text("".join(json.dumps({"text": f"the sun of day {i}"}) + "\n" for i in range(n)))
    return path


def plan(folder: Path, *seeds: str, field: str = "text") -> Plan:
    columns = [Seed(f"s{i}", seed, field, private=False) for i, seed in enumerate(seeds)]
    said = " ".join(f"{{{{ s{i} }}}}" for i in range(len(seeds)))
    export = Export(("parquet", "csv", "chat", "huggingface"), user="said", assistant="said")
    return Plan((*columns, Expression("said", said)), 6, folder=str(folder), export=export)


def test_every_file_of_a_run_bears_the_stamp_and_the_next_run_counts_on(tmp_path: Path) -> None:
    lines(tmp_path / "real.jsonl")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = run(plan(tmp_path, "real.jsonl"), tmp_path / "a")
    for name in ("data.jsonl", "data.csv", "chat.jsonl", "data.parquet", "huggingface/data/train.parquet"):
        assert stamp_of(tmp_path / "a" / name) == FIRST, name
    assert "data.jsonl.lineage.json" in made.files
    assert "one generator away from real rows" in (tmp_path / "a/huggingface/README.md").read_text()
    assert read(tmp_path / "a/data.jsonl").lineage == FIRST  # whoever fits a table on it is warned
    for name in ("data.jsonl", "data.parquet"):
        again = plan(tmp_path, f"a/{name}", field="said")
        with pytest.warns(LineageWarning, match=f"{name} is stamped as made by a generator"):
            run(again, tmp_path / f"b-{name}")
        assert stamp_of(tmp_path / f"b-{name}" / "data.jsonl") == Lineage(0.0, 2, False, 0.0)


def test_mixed_seeds_weigh_by_records_and_verified_ones_do_not_warn(tmp_path: Path) -> None:
    lines(tmp_path / "real.jsonl", 9)
    write_stamp(lines(tmp_path / "made.jsonl", 3), Lineage(1.0, 1, True, 0.0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(plan(tmp_path, "real.jsonl", "made.jsonl"), tmp_path / "a")
    assert stamp_of(tmp_path / "a/data.jsonl") == Lineage(0.75, 2, False, 0.0)


def test_the_command_line_says_it_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_stamp(lines(tmp_path / "made.jsonl"), FIRST)
    columns = '[columns.s]\nkind = "seed"\npath = "made.jsonl"\nprivate = false\n'
    (tmp_path / "plan.toml").write_text("rows = 4\n" + columns)
    assert main(["text", "run", str(tmp_path / "plan.toml"), "--out", str(tmp_path / "a")]) == 0
    assert "".join(capfd.readouterr()).count("made.jsonl is stamped as made by a generator") == 1
