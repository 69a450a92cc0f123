"""``locum run``: one table in, a stand-in and its evidence out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from locum.cli import options


def run(
    data: options.Data = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Run folder. Default: <name>-locum.", metavar="DIR", show_default=False),
    ] = None,
    rows: options.Rows = None,
    seed: options.Seed = None,
    target: options.Target = None,
    protected: options.Protected = None,
    holdout: options.Holdout = None,
    synthesizer: options.Synthesizer = None,
    time_budget: options.TimeBudget = None,
    require: options.Require = None,
    preview: Annotated[
        int | None,
        typer.Option("--preview", help="Only show N rows, made quickly.", metavar="N", show_default=False),
    ] = None,
    config: options.Config = None,
    format_: options.Format = None,
    delimiter: options.Delimiter = None,
    encoding: options.Encoding = None,
    as_json: options.Json = False,
) -> None:
    """Make a synthetic table and the evidence of how far it can be trusted.

    Rows are held out before anything is fitted. The run is a folder; a run that was stopped is taken up again
    by the same command, and a folder that holds something else is left alone.
    """
    from locum.cli.progress import Display
    from locum.cli.show import show_outcome, show_preview
    from locum.pipeline.plan import Request
    from locum.pipeline.prepare import prepare
    from locum.pipeline.words import parse_duration
    from locum.schema.require import parse_limits

    request = Request(
        data=data, config=config, out=out, rows=rows, seed=seed, target=target,
        protected=tuple(protected or ()), holdout=holdout, synthesizer=synthesizer, format=format_,
        time_budget_s=None if time_budget is None else parse_duration(time_budget, where="--time-budget"),
        delimiter=delimiter, encoding=encoding, require=parse_limits(require) if require else None,
    )  # fmt: skip
    if preview is not None:
        show_preview(request, preview, as_json=as_json)
        return
    with Display() as display:
        prepared = prepare(request, display)
        display.announce(prepared)
        from locum.pipeline.run import execute

        outcome = execute(prepared, display)
    show_outcome(outcome, as_json=as_json, command="run")
    if not outcome.passed:
        raise typer.Exit(1)
