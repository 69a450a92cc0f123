"""What a notebook shows of the objects that come back."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

import locum
from locum.errors import LocumError, UsageError
from locum.evaluation.evidence import Answer
from locum.report.answers import as_html, as_line, as_text
from locum.runs.outcome import RunOutcome

ANSWERS = (
    Answer("faithful", "good", "Yes, 50 % of <b>."),
    Answer("private", "none found", "No copying."),
    Answer("risk", "poor", "Harm."),
)


def test_answers_as_text_line_and_table():
    assert as_text(ANSWERS).splitlines()[:2] == ["Is it faithful? [good]", "  Yes, 50 % of <b>."]
    assert as_line(ANSWERS) == "faithful: good, private: no copying found, risk: clear harm"
    shown = as_html(ANSWERS, "a < b")
    assert "<b>" not in shown and "a &lt; b" in shown and shown.count("<tr") == 3
    assert "http" not in shown


def test_an_outcome_is_short_in_a_list_and_whole_in_print():
    found = RunOutcome(Path("run"), {}, ANSWERS, 8, 2, 8, 1.0, 1.0, 0)
    assert repr(found) == "<RunOutcome in run: faithful: good, private: no copying found, risk: clear harm>"
    assert str(found).splitlines()[-1].startswith("Report: run")
    assert "Harm." in found._repr_html_()


def test_a_synthesizer_says_what_it_is():
    assert repr(locum.Synthesizer("independent")) == "<Synthesizer independent, not fitted>"
    fitted = locum.fit(pa.table({"a": [1, 2, 3] * 20, "b": ["x", "y", "z"] * 20}), synthesizer="independent")
    assert repr(fitted) == "<Synthesizer independent, fitted to 60 rows x 2 columns>"


def test_a_target_that_is_no_column_is_refused():
    with pytest.raises(LocumError, match="no column 'bb'"):
        locum.fit(pa.table({"a": [1, 2, 3] * 20, "b": ["x", "y", "z"] * 20}), target="bb")


def test_messages_on_one_line_end_as_sentences_do():
    error = UsageError("no 'x'", where="t", expected="one of a, b, ...", do="did you mean a?")
    assert error.message == "t: no 'x'. Expected one of a, b, ... Did you mean a?"
