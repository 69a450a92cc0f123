"""Options and arguments that several commands share, with the same words everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path | None,
    typer.Argument(
        metavar="DATA",
        help="CSV, TSV, Parquet, Arrow or JSON Lines file. Default: the one named in ./locum.toml.",
        show_default=False,
    ),
]
NeededData = Annotated[
    Path,
    typer.Argument(metavar="DATA", help="CSV, TSV, Parquet, Arrow or JSON Lines file.", show_default=False),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config", help="A locum.toml. Default: the one beside the data.", metavar="FILE", show_default=False
    ),
]
Seed = Annotated[
    int | None,
    typer.Option("--seed", help="Same seed, same bytes. Default: 0.", metavar="S", show_default=False),
]
Target = Annotated[
    str | None,
    typer.Option("--target", help="Column to be predicted.", metavar="COL", show_default=False),
]
Protected = Annotated[
    list[str] | None,
    typer.Option(
        "--protected", help="Column that names groups; may be repeated.", metavar="COL", show_default=False
    ),
]
Holdout = Annotated[
    float | None,
    typer.Option(
        "--holdout",
        help="Share of rows kept back as a yardstick. Default: 0.2.",
        metavar="SHARE",
        show_default=False,
    ),
]
Synthesizer = Annotated[
    str | None,
    typer.Option(
        "--synthesizer",
        help="Generator: tree, tree-fast, independent, bootstrap, ... Default: tree; auto with --epsilon.",
        metavar="NAME", show_default=False,
    ),
]  # fmt: skip
TimeBudget = Annotated[
    str | None,
    typer.Option(
        "--time-budget",
        help="Longest time on the clock, e.g. 90s, 5m, 1h30m.",
        metavar="TIME",
        show_default=False,
    ),
]
Rows = Annotated[
    int | None,
    typer.Option(
        "--rows", help="Synthetic rows. Default: as many as the data has.", metavar="N", show_default=False
    ),
]
Delimiter = Annotated[
    str | None,
    typer.Option(
        "--delimiter", help="Correct a wrong guess about a CSV file.", metavar="C", show_default=False
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(
        "--encoding", help="Correct a wrong guess about a text file.", metavar="NAME", show_default=False
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="csv, tsv, parquet, arrow or jsonl. Default: as the data.",
        metavar="NAME",
        show_default=False,
    ),
]
Require = Annotated[
    list[str] | None,
    typer.Option(
        "--require",
        help="Limit on a result, e.g. c2st.max=0.6; exit code 1 when it is broken. May be repeated.",
        metavar="NAME.max=X",
        show_default=False,
    ),
]
Effort = Annotated[
    str | None,
    typer.Option(
        "--effort",
        help="Of the attacks: quick, standard or thorough. Default: quick; for evaluate standard.",
        metavar="NAME",
        show_default=False,
    ),
]
By = Annotated[
    list[str] | None,
    typer.Option(
        "--by", metavar="COL,COL", show_default=False,
        help="Column that names small groups, or several to cross; may be repeated.",
    ),
]  # fmt: skip
Shift = Annotated[
    list[str] | None,
    typer.Option(
        "--shift", metavar="SHARES", show_default=False,
        help="Another population, e.g. 'age >= 65: 0.5' or 'sex = balanced'; may be repeated.",
    ),
]  # fmt: skip
Epsilon = Annotated[
    str | None,
    typer.Option(
        "--epsilon",
        help="Guarantee differential privacy with this total epsilon, e.g. 1.",
        metavar="E",
        show_default=False,
    ),
]
Delta = Annotated[
    str | None,
    typer.Option(
        "--delta", help="With --epsilon: chance left uncovered. Default: 1e-6.", metavar="D",
        show_default=False,
    ),
]  # fmt: skip
Unit = Annotated[
    str | None,
    typer.Option(
        "--unit", help="With --epsilon: column that says whose row it is. Default: each row by itself.",
        metavar="COL", show_default=False,
    ),
]  # fmt: skip
PerUnit = Annotated[
    int | None,
    typer.Option(
        "--per-unit",
        help="With --epsilon: rows kept of each --unit. Default: 1.",
        metavar="K",
        show_default=False,
    ),
]
Public = Annotated[
    Path | None,
    typer.Option(
        "--public", help="With --epsilon: a public table with the same columns.", metavar="FILE",
        show_default=False,
    ),
]  # fmt: skip
Ledger = Annotated[
    Path | None,
    typer.Option(
        "--ledger", help="With --epsilon: file that adds up what all runs spend. Default: one in the run "
        "folder, for this run alone.", metavar="FILE", show_default=False,
    ),
]  # fmt: skip
TotalEpsilon = Annotated[
    str | None,
    typer.Option(
        "--total-epsilon", help="With --epsilon: total of a new --ledger. Default: that of --epsilon.",
        metavar="E", show_default=False,
    ),
]  # fmt: skip
Engine = Annotated[
    str | None,
    typer.Option(
        "--engine",
        help="With --epsilon: who counts: memory, duckdb (rows stay in their file), or auto, by its size.",
        metavar="NAME", show_default=False,
    ),
]  # fmt: skip
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a file of that name.")]
