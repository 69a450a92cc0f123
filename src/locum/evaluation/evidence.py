"""All that was found out about one stand-in: what report and ``report.json`` hold. Aggregates only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from locum.evaluation.result import Question, Result, Verdict, plain
from locum.evaluation.subgroups.result import Subgrouping
from locum.schema.lineage import Lineage

if TYPE_CHECKING:
    from locum.codes.codebook import Treatment


@dataclass(frozen=True, slots=True)
class Answer:
    """One of the five questions, answered in one sentence.

    ``verdict`` is ``not measured`` where nothing was computed; the sentence then says so.
    ``none found`` stands for good where copying was looked for: passing such tests is no merit. It is
    ``guaranteed`` for privacy when a guarantee was made and no attack refuted it. ``decided`` names the
    results that led to it, the weightiest first (`locum.evaluation.decision`).
    """

    question: Question
    verdict: Verdict | Literal["none found", "not measured", "guaranteed"]
    sentence: str
    decided: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UseAnswer:
    """Whether a stand-in can be used for something; see `locum.evaluation.uses`.

    Attributes
    ----------
    use, title
        Name of the use in files, and for people.
    word
        ``yes``, ``with care``, ``no`` or ``not known``.
    sentence
        Why, what to mind, or what would tell.
    decided
        Questions and results that led to it.
    """

    use: str
    title: str
    word: Literal["yes", "with care", "no", "not known"]
    sentence: str
    decided: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """Something the reader should look at first."""

    level: Literal["warning", "note"]
    where: str
    sentence: str


@dataclass(frozen=True, slots=True)
class ColumnView:
    """One column, real and synthetic side by side, as shares per cell.

    Attributes
    ----------
    labels
        One text per cell: a level, or an interval such as ``17-23``; the missing cell is named ``missing``.
    real, synthetic, holdout
        Share of rows per cell; each sums to 1.
    edges
        For ordered columns the numeric cell edges (len(labels without missing) + 1), else empty. Of dates
        and datetimes seconds since 1970, of durations seconds.
    tv, tv_reference
        Total variation distance train-synthetic, and train-hold-out.
    """

    name: str
    kind: str
    labels: tuple[str, ...]
    real: tuple[float, ...]
    synthetic: tuple[float, ...]
    holdout: tuple[float, ...] | None
    edges: tuple[float, ...]
    tv: float
    tv_reference: float | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class PairView:
    """Joint shares of two columns on coarse cells (at most 12 x 12); rows are cells of `a`."""

    a: str
    b: str
    labels_a: tuple[str, ...]
    labels_b: tuple[str, ...]
    real: tuple[tuple[float, ...], ...]
    synthetic: tuple[tuple[float, ...], ...]
    tv: float
    tv_reference: float | None
    association_real: float
    association_synthetic: float


@dataclass(frozen=True, slots=True)
class Control:
    """A stand-in whose verdict is known in advance, judged by the same tests.

    Attributes
    ----------
    name
        ``copy``, ``independent``, ``uniform`` or ``half-leaked``.
    deserved, got
        Verdict per question that it must get and the verdict that it got.
    passed
        Whether the tests told it apart. If not, the evaluation has no power here and the report says so.
    values
        Headline values measured for it, by result name.
    """

    name: str
    deserved: Mapping[str, str]
    got: Mapping[str, str]
    passed: bool
    sentence: str
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RequirementCheck:
    """One requirement of the user held against its result.

    Attributes
    ----------
    name, bound, limit
        Which result must be at most (``max``) or at least (``min``) what, or which use must have at the
        least (``least``) which word.
    verdict
        ``pass``, ``unclear`` (the limit lies inside the interval) or ``fail``.
    sentence
        Why, with the numbers.
    value, low, high
        Of the result; None when it was not measured.
    """

    name: str
    bound: str
    limit: float | str
    verdict: Literal["pass", "unclear", "fail"]
    sentence: str
    value: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def text(self) -> str:
        """The demand as it is written: ``c2st.max = 0.6`` or ``use.teach = yes``."""
        if isinstance(self.limit, str):
            return f"{self.name} = {self.limit}"
        return f"{self.name}.{self.bound} = {self.limit:g}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The whole of an evaluation.

    ``thin`` is a test of a model trained on the synthetic rows on small groups of the hold-out, where it was
    asked for. ``uses`` tells what the stand-in can be used for.
    """

    n_train: int
    n_holdout: int
    n_synthetic: int
    seed: int
    answers: tuple[Answer, ...]
    results: tuple[Result, ...]
    columns: tuple[ColumnView, ...]
    pairs: tuple[PairView, ...]
    controls: tuple[Control, ...]
    alerts: tuple[Alert, ...] = ()
    target: str | None = None
    protected: tuple[str, ...] = ()
    cpu_s: Mapping[str, float] = field(default_factory=dict)
    requirements: tuple[RequirementCheck, ...] = ()
    thin: Subgrouping | None = None
    uses: tuple[UseAnswer, ...] = ()

    @property
    def failed(self) -> tuple[RequirementCheck, ...]:
        """Requirements that are not met."""
        return tuple(c for c in self.requirements if c.verdict == "fail")

    def result(self, name: str) -> Result | None:
        """The result of that name, None when it was not computed."""
        return next((r for r in self.results if r.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dictionary with every number."""
        out: dict[str, Any] = plain(self)
        if self.thin is not None:
            out["thin"] = self.thin.to_json()
        return out


@dataclass(frozen=True, slots=True)
class RunContext:
    """What the report says besides the evidence: how it was made.

    Attributes
    ----------
    title
        Name of the data.
    command
        Command or call that reproduces the run, empty when unknown.
    created
        ISO 8601 time.
    synthesizer
        Name and one sentence on how it works; empty when the synthetic table came from elsewhere.
    settings, versions
        Shown as tables.
    treatments
        What was done to each column.
    guarantee
        The guarantee of privacy in one sentence; empty when the stand-in was made without one.
    lineage
        Where the synthetic rows come from; None when nobody knows.
    """

    title: str
    created: str
    command: str = ""
    synthesizer: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    treatments: tuple[Treatment, ...] = ()
    guarantee: str = ""
    lineage: Lineage | None = None
