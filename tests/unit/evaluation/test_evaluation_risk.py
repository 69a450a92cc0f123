"""The answer about risk names the use in which harm was found."""

from __future__ import annotations

import pyarrow as pa

from locum.evaluation.claim import Claim
from locum.evaluation.decision import judged
from locum.evaluation.result import Result
from locum.evaluation.trial import Trial
from locum.evaluation.verdicts import answers
from locum.schema.column import Column
from locum.schema.table import Schema

ROWS = pa.table({"x": [float(i) for i in range(40)]})
TRIAL = Trial(Schema((Column("x", "number"),)), ROWS, ROWS, ROWS)
#: An effect of each verdict on either scale: whole intervals beyond the poor line, between, short of both.
CLAIMS = {
    "risk.mix": {"poor": 0.2, "middling": 0.035, "good": -0.1, "unclear": None},
    "risk.generation": {"poor": 0.6, "middling": 0.2, "good": -0.1, "unclear": None},
}
SCALES = {"risk.mix": "mixing", "risk.generation": "generation"}


def of(name: str, verdict: str, sentence: str) -> Result:
    effect = CLAIMS[name][verdict]
    claim = Claim(SCALES[name], 0.0, -1.0, 1.0, 1.0)
    if effect is not None:
        claim = Claim(SCALES[name], effect, effect - 0.01, effect + 0.01, 1e-9 if effect > 0 else 1.0)
    return Result(name, name, "risk", 0.0, "lower", sentence, claims=(claim,))


def said(mix: str, generation: str) -> tuple[str, str]:
    found = [of("risk.mix", mix, "Mixing."), of("risk.generation", generation, "Learning.")]
    answer = next(a for a in answers(TRIAL, judged(found)) if a.question == "risk")
    return answer.verdict, answer.sentence


def test_harm_in_one_use_is_not_denied_by_the_other() -> None:
    assert said("unclear", "poor") == (
        "poor",
        "Clear harm was found when a generator learns from these rows. Learning.",
    )
    assert said("poor", "good") == (
        "poor",
        "Clear harm was found when these rows are added to real ones. Mixing.",
    )
    verdict, sentence = said("middling", "middling")
    assert verdict == "middling" and sentence.startswith("Some loss was found when")
    assert "added to real ones" in sentence and "learns from these rows" in sentence


def test_no_use_is_named_where_nothing_was_found() -> None:
    assert said("good", "good") == ("good", "Little, as far as was tested. Mixing. Learning.")
    verdict, sentence = said("unclear", "good")
    assert verdict == "unclear" and "do not suffice" in sentence and "Mixing." in sentence
