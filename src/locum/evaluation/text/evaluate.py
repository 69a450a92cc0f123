"""All judges of text in the order of the report, and one answer to each question."""

from __future__ import annotations

from locum.evaluation.evidence import Answer
from locum.evaluation.registry import evaluators
from locum.evaluation.result import Question, Result, Verdict
from locum.evaluation.text.trial import TextTrial

_RANK: dict[Verdict, int] = {"poor": 0, "unclear": 1, "middling": 2, "good": 3}


def judge(trial: TextTrial) -> tuple[Result, ...]:
    """Every result. Cost: about 10 seconds of one core for three times 1,500 reviews."""
    return tuple(result for e in evaluators("text") for result in e.load()(trial))


def answers(trial: TextTrial, results: tuple[Result, ...]) -> tuple[Answer, ...]:
    """One answer to each of faithful, useful and private: the worst headline result speaks for all."""
    out = []
    asked: tuple[tuple[Question, str], ...] = (
        ("faithful", "Nothing was measured."),
        ("useful", "That needs labels of all parts and a hold-out."),
        ("private", "Without a hold-out nothing can be said about copying."),
    )
    for question, silence in asked:
        mine = [r for r in results if r.question == question]
        if question == "private" and trial.holdout is None:
            mine = [r for r in mine if r.verdict == "poor"]
        if not mine:
            out.append(Answer(question, "not measured", silence))
            continue
        head = [r for r in mine if r.headline or (r.verdict == "poor" and question == "private")] or mine
        worst = min(head, key=lambda r: _RANK[r.verdict])
        out.append(Answer(question, worst.verdict, worst.sentence))
    return tuple(out)
