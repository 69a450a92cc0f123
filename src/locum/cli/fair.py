"""``locum fair``: rows whose labels depend less on protected columns, with evidence before and after."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from locum.cli import options


def fair(
    model: Annotated[
        Path, typer.Argument(metavar="FILE", help="Model file (*.locum) or run folder.", show_default=False)
    ],
    target: Annotated[
        str, typer.Option("--target", help="Column whose labels are repaired.", metavar="COL")
    ],
    protected: Annotated[
        list[str],
        typer.Option("--protected", help="Columns that name groups: a,b, or repeated.", metavar="COL"),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            help="File to write: .csv, .tsv, .parquet, .arrow, .jsonl.",
            metavar="FILE",
            show_default=False,
        ),
    ],
    method: Annotated[
        str,
        typer.Option("--method", help="parity, odds, reweigh, causal or groups.", metavar="NAME"),
    ] = "parity",
    strength: Annotated[
        float,
        typer.Option(
            "--strength", help="For parity: 1 moves labels alone, less also chooses rows and costs less."
        ),
    ] = 1.0,
    rows: options.Rows = None,
    test: Annotated[
        Path | None,
        typer.Option(
            "--test", help="Real rows for testing models. Default: fresh synthetic ones.", metavar="FILE",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", help="Real rows to fit on, for --method groups.", metavar="FILE", show_default=False
        ),
    ] = None,
    edge: Annotated[
        list[str] | None,
        typer.Option(
            "--edge", help="Edge of the causal graph: 'sex -> income'; may be repeated. Default: learnt.",
            metavar="EDGE", show_default=False,
        ),
    ] = None,
    notion: Annotated[
        str, typer.Option("--notion", help="What --method causal cuts: ftu, cf or dp.", metavar="NAME")
    ] = "dp",
    explain: Annotated[
        list[str] | None,
        typer.Option(
            "--explain", help="Column that may explain differences, for cf; may be repeated.", metavar="COL",
            show_default=False,
        ),
    ] = None,
    seed: options.Seed = None,
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:  # fmt: skip
    """Draw rows that are repaired towards one notion of fairness, and tell what that did to the others."""
    from locum.cli.console import emit, say
    from locum.cli.progress import Display
    from locum.pipeline.fair import fair_file
    from locum.pipeline.words import count, size

    with Display() as display:
        done = fair_file(
            model, out, target=target, protected=[p for text in protected for p in text.split(",") if p],
            method=method, strength=strength, rows=rows, test=test, data=data, graph=edge, notion=notion,
            explain=explain or (), seed=seed or 0, force=force, progress=display,
        )  # fmt: skip
    if as_json:
        emit({"command": "fair", **done})
        return
    say(done["sentence"])
    for note in done["notes"]:
        say(note)
    say(f"{count(done['rows'], 'row')} written to {out} ({size(done['bytes'])}).")
