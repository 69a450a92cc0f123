"""How a guarantee is told in the answer about privacy."""

from __future__ import annotations

import pytest

from locum.evaluation.evidence import Answer
from locum.privacy.unit import Unit
from locum.report.marks import mark
from locum.runs.guarantee import statement, with_guarantee, with_stamp
from locum.schema.lineage import Guarantee, Lineage

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


def test_rows_with_the_stamp_of_a_guarantee_are_not_said_to_have_none() -> None:
    said, answer = statement(Unit(), 1.0, 1e-5), Answer("private", "unclear", FOUND)
    (told,) = with_stamp([answer], Lineage(depth=1, guarantee=Guarantee(said, "0" * 64)))
    assert told.verdict == "unclear" and said in told.sentence and "not checked here" in told.sentence
    assert "No guarantee" not in told.sentence and "found no copying" in told.sentence
    void = Guarantee(said, "0" * 64, "real rows were read")
    for lineage in (None, Lineage(depth=1), Lineage(depth=1, guarantee=void)):
        assert with_stamp([answer], lineage) == (answer,)


def test_the_mark_on_the_page() -> None:
    assert mark("guaranteed", "private").words == "Guaranteed"
    assert mark("good", "private").words == "No copying found"
