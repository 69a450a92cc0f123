"""The rule by which every question is answered: which measures decide, where the lines are, what is certain.

Nobody else concludes: results get their verdicts here, and terminal, page, JSON and alerts repeat them. The
rule in words is docs/decisions/0028-one-decision.md.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from types import MappingProxyType

import numpy as np

from locum.evaluation.claim import Claim, holm
from locum.evaluation.result import Question, Result, Verdict, worst_of

#: Chance of any false alarm within a question.
LEVEL = 0.05
#: Standard errors from a line to the smallest effect that is found in 4 of 5 cases.
POWER = 1.96 + 0.84


@dataclass(frozen=True, slots=True)
class Line:
    """Where an effect stops being good and starts being poor, and what good must rule out.

    Attributes
    ----------
    good, poor
        An effect whose whole 95 % interval lies beyond is no longer good, is poor.
    ruled_out
        Good is said only if the whole interval lies below this.
    words
        An effect of a size in words, with a place for the number.
    times
        The number shown is the effect times this.
    """

    good: float
    poor: float
    ruled_out: float
    words: str
    times: float = 100.0

    def said(self, effect: float) -> str:
        """An effect of that size in words."""
        number = self.times * effect
        return self.words.format(f"{number:.2g}" if abs(number) < 1 else f"{number:.0f}")


@dataclass(frozen=True, slots=True)
class Rule:
    """What answers one question.

    Attributes
    ----------
    decides
        Measures of which each must be good for the answer to be good; the first is always looked for.
    vetoes
        Measures that can only make the answer worse: the worst part, each attack. A star stands
        for any group, column or attack.
    """

    decides: tuple[str, ...]
    vetoes: tuple[str, ...] = ()

    def covers(self, name: str) -> bool:
        """Whether a result of that name has a say."""
        return _is_one_of(name, (*self.decides, *self.vetoes))


LINES: Mapping[str, Line] = MappingProxyType(
    {
        # faithful: area of the trained judge, and its share of the way from real rows to shuffled columns
        "judge": Line(0.60, 0.80, 0.62, "a judge that is right {} times in 100"),
        "judge's way": Line(0.35, 0.75, 0.40, "{} % of the way to shuffled columns"),
        # faithful: share of rows that would have to change value, beyond chance
        "column": Line(0.02, 0.10, 0.10, "{} % of the rows in one column"),
        "pair": Line(0.05, 0.20, 0.20, "{} % of the rows in one pair of columns"),
        "rules": Line(0.005, 0.05, 0.05, "{} % of the rows breaking a rule"),
        # useful: share of the skill lost
        "skill": Line(0.05, 0.20, 0.10, "a loss of {} % of the skill"),
        # private: share of rows copied, areas, shares found, risks
        "copies": Line(0.002, 0.01, 0.05, "copies of {} % of the rows"),
        "copies, no hold-out": Line(0.02, 0.02, 0.0, "copies of {} % of the rows"),
        "nearer": Line(0.02, 0.10, 0.30, "near copies of {} % of the rows"),
        "area": Line(0.51, 0.55, 0.62, "an attack that is right {} times in 100"),
        "outlying area": Line(0.53, 0.60, 0.75, "an attack that is right {} times in 100 on unusual rows"),
        "found at 1 %": Line(0.015, 0.03, 0.15, "{} % found with one false alarm in 100"),
        "risk": Line(0.02, 0.10, 0.15, "{} more successes in 100 than on rows never seen"),
        "advantage": Line(0.02, 0.05, 0.15, "{} more right guesses in 100 than on rows never seen"),
        # fair: points by which groups are treated worse than real rows treat them
        "points": Line(0.02, 0.10, 0.10, "{} points between groups"),
        # risk: share of the skill lost, share of the way to shuffled columns
        "mixing": Line(0.02, 0.05, 0.05, "a loss of {} % of the skill"),
        "generation": Line(0.10, 0.30, 0.20, "{} % of the way to shuffled columns"),
    }
)

RULES: Mapping[Question, Rule] = MappingProxyType(
    {
        "faithful": Rule(("c2st",), ("rules.broken", "columns.worst", "pairs.worst")),
        "useful": Rule(("utility.kept",)),
        "private": Rule(
            ("copying.exact",),
            ("copying.persons", "copying.distance", "copying.membership", "attack.*"),
        ),
        "fair": Rule(
            ("fair.model.*.demographic_parity",),
            ("fair.model.*.equalized_odds", "fair.parity.*", "fair.utility.*", "fair.fidelity.*"),
        ),
        "risk": Rule(("risk.mix", "risk.generation")),
    }
)
#: The sum of a family, which repeats the others and has no say of its own.
_SUM = "attack.worst"


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The answer to a question before it is put into words.

    Attributes
    ----------
    verdict
        ``not measured`` where nothing that decides was measured.
    decided
        Names of the results that led to it, the weightiest first.
    seen
        The smallest effect that would have been found in 4 of 5 cases, in words; empty when nobody knows.
    """

    verdict: Verdict
    decided: tuple[str, ...] = ()
    seen: str = ""


def _is_one_of(name: str, names: Collection[str]) -> bool:
    return any(fnmatchcase(name, n) for n in names)


