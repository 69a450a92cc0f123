"""Cells filled without a generator: what is given stays, what is known is used, what is drawn looks right."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from locum.control.impute import cell_draws, nearest
from locum.control.impute.indicators import TOTAL, blocks_of
from locum.control.impute.without_model import complete
from locum.errors import UsageError
from locum.schema.column import Column
from locum.schema.table import Dependency, Schema

COLUMNS = (
    Column("id", "id"),
    Column("city", "category"),
    Column("land", "category"),
    Column("size", "number"),
    Column("cost", "integer"),
    Column("day", "date"),
    Column("big", "boolean"),
)
SCHEMA = Schema(COLUMNS, dependencies=(Dependency("city", "land"),))
LAND = {"Lyon": "F", "Nice": "F", "Bonn": "D", "Kiel": "D", "Rome": "I"}
FILLED = ("city", "land", "size", "cost", "day", "big")


def whole(n: int = 2000, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    city = rng.choice(list(LAND), n, p=[0.3, 0.2, 0.2, 0.2, 0.1])
    base = np.array([{"F": 2.0, "D": 5.0, "I": 9.0}[LAND[c]] for c in city])
    size = base + rng.normal(0, 0.5, n)
    # Half of the costs are exactly 0.
    cost = np.where(rng.random(n) < 0.5, 0, np.rint(100 * size)).astype(int)
    day = [dt.date(2020, 1, 1) + dt.timedelta(days=int(10 * s)) for s in size]
    columns = [[str(i) for i in range(n)], city.tolist(), [LAND[c] for c in city], size, cost, day, size > 4]
    return pa.table(dict(zip(SCHEMA.names, map(pa.array, columns), strict=True)))


def holed(table: pa.Table, share: float = 0.3, seed: int = 1) -> pa.Table:
    rng = np.random.default_rng(seed)
    for i, name in enumerate(table.column_names):
        hole = rng.random(table.num_rows) < share
        values = pa.array(
            [None if h else v for v, h in zip(table[name].to_pylist(), hole, strict=True)], table[name].type
        )
        table = table.set_column(i, name, values)
    return table


@pytest.mark.parametrize("method", ["draw", "best"])
def test_given_cells_stay_and_all_others_hold_values_of_the_column(method: str) -> None:
    table = holed(whole())
    done = complete(table, SCHEMA, method=method, seed=3)
    assert done.table.schema.types == table.schema.types
    for name in FILLED:
        before, after = table[name].to_pylist(), done.table[name].to_pylist()
        assert None not in after
        assert all(a == b for a, b in zip(before, after, strict=True) if a is not None)
        # a continuous column that is drawn may hold new values; labels, heaps and best never do
        assert set(after) <= set(before) or (method == "draw" and name in ("size", "day"))
    assert done.table["id"].null_count == table["id"].null_count > 0
    assert dict(done.left).keys() == {"id"}
    assert dict(done.filled) == {name: table[name].null_count for name in FILLED}
    assert set(zip(done.table["city"].to_pylist(), done.table["land"].to_pylist(), strict=True)) == set(
        LAND.items()
    )


@pytest.mark.parametrize("method", ["draw", "best"])
def test_same_seed_same_table_whatever_the_parts(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table = holed(whole(500))
    first = complete(table, SCHEMA, method=method, seed=3).table
    assert complete(table, SCHEMA, method=method, seed=3).table.equals(first)
    monkeypatch.setattr(nearest, "PART", 64)
    monkeypatch.setattr(cell_draws, "PART", 64)
    parted = complete(table, SCHEMA, method=method, seed=3).table
    assert parted.equals(first) == (method == "best")
    assert not any(parted[name].null_count for name in FILLED)


def test_best_is_nearer_than_mean_or_draw_and_draw_keeps_the_spread() -> None:
    """Seeds fixed; the margins are several standard errors wide."""
    true, table = whole(), holed(whole())
    hole = np.asarray(table["size"].is_null())
    x = np.asarray(true["size"])
    got = {m: np.asarray(complete(table, SCHEMA, method=m, seed=1).table["size"]) for m in ("draw", "best")}
    gap = {m: np.sqrt(((v - x)[hole] ** 2).mean()) for m, v in got.items()}
    assert gap["best"] < 0.8 * gap["draw"]
    assert gap["best"] < 0.5 * x.std()
    assert got["draw"][hole].std() == pytest.approx(x.std(), rel=0.1)
    zero = np.asarray(true["cost"]) == 0
    drawn = np.asarray(complete(table, SCHEMA, seed=1).table["cost"])[np.asarray(table["cost"].is_null())]
    assert (drawn == 0).mean() == pytest.approx(zero.mean(), abs=0.06)


def test_a_given_dependent_narrows_its_determinant() -> None:
    table = whole(400)
    at = np.arange(400) % 2 == 0
    city = [None if a else v for a, v in zip(at, table["city"].to_pylist(), strict=True)]
    table = table.set_column(1, "city", pa.array(city))
    for method in ("draw", "best"):
        done = complete(table, SCHEMA, method=method, seed=0).table
        pairs = zip(done["city"].to_pylist(), done["land"].to_pylist(), strict=True)
        assert all(LAND[c] == land for c, land in pairs)


def test_edges() -> None:
    table = holed(whole(60))
    only = complete(table, SCHEMA, columns=["size"], seed=0)
    assert dict(only.filled).keys() == {"size"}
    assert only.table.drop_columns(["size"]).equals(table.drop_columns(["size"]))
    full = whole(30)
    assert complete(full, SCHEMA).table is full
    empty = table.set_column(3, "size", pa.nulls(60, pa.float64()))
    assert dict(complete(empty, SCHEMA).left)["size"] == "it holds no value at all"
    one = Schema((Column("a", "category"),))
    alone = pa.table({"a": ["x", None, "x", "y"]})
    assert complete(alone, one, method="best").table["a"].to_pylist() == ["x", "x", "x", "y"]
    same = pa.table({"a": ["x", None, "x"]})
    assert complete(same, one, method="draw").table["a"].to_pylist() == ["x"] * 3
    for wrong in ({"method": "mean"}, {"columns": ["sise"]}):
        with pytest.raises(UsageError):
            complete(table, SCHEMA, **wrong)  # type: ignore[arg-type]


def test_many_columns_share_the_indicators() -> None:
    rng = np.random.default_rng(0)
    names = [f"c{i}" for i in range(300)]
    table = pa.table({n: rng.normal(size=40) for n in names})
    blocks = blocks_of(table, Schema(tuple(Column(n, "number") for n in names)))
    assert blocks[-1].place.stop <= 300 * 4 <= TOTAL * 1.5
    text = pa.table({"a": [f"v{i % 200}" for i in range(1000)]})
    (block,) = blocks_of(text, Schema((Column("a", "category"),)))
    assert len(block.values) == 200
    assert block.cells.max() == 47
