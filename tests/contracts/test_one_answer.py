"""No page contradicts itself: hundreds of made-up evidences, and everything that is said about each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pytest

from locum.evaluation.alerts import alerts
from locum.evaluation.attacks.strongest import strongest
from locum.evaluation.claim import Claim
from locum.evaluation.decision import LINES, RULES, has_say, judged, level_of
from locum.evaluation.evidence import Alert, Answer, Control, Evidence, RunContext
from locum.evaluation.limits import Requirements, with_demands
from locum.evaluation.registry import result_of
from locum.evaluation.result import ORDER, Result
from locum.evaluation.trial import Trial
from locum.evaluation.uses import USES
from locum.evaluation.verdicts import answers, powerless
from locum.evaluation.vocabulary import verdict_words
from locum.report.answers import as_text
from locum.report.html import render
from locum.report.json import to_json
from locum.schema.column import Column
from locum.schema.table import Schema

#: Measures that a run may hold, with the scales of their claims; none where they are only shown.
MEASURES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "rules.broken": ("rules",),
        "c2st": ("judge", "judge's way"),
        "columns.worst": ("column",),
        "pairs.worst": ("pair",),
        "tv.1way": (),
        "tv.3way": (),
        "association": (),
        "utility.kept": ("skill",),
        "utility.tstr.x": (),
        "copying.exact": ("copies",),
        "copying.distance": ("nearer",),
        "copying.membership": ("area", "found at 1 %"),
        "copying.logprob": (),
        "attack.density.counts": ("area", "found at 1 %", "outlying area"),
        "attack.linkability": ("risk",),
        "attack.attribute": ("advantage",),
        "attack.groups.c": ("area",),
        "fair.model.c.demographic_parity": ("points",),
        "fair.model.c.calibration": (),
        "fair.parity.c": ("points",),
        "fair.fidelity.c": ("points",),
        "fair.utility.c": ("points",),
        "risk.mix": ("mixing",),
        "risk.generation": ("generation",),
    }
)
WORDS = {"column": "x", "measure": "R2", "target": "y", "label": "a", "groups": "c", "parity": "Parity"}
#: What may only be said of rows with such a verdict on copying.
ACCUSING = ("Copying was found", "Traces of copying were found", "found something")
CLEARING = ("No copying was found", "found anything")

N = 60
RNG = np.random.default_rng(0)
ROWS = [pa.table({"x": RNG.normal(size=N), "c": ["a", "b", "b"] * (N // 3)}) for _ in range(3)]
TRIAL = Trial(Schema((Column("x", "number"), Column("c", "category"))), *ROWS)


def claim_of(scale: str, rng: np.random.Generator) -> Claim:
    """A claim at any level: short of the lines, between them, beyond, or too wide to tell."""
    line = LINES[scale]
    width = max(line.poor - line.good, 0.02)
    effect = float(rng.uniform(line.good - 2 * width, line.poor + 2 * width))
    half = float(width * 10 ** rng.uniform(-2, 0.7))
    p = float(10 ** rng.uniform(-9, 0)) if effect > line.good else float(rng.uniform(0.05, 1))
    return Claim(scale, effect, effect - half, effect + half, p, among=int(rng.integers(1, 5)))


def evidence_of(seed: int) -> Evidence:
    rng = np.random.default_rng(seed)
    results: list[Result] = []
    for name, scales in MEASURES.items():
        if rng.random() < 0.15 and name != "c2st":
            continue
        claims = tuple(claim_of(s, rng) for s in scales)
        value = float(np.clip(claims[0].effect if claims else rng.random(), 0, 1))
        doubted = " Another cause may explain it." if rng.random() < 0.1 and "copying" in name else ""
        results.append(
            result_of(
                name,
                value,
                f"The measure {name} is {value:.3f}.",
                words=WORDS,
                low=max(0.0, value - 0.1),
                high=min(1.0, value + 0.1),
                claims=claims,
                doubted=doubted,
            )
        )
    controls = []
    for name, deserved in (("copy", "good"), ("independent", "poor")):
        got = str(rng.choice(ORDER))
        controls.append(
            Control(
                name,
                {"faithful": deserved},
                {"faithful": got},
                (got in ("poor", "middling")) == (deserved == "poor"),
                "A control.",
            )
        )
    results = judged(results, powerless(controls))
    results.append(strongest(results, "quick", []))
    said = answers(TRIAL, results, controls)
    warned = alerts(TRIAL, results, said, controls, [])
    found = Evidence(N, N, N, seed, said, tuple(results), (), (), tuple(controls), warned)
    return with_demands(found, Requirements())


def accused(verdict: str) -> bool:
    return verdict in ("poor", "middling")


def check(evidence: Evidence) -> None:
    by_name = {r.name: r for r in evidence.results}
    for answer in evidence.answers:
        mine = [r for r in evidence.results if r.question == answer.question and has_say(r)]
        bad = [r for r in mine if accused(r.verdict)]
        # An answer is as bad as the worst of its measures, and bad only if one of them is.
        assert accused(answer.verdict) == bool(bad), (answer, bad)
        if bad:
            assert ORDER.index(answer.verdict) == min(ORDER.index(r.verdict) for r in bad)  # type: ignore[arg-type]
            assert {by_name[n].verdict for n in answer.decided} == {answer.verdict}
            # What decided stands in the sentence.
            assert by_name[answer.decided[0]].sentence in answer.sentence
        if answer.verdict == "good":
            assert all(r.verdict in ("good", "unclear") for r in mine)
    for r in evidence.results:
        if not has_say(r) and r.name != "attack.worst":
            assert r.verdict == "not judged"
        if accused(r.verdict) and r.claims:
            worst = [c for c in r.claims if level_of(c) == r.verdict]
            assert worst and all(c.low > LINES[c.scale].good and c.corrected <= 0.05 for c in worst)


def check_uses(evidence: Evidence) -> None:
    """No use says other than the questions and measures that it rests on."""
    verdicts = {a.question: str(a.verdict) for a in evidence.answers}
    for use in evidence.uses:
        rests_on = {n.measure for n in USES[use.use].needs}
        bad = {q for q in rests_on if accused(verdicts.get(q, ""))}
        assert use.word != "yes" or not bad, (use, bad)
        assert set(use.decided) <= rests_on
        assert use.word in ("yes", "with care") or use.decided
        if use.use == "give_away":
            assert (use.word == "no") == accused(verdicts["private"]) and use.word != "yes"


def text_of(page: str) -> str:
    body = re.sub(r"<(style|svg)\b.*?</\1>", " ", page, flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


@pytest.mark.parametrize("first", range(0, 300, 50))
def test_no_page_contradicts_itself(first: int) -> None:
    for seed in range(first, first + 50):
        evidence = evidence_of(seed)
        check(evidence)
        check_uses(evidence)
        context = RunContext("t", "2026-11-22T09:30:00+00:00")
        page = text_of(render(evidence, context))
        said: dict[str, Answer] = {a.question: a for a in evidence.answers}
        private = said["private"].verdict
        total = next(r for r in evidence.results if r.name == "attack.worst")
        assert accused(total.verdict) == accused(private), seed
        unwanted = CLEARING if accused(private) else ACCUSING
        # "How to read" explains all words; it comes last.
        told = page[: page.rindex("How to read this page")]
        assert not any(w in told for w in unwanted), (seed, [w for w in unwanted if w in told])
        warned = [a for a in evidence.alerts if a.where == "copying"]
        assert bool(warned) == accused(private)
        for a in evidence.alerts:
            if "The distribution is off" in a.sentence or a.where == "rules":
                assert accused(said["faithful"].verdict)
        # Terminal, JSON and page give the same word.
        words = to_json(evidence, context)["verdicts"]
        lines = as_text(evidence.answers).splitlines()[::2]
        assert all(f"{u.title} [{u.word}]" in as_text(evidence.answers, evidence.uses) for u in evidence.uses)
        assert all(u.sentence in page for u in evidence.uses)
        for answer, line in zip(evidence.answers, lines, strict=True):
            word = verdict_words(answer.verdict, answer.question)
            assert words[answer.question] == answer.verdict
            assert line.endswith(f"[{word.lower()}]") and word in page


def test_the_test_would_notice() -> None:
    """A verdict that was tampered with, and an alert that nobody decided, are contradictions."""
    from dataclasses import replace

    evidence = next(e for e in map(evidence_of, range(50)) if not accused(e.answers[0].verdict))
    first = replace(evidence.answers[0], verdict="poor")
    with pytest.raises(AssertionError):
        check(replace(evidence, answers=(first, *evidence.answers[1:])))
    assert Alert("warning", "copying", "x") not in evidence.alerts
    assert set(RULES) == {a.question for a in evidence.answers}
