"""``locum fair``: rows whose labels depend less on protected columns, with evidence before and after."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from locum.cli import options
from locum.cli.options import argument, option
from locum.runs.options import DEFAULT_SEED


def fair(
    model: Annotated[Path, argument(metavar="FILE", help="Model file (*.locum) or run folder.")],
    target: Annotated[str, typer.Option("--target", help="Column whose labels are repaired.", metavar="COL")],
    protected: Annotated[
        list[str],
        typer.Option("--protected", help="Columns that name groups: a,b, or repeated.", metavar="COL"),
    ],
    out: Annotated[
        Path, option("--out", help="File to write: .csv, .tsv, .parquet, .arrow, .jsonl.", metavar="FILE")
    ],
    method: Annotated[
        str,
        typer.Option("--method", help="parity, odds, reweigh, causal or groups.", metavar="NAME"),
    ] = "parity",
    strength: Annotated[
        float | None,
        option(
            "--strength",
            help="For parity: 0 only chooses rows, 1 only moves labels: models' parity nearly closed, at the "
            "highest price. Default: the largest whose foretold cost is at most --cost. Label shares are "
            "equal at any.",
            metavar="0-1",
        ),
    ] = None,
    cost: Annotated[
        float,
        typer.Option(
            "--cost",
            help="For parity without --strength: area under the ROC curve that it may cost.",
            metavar="AUC",
        ),
    ] = 0.015,
    rows: options.Rows = None,
    test: Annotated[
        Path | None,
        option("--test", help="Real rows for testing models. Default: fresh synthetic ones.", metavar="FILE"),
    ] = None,
    data: Annotated[
        Path | None, option("--data", help="Real rows, for --method groups and --folds.", metavar="FILE")
    ] = None,
    folds: Annotated[
        int | None,
        option(
            "--folds",
            help="Judge the repair on every row of --data: generator and models fitted this many "
            "times, each on the other parts.",
            metavar="N",
        ),
    ] = None,
    least: Annotated[
        int,
        typer.Option(
            "--least",
            help="Test rows of either outcome that a group needs; others are listed, not judged.",
            metavar="N",
        ),
    ] = 30,
    page: Annotated[Path | None, option("--page", help="HTML page to write.", metavar="FILE")] = None,
    edge: Annotated[
        list[str] | None,
        option(
            "--edge",
            help="Edge of the causal graph: 'sex -> income'; may be repeated. Default: learnt.",
            metavar="EDGE",
        ),
    ] = None,
    notion: Annotated[
        str, typer.Option("--notion", help="What --method causal cuts: ftu, cf or dp.", metavar="NAME")
    ] = "dp",
    explain: Annotated[
        list[str] | None,
        option(
            "--explain", help="Column that may explain differences, for cf; may be repeated.", metavar="COL"
        ),
    ] = None,
    seed: options.Seed = None,
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Draw rows that are repaired towards one notion of fairness, and tell what that did to the others."""
    from locum.cli.console import emit, say
    from locum.cli.progress import Display
    from locum.studies.fair.verb import fair_file
    from locum.wording import count, size

    with Display() as display:
        done = fair_file(
            model, out, target=target, protected=[p for text in protected for p in text.split(",") if p],
            method=method, strength=strength, cost=cost, rows=rows, test=test, data=data, folds=folds,
            least=least, page=page, graph=edge, notion=notion,
            explain=explain or (), seed=seed or DEFAULT_SEED, force=force, progress=display,
        )  # fmt: skip
    if as_json:
        emit({"command": "fair", **done})
        return
    say(done["sentence"])
    for note in done["notes"]:
        say(note)
    say(f"{count(done['rows'], 'row')} written to {out} ({size(done['bytes'])}).")
    if page is not None:
        say(f"Report: {page}")
