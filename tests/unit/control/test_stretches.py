"""Combinations on a scale of their frequencies, and combinations within columns that stay."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.codes.json_fields import Wire
from locum.control.layout.joined import Joined
from locum.control.layout.nested import Nested
from locum.control.layout.stretches import LENGTH, Stretches, nearest
from locum.errors import FileFormatError
from locum.schema.column import Column
from locum.schema.table import Schema

ROUTE = (
    Column("from", "category", False),
    Column("to", "category", False),
    Column("miles", "integer", False),
)
RULE = ("miles follows from (from, to)",)


def routes(rows: int = 3_000) -> pa.Table:
    """Flights from two towns to forty places, five of which are served from one of them only."""
    rng = np.random.default_rng(0)
    start, place = rng.integers(0, 2, rows), rng.integers(0, 40, rows)
    place = np.where((start == 1) & (place < 5), place + 5, place)
    return pa.table(
        {
            "from": [f"F{s}" for s in start],
            "to": [f"T{p}" for p in place],
            "miles": 100 * (place + 1) + 7 * start,
        }
    )


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=60).filter(any))
def test_the_middle_of_a_stretch_stands_for_its_thing(counts: list[int]) -> None:
    weights = np.array(counts) / sum(counts)
    scale = Stretches.of(weights)
    there = np.flatnonzero(weights > 0)
    assert scale.index(scale.middle)[there].tolist() == there.tolist()
    assert (weights[scale.index(np.array([-5, 0, LENGTH, LENGTH + 9]))] > 0).all()


def test_numbers_from_a_range_stand_for_things_as_often_as_they_are_met() -> None:
    weights = np.array([0.5, 0.0, 0.3, 0.2])
    seen = Stretches.of(weights).index(np.arange(0, LENGTH, 97))
    assert np.abs(np.bincount(seen, minlength=4) / len(seen) - weights).max() < 1e-4


@given(st.sets(st.integers(0, 40), min_size=1), st.integers(1, 50))
def test_nearest_is_the_nearest(known: set[int], n: int) -> None:
    places = np.array(sorted(known))
    best = [np.abs(places - i).min() for i in range(n)]
    assert np.abs(places[nearest(places, n)] - np.arange(n)).tolist() == best


def test_joined_columns_are_numbered_by_the_one_with_an_order() -> None:
    table = {
        name: table_column.combine_chunks() for name, table_column in zip(*_columns(routes()), strict=True)
    }
    joined = Joined.fit(table, ROUTE, RULE, ())
    coded = joined.forth(table, table)
    assert joined.coded.kind == "integer"
    order = np.argsort(coded.to_numpy(), kind="stable")
    assert (np.diff(table["miles"].to_numpy()[order]) >= 0).all()
    assert pa.table(joined.back(coded, {})).equals(pa.table(table))


def test_a_label_that_is_not_served_becomes_one_as_far_away() -> None:
    table = {
        name: table_column.combine_chunks() for name, table_column in zip(*_columns(routes()), strict=True)
    }
    nested = Nested.fit(table, ROUTE, ("from",), RULE)
    own = {name: table[name] for name in ("to", "miles")}
    coded = nested.forth(own, table)
    assert pa.table(nested.back(coded, table)).equals(pa.table({n: table[n] for n in ("to", "miles")}))
    elsewhere = {"from": pa.array(["F1"] * len(coded))}
    back = nested.back(coded, elsewhere)
    far = np.abs(back["miles"].to_numpy() - table["miles"].to_numpy())
    known = set(
        zip(table["from"].to_pylist(), table["to"].to_pylist(), table["miles"].to_pylist(), strict=True)
    )
    drawn = zip(["F1"] * len(coded), back["to"].to_pylist(), back["miles"].to_pylist(), strict=True)
    assert set(drawn) <= known
    # five places are served from the other town only; the sixth is the nearest that both serve
    assert far.max() == 507
    assert far[table["miles"].to_numpy() > 600].max() <= 7


def test_a_combination_of_one_row_is_not_written() -> None:
    once = pa.table({"from": ["F0"], "to": ["T39"], "miles": [9_999]})
    table = {
        name: column.combine_chunks()
        for name, column in zip(*_columns(pa.concat_tables([routes(), once])), strict=True)
    }
    for recoding in (Joined.fit(table, ROUTE, (), ()), Nested.fit(table, ROUTE, ("from",), ())):
        numbers = pa.array(np.arange(0, LENGTH + 1000, 500))
        back = recoding.back(numbers, {"from": pa.array(["F0"] * len(numbers))})
        assert 9_999 not in set(back["miles"].to_pylist())


def _columns(table: pa.Table) -> tuple[list[str], list[pa.ChunkedArray]]:
    return table.column_names, table.columns


def test_weights_of_nothing_are_refused() -> None:
    table = {name: column.combine_chunks() for name, column in zip(*_columns(routes()), strict=True)}
    item = Joined.fit(table, ROUTE, RULE, ()).to_json()
    assert Joined.from_json(Wire.of(item, "encoder"), Schema(ROUTE)).weights.sum() > 0.99
    with pytest.raises(FileFormatError):
        Joined.from_json(
            Wire.of({**item, "weights": [5e-324] * len(item["weights"])}, "encoder"), Schema(ROUTE)
        )
