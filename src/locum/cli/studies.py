"""What evaluations and studies found: ``locum evaluate``, ``compare``, ``mix`` and others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from locum.cli.console import note, say, table
from locum.cli.show import show_answers, show_checks, show_notes, show_page, show_uses
from locum.evaluation.vocabulary import verdict_words
from locum.wording import count

if TYPE_CHECKING:
    from locum.evaluation.subgroups.result import GroupEstimate, Subgrouping
    from locum.runs.evaluate import Evaluation
    from locum.studies.collapse.result import Collapsing
    from locum.studies.compare.result import Comparison
    from locum.studies.mix.result import Mixing
    from locum.studies.scarce.result import Scarcity
    from locum.studies.tournament.result import Tournament

#: Generators up to which a comparison shows one column each.
SIDE_BY_SIDE = 5


def evaluate(found: Evaluation, out: Path | None) -> None:
    """The end of an evaluation."""
    show_notes(found.notes)
    show_uses(found.evidence.uses)
    show_answers(found.evidence.answers)
    headline = [r for r in found.evidence.results if r.headline]
    if headline:
        rows = [
            [
                r.title,
                _number(r.value),
                _number(r.reference),
                _number(r.floor),
                verdict_words(r.verdict, r.question).lower(),
            ]
            for r in headline
        ]
        table(["measure", "here", "real rows", "unrelated columns", "reading"], rows, right=[1, 2, 3])
    if found.evidence.thin is not None:
        _subgroup_table(found.evidence.thin)
    show_checks(found.evidence.requirements)
    show_page(out, "report.html", "For the whole report add --out DIR.")


def compare(found: Comparison, out: Path) -> None:
    """The end of a comparison: a line a generator, its means, what failed."""
    from locum.studies.compare.page import lead, mean_row

    measures = found.ranked()
    rows = []
    for entrant in found.entrants:
        row = mean_row(found, entrant, measures)
        name = f"{entrant.name} (control)" if entrant.kind == "control" else entrant.name
        rows.append([name, *(value for value, _ in row.values), f"{row.ok} of {row.cells}"])
    heads = ["generator", *(_lower(m.title) for m in measures), "worked"]
    if len(rows) <= SIDE_BY_SIDE:
        # Few generators stand side by side: their names are short and the names of the measures are long.
        heads, *rows = [list(line) for line in zip(heads, *rows, strict=True)]
        heads[0] = "measure"
    table(heads, rows, right=range(1, len(heads)))
    say(lead(found, measures))
    for reason in dict.fromkeys(f"{c.contestant}: {c.reason}" for c in found.cells if c.status != "ok"):
        note(f"no result: {reason}")
    for _, passed, sentence in found.controls():
        if not passed:
            note(f"control: {sentence}")
    show_page(out, "compare.html")


def _lower(title: str) -> str:
    """The title inside a line: its first letter small unless it begins an abbreviation."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


def tournament(found: Tournament, out: Path) -> None:
    """The end of a tournament: both leaderboards."""
    from locum.studies.tournament.page import lead

    rows = [
        [
            f"{h.name} (control)" if h.control else h.name,
            _number(h.worst_area),
            h.worst_seeker or "-",
            _number(h.mean_accuracy),
            _number(h.found),
            _number(h.useful),
            f"{h.passed} of {h.seeds}",
        ]
        for h in found.hider_board()
    ]
    heads = ["hider", "strongest area", "seeker", "mean accuracy", "found at 1 %", "skill kept", "passed"]
    table(heads, rows, right=[1, 3, 4, 5, 6])
    rows = [
        [
            f"{s.name} (control)" if s.control else s.name,
            _number(s.area),
            _number(s.accuracy),
            _number(s.found),
        ]
        for s in found.seeker_board()
    ]
    table(["seeker", "area", "accuracy", "found at 1 %"], rows, right=[1, 2, 3])
    say(lead(found))
    for h in found.hidings:
        if h.reason:
            note(f"{h.hider}, seed {h.seed}: {h.reason}")
    for reason in dict.fromkeys(f"{b.seeker}: {b.reason}" for b in found.bouts if b.reason):
        note(reason)
    for text in found.warnings():
        note(f"warning: {text}")
    show_page(out, "tournament.html")


