"""Options and arguments that several commands share, with the same words everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from locum.runs import options as defaults


def option(*flags: str, **told: Any) -> Any:
    """An option whose help names its default, where there is one."""
    return typer.Option(*flags, show_default=False, **told)


def argument(**told: Any) -> Any:
    """The same for an argument."""
    return typer.Argument(show_default=False, **told)


Data = Annotated[
    Path | None,
    argument(
        metavar="DATA",
        help="CSV, TSV, Parquet, Arrow or JSON Lines file. Default: the one named in ./locum.toml.",
    ),
]
NeededData = Annotated[Path, argument(metavar="DATA", help="CSV, TSV, Parquet, Arrow or JSON Lines file.")]
Config = Annotated[
    Path | None, option("--config", help="A locum.toml. Default: the one beside the data.", metavar="FILE")
]
Seed = Annotated[
    int | None,
    option("--seed", help=f"Same seed, same bytes. Default: {defaults.DEFAULT_SEED}.", metavar="S"),
]
Target = Annotated[str | None, option("--target", help="Column to be predicted.", metavar="COL")]
Protected = Annotated[
    list[str] | None, option("--protected", help="Column that names groups; may be repeated.", metavar="COL")
]
Holdout = Annotated[
    float | None,
    option(
        "--holdout",
        help=f"Share of rows kept back as a yardstick. Default: {defaults.DEFAULT_HOLDOUT:g}.",
        metavar="SHARE",
    ),
]
Synthesizer = Annotated[
    str | None,
    option(
        "--synthesizer",
        help="Generator: tree, tree-fast, independent, bootstrap, ... "
        f"Default: {defaults.DEFAULT_SYNTHESIZER}; {defaults.PRIVATE_SYNTHESIZER} with --epsilon.",
        metavar="NAME",
    ),
]
TimeBudget = Annotated[
    str | None,
    option("--time-budget", help="Longest time on the clock, e.g. 90s, 5m, 1h30m.", metavar="TIME"),
]
Rows = Annotated[
    int | None, option("--rows", help="Synthetic rows. Default: as many as the data has.", metavar="N")
]
Delimiter = Annotated[
    str | None, option("--delimiter", help="Correct a wrong guess about a CSV file.", metavar="C")
]
Encoding = Annotated[
    str | None, option("--encoding", help="Correct a wrong guess about a text file.", metavar="NAME")
]
Format = Annotated[
    str | None,
    option(
        "--format",
        help=f"{', '.join(defaults.FORMATS[:-1])} or {defaults.FORMATS[-1]}. Default: as the data.",
        metavar="NAME",
    ),
]
Require = Annotated[
    list[str] | None,
    option(
        "--require",
        help="Limit on a result, e.g. c2st.max=0.6; exit code 1 when it is broken. May be repeated.",
        metavar="NAME.max=X",
    ),
]
Effort = Annotated[
    str | None,
    option(
        "--effort",
        help="Of the attacks: quick, standard or thorough. "
        f"Default: {defaults.DEFAULT_EFFORT}; for evaluate {defaults.EVALUATE_EFFORT}.",
        metavar="NAME",
    ),
]
By = Annotated[
    list[str] | None,
    option(
        "--by",
        metavar="COL,COL",
        help="Column that names small groups, or several to cross; may be repeated.",
    ),
]
Shift = Annotated[
    list[str] | None,
    option(
        "--shift",
        metavar="SHARES",
        help="Another population, e.g. 'age >= 65: 0.5' or 'sex = balanced'; may be repeated.",
    ),
]
Epsilon = Annotated[
    str | None,
    option("--epsilon", help="Guarantee differential privacy with this total epsilon, e.g. 1.", metavar="E"),
]
Delta = Annotated[
    str | None,
    option(
        "--delta",
        help=f"With --epsilon: chance left uncovered. Default: {defaults.DEFAULT_DELTA}.",
        metavar="D",
    ),
]
Unit = Annotated[
    str | None,
    option(
        "--unit",
        help="With --epsilon: column that says whose row it is. Default: each row by itself.",
        metavar="COL",
    ),
]
PerUnit = Annotated[
    int | None,
    option(
        "--per-unit",
        help=f"With --epsilon: rows kept of each --unit. Default: {defaults.DEFAULT_PER_UNIT}.",
        metavar="K",
    ),
]
Public = Annotated[
    Path | None,
    option("--public", help="With --epsilon: a public table with the same columns.", metavar="FILE"),
]
Ledger = Annotated[
    Path | None,
    option(
        "--ledger",
        help="With --epsilon: file that adds up what all runs spend. Default: one in the run "
        "folder, for this run alone.",
        metavar="FILE",
    ),
]
TotalEpsilon = Annotated[
    str | None,
    option(
        "--total-epsilon",
        help="With --epsilon: total of a new --ledger. Default: that of --epsilon.",
        metavar="E",
    ),
]
Engine = Annotated[
    str | None,
    option(
        "--engine",
        help="With --epsilon: who counts: memory, duckdb (rows stay in their file), or auto, by its size.",
        metavar="NAME",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a file of that name.")]
