"""``locum text evaluate`` on a copy: page, numbers, verdict, no text in either."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from locum.cli.main import main
from locum.evaluation.learn import embedding

pytestmark = pytest.mark.skipif(not embedding.available(), reason="extra text is not installed")


def write(path: Path, seed: int) -> Path:
    """Forty texts of random words beside a shorter column."""
    rng = np.random.default_rng(seed)
    names = [f"word{i}" for i in range(60)]
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["stars", "review"])
        for i in range(40):
            out.writerow([str(i % 2), " ".join(rng.choice(names, size=15))])
    return path


def test_a_copy_is_poor_and_page_and_numbers_hold_no_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real, held = write(tmp_path / "a.csv", 1), write(tmp_path / "c.csv", 2)
    out = tmp_path / "out"
    code = main(["text", "evaluate", "--real", str(real), "--synthetic", str(real), "--holdout", str(held),
                 "--label", "stars", "--out", str(out), "--json"])  # fmt: skip
    said = json.loads(capsys.readouterr().out)
    assert code == 0
    assert said["column"] == "review"
    assert {a["question"]: a["verdict"] for a in said["answers"]}["private"] == "poor"
    assert {r["name"] for r in said["results"]} >= {"text.frechet", "text.mauve", "text.tstr", "text.order"}
    page, numbers = (out / "text.html").read_text(), (out / "text.json").read_text()
    assert "Do they repeat the real ones?" in page
    assert "word1" not in page + numbers
    assert "<script" not in page
    assert json.loads(numbers)["texts"] == {"train": 40, "synthetic": 40, "holdout": 40}


def test_an_absent_column_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    real = write(tmp_path / "a.csv", 1)
    code = main(["text", "evaluate", "--real", str(real), "--synthetic", str(real), "--column", "revew"])
    assert code == 2
    assert "did you mean 'review'" in capsys.readouterr().err.lower()
