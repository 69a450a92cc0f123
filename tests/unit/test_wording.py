"""Durations, sizes and counts read and write as people do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.errors import UsageError
from locum.wording import count, duration, parse_duration, size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("5m", 300),
        (" 5 min ", 300),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("2d", 172_800),
        (7, 7),
    ],
)
def test_durations_are_read(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0s", "-5m", "five", "5x", "5m!", "m5", "1e99", "nan"])
def test_what_is_no_duration_is_refused_with_an_example(text):
    with pytest.raises(UsageError) as caught:
        parse_duration(text, where="--time-budget")
    assert caught.value.where == "--time-budget"
    assert "5m" in caught.value.expected


@given(st.floats(min_value=1, max_value=170_000))
def test_a_written_duration_is_close_to_the_seconds(seconds):
    read_back = parse_duration(duration(seconds).replace(" ", ""))
    assert read_back == pytest.approx(seconds, rel=0.06, abs=0.6)


@given(st.integers(min_value=0, max_value=10**14))
def test_a_written_size_is_close_to_the_bytes(n_bytes):
    number, unit = size(n_bytes).split()
    factor = {"bytes": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}[unit]
    assert float(number.replace(",", "")) * factor == pytest.approx(n_bytes, rel=0.06)


def test_counts_agree_with_their_noun():
    assert count(1, "row") == "1 row"
    assert count(0, "row") == "0 rows"
    assert count(1_000_000, "copy", "copies") == "1,000,000 copies"
