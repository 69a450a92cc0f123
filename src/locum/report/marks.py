"""Marks of verdicts that do not need colour."""

from __future__ import annotations

from dataclasses import dataclass

from locum.evaluation.vocabulary import verdict_words
from locum.report.words import visible


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark that does not need colour: its key picks the shape, its words stand beside it."""

    key: str
    words: str


#: Marks of requirements: the shapes of the verdicts with words of their own.
CHECKS = {
    "pass": Mark("good", "Pass"),
    "unclear": Mark("unclear", "Unclear"),
    "fail": Mark("poor", "Fail"),
}

#: Marks of uses.
USES = {
    "yes": Mark("good", "Yes"),
    "with care": Mark("middling", "With care"),
    "no": Mark("poor", "No"),
    "not known": Mark("unclear", "Not known"),
}


def mark(key: str, question: str = "") -> Mark:
    """Words and shape of a verdict.

    For the copying tests the good verdict becomes the neutral "no copying found": they can find fault, not
    clear anyone of it.
    """
    shape = (
        {"good": "none-seen", "none found": "none-seen", "guaranteed": "good"}.get(key, key)
        if question == "private"
        else key
    )
    return Mark(shape.replace(" ", "-"), visible(verdict_words(key, question), 40))
