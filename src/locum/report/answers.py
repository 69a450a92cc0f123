"""The five answers as text and as a small table for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from locum.evaluation.vocabulary import QUESTIONS, verdict_words
from locum.report.words import sentence

if TYPE_CHECKING:
    from locum.evaluation.evidence import Answer

#: Colours of verdicts that can be read on light and on dark ground.
_COLOURS = {"good": "#0a8a5f", "guaranteed": "#0a8a5f", "middling": "#a87a00", "poor": "#c8362b"}


def _word(answer: Answer) -> str:
    return verdict_words(answer.verdict, answer.question)


def as_text(answers: Sequence[Answer]) -> str:
    """Question, verdict and sentence, two lines for each question."""
    return "\n".join(f"{QUESTIONS[a.question][0]} [{_word(a).lower()}]\n  {a.sentence}" for a in answers)


def as_line(answers: Sequence[Answer]) -> str:
    """All verdicts in one line: ``faithful: good, useful: good, ...``."""
    return ", ".join(f"{a.question}: {_word(a).lower()}" for a in answers)


def as_html(answers: Sequence[Answer], last: str = "") -> str:
    """The same as a table for a notebook, without any address; `last` is a line below it."""
    rows = []
    for a in answers:
        colour = _COLOURS.get(a.verdict, "inherit")
        question = escape(QUESTIONS[a.question][0])
        rows.append(
            f'<tr style="vertical-align:top"><th style="text-align:left">{question}</th>'
            f'<td style="text-align:left;font-weight:600;color:{colour}">{escape(_word(a))}</td>'
            f'<td style="text-align:left;max-width:44em">{escape(sentence(a.sentence))}</td></tr>'
        )
    below = f"<p>{escape(last)}</p>" if last else ""
    return f"<table><tbody>{''.join(rows)}</tbody></table>{below}"
