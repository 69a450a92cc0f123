"""``locum run``: one table in, a stand-in and its evidence out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from locum.cli import options
from locum.cli.options import option

if TYPE_CHECKING:
    from locum.runs.request import RunRequest


def run(
    data: options.Data = None,
    out: Annotated[Path | None, option("--out", "Run folder. Default: <name>-locum.", "DIR")] = None,
    rows: options.Rows = None,
    seed: options.Seed = None,
    target: options.Target = None,
    protected: options.Protected = None,
    holdout: options.Holdout = None,
    synthesizer: options.Synthesizer = None,
    time_budget: options.TimeBudget = None,
    require: options.Require = None,
    effort: options.Effort = None,
    preview: Annotated[int | None, option("--preview", "Only show N rows, made quickly.", "N")] = None,
    epsilon: options.Epsilon = None,
    delta: options.Delta = None,
    unit: options.Unit = None,
    per_unit: options.PerUnit = None,
    public: options.Public = None,
    ledger: options.Ledger = None,
    total_epsilon: options.TotalEpsilon = None,
    engine: options.Engine = None,
    config: options.Config = None,
    format_: options.Format = None,
    delimiter: options.Delimiter = None,
    encoding: options.Encoding = None,
    as_json: options.Json = False,
) -> None:
    """Make a synthetic table and the evidence of how far it can be trusted.

    Rows are held out before anything is fitted. The run is a folder; a run that was stopped is taken up again
    by the same command, and a folder that holds something else is left alone. With --epsilon the generator is
    differentially private: see also `locum release`.
    """
    from locum.cli.show import show_preview
    from locum.evaluation.limits import parse_limits
    from locum.runs.request import RunRequest, privacy_request
    from locum.wording import parse_duration

    request = RunRequest(
        data=data,
        config=config,
        out=out,
        rows=rows,
        seed=seed,
        target=target,
        protected=tuple(protected or ()),
        holdout=holdout,
        synthesizer=synthesizer,
        format=format_,
        time_budget_s=None if time_budget is None else parse_duration(time_budget, where="--time-budget"),
        delimiter=delimiter,
        encoding=encoding,
        require=parse_limits(require) if require else None,
        effort=effort,
        privacy=privacy_request(epsilon, delta, unit, per_unit, public, ledger, total_epsilon, engine=engine),
    )
    if preview is not None:
        show_preview(request, preview, as_json=as_json)
        return
    run_and_show(request, command="run", as_json=as_json)


def run_and_show(request: RunRequest, *, command: str, as_json: bool) -> None:
    """Carry out a run and show what came of it; exit code 1 when a limit is broken."""
    from locum.cli.console import note
    from locum.cli.progress import Display
    from locum.cli.show import show_outcome
    from locum.runs.execute import execute
    from locum.runs.prepare import prepare

    with Display() as display:
        prepared = prepare(request, display)
        display.announce(prepared)
        outcome = execute(prepared, display)
    for text in outcome.notes[len(prepared.notes) :]:
        note(f"note: {text}")
    show_outcome(outcome, as_json=as_json, command=command)
    if not outcome.passed:
        raise typer.Exit(1)
