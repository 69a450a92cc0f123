"""What is said of a measure and of the function that computes it; `locum.evaluation.measures` says it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from locum.evaluation.result import Direction, Question

Effort = Literal["quick", "standard", "thorough"]
EFFORTS: tuple[Effort, ...] = get_args(Effort)
#: How a function is called: ``metric``: with a trial; ``attack``: with what the suite has ready; ``score``:
#: with what an attacker knows and the rows asked about; ``summary``: by the suite itself; ``text``: with a
#: trial of texts; ``text study``: with more than that.
Kind = Literal["metric", "attack", "score", "summary", "text", "text study"]
#: What must be there, besides columns, for anything to come of it.
Need = Literal[
    "hold-out", "target", "protected columns", "log_prob", "refit", "generator", "canaries", "labels", "plan"
]
#: Where the report shows it, and the question that it helps to answer.
Section = Literal["likeness", "usefulness", "statistics", "copying", "attacks", "fairness", "training"]
QUESTION_OF: Mapping[Section, Question] = {
    "likeness": "faithful",
    "usefulness": "useful",
    "statistics": "useful",
    "copying": "private",
    "attacks": "private",
    "fairness": "fair",
    "training": "risk",
}


@dataclass(frozen=True, slots=True)
class Measure:
    """One number that an evaluation gives.

    Attributes
    ----------
    name
        Stable key of its result; where `of` is not empty, what it is of follows after a point.
    title
        A few words for people; places in braces are filled in by the function.
    direction, target, headline
        As in `Result`.
    of
        What follows the name: a column, groups.
    goes_by
        Of a membership attack: what it goes by, to follow "Going by".
    """

    name: str
    title: str
    direction: Direction
    target: float | None = None
    headline: bool = False
    of: str = ""
    goes_by: str = ""


@dataclass(frozen=True, slots=True)
class Evaluator:
    """A function that measures, with all that it measures.

    Attributes
    ----------
    function
        ``module:function``; imported when it is run.
    section
        Where its measures are shown.
    measures
        What it gives.
    kind, takes, needs
        How it is called, the inputs that it takes by name, and what must be there.
    effort
        The least effort at which it is run; None where only a tournament runs it.
    attacker
        What its attacker must know.
    words
        A few words for what was not tried; the function's name by default.
    weak
        Of a score: whether it seeks in a tournament only when it is asked for.
    """

    function: str
    section: Section
    measures: tuple[Measure, ...]
    kind: Kind = "metric"
    takes: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    effort: Effort | None = "quick"
    attacker: str = ""
    words: str = ""
    weak: bool = False

    @property
    def name(self) -> str:
        """A few words, for progress and for what was not tried."""
        return self.words or self.function.partition(":")[2].replace("_", " ")

    @property
    def key(self) -> str:
        """Short name of a score, as a tournament calls its seekers."""
        return self.measures[0].name.rpartition(".")[2]

    @property
    def question(self) -> Question:
        """The question that its measures help to answer."""
        return QUESTION_OF[self.section]

    def load(self) -> Callable[..., Any]:
        """Import the function."""
        module, _, name = self.function.partition(":")
        found: Callable[..., Any] = getattr(importlib.import_module(module), name)
        return found

    def within(self, effort: Effort) -> bool:
        """Whether it is run at that effort."""
        return self.effort is not None and EFFORTS.index(self.effort) <= EFFORTS.index(effort)