def has_say(result: Result) -> bool:
    """Whether a result can move the answer to its question."""
    return result.name != _SUM and RULES[result.question].covers(result.name)


def deciding(question: Question) -> tuple[str, ...]:
    """Names of the measures on which the answer to a question rests, vetoes last."""
    return (*RULES[question].decides, *RULES[question].vetoes)


def level_of(claim: Claim) -> Verdict:
    """What one corrected claim shows; see `judged`."""
    line = LINES[claim.scale]
    if claim.corrected <= LEVEL and claim.low > line.good:
        return "poor" if claim.low > line.poor else "middling"
    return "good" if claim.high <= line.ruled_out else "unclear"


def judged(results: Sequence[Result], silenced: Collection[tuple[str, Verdict]] = ()) -> list[Result]:
    """The results with their verdicts; only those that have a say in an answer get one.

    Within a question all claims are one family of 5 % (`corrected`). A claim is middling when it is beyond
    chance after that and its whole 95 % interval beyond the good line, poor when the interval is beyond the
    poor line too; good when the interval stays below what must be ruled out; else unclear. A result is as bad
    as the worst of its claims, and unclear without any.

    Parameters
    ----------
    results
        As they were measured.
    silenced
        Questions and verdicts that negative controls have shown to mean nothing here: they become unclear.
    """
    out = list(results)
    for question in RULES:
        at = [i for i, r in enumerate(out) if r.question == question]
        mine = [i for i in at if has_say(out[i])]
        p_values = dict(zip(mine, corrected([out[i].claims for i in mine]), strict=True))
        for i in at:
            if i not in mine:
                out[i] = replace(out[i], verdict="not judged")
                continue
            claims = tuple(replace(c, corrected=p) for c, p in zip(out[i].claims, p_values[i], strict=True))
            verdict = worst_of([level_of(c) for c in claims])
            doubt = out[i].doubted if verdict in ("poor", "middling") else ""
            said = out[i].sentence.removesuffix(doubt) + doubt
            if doubt or (question, verdict) in silenced:
                verdict = "unclear"
            out[i] = replace(out[i], claims=claims, verdict=verdict, sentence=said)
    return out


def corrected(results: Sequence[Sequence[Claim]]) -> list[list[float]]:
    """p-values of the claims of a question, corrected in two steps: within each result, then between them.

    Within a result every p-value counts as often as the result has hypotheses: its claims, and those out of
    which some were picked (Bonferroni). Between results the least of each is corrected by Holm, and the
    others of the result by the same factor. The chance of any false alarm stays within the level whatever
    the dependence, and one result with many claims does not take the power of all others.
    """
    within = [[min(1.0, c.p * _hypotheses(claims)) for c in claims] for claims in results]
    asked = [i for i, p in enumerate(within) if p]
    least = [min(within[i]) for i in asked]
    factors = [1.0] * len(results)
    for place, k in enumerate(np.argsort(least, kind="stable").tolist()):
        factors[asked[k]] = float(len(asked) - place)
    floors = dict(zip(asked, holm(least).tolist(), strict=True))
    return [
        [min(1.0, max(floors[i], p * factors[i])) for p in mine] if mine else []
        for i, mine in enumerate(within)
    ]


def _hypotheses(claims: Sequence[Claim]) -> int:
    """How many hypotheses stand behind the claims of a result."""
    picked = {(c.scale, c.among) for c in claims if c.among > 1}
    return sum(c.among == 1 for c in claims) + sum(among for _, among in picked)


def decide(question: Question, results: Sequence[Result]) -> Conclusion:
    """The answer that judged results give to a question.

    The worst verdict that any result with a say has found against the stand-in; without any, good if all
    results that decide are good, else unclear.
    """
    rule = RULES[question]
    mine = [r for r in results if r.question == question and has_say(r)]
    main = [r for r in mine if _is_one_of(r.name, rule.decides)]
    if not mine or (not main and all(r.verdict in ("good", "unclear") for r in mine)):
        return Conclusion("not judged")
    verdict = worst_of([r.verdict for r in mine])
    if verdict == "unclear" and main and all(r.verdict == "good" for r in main):
        verdict = "good"
    if verdict in ("poor", "middling"):
        found = sorted((r for r in mine if r.verdict == verdict), key=_weight)
        return Conclusion(verdict, tuple(r.name for r in found))
    asked = [r for r in main if r.verdict == verdict] or main
    return Conclusion(verdict, tuple(r.name for r in asked), smallest_seen(asked))


def _weight(result: Result) -> float:
    """Sort key: how far the surest claim lies beyond the good line, in widths of the middle."""
    beyond = [
        (c.low - LINES[c.scale].good) / max(1e-9, LINES[c.scale].poor - LINES[c.scale].good)
        for c in result.claims
        if level_of(c) in ("poor", "middling")
    ]
    return -max(beyond, default=0.0)


def smallest_seen(results: Sequence[Result]) -> str:
    """The smallest effects that the claims would have found in 4 of 5 cases, one of each scale, in words."""
    found: dict[str, float] = {}
    for claim in (c for r in results for c in r.claims):
        size = LINES[claim.scale].good + POWER * claim.error
        found[claim.scale] = max(size, found.get(claim.scale, 0.0))
    said = [LINES[scale].said(size) for scale, size in found.items() if size < 1]
    return " or ".join(said[:1])
