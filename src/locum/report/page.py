"""What the page shows, worked out before any markup: sections as plain values for the templates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from locum.evaluation.evaluator import Section
from locum.evaluation.evidence import (
    Alert,
    ColumnView,
    Control,
    Evidence,
    PairView,
    RequirementCheck,
    RunContext,
)
from locum.evaluation.registry import section_of
from locum.evaluation.result import Question, Result
from locum.evaluation.vocabulary import CONTROLS, QUESTIONS
from locum.report import sections, subgroups
from locum.report.charts import heatmap, outline
from locum.report.charts.heatmap import JointCell
from locum.report.marks import CHECKS, Mark, mark
from locum.report.words import KINDS, setting, visible, words_of_key

#: Cards that stand open; the others are folded under one line.
OPEN_COLUMNS = 6
OPEN_PAIRS = 4
#: Longest folded table of numbers under one result.
MAX_DETAIL_ROWS = 24
#: Where results that nobody registered are shown.
_SECTION_OF: Mapping[Question, Section] = {"useful": "usefulness", "private": "copying"}
#: Fairness measures up to which all stand open.
MAX_FAIR_OPEN = 6


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """One of the five questions with its answer."""

    heading: str
    verdict: Mark
    sentence: str


@dataclass(frozen=True, slots=True)
class DetailTable:
    """A small table of numbers behind one result."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One result with the value at its bad end: the floor, or what a plain copy scored."""

    result: Result
    verdict: Mark
    worst: float | None
    worst_name: str
    details: tuple[DetailTable, ...]


@dataclass(frozen=True, slots=True)
class ResultTable:
    """Some results."""

    rows: tuple[ResultRow, ...]


@dataclass(frozen=True, slots=True)
class ColumnCard:
    """One column; `anchor` is its place in the page, `hint` says how the axis departs from its scale."""

    anchor: str
    view: ColumnView
    kind: str
    outline: bool
    hint: str


@dataclass(frozen=True, slots=True)
class PairCard:
    """One pair of columns and the joint cells that differ most."""

    anchor: str
    view: PairView
    worst: tuple[JointCell, ...]


@dataclass(frozen=True, slots=True)
class ControlRow:
    """One negative control: what it is, and question by question what it deserved and got."""

    control: Control
    what: str
    judged: tuple[tuple[str, Mark, Mark], ...]


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One requirement of the user with its mark."""

    check: RequirementCheck
    verdict: Mark


@dataclass(frozen=True, slots=True)
class ControlValues:
    """Headline values of every control beside the stand-in and real hold-out rows."""

    names: tuple[str, ...]
    rows: tuple[tuple[str, float | None, float | None, tuple[float | None, ...]], ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Everything the templates need."""

    evidence: Evidence
    context: RunContext
    questions: tuple[QuestionRow, ...]
    alerts: tuple[Alert, ...]
    headline: ResultTable
    faithful: ResultTable
    useful: ResultTable
    copying: ResultTable
    other: tuple[tuple[str, ResultTable], ...]
    columns: tuple[ColumnCard, ...]
    top_tv: float
    pairs: tuple[PairCard, ...]
    controls: tuple[ControlRow, ...]
    control_values: ControlValues
    failed_controls: tuple[str, ...]
    checks: tuple[CheckRow, ...]
    attacks: sections.Attacks
    fairness: ResultTable
    fair_too: ResultTable
    by_group: tuple[sections.GroupTable, ...]
    statistics: ResultTable
    thin: subgroups.Section | None


