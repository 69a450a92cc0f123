"""What is asked of a calculated column is found among the values of the column that it is calculated from."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

import locum
from locum.control.asked_inputs import with_inputs
from locum.control.drawn_rows import Infeasible
from locum.synthesizer.table import Synthesizer

N = 1_500


@pytest.fixture(scope="module")
def shop() -> Synthesizer:
    """Prices of which one is calculated from another that is calculated itself, and days."""
    rng = np.random.default_rng(4)
    cents = rng.integers(100, 9_000, N)
    day = np.datetime64("2022-01-01") + rng.integers(0, 900, N)
    columns = {
        "price": cents / 100,
        "cents": cents,
        "owed": 5_000 - cents,
        "day": day,
        "due": day + 30,
        "x": rng.normal(size=N),
    }
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    return locum.fit(table, synthesizer="tree-fast", seed=1)


@pytest.mark.parametrize("cents", [1_802, 1_803, 777, 8_123])
@pytest.mark.parametrize("asked", ["cents = {0}", "owed = {1}", "cents > {0} - 1 and cents < {0} + 1"])
def test_single_values_of_a_calculated_column_are_found(asked: str, cents: int, shop: Synthesizer) -> None:
    rows = shop.draw(20, where=asked.format(cents, 5_000 - cents), seed=1).table
    assert set(rows["cents"].to_pylist()) == {cents}
    assert set(rows["price"].to_pylist()) == {cents / 100}
    assert set(rows["owed"].to_pylist()) == {5_000 - cents}


def test_several_values_and_days_are_found(shop: Synthesizer) -> None:
    rows = shop.draw(60, where="cents in (1802, 857)", seed=1).table
    assert set(rows["price"].to_pylist()) == {18.02, 8.57}
    rows = shop.draw(20, where="due = '2023-05-17'", seed=1).table
    assert set(rows["day"].to_pylist()) == {dt.date(2023, 4, 17)}


@pytest.mark.parametrize("asked", ["cents = 1802.5", "cents < 90", "owed > 5000"])
def test_what_no_input_gives_is_still_refused(asked: str, shop: Synthesizer) -> None:
    with pytest.raises(Infeasible):
        shop.draw(20, where=asked, seed=1)


def test_values_go_back_through_all_that_is_calculated(shop: Synthesizer) -> None:
    formulas = {r.gives[0]: r.inputs[0] for r in shop.encoder.recodings}
    assert len({"price", "cents", "owed"} & set(formulas)) == 2
    asked = with_inputs(shop.encoder, {"cents": {1802}, "owed": {3198}})
    assert any(abs(v - 1802) < 1e-6 for v in asked["cents"])
    assert any(abs(v - 3198) < 1e-6 for v in asked["owed"])
    assert any(abs(v - 18.02) < 1e-6 for v in asked["price"])
    assert with_inputs(shop.encoder, {"x": {0.5}}) == {"x": {0.5}}


def test_a_calculated_column_that_may_be_missing_is_found_and_may_still_be_missing() -> None:
    rng = np.random.default_rng(6)
    cents = rng.integers(100, 9_000, N)
    price = pa.array(cents / 100, mask=rng.random(N) < 0.02)
    values = pa.array(cents, mask=(rng.random(N) < 0.2) | np.asarray(price.is_null()))
    table = pa.table({"price": price, "cents": values, "x": rng.normal(size=N)})
    synth = locum.fit(table, synthesizer="tree-fast", seed=1)
    (formula,) = synth.encoder.recodings
    assert formula.coded is not None and formula.coded.kind == "boolean"
    rows = synth.draw(20, where="cents = 8123", seed=1).table
    assert set(rows["price"].to_pylist()) == {81.23}
    rows = synth.draw(200, where="cents is null", seed=1).table
    assert rows["cents"].null_count == 200
    # about 1 in 10 of the missing ones has no price; 60 of 200 is less likely than one in a billion
    assert rows["price"].null_count < 60
