"""Results as people read them; each also as the one JSON object of ``--json``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from locum.cli.console import emit, note, out, say, table
from locum.evaluation.vocabulary import QUESTIONS, verdict_words
from locum.runs.files import STAGES
from locum.wording import count, duration, size

if TYPE_CHECKING:
    from locum.evaluation.evidence import Answer, RequirementCheck
    from locum.evaluation.subgroups.result import GroupEstimate, Subgrouping
    from locum.runs.check import Forecast
    from locum.runs.evaluate import Evaluation
    from locum.runs.outcome import RunOutcome
    from locum.runs.prepare import Prepared
    from locum.runs.request import RunRequest
    from locum.schema.table import Schema
    from locum.studies.compare.result import Comparison
    from locum.studies.tournament.result import Tournament

#: First line about a run that was made without differential privacy.
NO_GUARANTEE = "no guarantee was made; treat every file like the real data (--epsilon makes one)."

#: Generators up to which a comparison shows one column each.
SIDE_BY_SIDE = 5

_STYLES = {"good": "green", "guaranteed": "green", "fair": "yellow", "poor": "red"}
_CHECKS = {"pass": "green", "unclear": "yellow", "fail": "red"}


def show_answers(answers: tuple[Answer, ...]) -> None:
    """The five questions with their sentences; the verdict is a word, never colour alone."""
    console = out()
    for answer in answers:
        copying = answer.question == "private"
        verdict = verdict_words(answer.verdict, answer.question).lower()
        # Passing the copying tests is no merit, so it is never green.
        style = "dim" if copying and answer.verdict == "good" else _STYLES.get(answer.verdict, "dim")
        console.print(f"{QUESTIONS[answer.question][0]} ", style="bold", end="")
        console.print(f"[{verdict}]", style=style)
        say(f"  {answer.sentence}", hang=2)


def show_checks(checks: tuple[RequirementCheck, ...]) -> None:
    """The user's limits, each with its verdict as a word."""
    if not checks:
        return
    say("What was required", "bold")
    for check in checks:
        out().print(f"  [{check.verdict}] ", style=_CHECKS[check.verdict], end="")
        out().print(check.sentence)
    say()


def show_outcome(outcome: RunOutcome, *, as_json: bool, command: str) -> None:
    """The end of a run: five sentences, one line per file, what it cost."""
    if as_json:
        emit({"command": command, **outcome.to_json()})
        return
    if len(outcome.resumed) == len(STAGES):
        note("This run was finished before; nothing was done again.")
    elif outcome.resumed:
        note(f"Taken up again; done before: {', '.join(outcome.resumed)}.")
    say(f"Privacy: {outcome.guarantee or NO_GUARANTEE}")
    say()
    show_answers(outcome.answers)
    say()
    show_checks(outcome.requirements)
    width = max(len(name) for name in outcome.files)
    for name, meaning in outcome.files.items():
        say(f"  {name:<{width}}  {meaning}", hang=width + 4)
    say()
    say(f"{outcome.use()}.")
    say(f"Report: {outcome.report}")


def show_evaluation(found: Evaluation, folder: Path | None, *, as_json: bool) -> None:
    """The end of an evaluation."""
    if as_json:
        emit(
            {
                "command": "evaluate",
                "folder": None if folder is None else str(folder),
                "notes": list(found.notes),
                "passed": found.passed,
                **found.to_json(),
            }
        )
        return
    for text in found.notes:
        note(f"note: {text}")
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
    if folder is None:
        say("For the whole report add --out DIR.")
    else:
        say(f"Report: {folder / 'report.html'} (computed on real rows; do not share it)")


def show_comparison(found: Comparison, folder: Path, *, as_json: bool) -> None:
    """The end of a comparison: a line a generator, its means, what failed."""
    if as_json:
        emit({"command": "compare", "folder": str(folder), **found.to_json()})
        return
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
    say(f"Report: {folder / 'compare.html'} (computed on real rows; do not share it)")


