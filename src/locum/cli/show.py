"""Parts of results that several commands show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from locum.cli.console import note, out, say
from locum.evaluation.vocabulary import QUESTIONS, USE_HEADING, verdict_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from locum.evaluation.evidence import Answer, RequirementCheck, UseAnswer

_STYLES = {"good": "green", "guaranteed": "green", "middling": "yellow", "poor": "red"}
_USES = {"yes": "green", "with care": "yellow", "no": "red"}
_CHECKS = {"pass": "green", "unclear": "yellow", "fail": "red"}


def show_answers(answers: tuple[Answer, ...]) -> None:
    """The five questions with their sentences; the verdict is a word, never colour alone."""
    console = out()
    for answer in answers:
        verdict = verdict_words(answer.verdict, answer.question).lower()
        # Passing the copying tests is no merit, so "none found" is not green.
        style = _STYLES.get(answer.verdict, "dim")
        console.print(f"{QUESTIONS[answer.question][0]} ", style="bold", end="")
        console.print(f"[{verdict}]", style=style)
        say(f"  {answer.sentence}", hang=2)


def show_uses(uses: tuple[UseAnswer, ...]) -> None:
    """What the stand-in can be used for: a line each, its word in words."""
    if not uses:
        return
    say(USE_HEADING, "bold")
    width = max(len(u.title) for u in uses)
    for use in uses:
        out().print(f"  {use.title:<{width}}  ", end="")
        out().print(f"[{use.word}]", style=_USES.get(use.word, "dim"))
        say(f"    {use.sentence}", hang=4)
    say()


def show_checks(checks: tuple[RequirementCheck, ...]) -> None:
    """The user's limits, each with its verdict as a word."""
    if not checks:
        return
    say("What was required", "bold")
    for check in checks:
        out().print(f"  [{check.verdict}] ", style=_CHECKS[check.verdict], end="")
        out().print(check.sentence)
    say()


def show_notes(texts: Iterable[str]) -> None:
    """Side information, on standard error."""
    for text in texts:
        note(f"note: {text}")


def show_page(folder: Path | None, page: str, without: str = "", on: str = "rows") -> None:
    """Where the page of a study is; `without` is said when there is no folder."""
    if folder is not None:
        say(f"Report: {folder / page} (computed on real {on}; do not share it)")
    elif without:
        say(without)
