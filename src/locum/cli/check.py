"""``locum check``: whether a run would work, and what it would cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from locum.cli import options
from locum.cli.options import option


def check(
    data: options.Data = None,
    out: Annotated[Path | None, option("--out", "Run folder. Default: <name>-locum.", "DIR")] = None,
    rows: options.Rows = None,
    target: options.Target = None,
    protected: options.Protected = None,
    holdout: options.Holdout = None,
    synthesizer: options.Synthesizer = None,
    time_budget: options.TimeBudget = None,
    epsilon: options.Epsilon = None,
    delta: options.Delta = None,
    unit: options.Unit = None,
    per_unit: options.PerUnit = None,
    public: options.Public = None,
    ledger: options.Ledger = None,
    total_epsilon: options.TotalEpsilon = None,
    engine: options.Engine = None,
    config: options.Config = None,
    delimiter: options.Delimiter = None,
    encoding: options.Encoding = None,
    as_json: options.Json = False,
) -> None:
    """Check data and options, and predict time and memory; nothing is fitted or written.

    With --epsilon no row is read and nothing is spent: what the budget would buy, what should be declared and
    what it would cost follow from the schema, and from the form and the size of the file.

    Exit code 0: a run would work. 1: the data or the machine stands against it. 2: an option is off.
    """
    from locum.cli.progress import Display
    from locum.cli.show import show_check, show_forecast
    from locum.runs.check import forecast
    from locum.runs.prepare import prepare
    from locum.runs.request import RunRequest, privacy_request
    from locum.wording import parse_duration

    request = RunRequest(
        data=data,
        config=config,
        out=out,
        rows=rows,
        target=target,
        protected=tuple(protected or ()),
        holdout=holdout,
        synthesizer=synthesizer,
        time_budget_s=None if time_budget is None else parse_duration(time_budget, where="--time-budget"),
        delimiter=delimiter,
        encoding=encoding,
        privacy=privacy_request(epsilon, delta, unit, per_unit, public, ledger, total_epsilon, engine=engine),
    )
    if request.privacy is not None:
        with Display() as display:
            found = forecast(request, display)
        show_forecast(found, as_json=as_json)
        return
    with Display() as display:
        prepared = prepare(request, display)
    show_check(prepared, as_json=as_json)
