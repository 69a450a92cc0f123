"""``locum sample``: draw rows from a model file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from locum.cli import options


def sample(
    model: Annotated[
        Path, typer.Argument(metavar="FILE", help="Model file (*.locum) or run folder.", show_default=False)
    ],
    rows: Annotated[int, typer.Option("--rows", help="Rows to draw.", metavar="N", show_default=False)],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            help="File to write: .csv, .tsv, .parquet, .arrow, .jsonl.",
            metavar="FILE",
            show_default=False,
        ),
    ],
    seed: options.Seed = None,
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Draw synthetic rows from a fitted generator. Another seed gives other rows."""
    from locum.cli.console import emit, say
    from locum.cli.progress import Display
    from locum.pipeline.fitting import sample_file
    from locum.pipeline.words import count, size

    with Display() as display:
        drawn = sample_file(model, rows, out, seed=seed, force=force, progress=display)
    if as_json:
        emit({"command": "sample", **drawn})
        return
    say(f"{count(rows, 'synthetic row')} written to {out} ({size(drawn['bytes'])}, seed {drawn['seed']}).")
