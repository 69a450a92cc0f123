"""``locum sample``: draw rows from a model file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from locum.cli import options
from locum.cli.options import argument, option


def sample(
    model: Annotated[Path, argument("Model file (*.locum) or run folder.", "FILE")],
    out: Annotated[Path, option("--out", "File to write: .csv, .tsv, .parquet, .arrow, .jsonl.", "FILE")],
    rows: Annotated[
        int | None, option("--rows", "Rows to draw; with --given as many as it has.", "N")
    ] = None,
    where: Annotated[
        list[str] | None,
        option(
            "--where",
            "What every row fulfils, such as \"age >= 80 and sex = 'F'\"; may be repeated.",
            "CONDITION",
        ),
    ] = None,
    given: Annotated[
        Path | None,
        option("--given", "File with some of the columns; the rest of each row is drawn.", "FILE"),
    ] = None,
    targets: Annotated[
        str | None,
        option("--targets", "Proportions: 'sex = balanced; age >= 65: 0.3', JSON, or a JSON file.", "TEXT"),
    ] = None,
    rule: Annotated[
        list[str] | None,
        option("--rule", 'What no row breaks, such as "start <= end"; may be repeated.', "RULE"),
    ] = None,
    temperature: Annotated[
        float,
        option(
            "--temperature",
            "Below 1 more of what is frequent, above 1 more of what is rare.",
            show_default=True,
        ),
    ] = 1.0,
    verify: Annotated[
        Path | None,
        option(
            "--verify", "Real rows: a judge that has seen them picks among twice as many drawn ones.", "FILE"
        ),
    ] = None,
    seed: options.Seed = None,
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Draw synthetic rows from a fitted generator. Another seed gives other rows."""
    from locum.cli.console import emit, say
    from locum.cli.progress import Display
    from locum.runs.sample import SampleOptions, sample_file
    from locum.wording import count, size

    with Display() as display:
        asked = SampleOptions(tuple(where or ()), given, targets, tuple(rule or ()), temperature)
        drawn = sample_file(
            model, rows, out, asked=asked, seed=seed, verify=verify, force=force, progress=display
        )
    if as_json:
        emit({"command": "sample", **drawn})
        return
    if "sentence" in drawn:
        say(drawn["sentence"])
    say(
        f"{count(drawn['rows'], 'synthetic row')} written to {out} "
        f"({size(drawn['bytes'])}, seed {drawn['seed']})."
    )
