"""Time left: exact when predictions are right, corrected when they are not, never negative."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.progress import Event
from locum.runs.time_left import Timeline


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_nothing_started_leaves_all_of_the_prediction():
    assert Timeline({"fit": 10, "sample": 2}, Clock()).left() == pytest.approx(12)


def test_a_right_prediction_counts_down():
    clock = Clock()
    line = Timeline({"fit": 10, "sample": 2}, clock)
    line.update(Event("fit", 0, 100))
    for percent in range(10, 100, 10):
        clock.now = percent / 10
        line.update(Event("fit", percent, 100))
        assert line.left() == pytest.approx(12 - clock.now)


def test_a_stage_that_is_slower_than_predicted_corrects_itself_and_what_follows():
    clock = Clock()
    line = Timeline({"fit": 10, "sample": 10}, clock)
    line.update(Event("fit", 0, 100))
    clock.now = 10
    line.update(Event("fit", 50, 100))
    assert line.left() == pytest.approx(10 + 20)


def test_a_finished_stage_leaves_only_the_next_ones():
    clock = Clock()
    line = Timeline({"fit": 4, "sample": 6}, clock)
    line.update(Event("fit", 0, 1))
    clock.now = 4
    line.update(Event("sample", 0, 1))
    assert line.left() == pytest.approx(6)


def test_a_skipped_stage_takes_no_time():
    line = Timeline({"fit": 100, "sample": 2}, Clock())
    line.skip("fit")
    assert line.left() == pytest.approx(2)


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.floats(-1, 10), st.floats(-1, 10), st.floats(0, 100)),
        max_size=30,
    )
)
def test_any_stream_of_events_gives_a_time_that_is_not_negative(events):
    clock = Clock()
    line = Timeline({"a": 1, "b": 0, "c": 50}, clock)
    for stage, done, total, passed in events:
        clock.now += passed
        line.update(Event(stage, done, total))
        assert 0 <= line.stage_share <= 1
        assert 0 <= line.left() < 1e7
