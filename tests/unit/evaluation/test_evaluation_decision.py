"""The rule that answers every question: intervals and corrected chance decide, nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.evaluation.claim import Claim
from locum.evaluation.decision import LINES, RULES, corrected, decide, has_say, judged, level_of
from locum.evaluation.result import ORDER, Question, Result


def result(name: str, question: Question, *claims: Claim, doubted: str = "") -> Result:
    return Result(name, name, question, 0.5, "lower", f"{name} is so.", claims=claims, doubted=doubted)


def claim(scale: str, low: float, high: float, p: float, among: int = 1) -> Claim:
    return Claim(scale, (low + high) / 2, low, high, p, among=among)


@pytest.mark.parametrize(
    ("low", "high", "p", "verdict"),
    [
        (0.48, 0.55, 0.5, "good"),
        (0.48, 0.70, 0.5, "unclear"),  # an area of .59 that may be .70
        (0.61, 0.70, 0.20, "unclear"),  # beyond the line, but chance alone would show it
        (0.61, 0.70, 1e-6, "middling"),
        (0.61, 0.95, 1e-6, "middling"),  # poor is not certain
        (0.81, 0.95, 1e-6, "poor"),
        (0.59, 0.95, 1e-6, "unclear"),
        (0.53, 0.57, 1e-6, "good"),  # beyond chance, and short of the line all the same
    ],
)
def test_the_interval_decides_and_chance_is_allowed_for(
    low: float, high: float, p: float, verdict: str
) -> None:
    found = judged([result("c2st", "faithful", claim("judge", low, high, p))])
    assert found[0].verdict == verdict
    assert decide("faithful", found).verdict == verdict


def test_the_family_is_corrected_as_one() -> None:
    """A p-value of .01 counts alone, not beside nine others, nor when it was picked out of ten."""
    alone = claim("area", 0.56, 0.60, 0.01)
    others = [result(f"attack.{i}", "private", claim("area", 0.45, 0.55, 0.5)) for i in range(9)]
    assert judged([result("attack.x", "private", alone)])[0].verdict == "poor"
    assert judged([result("attack.x", "private", alone), *others])[0].verdict == "good"
    assert judged([result("attack.x", "private", replace(alone, among=10))])[0].verdict == "good"
    elsewhere = [replace(r, question="risk", name="risk.mix") for r in others]
    assert judged([result("attack.x", "private", alone), *elsewhere])[0].verdict == "poor"


def test_a_veto_makes_an_answer_worse_and_never_better() -> None:
    fine = result("c2st", "faithful", claim("judge", 0.48, 0.52, 0.5))
    bad = result("pairs.worst", "faithful", claim("pair", 0.4, 0.5, 1e-9))
    vague = result("columns.worst", "faithful", claim("column", -0.2, 0.3, 0.5))
    assert decide("faithful", judged([fine, vague])).verdict == "good"
    made = decide("faithful", judged([fine, vague, bad]))
    assert (made.verdict, made.decided) == ("poor", ("pairs.worst",))
    assert decide("faithful", judged([vague])).verdict == "not judged"
    assert decide("faithful", judged([bad])).verdict == "poor"
    assert decide("faithful", judged([result("c2st", "faithful"), vague])).verdict == "unclear"


def test_numbers_without_a_say_get_no_verdict() -> None:
    shown = result("tv.3way", "faithful", claim("pair", 0.4, 0.5, 1e-9))
    assert judged([shown])[0].verdict == "not judged"
    assert decide("faithful", judged([shown])).verdict == "not judged"


def test_what_may_have_another_cause_is_unclear_and_says_so() -> None:
    shaky = result("attack.x", "private", claim("area", 0.7, 0.8, 1e-9), doubted=" Another cause.")
    found = judged(judged([shaky]))
    assert found[0].verdict == "unclear" and found[0].sentence == "attack.x is so. Another cause."
    fine = replace(shaky, claims=(claim("area", 0.45, 0.55, 0.5),))
    assert judged([fine])[0].verdict == "good" and "cause" not in judged([fine])[0].sentence


def test_the_smallest_effect_that_would_have_been_seen() -> None:
    """A line of .60 and a standard error of .05: .60 + 2.8 * .05 = .74."""
    wide = claim("judge", 0.55 - 1.96 * 0.05, 0.55 + 1.96 * 0.05, 0.3)
    made = decide("faithful", judged([result("c2st", "faithful", wide)]))
    assert made.verdict == "unclear" and made.seen == "a judge that is right 74 times in 100"


SCALES = {"faithful": "judge", "useful": "skill", "private": "copies", "fair": "points", "risk": "mixing"}


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_worse_claims_never_give_a_better_answer(data: st.DataObject) -> None:
    question = data.draw(st.sampled_from(sorted(RULES)))
    rule = RULES[question]  # type: ignore[index]
    names = [n.replace("*", "x") for n in (*rule.decides, *rule.vetoes)]
    effects = st.floats(-0.2, 1.2)
    made = []
    for name in names:
        effect, half = data.draw(effects), data.draw(st.floats(0.001, 0.4))
        p = data.draw(st.floats(0, 1))
        made.append(
            result(name, question, Claim(SCALES[question], effect, effect - half, effect + half, p))  # type: ignore[arg-type]
        )
    before = judged(made)
    k = data.draw(st.integers(0, len(names) - 1))
    old, shift = made[k].claims[0], data.draw(st.floats(0, 1))
    worse = replace(
        old, effect=old.effect + shift, low=old.low + shift, high=old.high + shift, p=old.p * (1 - shift)
    )
    after = judged([*made[:k], replace(made[k], claims=(worse,)), *made[k + 1 :]])
    first, second = (decide(question, r).verdict for r in (before, after))  # type: ignore[arg-type]
    assert ORDER.index(second) <= ORDER.index(first) or "not judged" in (first, second)
    for results, verdict in ((before, first), (after, second)):
        own = [ORDER.index(r.verdict) for r in results if has_say(r) and r.verdict in ("poor", "middling")]
        assert not own or ORDER.index(verdict) == min(own)


def test_lines_are_in_order() -> None:
    for scale, line in LINES.items():
        assert line.good <= line.poor, scale
        assert "{}" in line.words
    rng = np.random.default_rng(0)
    for scale in LINES:
        for _ in range(50):
            low, high = np.sort(rng.uniform(-0.5, 1, 2))
            level = level_of(replace(claim(scale, float(low), float(high), 0.0), corrected=0.0))
            assert (level == "poor") == (low > LINES[scale].poor), scale


def test_a_question_is_one_family_of_five_per_cent_whatever_it_holds() -> None:
    """Of 4,000 questions of pure chance at most 5 % + 3 standard errors are accused (fixed seed)."""
    rng = np.random.default_rng(11)
    alarms = 0
    for _ in range(4_000):
        single = [Claim("points", 1, 0, 2, float(p)) for p in rng.random(4)]
        many = np.sort(rng.random(40))[:3]
        picked = [Claim("column", 1, 0, 2, float(p), among=40) for p in many]
        asked = [single, picked, [Claim("judge", 1, 0, 2, float(rng.random()))], []]
        alarms += any(p <= 0.05 for mine in corrected(asked) for p in mine)
    assert alarms / 4_000 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 4_000)


def test_a_result_with_many_claims_does_not_take_the_power_of_others() -> None:
    alone = [Claim("judge", 1, 0, 2, 0.004)]
    crowd = [Claim("column", 1, 0, 2, 0.5, among=300) for _ in range(12)]
    assert corrected([alone, crowd]) == [[pytest.approx(0.008)], [1.0] * 12]
