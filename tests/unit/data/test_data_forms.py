"""Numbers, dates and durations as text: parsing undoes writing."""

import datetime as dt
import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.data.arrowtypes import family, parse_type
from locum.data.durations import PATTERNS, format_durations, parse_durations
from locum.data.missing import sentinels
from locum.data.numberforms import (
    NumberForm,
    decimals_of,
    format_float,
    format_int,
    number_form,
    to_float,
    to_int,
)
from locum.data.times import compile_format, format_times, local_to_utc, parse_times, utc_to_local
from locum.errors import SchemaError

forms = st.builds(
    NumberForm,
    st.sampled_from(["", ",", ".", " ", "'", "\u00a0"]),
    st.sampled_from([".", ","]),
    st.integers(0, 4),
    st.sampled_from(["", "$", "€", "US$"]),
    st.sampled_from(["", "%", "°C"]),
).filter(lambda form: form.thousands != form.decimal)


@given(forms, st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_integers_in_every_form(form, values):
    assert number_form(str(form)) == form
    assert to_int(pa.array(format_int(values, form)), form).to_pylist() == values


@given(forms, st.lists(st.floats(allow_nan=False), min_size=1))
def test_floats_in_every_form(form, values):
    texts = format_float(values, form, None)
    assert to_float(pa.array(texts), form).to_pylist() == values


@given(forms, st.integers(0, 9), st.lists(st.integers(-(10**14), 10**14), min_size=1))
def test_decimals_are_found_and_written(form, decimals, scaled):
    values = np.array(scaled) / 10.0**decimals
    found = decimals_of(values)
    assert found is not None and found <= decimals
    assert (np.round(values, found) == values).all()
    assert found == 0 or (np.round(values, found - 1) != values).any()
    texts = format_float(values, form, found)
    assert to_float(pa.array(texts), form).to_pylist() == values.tolist()
    assert (
        max(
            len(text.rstrip(form.suffix).rpartition(form.decimal)[2])
            for text in texts
            if form.decimal in text
        )
        <= max(found, form.digits)
        if any(form.decimal in text for text in texts)
        else True
    )


def test_texts_that_are_no_numbers_become_null():
    texts = ["1,23", "12,34,567", "1.2.3", "007", "1e5x", "", "--1", "1 2", "0x10", "٣", "$1"]
    assert to_float(pa.array(texts), NumberForm(",")).to_pylist() == [None] * len(texts)
    assert to_int(pa.array(["1.5", "9223372036854775808", "12.0", "-0"]), NumberForm()).to_pylist() == [
        None,
        None,
        12,
        0,
    ]


def test_infinite_numbers_need_all_digits():
    assert decimals_of(np.array([np.inf, 1.5])) == 1
    assert decimals_of(np.array([1 / 3])) is None
    assert decimals_of(np.array([])) == 0
    assert format_float([0.1 + 0.2, 1e300, 5e-324], NumberForm(), None) == [
        "0.30000000000000004",
        "1e+300",
        "5e-324",
    ]


@pytest.mark.parametrize("text", ["thousands=,,", "decimal=x", "digits=99", "foo=1", "thousands=. decimal=."])
def test_number_formats_that_cannot_be(text):
    with pytest.raises(SchemaError, match="no format of a number"):
        number_form(text)


DATES = ["%Y-%m-%d", "%d.%m.%Y", "%-m/%-d/%Y", "%d %b %Y", "%B %-d, %Y", "%Y%m%d"]
TIMES = ["%H:%M:%S.%6f", "%H:%M:%S.%f", "%-I:%M:%S.%6f %p", "%H:%M:%S.%6f%:z", "%H:%M:%S.%9f%z"]


@settings(max_examples=60)
@given(
    st.lists(st.datetimes(), min_size=1),
    st.sampled_from([f"{d} {t}" for d, t in itertools.product(DATES, TIMES)]),
    st.integers(-14, 14),
)
def test_datetimes_in_every_format(moments, text, hours):
    form = compile_format(text)
    micros = np.array(moments, "M8[us]").astype(np.int64)
    east = np.full(len(micros), hours * 3_600_000_000) if form.zoned else np.zeros_like(micros)
    if ((micros + east).astype("M8[us]").astype("M8[Y]").astype(int) + 1970 - 1 >= 9999).any() or (
        (micros + east).astype("M8[us]").astype("M8[Y]").astype(int) + 1970 < 1
    ).any():
        return
    texts = format_times(micros, form, east)
    back, valid, offsets = parse_times(pa.array(texts), form)
    assert valid.all()
    assert (back == micros).all()
    assert (offsets == east).all()


@given(st.dates(), st.sampled_from(["%Y-%m-%d", "%d/%m/%Y", "%d %b %Y"]))
def test_dates_agree_with_python(day, text):
    micros = np.array([day], "M8[D]").astype("M8[us]").astype(np.int64)
    got = format_times(micros, compile_format(text))[0]
    assert got == f"{day:%d/%m/}{day.year:04d}" if text == "%d/%m/%Y" else True
    assert dt.datetime.strptime(got, text).date() == day


def test_days_that_do_not_exist_are_refused():
    texts = [
        "2019-02-29",
        "2020-02-29",
        "2020-13-01",
        "2020-00-10",
        "2020-01-00",
        "0000-01-01",
        "2020-1-1",
        None,
    ]
    _, valid, _ = parse_times(pa.array(texts), compile_format("%Y-%m-%d"))
    assert valid.tolist() == [False, True, False, False, False, False, False, False]
    _, valid, _ = parse_times(pa.array(["24:00", "23:60", "23:59"]), compile_format("%H:%M"))
    assert valid.tolist() == [False, False, True]
    _, valid, _ = parse_times(pa.array(["00:10 AM", "12:10 PM"]), compile_format("%I:%M %p"))
    assert valid.tolist() == [False, True]
    micros, _, _ = parse_times(pa.array(["01 01 69", "01 01 68"]), compile_format("%d %m %y"))
    assert micros.astype("M8[us]").astype("M8[Y]").astype(str).tolist() == ["1969", "2068"]


@pytest.mark.parametrize("text", ["", "plain", "%Q", "%Y-%Y", "%Y-%m-%", "%-Y"])
def test_date_formats_that_cannot_be(text):
    with pytest.raises(SchemaError, match="no date format"):
        compile_format(text)


def test_wall_time_and_utc():
    utc = np.array(["2020-01-01T00:00", "2020-07-01T00:00"], "M8[us]").astype(np.int64)
    local = utc_to_local(utc, "Europe/Berlin")
    assert ((local - utc) // 3_600_000_000).tolist() == [1, 2]
    assert (local_to_utc(local, "Europe/Berlin") == utc).all()
    skipped = np.array(["2020-03-29T02:30", "2020-10-25T02:30"], "M8[us]").astype(np.int64)
    assert local_to_utc(skipped, "Europe/Berlin").shape == (2,)


@given(st.sampled_from(list(PATTERNS)), st.lists(st.integers(-(10**16), 10**16), min_size=1))
def test_durations_in_every_format(name, micros):
    unit = 60_000_000 if name.endswith("M") else 1_000_000 if name.endswith("S") else 1
    values = np.array(micros) // unit * unit
    back, valid = parse_durations(pa.array(format_durations(values, name)), name)
    assert valid.all()
    assert (back == values).all()


def test_durations_that_cannot_be():
    _, valid = parse_durations(pa.array(["P", "PT", "1:60", "x", None, "-P"]), "iso8601")
    assert not valid.any()
    with pytest.raises(SchemaError, match="no format of a duration"):
        parse_durations(pa.array(["1"]), "fortnights")


def test_sentinels_need_a_gap():
    def found(values, counts=None):
        values = np.array(values, float)
        counts = np.full(len(values), 5) if counts is None else np.array(counts)
        return values[sentinels(values, counts)].tolist()

    assert found([-999, 1, 2, 3]) == [-999]
    assert found([-999, -1000, -998, 5]) == []
    assert found([9999, 1900, 1950, 2020]) == [9999]
    assert found([99999, 0, 41310, 20000]) == []
    assert found([-999, 1, 2, 3], [1, 5, 5, 5]) == []
    assert found([-999, 1]) == []
    assert found([-999, -99, 1, 2, 3], [5, 9, 5, 5, 5]) == [-99, -999]
    assert found([-999, -20, 10, 40, np.inf, np.nan]) == [-999]


@pytest.mark.parametrize(
    "kind",
    [
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.int8(),
        pa.uint64(),
        pa.float16(),
        pa.float32(),
        pa.float64(),
        pa.bool_(),
        pa.date32(),
        pa.date64(),
        pa.timestamp("ns"),
        pa.timestamp("us", "Europe/Berlin"),
        pa.timestamp("s", "+02:00"),
        pa.time32("s"),
        pa.time64("ns"),
        pa.duration("ms"),
        pa.decimal128(10, 2),
        pa.decimal256(50, 3),
        pa.null(),
        pa.dictionary(pa.int8(), pa.string()),
        pa.dictionary(pa.uint32(), pa.large_string(), ordered=True),
    ],
    ids=str,
)
def test_arrow_types_as_text(kind):
    assert parse_type(str(kind)) == kind
    assert family(kind) != "other"


def test_types_that_are_none():
    for text in ("", "quux", "decimal128(99, 2)", "timestamp[h]", "list<item: int8>"):
        with pytest.raises(SchemaError, match="no storage type"):
            parse_type(text)
    assert family(pa.binary()) == family(pa.list_(pa.int8())) == "other"