def subgroups(found: Subgrouping, out: Path | None) -> None:
    """The end of a test on subgroups: a line a group with both intervals."""
    show_notes(found.notes)
    _subgroup_table(found)
    show_page(out, "subgroups.html", "For the page add --out DIR.")


def _subgroup_table(found: Subgrouping) -> None:
    say(f"Model: {found.model}. Score: {found.measure}.")
    whole = found.overall
    count_of = f"{found.test_rows:,}"
    rows = [["everybody", count_of, _interval(whole.real), _interval(whole.generated), whole.trust]]
    for group in found.groups:
        name = ", ".join(f"{column} {level}" for column, level in group.group)
        count_of = "0" if group.real is None else f"{group.real.rows:,}"
        rows.append([name, count_of, _interval(group.real), _interval(group.generated), group.trust])
    for shift in found.shifts:
        rows.append(
            [
                f"if {shift.asked}",
                f"{shift.rows:,.0f}",
                _interval(shift.found.real),
                _interval(shift.found.generated),
                shift.found.trust,
            ]
        )
    table(["group", "real rows", "real (95 %)", "generated (95 %)", "go by"], rows, right=[1, 2, 3])
    if found.sentence:
        say(found.sentence)


def _interval(estimate: GroupEstimate | None) -> str:
    if estimate is None:
        return ""
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def mix(found: Mixing, out: Path | None) -> None:
    """The verdict on adding rows, and the arms it rests on."""
    say(f"Verdict: {found.verdict}. {found.sentence}")
    if found.beside:
        say(found.beside)
    for arm in found.arms:
        if arm.kind in ("real", "synthetic", "rival") or arm.name == found.chosen:
            gain = (
                ""
                if arm.gain is None
                else f"  {arm.gain.value:+.4f} ({arm.gain.low:+.4f}, {arm.gain.high:+.4f})"
            )
            say(f"  {arm.name:<32} {arm.score:.4f}{gain}")
    for warning in found.warnings:
        say(f"Note: {warning}")
    show_page(out, "mix.html")


def scarce(found: Scarcity, out: Path | None, page: Path | None) -> None:
    """The verdict on stand-ins for few rows, every way that was tried, and where its rows are."""
    show_notes(found.notes)
    say(f"Verdict: {found.verdict}. {found.sentence}")
    if found.related is not None:
        say(f"{found.related.name}: {found.related.verdict}. {found.related.sentence}")
    if found.beside:
        say(found.beside)
    rows = []
    for way in found.ways:
        spans = [
            "" if c is None else f"{c.value:+.3f} ({c.low:+.3f}, {c.high:+.3f})"
            for c in (way.gain, way.over_copies, *((way.others,) if found.group else ()))
        ]
        rows.append([way.name, f"{way.added:,.0f}", _number(way.score), *spans, way.verdict])
    heads = ["trained on", "rows added", found.measure, "over real rows alone", "over copies"]
    heads += ["the others"] if found.group else []
    table([*heads, "reading"], rows, right=[1, 2])
    if out is not None:
        say(
            f"{count(found.drawn.num_rows, 'row')} ({found.chosen}) written to {found.written}."
            if found.drawn is not None
            else f"{out} was not written: none of the ways is shown to help."
        )
    if page is not None:
        say(f"Report: {page} (computed on real rows; do not share it)")


def collapse(found: Collapsing, out: Path | None) -> None:
    """A sentence a loop."""
    say(found.sentence)
    for x in found.loops:
        say(f"  {x.sentence}")
    for text in found.notes:
        say(f"Note: {text}")
    show_page(out, "collapse.html")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
