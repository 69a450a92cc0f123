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

#: Over the table of uses (`locum.evaluation.uses`).
USE_HEADING = "Can I use it for this?"

#: Verdicts as the reader sees them, from the best to the worst; the words are those of the JSON.
VERDICTS: Mapping[str, str] = {
    "good": "Good",
    "unclear": "Unclear",
    "middling": "Middling",
    "poor": "Poor",
    "not measured": "Not measured",
    "not judged": "Not judged",
}

#: The copying tests can only find fault; passing them is never shown as a good mark.
COPYING_VERDICTS: Mapping[str, str] = {
    **VERDICTS,
    "good": "No copying found",
    "none found": "No copying found",
    "guaranteed": "Guaranteed",
    "middling": "Traces of copying found",
    "poor": "Copying found",
}

#: What goes wrong is not good or poor, it is little or much.
RISK_VERDICTS: Mapping[str, str] = {
    **VERDICTS,
    "good": "Little",
    "middling": "Some loss",
    "poor": "Clear harm",
}

#: What each control is, for people.
CONTROLS: Mapping[str, str] = {
    "copy": "the real rows themselves, unchanged",
    "independent": "every column shuffled on its own, so that no two columns belong together",
    "uniform": "values picked evenly, without looking at how frequent they are",
    "half-leaked": "one half real rows unchanged, the other half fresh rows",
    "fresh": "real rows that were kept out, in the place of the synthetic ones",
}


def verdict_words(verdict: str, question: str = "") -> str:
    """A verdict as people read it, in words that answer the question; an unknown one stays as it is."""
    words = {"private": COPYING_VERDICTS, "risk": RISK_VERDICTS}.get(question, VERDICTS)
    return words.get(verdict, verdict)