def build(evidence: Evidence, context: RunContext) -> Page:
    """Arrange evidence into sections; every part may be empty."""
    columns = column_cards(evidence.columns)
    tvs = [v for c in evidence.columns for v in (c.tv, c.tv_reference) if v is not None and math.isfinite(v)]
    fairness, fair_too = _fairness(evidence)
    return Page(
        evidence=evidence,
        context=context,
        questions=question_rows(evidence),
        alerts=tuple(sorted(evidence.alerts, key=lambda a: a.level != "warning")),
        headline=result_table([r for r in evidence.results if r.headline], evidence.controls),
        faithful=_rest(evidence, "faithful"),
        useful=_section(evidence, "usefulness"),
        copying=_section(evidence, "copying"),
        other=tuple(
            (QUESTIONS[q][1], result_table(found, evidence.controls))
            for q in ("risk",)
            if (found := [r for r in evidence.results if r.question == q and not r.headline])
        ),
        columns=columns,
        top_tv=max(tvs, default=0.0),
        pairs=pair_cards(evidence.pairs),
        controls=tuple(control_row(c) for c in evidence.controls),
        control_values=control_values(evidence),
        failed_controls=tuple(c.name for c in evidence.controls if not c.passed),
        checks=tuple(CheckRow(c, CHECKS[c.verdict]) for c in evidence.requirements),
        attacks=sections.attacks(evidence.results),
        fairness=fairness,
        fair_too=fair_too,
        by_group=sections.fairness(evidence.results),
        statistics=_section(evidence, "statistics"),
        thin=None if evidence.thin is None else subgroups.section(evidence.thin),
    )


def _section(evidence: Evidence, section: Section) -> ResultTable:
    """Results that are shown there; others are shown with their question."""
    found = [r for r in evidence.results if (section_of(r.name) or _SECTION_OF.get(r.question)) == section]
    return result_table(found, evidence.controls)


def _fairness(evidence: Evidence) -> tuple[ResultTable, ResultTable]:
    """What stands open and what is folded: of many measures, those as good as with real rows are folded."""
    found = [r for r in evidence.results if r.question == "fair"]
    open_ = [r for r in found if r.verdict != "good"]
    if len(found) <= MAX_FAIR_OPEN:
        open_ = found
    elif not open_:
        open_ = found[:1]
    rest = [r for r in found if r not in open_]
    return result_table(open_, evidence.controls), result_table(rest, evidence.controls)


def _rest(evidence: Evidence, question: Question) -> ResultTable:
    return result_table(
        [r for r in evidence.results if r.question == question and not r.headline], evidence.controls
    )


def question_rows(evidence: Evidence) -> tuple[QuestionRow, ...]:
    """The five questions in order, whatever was answered; unanswered ones say that they are not measured."""
    answers = {a.question: a for a in evidence.answers}
    rows = []
    for key, (heading, _) in QUESTIONS.items():
        answer = next((a for q, a in answers.items() if q == key), None)
        if answer is None:
            rows.append(QuestionRow(heading, mark("not measured", key), "Not measured in this run."))
        else:
            rows.append(QuestionRow(heading, mark(answer.verdict, key), answer.sentence))
    return tuple(rows)


def result_table(results: Sequence[Result], controls: Sequence[Control]) -> ResultTable:
    """Rows for some results.

    The bad end of a copying test is what a plain copy scored in the negative controls; of everything else it
    is the floor, what independent columns score.
    """
    copied = next((c.values for c in controls if c.name == "copy"), {})
    rows = []
    for result in results:
        worst, name = result.floor, "shuffled"
        if result.question == "private":
            worst, name = copied.get(result.name), "a copy"
        rows.append(
            ResultRow(result, mark(result.verdict, result.question), worst, name, detail_tables(result))
        )
    return ResultTable(tuple(rows))


def detail_tables(result: Result) -> tuple[DetailTable, ...]:
    """Folded tables out of a result's `detail`: single values together, one table for each mapping or list.

    Anything that is neither (curves, nested lists) stays in report.json only.
    """
    single = [(words_of_key(k), v) for k, v in result.detail.items() if _scalar(v)]
    single += [(words_of_key(k), setting(v)) for k, v in result.detail.items() if _short_list(v)]
    tables = (
        [DetailTable("Figures behind it", ("", "value"), tuple(single[:MAX_DETAIL_ROWS]))] if single else []
    )
    for key, value in result.detail.items():
        if isinstance(value, Mapping) and value and all(_scalar(v) for v in value.values()):
            rows = [(str(k), v) for k, v in value.items()]
            tables.append(_cut(words_of_key(key), ("", "value"), rows))
        elif isinstance(value, Mapping) and value and all(_flat(v) for v in value.values()):
            records = [{"": str(k), **v} for k, v in value.items()]
            tables.append(_records(words_of_key(key), records))
        elif isinstance(value, list | tuple) and value and all(_flat(v) for v in value):
            tables.append(_records(words_of_key(key), value))
    return tuple(tables)


