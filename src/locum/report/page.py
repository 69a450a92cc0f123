"""What the page shows, worked out before any markup: sections as plain values for the templates."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from locum.evaluation.evaluator import Section
from locum.evaluation.evidence import ColumnView, Control, Evidence, PairView, RunContext, UseAnswer
from locum.evaluation.registry import section_of
from locum.evaluation.result import Question, Result
from locum.evaluation.vocabulary import CONTROLS, QUESTIONS
from locum.report import gists, sections, subgroups
from locum.report.charts import heatmap, outline
from locum.report.charts.heatmap import JointCell
from locum.report.marks import CHECKS, USES, Mark, mark
from locum.report.words import KINDS, lead, setting, visible, words_of_key
from locum.wording import count

#: Cards that stand open; the others are folded under one line.
OPEN_COLUMNS = 6
OPEN_PAIRS = 4
#: Alerts that stand open.
OPEN_ALERTS = 3
#: Longest folded table of numbers under one result.
MAX_DETAIL_ROWS = 24
#: Where results that nobody registered are shown.
_SECTION_OF: Mapping[Question, Section] = {"useful": "usefulness", "private": "copying"}
#: Fairness measures up to which all stand open.
MAX_FAIR_OPEN = 6

View = TypeVar("View", ColumnView, PairView)


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


def build(evidence: Evidence, context: RunContext) -> dict[str, Any]:
    """Evidence arranged into the sections that the templates show; every part may be empty."""

    def table(results: Iterable[Result]) -> list[ResultRow]:
        return result_rows(results, evidence.controls)

    def section(name: Section) -> list[ResultRow]:
        """Results that are shown there; others are shown with their question."""
        return table(
            r for r in evidence.results if (section_of(r.name) or _SECTION_OF.get(r.question)) == name
        )

    def rest(question: Question) -> list[ResultRow]:
        return table(r for r in evidence.results if r.question == question and not r.headline)

    tvs = [v for c in evidence.columns for v in (c.tv, c.tv_reference) if v is not None and math.isfinite(v)]
    fairness, fair_too = _fairness(evidence)
    return {
        "evidence": evidence,
        "context": context,
        "uses": [UseRow(u, USES[u.word]) for u in evidence.uses],
        "questions": question_rows(evidence),
        "gists": gists.of(evidence),
        "alerts": sorted(evidence.alerts, key=lambda a: a.level != "warning"),
        "headline": table(r for r in evidence.results if r.headline),
        "faithful": rest("faithful"),
        "useful": section("usefulness"),
        "copying": section("copying"),
        "risk": rest("risk"),
        "columns": column_cards(evidence.columns),
        "top_tv": max(tvs, default=0.0),
        "pairs": pair_cards(evidence.pairs),
        "controls": [control_row(c) for c in evidence.controls],
        "control_values": control_values(evidence),
        "failed_controls": [c.name for c in evidence.controls if not c.passed],
        "checks": [(c, CHECKS[c.verdict]) for c in evidence.requirements],
        "attacks": sections.attacks(evidence.results),
        "fairness": table(fairness),
        "fair_too": table(fair_too),
        "by_group": sections.fairness(evidence.results),
        "statistics": section("statistics"),
        "thin": None if evidence.thin is None else subgroups.section(evidence.thin),
    }


def _fairness(evidence: Evidence) -> tuple[list[Result], list[Result]]:
    """What stands open and what is folded: of many measures, those with nothing to tell are folded."""
    found = [r for r in evidence.results if r.question == "fair"]
    open_ = [r for r in found if r.verdict in ("poor", "middling")]
    if len(found) <= MAX_FAIR_OPEN:
        open_ = found
    elif not open_:
        open_ = found[:1]
    return open_, [r for r in found if r not in open_]


@dataclass(frozen=True, slots=True)
class UseRow:
    """One use with the mark of its word."""

    answer: UseAnswer
    mark: Mark


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """One question: verdict, rows it rests on, what is said first, the numbers, and what decided it."""

    heading: str
    verdict: Mark
    lead: str
    rest: str = ""
    rows: str = ""
    decided: tuple[str, ...] = ()


def question_rows(evidence: Evidence) -> list[QuestionRow]:
    """The five questions in order, whatever was answered; unanswered ones say that they are not measured."""
    answers = {str(a.question): a for a in evidence.answers}
    titles = {r.name: r.title for r in evidence.results}
    rows = []
    for key, (heading, _) in QUESTIONS.items():
        if key not in answers:
            rows.append(QuestionRow(heading, mark("not measured", key), "Not measured in this run."))
            continue
        a = answers[key]
        decided = tuple(titles[n] for n in a.decided if n in titles)
        first, rest = lead(a.sentence)
        held = f", {evidence.n_holdout:,} held out" if evidence.n_holdout else ""
        on = f"{count(evidence.n_synthetic, 'row')}{held}" if a.verdict != "not measured" else ""
        rows.append(QuestionRow(heading, mark(str(a.verdict), key), first, rest, on, decided))
    return rows


def result_rows(results: Iterable[Result], controls: Sequence[Control]) -> list[ResultRow]:
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
    return rows


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


def column_cards(views: Sequence[ColumnView]) -> list[ColumnCard]:
    """Columns, the worst first."""
    cards = []
    for place, view in _worst_first(views):
        drawn = bool(view.edges) and outline.cells(view) >= outline.MIN_CELLS
        hint = axis_hint(view) if drawn else ""
        kind = KINDS.get(view.kind, visible(view.kind, 40))
        cards.append(ColumnCard(f"column-{place}", view, kind, drawn, hint))
    return cards


def axis_hint(view: ColumnView) -> str:
    """What the reader must know about the x axis; empty when it is plainly to scale."""
    shape = outline.steps(view)
    if not shape.to_scale:
        return "Steps are drawn equally wide; the axis is not to scale."
    return "The axis is cut where the strokes cross it." if shape.shortened else ""


def pair_cards(views: Sequence[PairView]) -> list[PairCard]:
    """Pairs of columns, the worst first."""
    return [PairCard(f"pair-{place}", v, heatmap.cells(v)[:4]) for place, v in _worst_first(views)]


def _worst_first(views: Sequence[View]) -> list[tuple[int, View]]:
    """Views with their numbers from 1, by the distance beyond what two samples of real rows show."""

    def excess(view: View) -> float:
        reference = view.tv_reference
        if reference is None or not math.isfinite(reference):
            reference = 0.0
        return reference - view.tv if math.isfinite(view.tv) else math.inf

    return sorted(enumerate(views, 1), key=lambda pair: excess(pair[1]))


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


def control_values(evidence: Evidence) -> list[tuple[str, float | None, float | None, list[float | None]]]:
    """What controls were measured by: title, value, that of real hold-out rows, that of each control."""
    results = {r.name: r for r in evidence.results}
    measured = {name for control in evidence.controls for name in control.values}
    rows: list[tuple[str, float | None, float | None, list[float | None]]] = []
    for name in [*(n for n in results if n in measured), *sorted(measured - results.keys())]:
        r = results.get(name)
        values = [c.values.get(name) for c in evidence.controls]
        rows.append(
            (words_of_key(name), None, None, values) if r is None else (r.title, r.value, r.reference, values)
        )
    return rows
