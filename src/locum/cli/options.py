"""Options and arguments that several commands share, with the same words everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from locum.runs import options as defaults


def option(
    names: str, text: str, metavar: str | None = None, *, show_default: bool = False, **more: Any
) -> Any:
    """An option by its names (parted by a space), its help, and the word for its value."""
    return typer.Option(*names.split(), help=text, metavar=metavar, show_default=show_default, **more)


def argument(text: str, metavar: str, **more: Any) -> Any:
    """An argument by its help and the word for its value."""
    return typer.Argument(help=text, metavar=metavar, show_default=False, **more)


Data = Annotated[
    Path | None,
    argument("CSV, TSV, Parquet, Arrow or JSON Lines file. Default: the one named in ./locum.toml.", "DATA"),
]
NeededData = Annotated[Path, argument("CSV, TSV, Parquet, Arrow or JSON Lines file.", "DATA")]
Config = Annotated[Path | None, option("--config", "A locum.toml. Default: the one beside the data.", "FILE")]
Seed = Annotated[
    int | None, option("--seed", f"Same seed, same bytes. Default: {defaults.DEFAULT_SEED}.", "S")
]
Target = Annotated[str | None, option("--target", "Column to be predicted.", "COL")]
Protected = Annotated[
    list[str] | None, option("--protected", "Column that names groups; may be repeated.", "COL")
]
Holdout = Annotated[
    float | None,
    option(
        "--holdout",
        f"Share of rows kept back as a yardstick. Default: {defaults.DEFAULT_HOLDOUT:g}.",
        "SHARE",
    ),
]
Synthesizer = Annotated[
    str | None,
    option(
        "--synthesizer",
        "Generator: tree, tree-fast, independent, bootstrap, ... "
        f"Default: {defaults.DEFAULT_SYNTHESIZER}; {defaults.PRIVATE_SYNTHESIZER} with --epsilon.",
        "NAME",
    ),
]
TimeBudget = Annotated[
    str | None, option("--time-budget", "Longest time on the clock, e.g. 90s, 5m, 1h30m.", "TIME")
]
Rows = Annotated[int | None, option("--rows", "Synthetic rows. Default: as many as the data has.", "N")]
Delimiter = Annotated[str | None, option("--delimiter", "Correct a wrong guess about a CSV file.", "C")]
Encoding = Annotated[str | None, option("--encoding", "Correct a wrong guess about a text file.", "NAME")]
Format = Annotated[
    str | None,
    option(
        "--format",
        f"{', '.join(defaults.FORMATS[:-1])} or {defaults.FORMATS[-1]}. Default: as the data.",
        "NAME",
    ),
]
Require = Annotated[
    list[str] | None,
    option(
        "--require",
        "Limit on a result, e.g. c2st.max=0.6; exit code 1 when it is broken. May be repeated.",
        "NAME.max=X",
    ),
]
Effort = Annotated[
    str | None,
    option(
        "--effort",
        "Of the attacks: quick, standard or thorough. "
        f"Default: {defaults.DEFAULT_EFFORT}; for evaluate {defaults.EVALUATE_EFFORT}.",
        "NAME",
    ),
]
By = Annotated[
    list[str] | None,
    option("--by", "Column that names small groups, or several to cross; may be repeated.", "COL,COL"),
]
Shift = Annotated[
    list[str] | None,
    option(
        "--shift", "Another population, e.g. 'age >= 65: 0.5' or 'sex = balanced'; may be repeated.", "SHARES"
    ),
]
Epsilon = Annotated[
    str | None, option("--epsilon", "Guarantee differential privacy with this total epsilon, e.g. 1.", "E")
]
Delta = Annotated[
    str | None,
    option("--delta", f"With --epsilon: chance left uncovered. Default: {defaults.DEFAULT_DELTA}.", "D"),
]
Unit = Annotated[
    str | None,
    option("--unit", "With --epsilon: column that says whose row it is. Default: each row by itself.", "COL"),
]
PerUnit = Annotated[
    int | None,
    option(
        "--per-unit", f"With --epsilon: rows kept of each --unit. Default: {defaults.DEFAULT_PER_UNIT}.", "K"
    ),
]
Public = Annotated[
    Path | None, option("--public", "With --epsilon: a public table with the same columns.", "FILE")
]
Ledger = Annotated[
    Path | None,
    option(
        "--ledger",
        "With --epsilon: file that adds up what all runs spend. Default: one in the run "
        "folder, for this run alone.",
        "FILE",
    ),
]
TotalEpsilon = Annotated[
    str | None,
    option("--total-epsilon", "With --epsilon: total of a new --ledger. Default: that of --epsilon.", "E"),
]
Engine = Annotated[
    str | None,
    option(
        "--engine",
        "With --epsilon: who counts: memory, duckdb (rows stay in their file), or auto, by its size.",
        "NAME",
    ),
]
Json = Annotated[bool, option("--json", "One JSON object on standard output.", show_default=True)]
Force = Annotated[bool, option("--force", "Replace a file of that name.", show_default=True)]
