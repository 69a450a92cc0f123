"""What a stand-in can be used for: each use is answered by a written rule from questions and measures.

The rules are data (`USES`) and can be changed in ``[use]`` of ``locum.toml`` (`locum.evaluation.use_rules`).
They repeat what `locum.evaluation.decision` concludes and conclude nothing of their own; why they are as they
are stands in docs/decisions/0029-uses.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Literal, get_args

from locum.evaluation.evidence import Answer, UseAnswer
from locum.evaluation.result import ORDER, Result, worst_of
from locum.evaluation.vocabulary import QUESTIONS

UseWord = Literal["yes", "with care", "no", "not known"]
USE_WORDS: tuple[UseWord, ...] = get_args(UseWord)
#: Words from the one that outweighs all others to the one that all others outweigh.
_WEIGHT: tuple[UseWord, ...] = ("no", "not known", "with care", "yes")
#: Reasons of an answer that are said, at most.
SAID = 2


@dataclass(frozen=True, slots=True)
class Need:
    """What a use asks of one question or measure.

    Attributes
    ----------
    measure
        A question, or the name of a result; a star stands for any part.
    makes
        Verdicts that leave something to be desired, with the word that each makes of the use.
    """

    measure: str
    makes: Mapping[str, UseWord]


@dataclass(frozen=True, slots=True)
class ValueNeed:
    """What a user asks of the value of a result: the whole interval at most, or at least, so much."""

    measure: str
    sign: Literal[">=", "<="]
    limit: float


@dataclass(frozen=True, slots=True)
class UseRule:
    """One use and its rule.

    Attributes
    ----------
    key, title
        Its name in files, and for people.
    needs
        All have to be met.
    fine
        What is said where they are.
    always
        What has to be minded even then; the best word is then "with care".
    """

    key: str
    title: str
    needs: tuple[Need | ValueNeed, ...]
    fine: str = "All that you require of it is met."
    always: str = ""


def _need(measure: str, **makes: UseWord) -> Need:
    return Need(measure, MappingProxyType({k.replace("_", " "): v for k, v in makes.items()}))


#: Copies do harm wherever the rows go to people who may not see the real ones.
_NO_COPIES = _need("private", poor="no", middling="with care", unclear="with care")
#: The same among people who may see the real rows anyway.
_MIND_COPIES = _need("private", poor="with care", middling="with care")

USES: Mapping[str, UseRule] = MappingProxyType(
    {
        use.key: use
        for use in (
            UseRule(
                "test_software",
                "Test software",
                (
                    _need("rules.broken", poor="no", middling="with care", unclear="with care"),
                    _need("columns.worst", poor="with care"),
                    _NO_COPIES,
                ),
                "The rows have the form of the real ones; no fault was found that a test would trip over.",
            ),
            UseRule(
                "teach",
                "Teach with it",
                (
                    _need(
                        "faithful",
                        poor="no",
                        middling="with care",
                        unclear="with care",
                        not_measured="not known",
                    ),
                    _NO_COPIES,
                ),
                "The rows look like the real ones, as far as was tested.",
            ),
            UseRule(
                "explore",
                "Explore it",
                (
                    _need(
                        "faithful",
                        poor="no",
                        middling="with care",
                        unclear="not known",
                        not_measured="not known",
                    ),
                    _MIND_COPIES,
                ),
                "Patterns are as in the real rows, as far as was tested; confirm there what matters.",
            ),
            UseRule(
                "train_model",
                "Train a model",
                (
                    _need(
                        "useful",
                        poor="no",
                        middling="with care",
                        unclear="not known",
                        not_measured="not known",
                    ),
                    _need("risk", poor="with care", middling="with care"),
                    _need("fair", poor="with care", middling="with care"),
                    _MIND_COPIES,
                ),
                "Models that learn from it keep their skill, as far as was tested; test yours on real rows.",
            ),
            UseRule(
                "publish_figures",
                "Publish figures",
                (
                    _need(
                        "faithful",
                        poor="no",
                        middling="no",
                        unclear="not known",
                        not_measured="not known",
                    ),
                    _MIND_COPIES,
                ),
                always="Say that the rows are synthetic: programs take them for real ones, so their "
                "intervals are too narrow and their p-values too small.",
            ),
            UseRule(
                "give_away",
                "Give it to others",
                (
                    _need(
                        "private",
                        poor="no",
                        middling="no",
                        unclear="not known",
                        good="with care",
                        none_found="with care",
                        not_measured="not known",
                    ),
                ),
                "A guarantee of privacy covers the rows; it does not cover this report.",
            ),
        )
    }
)

#: What a verdict means for any use, as half a sentence, and what would help.
_REASONS: Mapping[tuple[str, str], tuple[str, str]] = MappingProxyType(
    {
        ("faithful", "poor"): ("much of it is unlike the real rows", ""),
        ("faithful", "middling"): ("parts of it are unlike the real rows", "See which below."),
        ("faithful", "unclear"): (
            "the rows do not suffice to tell how faithful it is",
            "More real rows kept out of fitting would tell.",
        ),
        ("faithful", "not measured"): ("it was not measured how faithful it is", ""),
        ("useful", "poor"): ("models that learn from it lose much of their skill", ""),
        ("useful", "middling"): ("models that learn from it lose some of their skill", ""),
        ("useful", "unclear"): (
            "the rows do not suffice to tell how much skill a model keeps",
            "More real rows kept out of fitting would tell.",
        ),
        ("useful", "not measured"): (
            "nothing was predicted from it",
            "Naming a column to predict (--target) may tell.",
        ),
        ("private", "poor"): ("real rows were copied", "Treat it like the real rows."),
        ("private", "middling"): ("there are traces of copying", "Treat it like the real rows."),
        ("private", "unclear"): (
            "the rows do not suffice to tell whether real ones were copied",
            "More real rows kept out of fitting would tell, and a guarantee (--epsilon) would do without.",
        ),
        ("private", "not measured"): ("copying was not looked for", ""),
        ("private", "good"): ("no copying was found, but nothing is guaranteed", ""),
        ("private", "none found"): (
            "no copying was found, but nothing is guaranteed",
            "Decide who may have it, or make it with --epsilon.",
        ),
        ("fair", "poor"): ("models that learn from it treat groups quite otherwise than real rows do", ""),
        ("fair", "middling"): ("models that learn from it treat some groups otherwise than real rows do", ""),
        ("risk", "poor"): ("harm was found when these rows are trained on", "See training risk below."),
        ("risk", "middling"): (
            "some loss was found when these rows are trained on",
            "See training risk below.",
        ),
        ("rules.broken", "poor"): ("many rows break a rule that all real rows keep", ""),
        ("rules.broken", "middling"): ("some rows break a rule that all real rows keep", ""),
        ("rules.broken", "unclear"): (
            "the rows do not suffice to tell whether rules of the real rows are kept",
            "",
        ),
        ("columns.worst", "poor"): ("one column is far from the real one", ""),
    }
)


@dataclass(frozen=True, slots=True)
class _Reason:
    """What one need makes of a use."""

    word: UseWord
    measure: str
    said: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a stand-in: verdicts of questions, and results by name."""

    answers: Mapping[str, str]
    results: Mapping[str, Result] = field(default_factory=dict)

    def verdict(self, measure: str) -> str:
        """The verdict of a question, or the worst of all results of a name."""
        if measure in QUESTIONS:
            return self.answers.get(measure, "not measured").replace("not judged", "not measured")
        found = [r.verdict for name, r in self.results.items() if fnmatchcase(name, measure)]
        judged = [v for v in found if v in ORDER]
        return worst_of(judged) if judged else "not judged" if found else "not measured"


