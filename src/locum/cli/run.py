"""A run, the demo of one, and what one would cost: ``locum run``, ``demo`` and ``check``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from locum.cli.console import emit, note, say, table
from locum.cli.progress import Display
from locum.cli.show import show_answers, show_checks, show_notes, show_uses
from locum.errors import ContentError
from locum.runs.files import STAGES
from locum.runs.request import RunRequest, run_request
from locum.wording import count, duration, shortened, size

if TYPE_CHECKING:
    from locum.runs.forecast import Forecast
    from locum.runs.outcome import RunOutcome
    from locum.runs.prepare import Prepared

#: First line about a run that was made without differential privacy.
NO_GUARANTEE = "no guarantee was made; treat every file like the real data (--epsilon makes one)."


def run(preview: int | None = None, as_json: bool = False, **asked: Any) -> None:
    """Carry out a run, or show a few rows of one."""
    request = run_request(**asked)
    if preview is not None:
        show_preview(request, preview, as_json=as_json)
    else:
        run_and_show(request, command="run", as_json=as_json)


def demo(out: Path = Path("locum-demo"), as_json: bool = False) -> None:
    """The whole story on a bundled table."""
    from locum.data.demo import demo_info, demo_path

    info = demo_info()
    if not as_json:
        say(f"The demo table: {info.title}. {info.sentence}")
    request = RunRequest(data=demo_path(), out=out, target=info.target, protected=info.protected)
    run_and_show(request, command="demo", as_json=as_json)
    if not as_json:
        say("Next: locum run YOUR_TABLE.csv --target COLUMN", "bold")


def check(as_json: bool = False, **asked: Any) -> None:
    """Whether a run would work, and what it would cost."""
    from locum.runs.forecast import forecast
    from locum.runs.prepare import prepare

    request = run_request(**asked)
    with Display() as display:
        prepared = None if request.privacy else prepare(request, display)
        expected = forecast(request, display) if request.privacy else None
    if prepared is not None:
        show_check(prepared, as_json=as_json)
    if expected is not None:
        show_forecast(expected, as_json=as_json)


def run_and_show(request: RunRequest, *, command: str, as_json: bool) -> None:
    """Carry out a run and show what came of it; exit code 1 when a limit is broken."""
    from locum.runs.execute import execute
    from locum.runs.offer_template import offer_template
    from locum.runs.prepare import prepare

    with Display() as display:
        try:
            prepared = prepare(request, display)
        except ContentError as error:
            raise offer_template(request, error) from None
        display.announce(prepared)
        outcome = execute(prepared, display)
    show_notes(outcome.notes[len(prepared.notes) :])
    show_outcome(outcome, as_json=as_json, command=command)
    if not outcome.passed:
        raise typer.Exit(1)


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
    show_uses(outcome.uses)
    show_answers(outcome.answers)
    say()
    show_checks(outcome.requirements)
    width = max(len(name) for name in outcome.files)
    for name, meaning in outcome.files.items():
        say(f"  {name:<{width}}  {meaning}", hang=width + 4)
    say()
    say(f"{outcome.use()}.")
    say(f"Report: {outcome.report}")


def show_check(prepared: Prepared, *, as_json: bool) -> None:
    """The verdict of ``locum check``."""
    from locum.runs.access import OpenAccess
    from locum.runs.rules import rule_lines

    assert prepared.decision is not None
    plan, estimate, machine = prepared.plan, prepared.decision.estimate, prepared.machine
    rules = rule_lines(prepared.access.table, plan.schema) if isinstance(prepared.access, OpenAccess) else ()
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
                "rules": [line.to_json() for line in rules],
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
    if rules:
        say(f"{count(len(rules), 'rule')}. What is not true by nature can be taken out of locum.toml:")
        lines = [[shortened(r.rule), f"{r.support:,}", f"{r.against:,}", r.how] for r in rules]
        table(["rule", "rows for", "against", "how it is kept"], lines, right=[1, 2])
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
    from locum.runs.forecast import WIDE

    if as_json:
        emit({"command": "check", **found.to_json()})
        return
    would = "would stop before it spends anything" if found.stops else "would work"
    say(f"{found.name}: a private run with {found.budget} at unit {found.unit} {would}.")
    say(f"Generator {found.synthesizer}: {found.why}")
    for text in found.notes:
        say(f"note: {text}")
    rows = [
        [c.name, c.kind, c.origin, "" if c.codes is None else f"{c.codes:,}", c.declare]
        for c in found.columns
    ]
    table(["column", "kind", "codes are", "number", "declare to save budget"], rows, right=[3])
    if found.discovery:
        bought = [c for c in found.columns if c.origin == "bought"]
        hold = f"{count(len(bought), 'column')} hold{'s' if len(bought) == 1 else ''}"
        say(
            f"Finding out what {hold} would take {100 * found.discovery:.0f} % of the budget"
            + (
                "; nothing more can be declared to save it."
                if all(c.declare == WIDE for c in bought)
                else "; kinds, levels and bounds declared in locum.toml from public knowledge would save it."
            )
        )
    rows = [[words, f"{n:,}", f"{sigma:.1f}"] for words, n, sigma in found.noise]
    table(["if the rest went into", "tables", "noise of a count, in rows"], rows, right=[1, 2])
    say(f"The delta is small enough for up to {found.most_rows:,} rows.")
    say(
        f"About {found.cpu_s:.0f} CPU seconds with all judging and {size(found.memory_bytes)} of "
        f"{size(found.free_bytes)} free, for some {found.rows:,} rows as the size of the file suggests; "
        "good to about a factor of 3. Nothing was learnt of the rows, and nothing was spent."
    )
    say("Next: declare what you know in locum.toml, then locum run with the same options.")


def show_preview(request: RunRequest, rows: int, *, as_json: bool) -> None:
    """A few synthetic rows as a table."""
    from locum.runs.sample import preview

    with Display() as display:
        header, cells = preview(request, rows, display)
    if as_json:
        emit({"command": "run", "preview": [dict(zip(header, row, strict=True)) for row in cells]})
        return
    table(header, cells)
    note("Made quickly from a part of the rows; `locum run` without --preview makes the real thing.")
