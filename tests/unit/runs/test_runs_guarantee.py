"""How a guarantee is told in the answer about privacy."""

from __future__ import annotations

import pytest

from locum.evaluation.evidence import Answer
from locum.privacy.unit import Unit
from locum.report.marks import mark
from locum.runs.guarantee import statement, with_guarantee

FOUND = "No guarantee was made. Smoke tests found no copying, which is no proof."


@pytest.mark.parametrize(("before", "after"), [("unclear", "guaranteed"), ("poor", "poor")])
def test_a_guarantee_is_marked_unless_attacks_refute_it(before: str, after: str) -> None:
    (told,) = with_guarantee([Answer("private", before, FOUND)], statement(Unit(), 1.0, 1e-5))  # type: ignore[arg-type]
    assert told.verdict == after
    assert told.sentence.startswith("Guaranteed: (1, 1e-05)-differential privacy at unit a row")
    assert "found no copying" in told.sentence


def test_test_mode_is_never_marked() -> None:
    said = statement(Unit(), 1.0, 1e-5, stamp="NOT PRIVATE")
    (told,) = with_guarantee([Answer("private", "unclear", FOUND)], said)
    assert told.verdict == "unclear" and told.sentence.startswith(
        "NOT PRIVATE. No guarantee of privacy is made."
    )
    assert "Guaranteed" not in told.sentence


def test_the_mark_on_the_page() -> None:
    assert mark("guaranteed", "private").words == "Guaranteed"
    assert mark("good", "private").words == "No copying seen"