def _lower(title: str) -> str:
    """The title inside a line: its first letter small unless it begins an abbreviation."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


def show_tournament(found: Tournament, folder: Path, *, as_json: bool) -> None:
    """The end of a tournament: both leaderboards."""
    if as_json:
        emit({"command": "tournament", "folder": str(folder), **found.to_json()})
        return
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
    say(f"Report: {folder / 'tournament.html'} (computed on real rows; do not share it)")


def show_subgroups(found: Subgrouping, folder: Path | None, *, as_json: bool) -> None:
    """The end of a test on subgroups: a line a group with both intervals."""
    if as_json:
        emit({"command": "subgroups", "folder": None if folder is None else str(folder), **found.to_json()})
        return
    for text in found.notes:
        note(f"note: {text}")
    _subgroup_table(found)
    if folder is None:
        say("For the page add --out DIR.")
    else:
        say(f"Report: {folder / 'subgroups.html'} (computed on real rows; do not share it)")


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


def show_schema(schema: Schema) -> None:
    """What each column seems to be, and why."""
    table(
        ["column", "kind", "sure", "why"],
        [[c.name, c.kind, f"{100 * c.confidence:.0f} %", c.reason] for c in schema],
        right=[2],
    )
    for dependency in schema.dependencies:
        say(f"Each {dependency.determinant} goes with one {dependency.dependent}; this will be kept exactly.")


def show_check(prepared: Prepared, *, as_json: bool) -> None:
    """The verdict of ``locum check``."""
    assert prepared.decision is not None
    plan, estimate, machine = prepared.plan, prepared.decision.estimate, prepared.machine
    if as_json:
        emit(
            {
                "command": "check",
                "out": str(prepared.out),
                "plan": {k: v for k, v in plan.to_json().items() if k != "schema"},
                "estimate": estimate.to_json(),
                "machine": {"cores": machine.cores, "memory_bytes": machine.memory_bytes},
                "columns": [
                    {"name": c.name, "kind": c.kind, "codes": k}
                    for c, k in zip(plan.schema, prepared.decision.work.code_sizes, strict=True)
                ],
                "notes": list(prepared.notes),
            }
        )
        return
    work = prepared.decision.work
    say(
        f"{plan.source.name}: {count(work.n_rows, 'row')} x {count(work.n_columns, 'column')}. "
        "A run would work."
    )
    for text in prepared.notes:
        say(f"note: {text}")
    rows = [[stage, f"{cpu:.1f}", duration(estimate.wall_s[stage])] for stage, cpu in estimate.cpu_s.items()]
    rows.append(["together", f"{estimate.total_cpu_s:.1f}", duration(estimate.total_wall_s)])
    table(["stage", "CPU seconds", "time"], rows, right=[1])
    say(
        f"Memory: about {size(estimate.memory_bytes)} of {size(machine.memory_bytes)} free. "
        f"Disk: about {size(estimate.disk_bytes)}. Predictions are good to about a factor of 2."
    )
    say(f"Next: locum run {shlex.quote(plan.source.name)} with the same options.")


def show_forecast(found: Forecast, *, as_json: bool) -> None:
    """The verdict of ``locum check --epsilon``."""
    if as_json:
        emit({"command": "check", **found.to_json()})
        return
    say(f"{found.name}: a private run with {found.budget} at unit {found.unit} would work.")
    say(f"Generator {found.synthesizer}: {found.why}")
    for text in found.notes:
        say(f"note: {text}")
    rows = [
        [c.name, c.kind, c.origin, "" if c.codes is None else f"{c.codes:,}", c.declare]
        for c in found.columns
    ]
    table(["column", "kind", "codes are", "number", "declare to save budget"], rows, right=[3])
    if found.discovery:
        bought = sum(c.origin == "bought" for c in found.columns)
        say(
            f"Finding out what {bought} columns hold would take {100 * found.discovery:.0f} % of the budget; "
            "kinds, levels and bounds declared in locum.toml from public knowledge would save it."
        )
    rows = [[words, f"{n:,}", f"{sigma:.1f}"] for words, n, sigma in found.noise]
    table(["if the rest went into", "tables", "noise of a count, in rows"], rows, right=[1, 2])
    say(f"The delta is small enough for up to {found.most_rows:,} rows.")
    say(
        f"About {found.cpu_s:.0f} CPU seconds with all judging and {size(found.memory_bytes)} of "
        f"{size(found.free_bytes)} free, for some {found.rows:,} rows as the size of the file suggests; "
        "good to about a factor of 3. No row was read and nothing was spent."
    )
    say("Next: declare what you know in locum.toml, then locum run with the same options.")


def show_preview(request: RunRequest, rows: int, *, as_json: bool) -> None:
    """A few synthetic rows as a table."""
    from locum.cli.progress import Display
    from locum.runs.sample import preview

    with Display() as display:
        header, cells = preview(request, rows, display)
    if as_json:
        emit({"command": "run", "preview": [dict(zip(header, row, strict=True)) for row in cells]})
        return
    table(header, cells)
    note("Made quickly from a part of the rows; `locum run` without --preview makes the real thing.")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
