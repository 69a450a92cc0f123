"""What a private run says when its rules leave too few rows: the model was paid for and is not lost."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import locum
from locum.control.drawn_rows import Infeasible
from locum.schema.column import Column
from locum.schema.table import Schema


def test_a_private_run_that_finds_too_few_rows_says_how_to_use_its_model(tmp_path: Path) -> None:
    schema = Schema(
        (Column("ward", "category", levels=("a", "b")), Column("bed", "category", levels=("x", "y"))),
        rules=("unique(ward, bed)",),
    )
    rows = pd.DataFrame({"ward": ["a", "b"] * 100, "bed": ["x", "x", "y", "y"] * 50})
    with pytest.raises(
        Infeasible, match=r"sk for at most \d+ rows; the model is paid for.*locum sample"
    ) as seen:
        locum.run(rows, tmp_path / "run", schema=schema, epsilon=2, delta=1e-6)
    assert "paid for again" in str(seen.value.to_json()["do"])
    assert len(locum.sample(tmp_path / "run" / "model.locum", 2)) == 2
