"""The lineage stamp: carried by every artefact, read back from each, and a warning where it matters."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import locum
from locum.cli.main import main
from locum.data.read import read
from locum.errors import FileFormatError, LineageWarning
from locum.files.container import read_container, read_manifest, write_container
from locum.schema.lineage import Lineage, blend, lineage_from_json, warning_of

FIRST = Lineage(1.0, 1, False, 0.0)


def table(n: int = 240) -> pa.Table:
    rng = np.random.default_rng(5)
    kind = rng.choice(["a", "b", "c"], n)
    return pa.table({"kind": kind, "size": rng.normal(size=n).round(2) + (kind == "a")})


@pytest.fixture
def real(tmp_path: Path) -> Path:
    path = tmp_path / "real.csv"
    from pyarrow import csv

    csv.write_csv(table(), path)
    return path


def call(*words: str | Path) -> int:
    return main([str(w) for w in words])


def fitted(tmp_path: Path, data: Path, name: str = "m.locum") -> Path:
    model = tmp_path / name
    assert call("fit", data, "--synthesizer", "independent", "--model", model) == 0
    return model


def test_depth_and_shares_follow_generations_and_mixtures() -> None:
    real = Lineage()
    assert real.child() == FIRST and real.child().child() == Lineage(0.0, 2, False, 0.0)
    mixed = blend([(100, real), (300, FIRST)])
    assert (mixed.own, mixed.depth, mixed.risky) == (0.25, 1, True)
    assert mixed.child() == Lineage(0.25, 2, False, 0.0)
    assert not blend([(5, real)]).risky and blend([]) == real
    assert warning_of(real, "x") == "" == warning_of(None, "x")
    assert warning_of(real.child(verified=True), "x") == "" != warning_of(FIRST, "x")


@pytest.mark.parametrize("ending", ["csv", "parquet", "arrow", "jsonl", "tsv"])
def test_every_written_file_is_recognised(tmp_path: Path, real: Path, ending: str) -> None:
    out = tmp_path / f"rows.{ending}"
    assert call("sample", fitted(tmp_path, real), "--rows", "50", "--out", out) == 0
    assert read(out).lineage == FIRST
    again = locum.Synthesizer("independent", seed=1)
    with pytest.warns(LineageWarning, match=r"one generator away .*verify the rows"):
        again.fit(out)
    assert again.lineage == Lineage(0.0, 2, False, 0.0)


def test_the_run_folder_carries_it_everywhere(tmp_path: Path, real: Path, capsys: Any) -> None:
    run = tmp_path / "run"
    assert call("run", real, "--synthesizer", "independent", "--out", run, "--holdout", "0.3") == 0
    assert read(run / "synthetic.csv").lineage == FIRST
    assert read_manifest(run / "model.locum").about["lineage"] == FIRST.to_json()
    report = json.loads((run / "report.json").read_text())
    assert report["context"]["lineage"] == FIRST.to_json()
    assert not any(a["where"] == "lineage" for a in report["evidence"]["alerts"])
    assert "locum_lineage:" in (run / "card.md").read_text() and "one generator away" in (
        run / "report.html"
    ).read_text().replace("\n", " ")
    capsys.readouterr()
    second = tmp_path / "second"
    assert call("run", run / "synthetic.csv", "--synthesizer", "independent", "--out", second) == 0
    assert "stamped as made by a generator" in capsys.readouterr().err.replace("\n", " ")
    report = json.loads((second / "report.json").read_text())
    assert report["context"]["lineage"] == {"real": 0.0, "depth": 2, "verified": False, "own": 0.0}
    assert [a["level"] for a in report["evidence"]["alerts"] if a["where"] == "lineage"] == ["warning"]
    assert "rows that another generator had made" in (second / "card.md").read_text().replace("\n", " ")


def test_fit_at_the_command_line_warns(tmp_path: Path, real: Path, capsys: Any) -> None:
    out = tmp_path / "rows.csv"
    model = fitted(tmp_path, real)
    assert call("sample", model, "--rows", "60", "--out", out) == 0
    capsys.readouterr()
    fitted(tmp_path, out, "second.locum")
    assert "warning: rows.csv is stamped" in capsys.readouterr().err
    assert locum.load(tmp_path / "second.locum").lineage.depth == 2


def test_verified_rows_are_stamped_so_and_do_not_warn(tmp_path: Path, real: Path, capsys: Any) -> None:
    out = tmp_path / "kept.parquet"
    model = fitted(tmp_path, real)
    assert call("sample", model, "--rows", "60", "--verify", real, "--out", out) == 0
    found = read(out)
    assert found.table.num_rows == 60 and found.lineage == Lineage(1.0, 1, True, 0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        locum.fit(out, synthesizer="independent")
    assert call("sample", model, "--rows", "9", "--verify", out, "--out", tmp_path / "no.csv") == 2
    assert "these rows are not real" in capsys.readouterr().err


def test_rows_edited_after_the_stamp_still_count(tmp_path: Path, real: Path) -> None:
    out = tmp_path / "rows.csv"
    assert call("sample", fitted(tmp_path, real), "--rows", "50", "--out", out) == 0
    out.write_text(out.read_text().replace("a,", "b,"))
    found = read(out)
    assert found.lineage == FIRST and "was changed after rows.csv.lineage.json" in " ".join(found.notes)


def test_frames_in_memory_carry_it(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    synth = locum.fit(pandas.DataFrame(table().to_pydict()), synthesizer="independent", seed=3)
    frame = synth.sample(40)
    assert read(frame).lineage == FIRST
    frame.to_parquet(tmp_path / "by-pandas.parquet")
    assert read(tmp_path / "by-pandas.parquet").lineage == FIRST
    assert read(locum.sample(synth, 30, where="kind = 'a'")).lineage == FIRST


def test_imputed_rows_are_partly_real(tmp_path: Path, real: Path) -> None:
    model = fitted(tmp_path, real)
    text = real.read_text().splitlines()
    holes = tmp_path / "holes.csv"
    holes.write_text("\n".join([text[0], *(',"1.5"' if i < 60 else x for i, x in enumerate(text[1:]))]))
    out = tmp_path / "full.csv"
    assert call("impute", holes, "--model", model, "--out", out) == 0
    found = read(out).lineage
    assert found is not None and found.depth == 1 and found.own == pytest.approx(0.75)


def test_old_files_without_a_stamp_and_broken_ones(tmp_path: Path, real: Path) -> None:
    model = fitted(tmp_path, real)
    parts = read_container(model)
    old = {k: v for k, v in parts.about.items() if k != "lineage"}
    for about, name in ((old, "old"), ({**old, "lineage": {"real": 2}}, "broken")):
        write_container(
            tmp_path / f"{name}.locum", type(parts)(parts.kind, parts.documents, parts.tensors, about)
        )
    assert locum.load(tmp_path / "old.locum").lineage == FIRST
    with pytest.raises(FileFormatError, match="lineage stamp"):
        locum.load(tmp_path / "broken.locum")
    (real.parent / "real.csv.lineage.json").write_text('{"lineage": {"depth": -1}}')
    assert read(real).lineage is None
    with pytest.raises(FileFormatError):
        lineage_from_json({"real": 1.0, "depth": True, "verified": False, "own": 0.0}, "here")


def test_a_private_fit_on_made_rows_warns_and_passes_the_stamp_on(real: Path, tmp_path: Path, capsys) -> None:
    first, made, second = (tmp_path / n for n in ("first.locum", "made.csv", "second.locum"))
    assert call("fit", real, "--model", first, "--synthesizer", "independent") == 0
    assert call("sample", first, "--rows", "240", "--out", made) == 0
    assert "stamped as made by a generator" not in capsys.readouterr().err
    assert call("fit", made, "--model", second, "--epsilon", "1", "--discover") == 0
    assert "made.csv is stamped as made by a generator" in capsys.readouterr().err
    found = locum.load(second).lineage
    assert found.guaranteed and found.under(None) == Lineage(0.0, 2, False, 0.0)
