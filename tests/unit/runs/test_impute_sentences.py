"""What `locum impute` says of columns with a single value, tables that are not the model's, many files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pytest

import locum
from locum.cli.main import main
from locum.errors import DataError, UsageError
from locum.runs.impute import fill, how_to_combine
from locum.synthesizer.table import Synthesizer


def table(n: int = 60) -> pa.Table:
    """A number with gaps, a label with gaps, and a column of one value with gaps."""
    rng = np.random.default_rng(2)
    gap = rng.random((3, n)) < 0.1
    x, label = rng.normal(size=n).round(2), rng.choice(["red", "blue"], n)
    return pa.table(
        {
            "x": pa.array(x, mask=gap[0]),
            "a": pa.array(label.tolist(), mask=gap[1]),
            "k": pa.array([7] * n, mask=gap[2]),
        }
    )


@pytest.fixture(scope="module")
def model() -> Synthesizer:
    return locum.fit(table(), synthesizer="independent", seed=0)


def test_a_column_of_one_value_is_filled_with_it_and_that_is_said() -> None:
    done = next(fill(table()))
    cells = table().column("k").null_count
    assert done.table.column("k").null_count == 0
    assert [n for n in done.notes if n.startswith(f"k holds a single value, which was written into {cells} ")]
    both = table().append_column("l", table().column("k"))
    assert any(n.startswith("k, l hold a single value each") for n in next(fill(both)).notes)
    assert not any("single value" in n for n in next(fill(table(), columns=["x"])).notes)


def test_columns_that_the_model_does_not_know_or_the_table_lacks_are_named(model: Synthesizer) -> None:
    more = table().append_column("u", pa.array(range(60)))
    with pytest.raises(UsageError) as told:
        next(fill(more, model=model))
    assert "1 column that the model does not know (u)" in told.value.what and "lacks" not in told.value.what
    assert told.value.do.startswith("leave it out of the table, ")
    with pytest.raises(UsageError) as told:
        next(fill(table().rename_columns(["p", "q", "r"]), model=model))
    assert "3 columns that the model does not know (p, q, r) and lacks 3 columns of it (x, a, k)" in str(
        told.value
    )
    assert told.value.do.startswith("give a model of such a table")
    done = next(fill(table().select(["x", "a"]), model=model))
    assert done.filled and any("lacks 1 column of the model (k)" in note for note in done.notes)
    with pytest.raises(UsageError, match="there is no column 'k'"):
        next(fill(table().select(["x", "a"]), model=model, columns=["k"]))


def test_values_of_another_kind_than_the_model_learned_are_told_with_a_way_out(model: Synthesizer) -> None:
    words = table().set_column(0, "x", pa.array(["high", None] * 30))
    with pytest.raises(DataError) as told:
        next(fill(words, model=model))
    assert "no numbers" in told.value.what and "leave out --model" in told.value.do


@pytest.mark.parametrize("repeat", [2, 5, 1_000])
def test_the_rule_for_many_files_is_told_in_full(repeat: int) -> None:
    said = how_to_combine(repeat, 80, drawn=True)
    assert f"(1 + 1/{repeat}) times the variance between the {repeat:,} estimates" in said


def test_the_command_tells_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pc.write_csv(table(), tmp_path / "gap.csv")
    assert main(["impute", str(tmp_path / "gap.csv"), "--out", str(tmp_path / "full.csv")]) == 0
    assert "k holds a single value" in " ".join(capsys.readouterr().out.split())
