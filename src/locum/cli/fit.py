"""``locum fit``: learn a generator from a table and keep it as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from locum.cli import options
from locum.cli.options import option


def fit(
    data: options.NeededData,
    model: Annotated[Path, option("--model", "Model file to write.", "FILE")],
    seed: options.Seed = None,
    synthesizer: options.Synthesizer = None,
    target: options.Target = None,
    epsilon: options.Epsilon = None,
    delta: options.Delta = None,
    unit: options.Unit = None,
    per_unit: options.PerUnit = None,
    public: options.Public = None,
    ledger: options.Ledger = None,
    total_epsilon: options.TotalEpsilon = None,
    engine: options.Engine = None,
    config: options.Config = None,
    force: options.Force = False,
    delimiter: options.Delimiter = None,
    encoding: options.Encoding = None,
    as_json: options.Json = False,
) -> None:
    """Learn a generator from every row of a table and write it to a model file.

    Nothing is held out and nothing is judged: use `locum run` for a stand-in with evidence.
    """
    from locum.cli.console import emit, note, say
    from locum.cli.progress import Display
    from locum.runs.fit import fit_file
    from locum.runs.request import RunRequest, privacy_request
    from locum.wording import count, size

    request = RunRequest(
        data=data,
        config=config,
        seed=seed,
        synthesizer=synthesizer,
        target=target,
        delimiter=delimiter,
        encoding=encoding,
        privacy=privacy_request(epsilon, delta, unit, per_unit, public, ledger, total_epsilon, engine=engine),
    )
    with Display() as display:
        fitted = fit_file(request, model, force=force, progress=display)
    if fitted["warning"]:
        note(f"warning: {fitted['warning']}", style="yellow")
    if as_json:
        emit({"command": "fit", **fitted})
        return
    say(
        f"{fitted['synthesizer']} learned {count(fitted['rows'], 'row')} "
        f"x {count(fitted['columns'], 'column')}; "
        f"written to {model} ({size(fitted['bytes'])}). "
        + (fitted.get("guarantee") or "Treat it like the real data; no guarantee of privacy was made.")
    )
    say(f"Next: locum sample {model} --rows 1000 --out rows.csv")
