"""Uses: each answer follows from its rule, a user's own rule takes its place, and a use can be demanded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from locum.errors import SchemaError
from locum.evaluation.evidence import Answer, Evidence, UseAnswer
from locum.evaluation.limits import parse_limits, requirements, with_demands
from locum.evaluation.registry import result_of
from locum.evaluation.result import Result
from locum.evaluation.use_rules import read_rules, rules_as_json
from locum.evaluation.uses import USES, Need, uses

BEST = {"faithful": "good", "useful": "good", "private": "none found", "fair": "good", "risk": "good"}


def answers(**verdicts: str) -> tuple[Answer, ...]:
    return tuple(Answer(q, v, f"{q} is {v}.") for q, v in {**BEST, **verdicts}.items())  # type: ignore[arg-type]


def words(found: tuple[UseAnswer, ...]) -> dict[str, str]:
    return {u.use: u.word for u in found}


def kept(value: float, low: float, high: float) -> Result:
    return result_of("utility.kept", value, "Skill is kept.", low=low, high=high)


def rules_broken(verdict: str) -> Result:
    found = result_of("rules.broken", 0.1, "Rules are broken.")
    return replace(found, verdict=verdict)  # type: ignore[arg-type]


def evidence(said: tuple[Answer, ...], *results: Result) -> Evidence:
    return Evidence(9, 9, 9, 0, said, results, (), (), ())


def test_without_a_guarantee_the_best_that_can_be_said_of_giving_away_is_with_care() -> None:
    found = words(uses(answers(), ()))
    assert found == {
        "test_software": "yes",
        "teach": "yes",
        "explore": "yes",
        "train_model": "yes",
        "publish_figures": "with care",
        "give_away": "with care",
    }
    assert words(uses(answers(private="guaranteed"), ()))["give_away"] == "yes"


@pytest.mark.parametrize(
    ("verdicts", "use", "word"),
    [
        ({"private": "poor"}, "test_software", "no"),
        ({"private": "middling"}, "test_software", "with care"),
        ({"private": "middling"}, "give_away", "no"),
        ({"private": "unclear"}, "give_away", "not known"),
        ({"private": "unclear"}, "teach", "with care"),
        ({"private": "unclear"}, "explore", "yes"),
        ({"private": "poor"}, "explore", "with care"),
        ({"faithful": "unclear"}, "teach", "with care"),
        ({"faithful": "unclear"}, "publish_figures", "not known"),
        ({"faithful": "middling"}, "publish_figures", "no"),
        ({"useful": "not measured"}, "train_model", "not known"),
        ({"useful": "poor"}, "train_model", "no"),
        ({"risk": "middling"}, "train_model", "with care"),
        ({"fair": "poor"}, "train_model", "with care"),
    ],
)
def test_a_verdict_makes_what_the_rule_says(verdicts: dict[str, str], use: str, word: str) -> None:
    assert words(uses(answers(**verdicts), ()))[use] == word


@pytest.mark.parametrize(("verdict", "word"), [("poor", "no"), ("middling", "with care"), ("good", "yes")])
def test_rows_that_break_rules_are_not_fit_for_tests(verdict: str, word: str) -> None:
    assert words(uses(answers(), [rules_broken(verdict)]))["test_software"] == word


def test_no_is_stronger_than_not_known_and_that_than_with_care() -> None:
    found = uses(answers(useful="unclear", fair="poor", private="poor"), ())
    (train,) = [u for u in found if u.use == "train_model"]
    assert train.word == "not known" and train.decided == ("useful",)


def test_every_verdict_that_a_rule_minds_has_words() -> None:
    needs = [n for use in USES.values() for n in use.needs if isinstance(n, Need) and n.measure in BEST]
    minded = {(n.measure, verdict) for n in needs for verdict in n.makes}
    assert len(minded) > 12
    for measure, verdict in minded:
        for found in uses(answers(**{measure: verdict}), ()):
            assert found.sentence[0].isupper() and found.sentence.endswith(".")
            assert f"{measure} is" not in found.sentence.lower()


def test_a_users_rule_takes_the_place_of_ours_and_needs_the_whole_interval() -> None:
    rules = read_rules({"train_model": {"utility": {"kept": ">= .95"}, "faithful": "good"}})

    def word(*results: Result, **verdicts: str) -> str:
        return words(uses(answers(**verdicts), results, rules))["train_model"]

    assert word(kept(0.98, 0.96, 1.0)) == "yes"
    assert word(kept(0.98, 0.94, 1.0)) == "not known"
    assert word(kept(0.90, 0.88, 0.94)) == "no"
    assert word() == "not known"
    assert word(kept(0.98, 0.96, 1.0), faithful="middling") == "no"
    # What the rule does not name has no say any longer.
    assert word(kept(0.98, 0.96, 1.0), useful="poor", private="poor") == "yes"


def test_rules_come_back_from_their_text() -> None:
    given = {"train_model": {"utility.kept": ">= 0.95", "c2st": "<= 0.6", "faithful": "middling"}}
    given |= {"give_away": {"private": "guaranteed"}}
    rules = read_rules(given)
    assert rules_as_json(rules) == given
    assert requirements(requirements({"rules": given}).to_json()).rules == rules


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"train_modle": {"faithful": "good"}}, "Did you mean 'train_model'"),
        ({"teach": {"faithful": "fine"}}, "nothing that can be asked"),
        ({"teach": {"c2st": ">= lots"}}, "nothing that can be asked"),
        ({"teach": "good"}, "needs a rule"),
        ({"teach": {}}, "needs a rule"),
    ],
)
def test_a_rule_that_cannot_be_read_says_where(given: dict[str, object], said: str) -> None:
    with pytest.raises(SchemaError, match=said):
        read_rules(given)


@pytest.mark.parametrize(
    ("texts", "strict", "verdicts"),
    [
        (["teach"], False, ["pass"]),
        (["use.teach=yes", "give-away=with care"], False, ["pass", "pass"]),
        (["publish_figures"], False, ["fail"]),
        (["train_model"], False, ["unclear"]),
        (["train_model"], True, ["fail"]),
    ],
)
def test_a_use_can_be_demanded(texts: list[str], strict: bool, verdicts: list[str]) -> None:
    found = with_demands(evidence(answers(useful="unclear")), parse_limits(texts, strict))
    assert [c.verdict for c in found.requirements] == verdicts
    assert all(c.text.startswith("use.") for c in found.requirements)


def test_a_demand_on_a_use_that_there_is_not_is_refused() -> None:
    with pytest.raises(SchemaError, match="Did you mean 'teach'"):
        parse_limits(["use.teech=yes"])
    with pytest.raises(SchemaError, match="cannot be demanded"):
        parse_limits(["teach=no"])