def _scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _short_list(value: Any) -> bool:
    return isinstance(value, list | tuple) and 0 < len(value) <= MAX_DETAIL_ROWS and all(map(_scalar, value))


def _flat(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(_scalar(v) for v in value.values())


def _records(caption: str, records: Sequence[Mapping[str, Any]]) -> DetailTable:
    names = list(dict.fromkeys(key for record in records for key in record))
    rows = [tuple(record.get(name) for name in names) for record in records]
    return _cut(caption, tuple(words_of_key(name) if name else "" for name in names), rows)


def _cut(caption: str, head: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> DetailTable:
    return DetailTable(caption, head, tuple(rows[:MAX_DETAIL_ROWS]), max(0, len(rows) - MAX_DETAIL_ROWS))


def column_cards(views: Sequence[ColumnView]) -> tuple[ColumnCard, ...]:
    """Columns with the largest excess over the hold-out reference first; those without a number last."""
    ordered = sorted(enumerate(views), key=lambda iv: (_excess(iv[1].tv, iv[1].tv_reference), iv[0]))
    cards = []
    for i, view in ordered:
        drawn = bool(view.edges) and outline.cells(view) >= outline.MIN_CELLS
        hint = axis_hint(view) if drawn else ""
        cards.append(
            ColumnCard(f"column-{i + 1}", view, KINDS.get(view.kind, visible(view.kind, 40)), drawn, hint)
        )
    return tuple(cards)


def axis_hint(view: ColumnView) -> str:
    """What the reader must know about the x axis; empty when it is plainly to scale."""
    shape = outline.steps(view)
    if not shape.to_scale:
        return "Steps are drawn equally wide; the axis is not to scale."
    if shape.shortened:
        return "The axis is cut where the strokes cross it."
    return ""


def pair_cards(views: Sequence[PairView]) -> tuple[PairCard, ...]:
    """Pairs with the largest excess over the hold-out reference first."""
    ordered = sorted(enumerate(views), key=lambda iv: (_excess(iv[1].tv, iv[1].tv_reference), iv[0]))
    return tuple(PairCard(f"pair-{i + 1}", v, heatmap.cells(v)[:4]) for i, v in ordered)


def _excess(tv: float, reference: float | None) -> float:
    """Sort key: minus the distance beyond what two samples of real rows show."""
    if not math.isfinite(tv):
        return math.inf
    return -(tv - (reference if reference is not None and math.isfinite(reference) else 0.0))


def control_row(control: Control) -> ControlRow:
    """Deserved and given verdict side by side, in the order of the five questions."""
    keys = [q for q in QUESTIONS if q in control.deserved]
    keys += [q for q in control.deserved if q not in QUESTIONS]
    judged = tuple(
        (
            QUESTIONS[q][1] if q in QUESTIONS else words_of_key(q),
            mark(control.deserved[q], q),
            mark(control.got.get(q, "not measured"), q),
        )
        for q in keys
    )
    return ControlRow(control, CONTROLS.get(control.name, ""), judged)


def control_values(evidence: Evidence) -> ControlValues:
    """Every result that was also measured for a control."""
    measured = {name for control in evidence.controls for name in control.values}
    rows: list[tuple[str, float | None, float | None, tuple[float | None, ...]]] = [
        (r.title, r.value, r.reference, tuple(c.values.get(r.name) for c in evidence.controls))
        for r in evidence.results
        if r.name in measured
    ]
    known = {r.name for r in evidence.results}
    rows += [
        (words_of_key(name), None, None, tuple(c.values.get(name) for c in evidence.controls))
        for name in sorted(measured - known)
    ]
    return ControlValues(tuple(c.name for c in evidence.controls), tuple(rows))
