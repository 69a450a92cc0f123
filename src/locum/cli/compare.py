"""``locum compare``: several generators on several tables, one record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from locum.cli import options
from locum.cli.options import argument, option
from locum.runs.options import COMPARE_HOLDOUT, COMPARE_SEEDS, DEFAULT_EFFORT, DEFAULT_SYNTHESIZER


def compare(
    data: Annotated[
        list[str], argument("Tables. One may say its own ?target=COL&protected=COL,COL.", "DATA...")
    ],
    entrants: Annotated[
        list[str] | None,
        option(
            "--with",
            "Who takes part, may be repeated: tree, aim?epsilon=1, NAME=COMMAND with {train} {out} "
            "{rows} {seed}, NAME=made/{table}-{seed}.csv, sdv.ctgan@PYTHON. Default: tree.",
            "ENTRANT",
        ),
    ] = None,
    seeds: Annotated[
        int, option("--seeds", "How many seeds, from 0 up.", "N", min=1, show_default=True)
    ] = COMPARE_SEEDS,
    rows: options.Rows = None,
    target: options.Target = None,
    protected: options.Protected = None,
    holdout: Annotated[
        float, option("--holdout", "Share of rows kept back.", "SHARE", show_default=True)
    ] = COMPARE_HOLDOUT,
    time_limit: Annotated[
        str, option("--time-limit", "Longest time for one fit, e.g. 90s, 30m.", "TIME", show_default=True)
    ] = "1h",
    effort: options.Effort = None,
    out: Annotated[
        Path | None, option("--out", "Folder for page and record. Default: locum-compare.", "DIR")
    ] = None,
    keep: Annotated[bool, option("--keep", "Keep the rows that were made.", show_default=True)] = False,
    retry: Annotated[bool, option("--retry", "Try again what failed before.", show_default=True)] = False,
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
            data,
            entrants or [DEFAULT_SYNTHESIZER],
            seeds=seeds,
            rows=rows,
            holdout=holdout,
            target=target,
            protected=tuple(protected or ()),
            limit_s=limit,
            effort=effort or DEFAULT_EFFORT,
            out=folder,
            keep=keep,
            retry=retry,
            progress=display,
        )
    show_comparison(found, folder, as_json=as_json)
