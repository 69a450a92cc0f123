"""``locum compare``: several generators on several tables, one record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from locum.cli import options
from locum.cli.options import argument, option
from locum.runs.options import COMPARE_HOLDOUT, COMPARE_SEEDS, DEFAULT_EFFORT, DEFAULT_SYNTHESIZER


def compare(
    data: Annotated[
        list[str],
        argument(metavar="DATA...", help="Tables. One may say its own ?target=COL&protected=COL,COL."),
    ],
    entrants: Annotated[
        list[str] | None,
        option(
            "--with",
            metavar="ENTRANT",
            help="Who takes part, may be repeated: tree, aim?epsilon=1, NAME=COMMAND with {train} {out} "
            "{rows} {seed}, NAME=made/{table}-{seed}.csv, sdv.ctgan@PYTHON. Default: tree.",
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option("--seeds", help="How many seeds, from 0 up.", metavar="N", min=1)
    ] = COMPARE_SEEDS,
    rows: options.Rows = None,
    target: options.Target = None,
    protected: options.Protected = None,
    holdout: Annotated[
        float, typer.Option("--holdout", help="Share of rows kept back.", metavar="SHARE")
    ] = COMPARE_HOLDOUT,
    time_limit: Annotated[
        str, typer.Option("--time-limit", help="Longest time for one fit, e.g. 90s, 30m.", metavar="TIME")
    ] = "1h",
    effort: options.Effort = None,
    out: Annotated[
        Path | None,
        option("--out", help="Folder for page and record. Default: locum-compare.", metavar="DIR"),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the rows that were made.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Try again what failed before.")] = False,
    as_json: options.Json = False,
) -> None:
    """Compare generators, ours and anybody's, on the same tables by the same tests.

    The negative controls independent and bootstrap always take part. The same command goes on where it was
    stopped.
    """
    from locum.cli.progress import Display
    from locum.cli.show import show_comparison
    from locum.studies.compare.verb import compare as run
    from locum.wording import parse_duration

    folder = out or Path("locum-compare")
    limit = parse_duration(time_limit, where="--time-limit")
    with Display() as display:
        found = run(
            data, entrants or [DEFAULT_SYNTHESIZER], seeds=seeds, rows=rows, holdout=holdout, target=target,
            protected=tuple(protected or ()), limit_s=limit, effort=effort or DEFAULT_EFFORT, out=folder,
            keep=keep, retry=retry, progress=display,
        )  # fmt: skip
    show_comparison(found, folder, as_json=as_json)
