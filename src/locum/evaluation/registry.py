"""Look-ups in the table of measures, and results made of it: nothing is measured that is not told there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from locum.evaluation.evaluator import Evaluator, Kind, Measure, Section
from locum.evaluation.measures import EVALUATORS
from locum.evaluation.result import Result

_BY_NAME: Mapping[str, tuple[Measure, Evaluator]] = MappingProxyType(
    {m.name: (m, e) for e in EVALUATORS for m in e.measures}
)
#: Start of the names of those that a reader is shown first, in order; the others follow as they were found.
_SHOWN_FIRST = (
    "rules.broken",
    "c2st",
    "columns.worst",
    "pairs.worst",
    "tv.3way",
    "utility.kept",
    "utility.tstr",
    "attack.worst",
    "copying.",
    "attack.",
    "fair.model.",
    "risk.",
)

#: Short names of the scores that can seek in a tournament, and of those that do when nobody says who shall.
SEEKERS = tuple(e.key for e in EVALUATORS if e.kind == "score")
STRONG_SEEKERS = tuple(e.key for e in EVALUATORS if e.kind == "score" and not e.weak)


def evaluators(*kinds: Kind) -> Iterator[Evaluator]:
    """Those of some kinds, in the order of the table."""
    return (e for e in EVALUATORS if e.kind in kinds)


def score_of(key: str) -> Evaluator:
    """The score of membership of that short name; KeyError when there is none."""
    try:
        return next(e for e in evaluators("score") if e.key == key)
    except StopIteration:
        raise KeyError(key) from None


def find(name: str) -> tuple[Measure, Evaluator]:
    """Measure and evaluator of a result, by the result's name.

    Raises
    ------
    KeyError
        When no such measure is registered.
    """
    at = name
    while at not in _BY_NAME:
        at = at.rpartition(".")[0]
        if not at:
            raise KeyError(name)
    measure, evaluator = _BY_NAME[at]
    if at != name and not measure.of:
        raise KeyError(name)
    return measure, evaluator


def result_of(
    name: str,
    value: float,
    sentence: str,
    *,
    words: Mapping[str, str] = MappingProxyType({}),
    **measured: Any,
) -> Result:
    """A result of a registered measure: title, question and the like are those of the table.

    Parameters
    ----------
    name
        The measure's name, with what it is of.
    value, sentence
        What was measured, and the sentence about it.
    words
        What the places in title and attacker stand for.
    measured
        Other fields of `Result`; they win over the table.
    """
    measure, evaluator = find(name)
    if evaluator.attacker and (measure.goes_by or evaluator.kind == "attack"):
        measured["detail"] = {
            "attacker": evaluator.attacker.format_map(words),
            **measured.get("detail", {}),
        }
    measured = {"target": measure.target, "headline": measure.headline} | measured
    title, direction = measure.title.format_map(words), measured.pop("direction", measure.direction)
    return Result(name, title, evaluator.question, value, direction, sentence, **measured)


def section_of(name: str) -> Section | None:
    """Where a result is shown; None for one that is not of the table."""
    try:
        return find(name)[1].section
    except KeyError:
        return None


def place(name: str) -> int:
    """Sort key of a result's name: what is to be read first comes first."""
    return next((i for i, start in enumerate(_SHOWN_FIRST) if name.startswith(start)), len(_SHOWN_FIRST))
