"""The page about synthetic texts: three answers, and every measure beside real texts and the bad end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from locum.evaluation.evidence import Answer
from locum.evaluation.result import Result
from locum.report.template import environment

_QUESTIONS = {
    "faithful": "Do they read like the real ones?",
    "useful": "Can a model learn from them?",
    "private": "Do they repeat the real ones?",
}


def render(
    column: str, texts: Mapping[str, int], created: str, answers: Sequence[Answer], results: Sequence[Result]
) -> str:
    """The evidence as one offline HTML page; it holds figures, no texts."""
    groups = [(words, [r for r in results if r.question == q]) for q, words in _QUESTIONS.items()]
    return (
        environment()
        .get_template("text.html.j2")
        .render(
            column=column,
            texts=texts,
            created=created,
            groups=[g for g in groups if g[1]],
            free=[r.title for r in results if not r.reads_private],
            answers=[
                (_QUESTIONS[a.question], a, "unclear" if a.verdict == "not measured" else a.verdict)
                for a in answers
            ],
        )
    )
