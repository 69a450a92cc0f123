"""A release states what its ledger holds when it is released, and refuses a ledger that is not its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import locum
from locum.errors import FileFormatError, LocumError, UsageError
from locum.privacy.accountant import Total
from locum.privacy.entry import Entry
from locum.runs.files import LEDGER, LEDGER_PATH, PRIVACY
from locum.runs.ledger_state import current_document
from locum.runs.release import release
from locum.runs.verify import verify
from locum.schema.column import Column
from locum.schema.table import Schema

SCHEMA = Schema((Column("ward", "category", levels=("a", "b")), Column("bed", "category", levels=("x", "y"))))


def run(folder: Path, name: str, epsilon: float, **options: Any) -> Path:
    rows = pd.DataFrame({"ward": ["a", "b"] * 100, "bed": ["x", "x", "y", "y"] * 50})
    locum.run(
        rows,
        folder / name,
        schema=SCHEMA,
        synthesizer="independent",
        epsilon=epsilon,
        total_epsilon=options.pop("total", None),
        **options,
    )
    return folder / name


def document(folder: Path) -> dict[str, Any]:
    return json.loads((folder / PRIVACY).read_text())


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs on one ledger, and one on its own."""
    folder = tmp_path_factory.mktemp("two")
    run(folder, "first", 1, ledger=folder / "l.jsonl", total=6)
    run(folder, "second", 2, ledger=folder / "l.jsonl")
    run(folder, "alone", 1)
    return folder


def test_the_first_run_states_what_the_second_spent(two: Path) -> None:
    before, later = document(two / "first"), document(two / "second")
    now = current_document(two / "first", before)
    assert before["total"]["epsilon"] < 1.001 < 2 < later["total"]["epsilon"] < 3
    for name in ("entries", "total", "statement", "ledger", "mechanisms"):
        assert now[name] == later[name], name
    assert now["run"] == before["run"] != later["run"]
    assert {e["run"] for e in now["entries"]} == {before["run"], later["run"]}
    assert set(now) == set(before)
    for found in (before, later, now):
        assert found["ledger"]["lines"] == len(found["entries"]) + 1


def test_the_bundle_says_so_and_verifies(two: Path, tmp_path: Path) -> None:
    made = release(two / "first", tmp_path / "bundle")
    assert made.statement == document(two / "second")["statement"]
    found = verify(tmp_path / "bundle")
    assert found.passed, found.failures
    assert found.statement == made.statement
    for name in ("card.md", "quality.html", "croissant.json"):
        assert made.statement in (tmp_path / "bundle" / name).read_text(), name
    for path in (tmp_path / "bundle").iterdir():
        assert str(two).encode() not in path.read_bytes(), f"the place of the ledger is in {path.name}"


def test_a_run_alone_states_its_own_ledger(two: Path) -> None:
    said = document(two / "alone")
    assert current_document(two / "alone", said) == said
    assert not (two / "alone" / LEDGER_PATH).exists()
    assert said["total"]["rho"] == pytest.approx(Total.of(map(Entry.from_json, said["entries"])).rho)


def test_a_ledger_that_moved_is_asked_for_and_another_one_refused(two: Path, tmp_path: Path) -> None:
    first = tmp_path / "first"
    first.mkdir()
    for path in (two / "first").iterdir():
        (first / path.name).write_bytes(path.read_bytes())
    (first / LEDGER_PATH).write_text(f"{tmp_path / 'gone.jsonl'}\n")
    said = document(first)
    with pytest.raises(UsageError, match=r"gone\.jsonl: the ledger .* is not there.*--ledger"):
        current_document(first, said)
    assert current_document(first, said, two / "l.jsonl")["ledger"] == document(two / "second")["ledger"]
    with pytest.raises(FileFormatError, match="another ledger"):
        current_document(first, said, two / "alone" / LEDGER)
    with pytest.raises(LocumError):
        release(first, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_a_ledger_that_is_behind_the_run_is_refused(two: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("LOCUM_CONFIG_HOME", str(tmp_path / "home"))
    second = document(two / "second")
    lines = (two / "l.jsonl").read_bytes().splitlines(keepends=True)
    path = tmp_path / "l.jsonl"
    path.write_bytes(b"".join(lines[:-1]))
    head = {**second["ledger"], "lines": 0, "head": "0" * 64}
    (tmp_path / "l.jsonl.head").write_text(json.dumps(head))
    with pytest.raises(FileFormatError, match=r"end of the ledger is missing.*privacy\.json"):
        current_document(two / "second", second, path)


@pytest.mark.parametrize("wrong", ["total", "statement", "entries"])
def test_an_edited_document_is_refused(two: Path, wrong: str) -> None:
    said = document(two / "alone")
    edits = {
        "total": {**said["total"], "rho": 0.0},
        "statement": said["statement"].replace("0.", "0.0", 1),
        "entries": said["entries"][:-1],
    }
    with pytest.raises(FileFormatError):
        current_document(two / "alone", {**said, wrong: edits[wrong]})
