"""The answer about risk names the use in which harm was found."""

from __future__ import annotations

from locum.evaluation.result import Result, Verdict
from locum.evaluation.verdicts import _risk


def of(name: str, verdict: Verdict, sentence: str) -> Result:
    return Result(
        name=name, title=name, question="risk", value=0.0, direction="lower", verdict=verdict,
        sentence=sentence,
    )  # fmt: skip


def said(mix: Verdict, generation: Verdict) -> str:
    found = [of("risk.mix", mix, "Mixing."), of("risk.generation", generation, "Learning.")]
    return _risk({r.name: r for r in found}, "good").sentence


def test_harm_in_one_use_is_not_denied_by_the_other():
    assert said("unclear", "poor") == (
        "Clear harm was found when a generator learns from these rows. Learning. Mixing."
    )
    assert said("poor", "good") == (
        "Clear harm was found when these rows are added to real ones. Mixing. Learning."
    )
    assert said("fair", "fair") == (
        "Some loss was found when these rows are added to real ones and when a generator learns from these "
        "rows. Mixing. Learning."
    )


def test_no_use_is_named_where_nothing_was_found():
    assert said("unclear", "good") == "Little, as far as was tested. Learning. Mixing."
    assert said("unclear", "unclear") == "The rows do not suffice to tell. Mixing. Learning."


def test_little_to_lose_is_not_good() -> None:
    """Of rows that are told from real ones at once nothing is lost by another generation."""
    found = {"risk.generation": of("risk.generation", "good", "Nothing was lost.")}
    assert _risk(found, "good").verdict == "good"
    answer = _risk(found, "poor")
    assert answer.verdict == "unclear" and answer.sentence.startswith("Little besides what is wrong")
