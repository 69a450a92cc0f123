"""What questions, verdicts and controls are called, wherever people read them."""

from __future__ import annotations

from collections.abc import Mapping

#: The five questions in the order of the page: heading, and the word used where space is short.
QUESTIONS: Mapping[str, tuple[str, str]] = {
    "faithful": ("Is it faithful?", "Faithful"),
    "useful": ("Is it useful?", "Useful"),
    "private": ("Is it private?", "Copying"),
    "fair": ("Is it fair?", "Fairness"),
    "risk": ("What will go wrong if I train on it?", "Training risk"),
}

#: Verdicts as the reader sees them. The middle one is not called "fair": that word names a question.
VERDICTS: Mapping[str, str] = {
    "good": "Good",
    "fair": "Middling",
    "poor": "Poor",
    "unclear": "Unclear",
    "not measured": "Not measured",
}

#: The copying tests can only find fault; passing them is never shown as a good mark.
COPYING_VERDICTS: Mapping[str, str] = {
    "good": "No copying seen",
    "guaranteed": "Guaranteed",
    "fair": "Some copying",
    "poor": "Copying found",
    "unclear": "Unclear",
    "not measured": "Not measured",
}

#: What each negative control is, for people.
CONTROLS: Mapping[str, str] = {
    "copy": "the real rows themselves, unchanged",
    "independent": "every column shuffled on its own, so that no two columns belong together",
    "uniform": "values picked evenly, without looking at how frequent they are",
    "half-leaked": "one half real rows unchanged, the other half fresh rows",
}


def verdict_words(verdict: str, question: str = "") -> str:
    """A verdict as people read it; for copying, passing is no merit. One that is not known stays as it is."""
    return (COPYING_VERDICTS if question == "private" else VERDICTS).get(verdict, verdict)
