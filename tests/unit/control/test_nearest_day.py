"""Parts of dates that are learned: dates go to the nearest such day, and what hangs on the part is kept."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from locum.codes.encoder import Encoder
from locum.codes.json_fields import Wire
from locum.control.layout.formula import Formula
from locum.control.layout.lookup import Lookup
from locum.control.layout.nearest_day import NearestDay
from locum.control.layout.plan import lay_out
from locum.control.layout.read import read_recodings
from locum.errors import FileFormatError
from locum.schema.column import Column
from locum.schema.table import Schema
from locum.synthesizer.table import Synthesizer

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
COLUMNS = (
    Column("date", "date"),
    Column("weekday", "category"),
    Column("payday", "boolean", False),
    Column("spent", "integer", False),
)
RULES = ("weekday follows from (weekday(date))", "payday exactly if day(date) < 4")


def shop(rows: int = 3_000, span: int = 3_000) -> pa.Table:
    """Spending is twice as high at weekends; some dates are missing."""
    rng = np.random.default_rng(0)
    dates = [dt.date(2015, 1, 1) + dt.timedelta(days=int(d)) for d in rng.integers(0, span, rows)]
    weekend = np.array([d.weekday() > 4 for d in dates])
    missing = rng.random(rows) < 0.05
    return pa.table(
        {
            "date": [None if m else d for d, m in zip(dates, missing, strict=True)],
            "weekday": [None if m else DAYS[d.weekday()] for d, m in zip(dates, missing, strict=True)],
            "payday": [not m and d.day < 4 for d, m in zip(dates, missing, strict=True)],
            "spent": np.clip(rng.normal(50 + 40 * weekend, 8).astype(int), 1, 140),
        }
    )


def schema(**roles: object) -> Schema:
    return Schema(COLUMNS, rules=RULES[:1], **roles)


def weekend_effect(rows: pa.Table) -> float:
    """Correlation of spending with the weekend."""
    there = rows.filter(rows["date"].is_valid())
    weekend = [d.weekday() > 4 for d in there["date"].to_pylist()]
    return float(np.corrcoef(weekend, there["spent"].to_numpy())[0, 1])


@pytest.mark.parametrize("roles", [{}, {"target": "weekday"}, {"protected": ("weekday",)}])
def test_what_hangs_on_the_weekday_is_kept(roles: dict[str, object]) -> None:
    real = shop()
    synth = Synthesizer("tree-fast", seed=1).fit_table(real, schema(**roles))
    rows = synth.draw(3_000, seed=2).table
    pairs = zip(rows["date"].to_pylist(), rows["weekday"].to_pylist(), strict=True)
    assert all(d is None or w is None or DAYS[d.weekday()] == w for d, w in pairs)
    assert weekend_effect(rows) > weekend_effect(real) - 0.08
    assert abs(rows["date"].null_count - 150) < 60


def test_dates_move_by_few_days_and_stay_inside() -> None:
    real = shop()
    encoder = Encoder.fit(real, schema(), recodings=lay_out(real, schema()))
    (moved,) = (r for r in encoder.recodings if isinstance(r, NearestDay))
    days = real["date"].combine_chunks()
    asked = real["weekday"].combine_chunks().take(pa.array(np.random.default_rng(1).permutation(3_000)))
    back = moved.back(days, {"weekday": asked})["date"]
    assert back.is_null().equals(days.is_null())
    known = [i for i in range(3_000) if days[i].is_valid and asked[i].is_valid]
    for i in known:
        assert DAYS[back[i].as_py().weekday()] == asked[i].as_py()
        assert abs((back[i].as_py() - days[i].as_py()).days) <= 6
    low, high = min(d for d in days.to_pylist() if d), max(d for d in days.to_pylist() if d)
    margin = dt.timedelta(days=20)
    assert all(low - margin <= d <= high + margin for d in back.to_pylist() if d)


def test_a_weekday_that_the_code_of_the_date_tells_is_looked_up() -> None:
    real = shop(rows=3_000, span=100)
    found = lay_out(real, schema())
    assert [type(r) for r in found] == [Lookup]


def test_spoilt_recodings_are_refused() -> None:
    real = shop()
    for rows in (real, shop(span=100)):
        (item,) = (r.to_json() for r in lay_out(rows, schema()))
        assert read_recodings([Wire.of(item, "encoder")], schema())
        for key in set(item) - {"form"}:
            with pytest.raises(FileFormatError):
                read_recodings([Wire.of({**item, key: "nothing"}, "encoder")], schema())


def test_a_quotient_that_rounding_breaks_is_no_formula() -> None:
    rng = np.random.default_rng(3)
    price, count = np.round(rng.uniform(1, 50, 900), 2), rng.integers(1, 9, 900)
    table = pa.table({"price": price, "count": count, "total": np.round(price * count, 2)})
    columns = (
        Column("price", "number", False, decimals=2),
        Column("count", "integer", False),
        Column("total", "number", False, decimals=2),
    )
    rule = ("total = price * count",)
    (formula,) = lay_out(table, Schema(columns, rules=rule))
    assert isinstance(formula, Formula) and formula.gives == ("total",)
    # a target is calculated where it alone can be
    (formula,) = lay_out(table, Schema(columns, rules=rule, target="total"))
    assert isinstance(formula, Formula) and formula.gives == ("total",)
    assert lay_out(table, Schema(columns, rules=rule, protected=("total",))) == ()
