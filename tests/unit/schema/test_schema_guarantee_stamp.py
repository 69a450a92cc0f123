"""The guarantee in a lineage stamp: who carries it on, what voids it, and what a stamp may hold."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.errors import FileFormatError
from locum.schema.lineage import (
    BLENDED,
    GIVEN,
    REAL,
    Guarantee,
    Lineage,
    blend,
    lineage_from_json,
    partly,
    uncovered_warning,
    void_warning,
)

SAID = "(1, 1e-06)-differential privacy at unit a row (one more or one less)"
ONE, TWO = Guarantee(SAID, "a" * 64), Guarantee(SAID, "b" * 64)
MADE = REAL.child().under(ONE)

lineages = st.builds(
    Lineage,
    st.floats(0, 1),
    st.integers(0, 9),
    st.booleans(),
    st.floats(0, 1),
    st.sampled_from([None, ONE, TWO, Guarantee(SAID, "a" * 64, "a reason")]),
)


@given(lineages)
def test_a_stamp_comes_back_from_json_as_it_was(lineage: Lineage) -> None:
    assert lineage_from_json(json.loads(json.dumps(lineage.to_json())), "here") == lineage


def test_a_stamp_without_a_guarantee_is_written_as_before() -> None:
    assert REAL.child().to_json() == {"real": 1.0, "depth": 1, "verified": False, "own": 0.0}


@given(st.lists(st.tuples(st.integers(1, 50), lineages), min_size=1, max_size=5))
def test_a_blend_is_guaranteed_only_when_every_part_is_under_the_same_account(parts) -> None:
    accounts = {lineage.guarantee for _, lineage in parts}
    whole = len(accounts) == 1 and all(lineage.guaranteed for _, lineage in parts)
    assert blend(parts).guaranteed == whole


def test_what_is_learned_from_guaranteed_rows_alone_stays_guaranteed() -> None:
    assert MADE.guaranteed and MADE.child().child().guaranteed
    assert not blend([(99, MADE), (1, REAL)]).guaranteed
    assert blend([(99, MADE), (1, REAL)]).guarantee == Guarantee(SAID, "a" * 64, BLENDED)
    assert not blend([(1, MADE), (1, REAL.child().under(TWO))]).guaranteed
    assert blend([(2, MADE), (3, MADE)]).guarantee == ONE


def test_rows_of_others_void_it_and_rows_of_the_same_do_not() -> None:
    assert MADE.after(MADE.child(), GIVEN).guaranteed
    for other in (None, REAL, REAL.child(), MADE.void("x"), REAL.child().under(TWO)):
        assert MADE.after(other, GIVEN).guarantee == Guarantee(SAID, "a" * 64, GIVEN)
    assert MADE.void("first").void("second").guarantee == Guarantee(SAID, "a" * 64, "first")
    assert REAL.void("nothing to void") == REAL
    assert partly(MADE.void(GIVEN), 0.5).guarantee == Guarantee(SAID, "a" * 64, GIVEN)


def test_it_is_said_aloud_once_it_is_lost_and_only_then() -> None:
    assert void_warning(MADE, MADE) == "" == void_warning(REAL, REAL) == void_warning(None, None)
    assert void_warning(MADE.void("x"), MADE.void("x")) == ""
    assert GIVEN in void_warning(MADE, MADE.void(GIVEN))
    assert "rows.csv is under a guarantee" in uncovered_warning(MADE, "rows.csv")
    assert uncovered_warning(MADE.void("x"), "rows.csv") == "" == uncovered_warning(None, "rows.csv")
    assert "void: why not" in str(MADE.void("why not")) and "under a guarantee of privacy" in str(MADE)


@pytest.mark.parametrize(
    "guarantee",
    [
        None,
        {},
        "yes",
        {"statement": SAID, "account": "a" * 64},
        {"statement": 1, "account": "a" * 64, "voided": ""},
        {"statement": SAID, "account": "A", "voided": ""},
        {"statement": "x" * 30_000, "account": "a" * 64, "voided": ""},
        {"statement": SAID, "account": "a" * 64, "voided": "", "more": 1},
    ],
)
def test_a_broken_guarantee_is_no_stamp(guarantee: object) -> None:
    with pytest.raises(FileFormatError, match="lineage stamp"):
        lineage_from_json({**REAL.to_json(), "guarantee": guarantee}, "here")
