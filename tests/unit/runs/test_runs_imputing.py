"""``locum impute`` and ``locum.impute``: a table with holes in, a completed one out, and what is said."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import locum
from locum.cli.main import main
from locum.data.read import read
from locum.runs.impute import _all_or_none

TEXT = "kind,size,note\n" + "".join(
    f"{'a' if i % 3 else 'b'},{'' if i % 4 == 0 else i % 3 + 1},{'' if i % 5 else 'seen'}\n"
    for i in range(200)
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "holes.csv"
    path.write_text(TEXT)
    return path


def call(*words: Any) -> int:
    return main([str(w) for w in words])


def test_a_file_is_completed_and_told_of(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = data.parent / "full.csv"
    assert call("impute", data, "--out", out) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "cells filled in 170 of 200 rows" in said
    assert "size 50" in said
    before, after = (p.read_text().splitlines() for p in (data, out))
    assert before[0] == after[0]
    for old, new in zip(before[1:], after[1:], strict=True):
        cells = list(zip(old.split(","), new.split(","), strict=True))
        assert all(a == b for a, b in cells if a)
        assert all(b for _, b in cells)
    stamp = read(out).lineage
    assert stamp is not None
    assert (stamp.depth, stamp.real, stamp.own) == (1, 1.0, pytest.approx(0.15))


def test_json_columns_and_nothing_missing(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = data.parent / "full.jsonl"
    assert call("impute", data, "--column", "size", "--method", "best", "--out", out, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["filled"] == {"size": 50}
    assert found["rows_filled"] == 50
    assert call("impute", out, "--column", "size", "--out", data.parent / "again.csv") == 0
    assert "No cell was filled. Nothing was missing." in " ".join(capsys.readouterr().out.split())


def test_what_is_asked_wrongly_is_one_sentence(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = data.parent / "full.csv"
    for words, told in (
        (("--column", "sise"), "there is no column 'sise'"),
        (("--method", "mean"), "there is no method 'mean'"),
        (("--model", data.parent / "no.locum"), "there is no"),
    ):
        assert call("impute", data, *words, "--out", out) != 0
        text = " ".join(capsys.readouterr().err.split())
        assert told in text
        assert "Traceback" not in text
        assert not out.exists()
    (data.parent / "m.locum").write_bytes(b"x")
    assert call("impute", data.parent / "m.locum", "--out", out) != 0
    assert "a model is no table to fill" in " ".join(capsys.readouterr().err.split())


def test_filled_cells_keep_the_rules_of_the_config(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    toml = data.parent / "locum.toml"
    assert call("init", data, "--out", toml) == 0
    toml.write_text(toml.read_text() + "\n[[rule]]\nholds = \"if kind = 'a' then size < 2.5\"\n")
    capsys.readouterr()
    assert call("impute", data, "--out", data.parent / "full.csv", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    rows = (data.parent / "full.csv").read_text().splitlines()[1:]
    old = TEXT.splitlines()[1:]
    filled = [
        float(b.split(",")[1])
        for a, b in zip(old, rows, strict=True)
        if b.split(",")[0] == "a" and not a.split(",")[1]
    ]
    assert filled
    assert max(filled) < 2.5
    assert not [n for n in found["notes"] if "break" in n]


def test_a_rule_that_no_filling_can_keep_is_counted(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    toml = data.parent / "locum.toml"
    assert call("init", data, "--out", toml) == 0
    toml.write_text(toml.read_text() + '\n[[rule]]\nholds = "size > 1000"\n')
    capsys.readouterr()
    assert call("impute", data, "--out", data.parent / "full.csv", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    told = [n for n in found["notes"] if "size > 1000" in n]
    assert told[0].startswith(f"{found['filled']['size']} filled rows break")


def test_frames_come_back_as_they_came_and_stamped(data: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(data)
    done = locum.impute(frame, seed=1)
    assert type(done) is pandas.DataFrame
    assert list(done.columns) == list(frame.columns)
    assert not done.isna().any().any()
    assert done["kind"].equals(frame["kind"])
    assert "locum.lineage" in done.attrs
    assert locum.impute(frame, columns=["size"], seed=1)["note"].isna().sum() == frame["note"].isna().sum()


def test_several_tables_and_how_to_combine_them(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = data.parent / "full.csv"
    assert call("impute", data, "--repeat", "3", "--out", out) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "(1 + 1/3) times the variance between the 3 estimates" in said
    assert "locum.combine(estimates, variances, n_real=200, rule='imputed')" in said
    files = [data.parent / f"full-{k}.csv" for k in (1, 2, 3)]
    assert sorted(data.parent.glob("full*.csv")) == files
    assert len({p.read_text() for p in files}) == 3
    assert call("impute", data, "--out", out) == 0
    assert out.read_text() == files[0].read_text()
    assert call("impute", data, "--repeat", "3", "--out", out) == 2
    assert "full-1.csv" in capsys.readouterr().err
    for words, told in ((("--repeat", "0"), "from 1 to"), (("--repeat", "2", "--method", "best"), "alike")):
        assert call("impute", data, *words, "--out", data.parent / "other.csv", "--force") == 2
        assert told in " ".join(capsys.readouterr().err.split())


def test_a_set_is_written_whole_or_not_at_all(data: Path) -> None:
    """A kill in the middle leaves no file under its final name, a fault leaves nothing at all."""
    words = ["impute", str(data), "--repeat", "400", "--out", str(data.parent / "full.csv")]
    process = subprocess.Popen([sys.executable, "-m", "locum", *words], stdout=subprocess.DEVNULL)
    for _ in range(3000):
        if list(data.parent.glob(".unfinished-*/*.csv")):
            break
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert not list(data.parent.glob("full*"))
    with pytest.raises(RuntimeError), _all_or_none(data.parent) as folder:
        (folder / "full-1.csv").write_text("half")
        raise RuntimeError
    assert not (data.parent / "full-1.csv").exists()


def test_tables_in_python_and_their_combination(data: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frames = locum.impute(pandas.read_csv(data), columns=["size"], repeat=4, seed=2)
    assert [type(f) for f in frames] == [pandas.DataFrame] * 4
    means, errors = [f["size"].mean() for f in frames], [f["size"].var() / len(f) for f in frames]
    found = locum.combine(means, errors, n_real=200, rule="imputed")
    assert found.variance[0] == pytest.approx(found.within[0] + 1.25 * found.between[0])
    assert 3 < found.df[0] < 199
