"""Canaries in files: planted, looked for, and told when something is off."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import locum
from locum.cli.main import main
from locum.errors import DataError, FileFormatError, UsageError


@pytest.fixture
def people(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    age = rng.normal(40, 8, 900).round()
    frame = pd.DataFrame(
        {
            "age": age.astype(int),
            "pay": (age * 50 + rng.normal(0, 200, 900)).round(2),
            "town": rng.choice(["Ulm", "Bonn", "Hof", "Kiel"], 900, p=[0.6, 0.3, 0.07, 0.03]),
        }
    )
    path = tmp_path / "people.csv"
    frame.to_csv(path, index=False)
    return path


def test_a_copier_is_caught_and_honest_rows_are_not(people: Path, tmp_path: Path) -> None:
    copy, key = tmp_path / "planted.csv", tmp_path / "key.parquet"
    made = locum.plant(people, copy, key, planted=60, seed=3)
    assert made.rows == 900 + made.planted and made.planted + made.spared == 120
    caught = locum.evaluate(copy, copy, canaries=key, effort="quick").evidence
    found = caught.result("attack.canaries")
    assert found is not None and found.verdict == "poor" and found.detail["epsilon_at_least"] > 1
    worst = caught.result("attack.worst")
    assert worst is not None and worst.verdict == "poor"
    assert "canary rows planted before the fit" not in worst.detail["not_tried"]
    honest = locum.evaluate(copy, people, canaries=key, effort="quick").evidence.result("attack.canaries")
    assert honest is not None and honest.verdict == "good"


def test_at_the_command_line(people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy, key = tmp_path / "planted.csv", tmp_path / "canaries.parquet"
    assert main(["plant", str(people), "--out", str(copy), "--keys", str(key), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["planted"] + told["spared"] == 200 and told["rows"] == 900 + told["planted"]
    assert main(["plant", str(people), "--out", str(copy), "--keys", str(key)]) == 2
    assert "there is a file of that name" in capsys.readouterr().err


def test_what_cannot_be(people: Path, tmp_path: Path) -> None:
    copy, key = tmp_path / "planted.csv", tmp_path / "key.parquet"
    with pytest.raises(UsageError, match="another form"):
        locum.plant(people, copy, tmp_path / "key.json")
    with pytest.raises(UsageError, match="at least 1"):
        locum.plant(people, copy, key, planted=0)
    assert not copy.exists() and not key.exists()
    with pytest.raises(FileFormatError, match="no key of canaries"):
        locum.evaluate(people, people, canaries=people)
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n2,3\n4,5\n")
    locum.plant(other, copy, key)
    with pytest.raises(DataError, match="missing"):
        locum.evaluate(people, people, canaries=key)


def test_a_real_table_without_the_canaries_is_refused(tmp_path):
    rows = "".join(f"{i % 7},{i * 31 % 97}\n" for i in range(200))
    (tmp_path / "real.csv").write_text("a,b\n" + rows)
    locum.plant(tmp_path / "real.csv", tmp_path / "with.csv", tmp_path / "keys.parquet", seed=1)
    other = "a,b\n" + "".join(f"{i % 7},{i * 31 % 97 + 1000}\n" for i in range(200))
    (tmp_path / "other.csv").write_text(other)
    with pytest.raises(UsageError, match="canaries are in the real table"):
        locum.evaluate(
            tmp_path / "other.csv", tmp_path / "with.csv", canaries=tmp_path / "keys.parquet", effort="quick"
        )


def test_a_table_that_never_varies_has_no_room_for_canaries(tmp_path):
    (tmp_path / "same.csv").write_text("a,b\n" + "1,x\n" * 50)
    with pytest.raises(DataError, match="unlike the others"):
        locum.plant(tmp_path / "same.csv", tmp_path / "with.csv", tmp_path / "keys.parquet")
    assert [p.name for p in tmp_path.iterdir()] == ["same.csv"]
