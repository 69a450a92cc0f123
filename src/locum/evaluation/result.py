"""One measured fact about a stand-in: a value that cannot be quoted without its reference."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from locum.evaluation.claim import Claim

Question = Literal["faithful", "useful", "private", "fair", "risk"]
Direction = Literal["lower", "higher", "target"]
#: ``not judged`` where a number is shown that has no say in any answer.
Verdict = Literal["good", "middling", "poor", "unclear", "not judged"]
#: Verdicts from the worst to the best; what was not judged is no verdict.
ORDER: tuple[Verdict, ...] = ("poor", "middling", "unclear", "good")


def worst_of(verdicts: Collection[Verdict]) -> Verdict:
    """The worst of some verdicts; unclear without any."""
    return next((v for v in ORDER if v in verdicts), "unclear")


@dataclass(frozen=True, slots=True)
class Result:
    """One measure with everything needed to read it.

    Attributes
    ----------
    name
        Stable key, e.g. ``c2st``, ``tv.3way``, ``utility.tstr``, ``copying.membership``.
    title
        A few words for people.
    question
        Which of the five questions it helps to answer (``private`` holds the copying smoke tests until
        a guarantee is measured).
    value, low, high
        Point estimate and 95 % interval (None where none is computed).
    direction, target
        Whether lower or higher is better, or which value is the target (0.5 for an AUC of a test).
    reference
        What real hold-out rows score in place of the synthetic ones; None without a hold-out.
    floor
        What independent columns score: the value of a stand-in that learned nothing but the columns.
    verdict
        Reading of the claims by `locum.evaluation.decision`; of texts, by the measure's docstring.
    sentence
        One plain sentence with the number in it, readable by someone who is no statistician.
    reads_private
        Whether real rows were read to compute it (then it must not leave with the synthetic rows).
    headline
        Whether it belongs in the summary.
    detail
        JSON-ready extras: per column, per pair, curves. Aggregates only, never rows.
    claims
        What it can say against the stand-in; empty where it is only shown.
    doubted
        Why what it finds may mean nothing here; empty when nothing speaks against it.
    """

    name: str
    title: str
    question: Question
    value: float
    direction: Direction
    sentence: str
    low: float | None = None
    high: float | None = None
    target: float | None = None
    reference: float | None = None
    floor: float | None = None
    verdict: Verdict = "unclear"
    reads_private: bool = True
    headline: bool = False
    detail: Mapping[str, Any] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    doubted: str = ""

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dictionary; non-finite numbers become null."""
        return {name: plain(getattr(self, name)) for name in self.__dataclass_fields__}


def plain(value: Any) -> Any:
    """Value made of JSON types only, numbers that are not finite as null; sets are sorted by their text."""
    if value is None or isinstance(value, bool | str):
        return value
    if hasattr(value, "__dataclass_fields__"):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        number = float(value)
        return number if math.isfinite(number) else None
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, Set):
        return sorted((plain(v) for v in value), key=str)
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if hasattr(value, "tolist"):  # NumPy arrays and booleans, without importing NumPy here
        return plain(value.tolist())
    return str(value)
