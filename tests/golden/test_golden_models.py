"""Model files of every past format load, and mean what they meant when they were written."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pytest

from locum.files.container import read_manifest
from locum.synthesizer.table import Synthesizer

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("format-*.locum"))


def maker() -> Any:
    spec = importlib.util.spec_from_file_location("make_golden", HERE / "make_golden.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_are_golden_files() -> None:
    names = {path.stem.split("-", 2)[2] for path in FILES}
    assert names >= {"independent", "bootstrap", "tree", "tree-fast"}
    assert {read_manifest(path).format for path in FILES} >= {1}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_loads_for_ever(path: Path) -> None:
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    synthesizer = Synthesizer.load(path)
    data, schema = maker().table(expected["rows"])
    assert synthesizer.name == expected["name"] and synthesizer.n_rows == expected["rows"]
    assert list(synthesizer.schema.names) == expected["columns"] and synthesizer.schema == schema
    assert list(synthesizer.encoder.domain.sizes) == expected["sizes"]
    got = synthesizer.log_prob_table(data)[:10]
    np.testing.assert_allclose(got, expected["log_prob"], rtol=1e-6, atol=1e-6)
    made = synthesizer.draw(200, seed=1).table
    assert made.schema.types == data.schema.types and made.num_rows == 200
    assert set(made["town"].to_pylist()) <= {"east", "west", None}
    assert pc.min(made["income"]).as_py() >= 0


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_saving_again_keeps_the_meaning(path: Path, tmp_path: Path) -> None:
    first = Synthesizer.load(path)
    first.save(tmp_path / "again.locum")
    second = Synthesizer.load(tmp_path / "again.locum")
    assert second.draw(50, seed=3).table.equals(first.draw(50, seed=3).table)
