"""Cells given of columns that rules tie to others: every row is completed, and keeps every rule."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import locum
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
