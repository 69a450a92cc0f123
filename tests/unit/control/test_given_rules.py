"""Cells given of columns that rules tie to others: every row is completed, and keeps every rule."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import locum
from locum.control.drawn_rows import Infeasible
from locum.synthesizer.table import Synthesizer


@pytest.fixture(scope="module")
def till() -> tuple[pa.Table, Synthesizer]:
    """A till: a total that is a product and a sum, places that follow from one, and days in order."""
    rng = np.random.default_rng(5)
    n = 1_500
    price, count = np.round(rng.uniform(1, 50, n), 2), rng.integers(1, 9, n)
    total = np.round(price * count, 2)
    discount = np.round(total * rng.choice([0, 0.05, 0.1], n), 2)
    first = rng.integers(0, 900, n)
    town = rng.integers(0, 60, n)
    table = pa.table(
        {
            "price": price,
            "count": count,
            "total": total,
            "discount": discount,
            "net": np.round(total - discount, 2),
            "first": first,
            "last": first + rng.integers(0, 30, n),
            "town": [f"T{t:02}" for t in town],
            "county": [f"C{t // 6}" for t in town],
            "miles": town * 13 + 7,
        }
    )
    return table, locum.fit(table, synthesizer="tree-fast", protected=["county"], seed=1)


GIVEN = (
    ("total",),
    ("net",),
    ("discount", "net"),
    ("price", "total"),
    ("count", "net"),
    ("price", "count"),
    ("last",),
    ("town",),
    ("miles",),
    ("county", "miles"),
    ("net", "town", "last"),
)


@pytest.mark.parametrize("columns", GIVEN, ids=" ".join)
def test_rows_are_completed_around_given_cells(
    columns: tuple[str, ...], till: tuple[pa.Table, Synthesizer]
) -> None:
    table, synth = till
    given = table.select(list(columns)).take(pa.array(np.arange(0, 1_500, 25)))
    rows = synth.draw(given=given, seed=3).table
    for name in columns:
        assert rows[name].to_pylist() == given[name].to_pylist()
    number = {name: rows[name].to_numpy() for name in ("price", "count", "total", "discount", "net")}
    assert np.abs(number["total"] - number["price"] * number["count"]).max() < 0.00501
    assert np.abs(number["total"] - number["discount"] - number["net"]).max() < 1e-6
    assert (rows["first"].to_numpy() <= rows["last"].to_numpy()).all()
    places = ("town", "county", "miles")
    known = set(zip(*(table[name].to_pylist() for name in places), strict=True))
    assert set(zip(*(rows[name].to_pylist() for name in places), strict=True)) <= known


TOWNS = {"Lyon": "Rhone", "Nice": "Alpes", "Bonn": "Rhein", "Kiel": "Forde"}
LANDS = {"Rhone": "F", "Alpes": "F", "Rhein": "D", "Forde": "D"}


@pytest.fixture(scope="module")
def places() -> Synthesizer:
    """A land that follows from a region, which follows from a town; and a day's name, from its date."""
    rng = np.random.default_rng(2)
    town = rng.choice(list(TOWNS), 600)
    day = np.datetime64("2024-01-01") + rng.integers(0, 300, 600)
    names = np.array(["Th", "Fr", "Sa", "Su", "Mo", "Tu", "We"])[day.astype(int) % 7]
    region = [TOWNS[t] for t in town]
    columns = {"town": town, "region": region, "land": [LANDS[r] for r in region], "day": day, "name": names}
    parts = {name: pa.array(values) for name, values in columns.items()}
    return locum.fit(pa.table(parts | {"x": rng.normal(size=600)}), synthesizer="tree-fast", seed=0)


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"town": ["Lyon", "Nice", None], "region": ["Rhone", "Rhone", "Rhone"]}, "region follows from town"),
        ({"town": ["Lyon", "Nice"], "land": ["F", "D"]}, "land follows from town"),
        ({"name": ["Tu", "Mo"], "day": np.array(["2024-01-02", "NaT"], "M8[D]")}, ""),
        ({"town": ["Lyon", None, None], "region": [None, "Rhone", "Rhein"], "land": ["F", "F", None]}, ""),
        ({"name": ["We", "Tu"], "day": np.array(["2024-01-03", "2024-01-03"], "M8[D]")}, "name follows"),
    ],
)
def test_given_cells_that_contradict_what_follows_are_refused(
    given: dict[str, list[object]], what: str, places: Synthesizer
) -> None:
    table = pa.table({name: pa.array(values) for name, values in given.items()})
    if not what:
        rows = places.draw(given=table, seed=1).table
        pairs = zip(rows["town"].to_pylist(), rows["region"].to_pylist(), strict=True)
        assert all(TOWNS[t] == r for t, r in pairs)
        return
    with pytest.raises(Infeasible, match=rf"1 given row breaks .*{what}.*\(row 2\)"):
        places.draw(given=table, seed=1)
