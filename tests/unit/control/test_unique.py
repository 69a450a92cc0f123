"""Keys: repeated values are moved to the nearest free ones."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import locum
from locum.control.draw import first_of_each
from locum.control.drawn_rows import Infeasible
from locum.control.unique import nearest_free
from locum.schema.column import Column
from locum.schema.table import Schema


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=40),
    st.lists(st.integers(0, 40), max_size=40, unique=True),
)
def test_each_free_value_is_given_once_and_is_the_nearest(wanted: list[int], spots: list[int]) -> None:
    got = nearest_free(np.array(wanted), np.array(sorted(spots), dtype=np.int64)).tolist()
    left = set(spots)
    for value, found in zip(wanted, got, strict=True):
        if left:
            assert abs(found - value) == min(abs(spot - value) for spot in left)
            left.remove(found)
        else:
            assert found == value


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rows", [200, 340])
def test_every_day_comes_once(seed: int, rows: int) -> None:
    days = [dt.date(2023, 1, 1) + dt.timedelta(days=i) for i in range(365)]
    rng = np.random.default_rng(seed)
    table = pa.table({"day": pa.array(days, pa.date32()), "heat": np.round(rng.normal(10, 5, 365), 1)})
    columns = (Column("day", "date", False), Column("heat", "number", False, decimals=1))
    schema = Schema(columns, rules=("unique(day)",))
    drawn = locum.Synthesizer("independent", seed=seed).fit_table(table, schema).sample(rows, seed=seed)
    values = drawn["day"].to_pylist()
    assert len(set(values)) == rows
    assert days[0] <= min(values)
    assert max(values) <= days[-1]


def test_a_key_of_two_columns() -> None:
    rng = np.random.default_rng(1)
    wards, beds = np.divmod(rng.permutation(600)[:400], 20)
    table = pa.table({"ward": [f"w{w}" for w in wards], "bed": pa.array(beds, pa.int64())})
    schema = Schema(
        (Column("ward", "category", False), Column("bed", "integer", False)), rules=("unique(ward, bed)",)
    )
    drawn = locum.Synthesizer("independent", seed=1).fit_table(table, schema).sample(400, seed=2)
    assert len(set(zip(drawn["ward"].to_pylist(), drawn["bed"].to_pylist(), strict=True))) == 400


def test_values_keep_their_range_and_grid() -> None:
    years = [1950 + 5 * i for i in range(12)]
    table = pa.table(
        {
            "land": [f"l{i}" for i in range(30) for _ in years],
            "year": pa.array(years * 30, pa.int64()),
            "life": np.random.default_rng(0).normal(60, 5, 360).round(1),
        }
    )
    columns = (
        Column("land", "category", False),
        Column("year", "integer", False),
        Column("life", "number", False, decimals=1),
    )
    schema = Schema(columns, rules=("unique(land, year)",), rules_read_off=("unique(land, year)",))
    drawn = locum.Synthesizer("independent", seed=1).fit_table(table, schema).sample(360, seed=2)
    assert set(drawn["year"].to_pylist()) <= set(years)
    pairs = list(zip(drawn["land"].to_pylist(), drawn["year"].to_pylist(), strict=True))
    assert len(set(pairs)) > 0.9 * len(pairs)


def test_a_found_key_does_not_stop_the_rows_and_a_declared_one_does(tmp_path: Path) -> None:
    table = pa.table({"day": pa.array(list(range(1, 6)) * 20, pa.int64()), "x": np.arange(100.0)})
    columns = (Column("day", "integer", False), Column("x", "number", False, decimals=0))
    rule = ("unique(day)",)
    found = Schema(columns, rules=rule, rules_read_off=rule)
    synth = locum.Synthesizer("independent", seed=1).fit_table(table, found)
    drawn = synth.draw(50, seed=2)
    assert drawn.table.num_rows == 50
    assert any("day" in note for note in drawn.notes)
    synth.save(tmp_path / "found.locum")
    again = locum.load(tmp_path / "found.locum").draw(50, seed=2)
    assert again.table.equals(drawn.table) and again.notes == drawn.notes
    stern = locum.Synthesizer("independent", seed=1).fit_table(table, Schema(columns, rules=rule))
    with pytest.raises(Infeasible):
        stern.sample(50, seed=2)
    stern.save(tmp_path / "stern.locum")
    with pytest.raises(Infeasible):
        locum.load(tmp_path / "stern.locum").sample(50, seed=2)


def test_rows_with_a_missing_value_in_a_key_repeat_nothing() -> None:
    """One row in ten has a reason: those that have none are neither dropped nor counted as alike."""
    rng = np.random.default_rng(0)
    there = rng.random(600) < 0.1
    dose = pa.array(np.where(there, rng.integers(1, 60, 600), 0), mask=~there)
    reason = pa.array([f"R{i}" if t else None for i, t in zip(rng.integers(0, 20, 600), there, strict=True)])
    table = pa.table({"dose": dose, "reason": reason, "x": np.arange(600.0)})
    columns = (Column("dose", "integer"), Column("reason", "category"), Column("x", "number", decimals=0))
    schema = Schema(columns, rules=("unique(dose, reason)",))
    drawn = locum.Synthesizer("independent", seed=1).fit_table(table, schema).sample(600, seed=2)
    assert drawn.num_rows == 600
    assert 0.75 < drawn["reason"].null_count / 600 < 0.97  # 0.9 is expected; 12 standard errors
    pairs = [
        p for p in zip(*(drawn[c].to_pylist() for c in ("dose", "reason")), strict=True) if None not in p
    ]
    assert len(set(pairs)) == len(pairs) > 0


def test_the_first_of_each_keeps_every_row_with_a_missing_value() -> None:
    table = pa.table({"a": [1, 1, None, None, 2], "b": ["x", "x", "x", "x", None]})
    assert first_of_each(table, ("a", "b")).tolist() == [0, 2, 3, 4]
    assert first_of_each(table, ("a",)).tolist() == [0, 2, 3, 4]
    assert first_of_each(table.slice(0, 0), ("a",)).tolist() == []
