"""``locum impute``: fill the missing cells of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from locum.cli import options
from locum.cli.options import option
from locum.runs.options import DEFAULT_SEED


def impute(
    data: options.NeededData,
    out: Annotated[Path, option("--out", "File to write: .csv, .tsv, .parquet, .arrow, .jsonl.", "FILE")],
    model: Annotated[
        Path | None,
        option(
            "--model",
            "Model file (*.locum) or run folder that fills the cells. Default: the table itself does.",
            "FILE",
        ),
    ] = None,
    column: Annotated[
        list[str] | None, option("--column", "Column to fill; may be repeated. Default: all.", "COL")
    ] = None,
    method: Annotated[
        str,
        option(
            "--method",
            "draw (right distributions) or best (nearest single values).",
            "NAME",
            show_default=True,
        ),
    ] = "draw",
    config: options.Config = None,
    seed: options.Seed = None,
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Fill missing cells from the rest of the table, or with what a fitted generator holds possible."""
    from locum.cli.console import emit, say
    from locum.cli.progress import Display
    from locum.runs.impute import impute_file
    from locum.wording import count, size

    with Display() as display:
        done = impute_file(
            data,
            out,
            model=model,
            columns=column,
            method=method,
            config=config,
            seed=seed or DEFAULT_SEED,
            force=force,
            progress=display,
        )
    if as_json:
        emit({"command": "impute", **done})
        return
    say(f"{done['sentence']} {count(done['rows'], 'row')} written to {out} ({size(done['bytes'])}).")
