"""Functions and statements of the language of rules: against the calendar of Python, and row by row."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.control.rules.clause import clauses_of
from locum.control.where.bind import bind
from locum.control.where.call import DAY, date_part, join_moment, to_local, whole_years
from locum.control.where.evaluate import evaluate
from locum.control.where.functions import DATE_PARTS
from locum.control.where.names import Names
from locum.control.where.token import quote
from locum.errors import UsageError
from locum.schema.column import Column
from locum.schema.table import Schema

SCHEMA = Schema(
    (
        *(Column(name, "integer") for name in ("a", "b", "qty", "year", "month", "day", "hour", "missing")),
        *(Column(name, "number", decimals=2) for name in ("price", "total")),
        Column("born", "date"),
        Column("seen", "datetime"),
        Column("there", "datetime", timezone="America/New_York"),
        *(Column(name, "category") for name in ("weekday", "status", "town")),
        Column("name", "pii.name"),
        Column("mail", "pii.email"),
    )
)
NAMES = Names(SCHEMA)
TABLE = pa.table(
    {
        "a": pa.array([1, 2, None], pa.int64()),
        "b": pa.array([1, 3, 3], pa.int64()),
        "qty": pa.array([3, 2, 1], pa.int64()),
        "year": pa.array([2024, 2023, None], pa.int64()),
        "month": pa.array([2, 12, 1], pa.int64()),
        "day": pa.array([29, 31, 1], pa.int64()),
        "hour": pa.array([5, 23, 0], pa.int64()),
        "missing": pa.array([1, 2, 3], pa.int64()),
        "price": [1.1, 2.5, 3.0],
        "total": [3.3, 5.0, 1.0],
        "born": [dt.date(2024, 2, 29), dt.date(2023, 12, 31), None],
        "seen": [dt.datetime(2024, 2, 29, 5, 30), dt.datetime(2023, 12, 31, 23, 59), None],
        "there": pa.array(
            [dt.datetime(2024, 3, 1, 3), dt.datetime(2024, 1, 1), None], pa.timestamp("us", "UTC")
        ),
        "weekday": ["Thu", "Sun", None],
        "status": ["open", "closed", "open"],
        "town": ["a", "b", "c"],
        "name": ["José Núñez", "Ann Lee", None],
        "mail": ["jose.nunez@x.org", "ann.lee@y.org", None],
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("total = price * qty", "yyn"),
        ("total = price * qty within 2", "yyy"),
        ("year = year(born)", "yy?"),
        ('"day" = day(born)', "yy?"),
        ("month = month(there)", "yy?"),
        ("year = year(there)", "yy?"),
        ("weekday(born) = 4", "yn?"),
        ("born = date(seen)", "yy?"),
        ("born <= seen", "yy?"),
        ("age('1990-02-28', born) = 34", "yn?"),
        ('seen >= moment(year, month, "day", "hour")', "yy?"),
        ('exists(year, month, "day")', "yy?"),
        ('exists(2023, month, "day")', "nyy"),
        ('moment(2023, month, "day") is null', "ynn"),
        ("(seen - born) / 1 hour = 5.5", "yn?"),
        ("weekday follows from (weekday(born))", "yyy"),
        ("town follows from status", "yyy"),
        ("mail follows from (name, town)", "yyy"),
        ("missing together (born, mail, name)", "yyy"),
        ("missing together (born, town)", "yyn"),
        ('"missing" > 1', "nyy"),
        ("seen is null exactly if status = 'open'", "nyy"),
        ("a = 1 exactly if b = 1", "yy?"),
        ("a = 1 or b = 3 exactly if status = 'open'", "yny"),
        ("before(mail, '@') = concat(lower(ascii(word(name, 1))), '.', lower(ascii(word(name, -1))))", "yy?"),
        ("mail = concat(lower(name), '@', after(mail, '@'))", "nn?"),
        ("left(town, 1) in ('a', 'b')", "yyn"),
        ("right(status, 4) = 'open'", "yny"),
        ("concat(pad(a, 3), '-', b) = '001-1'", "yn?"),
        ("floor(price) = 2", "nyn"),
        ("abs(price - total) < 2.3", "yny"),
        ("upper(town) = 'A'", "ynn"),
    ],
)
def test_what_a_rule_means(text: str, expected: str) -> None:
    truth = evaluate(bind(text, NAMES, strict=False), TABLE)
    got = "".join("y" if y else "n" if n else "?" for y, n in zip(truth.yes, truth.no, strict=True))
    assert got == expected
    [clause] = clauses_of(text, "rule", NAMES)
    assert clause.text == text
    assert clause.about_table == (" follows from " in text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("if a > 1 then unique(b)", "about the whole table"),
        ("not a follows from b", "about the whole table"),
        ("yeer(born) = 3", "Did you mean year"),
        ("year(a) = 3", "does not take a number here. Expected a date"),
        ("left(town, a) = 'x'", "Expected a whole number"),
        ("moment(year, month) > '2020-01-01'", "2 of its arguments"),
        ("town follows from a + b", "no column"),
        ("a + b follows from town", "only a column"),
        ("a = b within 'x'", "no tolerance"),
        ("concat() = 'a'", "unexpected"),
        ("a exactly b", "unexpected"),
    ],
)
def test_errors_of_rules_say_where_and_what_would_do(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        bind(text, NAMES, strict=False)
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["mail = name", "lower(mail) = 'x'", "mail = concat(town, '@x.org')"])
def test_conditions_never_ask_for_made_values(text: str) -> None:
    with pytest.raises(UsageError, match="made afresh"):
        bind(text, NAMES)


@pytest.mark.parametrize("name", ["day", "hours", "missing", "exactly", "within", "if", "from", "a b"])
def test_a_column_with_the_name_of_a_word_is_quoted(name: str) -> None:
    schema = Schema((Column(name, "integer"), Column("other", "integer")))
    for text in (f"{quote(name)} = 3 exactly if other = 4", f"missing together ({quote(name)}, other)"):
        assert bind(text, Names(schema)).columns == (name, "other")


_DAYS = st.integers(-100_000, 100_000)


@given(st.lists(st.datetimes(dt.datetime(1800, 1, 1), dt.datetime(2200, 1, 1)), min_size=1, max_size=20))
@settings(max_examples=60)
def test_parts_of_dates_are_those_of_the_calendar(moments: list[dt.datetime]) -> None:
    micros = np.asarray(pa.array(moments, pa.timestamp("us")).view(pa.int64()))
    oracle = {
        "quarter": lambda m: (m.month - 1) // 3 + 1,
        "week": lambda m: m.isocalendar().week,
        "weekday": lambda m: m.isoweekday(),
        "dayofyear": lambda m: m.timetuple().tm_yday,
    }
    for part in DATE_PARTS:
        want = [oracle.get(part, lambda m, p=part: getattr(m, p))(m) for m in moments]
        assert date_part(part, micros).tolist() == want
    names = ("year", "month", "day", "hour", "minute", "second")
    again, found = join_moment([date_part(part, micros) for part in names])
    assert found.all()
    assert (again == micros // 1_000_000 * 1_000_000).all()


@given(st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)), st.integers(0, 40_000))
def test_age_grows_by_one_on_each_birthday(birth: dt.date, later: int) -> None:
    seen = birth + dt.timedelta(later)
    years = 0
    while (birth.year + years + 1, birth.month, birth.day) <= (seen.year, seen.month, seen.day):
        years += 1
    start = np.array([(d - dt.date(1970, 1, 1)).days * DAY for d in (birth, seen)])
    assert whole_years(start[:1], start[1:]).tolist() == [years]


def test_days_that_are_in_no_calendar_make_no_moment() -> None:
    year, month, day = np.array([2023, 2024, 2024, 0]), np.array([2, 2, 13, 1]), np.array([29, 29, 1, 1])
    assert join_moment([year, month, day])[1].tolist() == [False, True, False, False]
    assert join_moment([year + 0.5, month, day])[1].tolist() == [False] * 4


def test_parts_are_read_on_the_clock_of_the_zone() -> None:
    noon = np.array([int(dt.datetime(2024, 7, 1, 12, tzinfo=dt.UTC).timestamp()) * 10**6])
    assert date_part("hour", to_local(noon, "Europe/Rome")).tolist() == [14]
