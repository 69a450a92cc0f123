"""What a stand-in can be used for and the five answers, as text and as a small table for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from locum.evaluation.vocabulary import QUESTIONS, USE_HEADING, verdict_words
from locum.report.words import sentence

if TYPE_CHECKING:
    from locum.evaluation.evidence import Answer, UseAnswer

#: Colours of verdicts that can be read on light and on dark ground.
_COLOURS = {
    **dict.fromkeys(("good", "guaranteed", "yes"), "#0a8a5f"),
    **dict.fromkeys(("middling", "with care"), "#a87a00"),
    **dict.fromkeys(("poor", "no"), "#c8362b"),
}


def _word(answer: Answer) -> str:
    return verdict_words(answer.verdict, answer.question)


def as_text(answers: Sequence[Answer], uses: Sequence[UseAnswer] = ()) -> str:
    """A line for each use, then question, verdict and sentence, two lines for each question."""
    lines = [USE_HEADING, *(f"  {u.title} [{u.word}] {u.sentence}" for u in uses)] if uses else []
    return "\n".join(
        [*lines, *(f"{QUESTIONS[a.question][0]} [{_word(a).lower()}]\n  {a.sentence}" for a in answers)]
    )


def as_line(answers: Sequence[Answer]) -> str:
    """All verdicts in one line: ``faithful: good, useful: good, ...``."""
    return ", ".join(f"{a.question}: {_word(a).lower()}" for a in answers)


def as_html(answers: Sequence[Answer], last: str = "", uses: Sequence[UseAnswer] = ()) -> str:
    """The same as a table for a notebook, without any address; `last` is a line below it."""
    lines: list[tuple[str, str, str, str]] = [
        (u.title, u.word, u.word[:1].upper() + u.word[1:], u.sentence) for u in uses
    ]
    lines += [(QUESTIONS[a.question][0], a.verdict, _word(a), a.sentence) for a in answers]
    rows = []
    for head, key, word, said in lines:
        colour = _COLOURS.get(key, "inherit")
        rows.append(
            f'<tr style="vertical-align:top"><th style="text-align:left">{escape(head)}</th>'
            f'<td style="text-align:left;font-weight:600;color:{colour}">{escape(word)}</td>'
            f'<td style="text-align:left;max-width:44em">{escape(sentence(said))}</td></tr>'
        )
    below = f"<p>{escape(last)}</p>" if last else ""
    return f"<table><tbody>{''.join(rows)}</tbody></table>{below}"
