"""Keys: repeated values are moved to the nearest free ones."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import locum
from locum.control.unique import _nearest_free
from locum.schema.column import Column
from locum.schema.table import Schema


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=40),
    st.lists(st.integers(0, 40), min_size=1, max_size=40, unique=True),
)
def test_each_free_place_is_given_once_and_is_the_nearest(wanted: list[int], used: list[int]) -> None:
    got = _nearest_free(np.array(wanted), np.array(sorted(used)), 0, 40).tolist()
    assert len(set(got)) == len(got)
    assert not set(got) & set(used)
    taken = set(used)
    inside = set(range(41))
    for value, found in zip(wanted, got, strict=True):
        free = inside - taken
        if free:
            assert abs(found - value) <= min(abs(spot - value) for spot in free)
        taken.add(found)


def test_places_beyond_the_ends_only_when_full() -> None:
    got = _nearest_free(np.array([3, 3, 3]), np.array([0, 1, 2, 3]), 0, 5).tolist()
    assert sorted(got)[:2] == [4, 5] or set(got) >= {4, 5}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rows", [200, 365, 500])
def test_every_day_comes_once(seed: int, rows: int) -> None:
    days = [dt.date(2023, 1, 1) + dt.timedelta(days=i) for i in range(365)]
    rng = np.random.default_rng(seed)
    table = pa.table({"day": pa.array(days, pa.date32()), "heat": np.round(rng.normal(10, 5, 365), 1)})
    columns = (Column("day", "date", False), Column("heat", "number", False, decimals=1))
    schema = Schema(columns, rules=("unique(day)",))
    drawn = locum.Synthesizer("independent", seed=seed).fit_table(table, schema).sample(rows, seed=seed)
    values = drawn["day"].to_pylist()
    assert len(set(values)) == rows
    if rows <= 365:
        assert sum(days[0] <= v <= days[-1] for v in values) >= rows - 4


def test_a_key_of_two_columns() -> None:
    rng = np.random.default_rng(1)
    wards, beds = np.divmod(rng.permutation(600)[:400], 20)
    table = pa.table({"ward": [f"w{w}" for w in wards], "bed": pa.array(beds, pa.int64())})
    schema = Schema(
        (Column("ward", "category", False), Column("bed", "integer", False)), rules=("unique(ward, bed)",)
    )
    drawn = locum.Synthesizer("independent", seed=1).fit_table(table, schema).sample(400, seed=2)
    assert len(set(zip(drawn["ward"].to_pylist(), drawn["bed"].to_pylist(), strict=True))) == 400
