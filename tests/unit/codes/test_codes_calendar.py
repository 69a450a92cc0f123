"""Dates and datetimes: weekdays, month ends, times of day, resolution, far years."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from locum.codes.encoder import Encoder
from locum.codes.settings import EncoderSettings
from locum.schema.column import Column
from locum.schema.domain import Coded
from locum.schema.table import Schema

DAY = 86_400_000_000


def weekday(days: np.ndarray) -> np.ndarray:
    return (days + 3) % 7


def dates(days: np.ndarray) -> pa.Array:
    return pa.array(days.astype(np.int32)).view(pa.date32())


def moments(microseconds: np.ndarray) -> pa.Array:
    return pa.array(microseconds).view(pa.timestamp("us"))


def through(
    values: pa.Array, kind: str, settings: EncoderSettings | None = None
) -> tuple[np.ndarray, Encoder, Coded]:
    schema = Schema((Column("c", kind),))
    table = pa.table({"c": values})
    encoder = Encoder.fit(table, schema, settings=settings)
    coded = encoder.encode(table)
    decoded = encoder.decode(coded.codes, seed=2)["c"].combine_chunks()
    width = pa.int32() if kind == "date" else pa.int64()
    return np.asarray(decoded.view(width)).astype(np.int64), encoder, coded


def office_days(n: int, years: int = 12) -> np.ndarray:
    rng = np.random.default_rng(0)
    days = rng.integers(12_000, 12_000 + 365 * years, 6 * n)
    return days[(weekday(days) < 5) | (rng.random(6 * n) < 0.05)][:n]


def test_weekdays_are_kept_inside_wide_cells() -> None:
    days = office_days(8000)
    decoded, encoder, _ = through(dates(days), "date")
    assert encoder.books[0].days.size < 1000
    real = np.bincount(weekday(days), minlength=7) / len(days)
    fake = np.bincount(weekday(decoded), minlength=7) / len(days)
    assert np.abs(real - fake).max() < 0.02


def test_weekdays_are_kept_with_coarse_settings() -> None:
    days = office_days(8000)
    decoded, _, _ = through(dates(days), "date", EncoderSettings.coarse(16))
    real = np.bincount(weekday(days), minlength=7) / len(days)
    fake = np.bincount(weekday(decoded), minlength=7) / len(days)
    assert np.abs(real - fake).max() < 0.02


def test_month_ends_are_kept() -> None:
    rng = np.random.default_rng(1)
    months = rng.integers(0, 480, 6000).astype("datetime64[M]")
    last = (months + 1).astype("datetime64[D]") - 1
    spread = months.astype("datetime64[D]") + rng.integers(0, 28, 6000)
    days = np.where(rng.random(6000) < 0.7, last, spread).astype(np.int64)
    decoded, _, _ = through(dates(days), "date", EncoderSettings.coarse(32))
    as_dates = decoded.astype("datetime64[D]")
    is_last = (as_dates + 1).astype("datetime64[M]") != as_dates.astype("datetime64[M]")
    assert abs(is_last.mean() - 0.7) < 0.04


def test_days_of_a_year_are_atoms() -> None:
    days = np.repeat(np.arange(18_000, 18_365), 8)
    decoded, encoder, _ = through(dates(days), "date")
    assert encoder.domain.sizes == (365,)
    assert np.array_equal(decoded, days)


def test_midnight_only_has_no_time_attribute() -> None:
    days = office_days(2000)
    decoded, encoder, _ = through(moments(days * DAY), "datetime")
    assert encoder.domain.names == ("c",)
    assert (decoded % DAY == 0).all()


def test_time_of_day_is_an_attribute_and_keeps_its_resolution() -> None:
    rng = np.random.default_rng(3)
    seconds = np.clip(rng.normal(13 * 3600, 2 * 3600, 9000), 0, 86_399).astype(np.int64)
    seconds[:4000] = seconds[:4000] // 1800 * 1800
    values = office_days(9000) * DAY + seconds * 1_000_000
    decoded, encoder, coded = through(moments(values), "datetime")
    assert encoder.domain.names == ("c", "c:time")
    assert [a.column for a in encoder.domain] == ["c", "c"]
    assert (decoded % 1_000_000 == 0).all()
    half_hours = (decoded % 1_800_000_000 == 0).mean()
    assert abs(half_hours - (values % 1_800_000_000 == 0).mean()) < 0.02
    assert abs((decoded % DAY).mean() - (values % DAY).mean()) < 60_000_000
    assert coded.codes.shape == (9000, 2)


def test_missing_is_missing_in_both_attributes() -> None:
    values = pa.array([0, None, 90_000_000_000, 5_000_000], type=pa.int64()).view(pa.timestamp("us"))
    schema = Schema((Column("c", "datetime"),))
    encoder = Encoder.fit(pa.table({"c": values}), schema)
    codes = encoder.encode(pa.table({"c": values})).codes
    day, time = encoder.domain.attributes
    assert codes[1].tolist() == [day.null, time.null]
    odd = np.array([[0, time.null], [day.null, 0]], dtype=np.int32)
    decoded = encoder.decode(odd, seed=0)["c"]
    assert [v is None for v in decoded.cast(pa.int64()).to_pylist()] == [False, True]


def test_far_years() -> None:
    for year in (1, 1677, 2262, 9999):
        start = np.datetime64(f"{year:04d}-01-01").astype("datetime64[D]").astype(np.int64)
        days = start + np.arange(300)
        decoded, _, _ = through(dates(days), "date")
        assert days[0] <= decoded.min()
        assert decoded.max() <= days[-1]
        decoded, _, _ = through(moments(days * DAY + 3_600_000_000), "datetime")
        assert (decoded % DAY == 3_600_000_000).all()


def test_zone_is_kept() -> None:
    schema = Schema((Column("c", "datetime", timezone="Europe/Berlin"),))
    values = moments(np.arange(100) * DAY).cast(pa.timestamp("us", "UTC"))
    encoder = Encoder.fit(pa.table({"c": values}), schema)
    coded = encoder.encode(pa.table({"c": values}))
    assert encoder.decode(coded.codes, seed=0)["c"].type == pa.timestamp("us", "UTC")
    bare = encoder.encode(pa.table({"c": moments(np.arange(100) * DAY)}))
    assert np.array_equal(bare.codes, coded.codes)


def test_a_column_that_already_has_the_name_of_the_time_attribute() -> None:
    schema = Schema((Column("c", "datetime"), Column("c:time", "integer")))
    table = pa.table({"c": moments(np.arange(50) * 10**11), "c:time": np.arange(50)})
    encoder = Encoder.fit(table, schema)
    assert encoder.domain.names == ("c", "c:time'", "c:time")
    assert encoder.decode(encoder.encode(table).codes, seed=0).column_names == ["c", "c:time"]


@pytest.mark.parametrize("rows", [40, 200, 1500])
def test_dates_of_few_rows_stay_on_the_first_of_the_month(rows: int) -> None:
    rng = np.random.default_rng(rows)
    months = np.datetime64("2001-01") + rng.integers(0, 240, rows)
    days = months.astype("datetime64[D]").astype(np.int64)
    decoded, _, _ = through(dates(days), "date")
    again = decoded.astype("datetime64[D]")
    assert (again == again.astype("datetime64[M]").astype("datetime64[D]")).all()


def test_a_weekday_that_chance_has_left_out_may_still_come() -> None:
    rng = np.random.default_rng(0)
    days = 12_000 + rng.integers(0, 700, 40)
    days = days[weekday(days) != 6]
    _, encoder, _ = through(dates(days), "date")
    # about six of forty rows would lie on a Sunday: too few to say that there is never one
    spread = encoder.by_name["c"].decode([np.zeros(4_000, dtype=np.int32)], np.random.default_rng(1))
    assert (weekday(np.asarray(spread.view(pa.int32())).astype(np.int64)) == 6).any()
