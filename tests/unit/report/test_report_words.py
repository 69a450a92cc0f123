"""Numbers for people, and names made harmless."""

from __future__ import annotations

import doctest
import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum import wording
from locum.report import card, words
from locum.report.charts import svg


@pytest.mark.parametrize("module", [words, wording, card, svg], ids=lambda m: m.__name__)
def test_examples_in_docstrings(module):
    found = doctest.testmod(module)
    assert found.attempted > 0 and found.failed == 0


@given(st.floats(-1e15, 1e15))
def test_numbers_are_plain_and_close(value):
    text = wording.number(value)
    assert "e" not in text
    if text[0] in "<>":
        assert 0 < abs(value) < 1e-4 and (value > 0) == (text[0] == "<")
        return
    back = float(text.replace(",", "").replace(wording.MINUS, "-"))
    assert back == pytest.approx(value, rel=0.06, abs=1e-12)


@given(st.floats(0, 1))
def test_shares_are_close(value):
    text = wording.share(value)
    assert text.endswith(f"{wording.NARROW}%")
    figure = text.split(wording.NARROW)[0]
    if figure.startswith("<"):
        assert 0 < value < 0.0001
    else:
        assert float(figure) / 100 == pytest.approx(value, rel=0.06, abs=0.0006)


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, True, "text", [1]])
def test_what_is_no_number_is_a_dash(value):
    assert wording.number(value) == wording.NONE
    assert wording.share(value) == wording.NONE


@given(st.text(st.characters(), max_size=400), st.integers(2, 300))
def test_visible_text_is_harmless(text, limit):
    shown = words.visible(text, limit)
    assert 0 < len(shown) <= max(limit, len("(empty)"))
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in shown)
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")
    shown.encode("utf-8")


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=100))
def test_ordinary_text_is_untouched(text):
    assert words.visible(text) == text


def test_settings_of_every_kind():
    assert words.setting({"a_b": [1, 2.50], "c": {"d": None}}) == "a b: 1, 2.5, c: d: –"
    assert words.setting(True) == "yes"
    assert words.setting(()) == wording.NONE


def test_moment_of_what_is_no_time():
    assert words.moment("yesterday") == "yesterday"
    assert words.moment("2026-11-22T09:30:00") == "22 November 2026, 09:30"