def uses(
    answers: Sequence[Answer], results: Sequence[Result], rules: Sequence[UseRule] = ()
) -> tuple[UseAnswer, ...]:
    """Each use with a word and a sentence, in the order of `USES`.

    Parameters
    ----------
    answers, results
        Judged, and with the guarantee if one was made.
    rules
        Rules of the user, each in the place of the one of its key.
    """
    known = _Known({a.question: str(a.verdict) for a in answers}, {r.name: r for r in results})
    changed = {rule.key: rule for rule in rules}
    return tuple(_answer(changed.get(key, use), known) for key, use in USES.items())


def _answer(use: UseRule, known: _Known) -> UseAnswer:
    reasons = [r for need in use.needs if (r := _reason(need, known)) is not None]
    if use.always:
        reasons.append(_Reason("with care", "", use.always))
    word: UseWord = next((w for w in _WEIGHT if any(r.word == w for r in reasons)), "yes")
    told = [r for r in reasons if r.word == word][:SAID]
    sentence = " ".join(_sentences(told)) or use.fine
    return UseAnswer(use.key, use.title, word, sentence, tuple(r.measure for r in told if r.measure))


def _sentences(told: Sequence[_Reason]) -> list[str]:
    """Reasons as sentences, what helps but once."""
    said = [r.said[:1].upper() + r.said[1:] + ("" if r.said.endswith(".") else ".") for r in told]
    return [*said, *dict.fromkeys(r.help for r in told if r.help)]


def _reason(need: Need | ValueNeed, known: _Known) -> _Reason | None:
    """What a need makes of the use; None where it is met."""
    if isinstance(need, ValueNeed):
        return _held(need, known)
    verdict = known.verdict(need.measure)
    word = need.makes.get(verdict)
    if word is None:
        return None
    said, help_ = _REASONS.get((need.measure, verdict)) or (f"{need.measure} is {verdict}", "")
    return _Reason(word, need.measure, said, help_)


def _held(bound: ValueNeed, known: _Known) -> _Reason | None:
    result = known.results.get(bound.measure)
    sign = "at least" if bound.sign == ">=" else "at most"
    if result is None:
        return _Reason("not known", bound.measure, f"the result {bound.measure} was not measured")
    low = result.value if result.low is None else result.low
    high = result.value if result.high is None else result.high
    kept = low >= bound.limit if bound.sign == ">=" else high <= bound.limit
    if kept:
        return None
    broken = high < bound.limit if bound.sign == ">=" else low > bound.limit
    said = f"the result {bound.measure} is {result.value:.4g}"
    if low < high:
        said += f" (95 % interval {low:.4g} to {high:.4g})"
    said += f", and {sign} {bound.limit:g} is required"
    return _Reason("no" if broken else "not known", bound.measure, said)
