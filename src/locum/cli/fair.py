"""``locum fair``: rows whose labels depend less on protected columns, with evidence before and after."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from locum.cli import options
from locum.cli.options import argument, option
from locum.runs.options import DEFAULT_SEED


def fair(
    model: Annotated[Path, argument("Model file (*.locum) or run folder.", "FILE")],
    target: Annotated[str, option("--target", "Column whose labels are repaired.", "COL", show_default=True)],
    protected: Annotated[
        list[str],
        option("--protected", "Columns that name groups: a,b, or repeated.", "COL", show_default=True),
    ],
    out: Annotated[Path, option("--out", "File to write: .csv, .tsv, .parquet, .arrow, .jsonl.", "FILE")],
    method: Annotated[
        str, option("--method", "parity, odds, reweigh, causal or groups.", "NAME", show_default=True)
    ] = "parity",
    strength: Annotated[
        float | None,
        option(
            "--strength",
            "For parity: 0 only chooses rows, 1 only moves labels: models' parity nearly closed, at the "
            "highest price. Default: the largest whose foretold cost is at most --cost. Label shares are "
            "equal at any.",
            "0-1",
        ),
    ] = None,
    cost: Annotated[
        float,
        option(
            "--cost",
            "For parity without --strength: area under the ROC curve that it may cost.",
            "AUC",
            show_default=True,
        ),
    ] = 0.015,
    rows: options.Rows = None,
    test: Annotated[
        Path | None, option("--test", "Real rows for testing models. Default: fresh synthetic ones.", "FILE")
    ] = None,
    data: Annotated[
        Path | None, option("--data", "Real rows, for --method groups and --folds.", "FILE")
    ] = None,
    folds: Annotated[
        int | None,
        option(
            "--folds",
            "Judge the repair on every row of --data: generator and models fitted this many "
            "times, each on the other parts.",
            "N",
        ),
    ] = None,
    least: Annotated[
        int,
        option(
            "--least",
            "Test rows of either outcome that a group needs; others are listed, not judged.",
            "N",
            show_default=True,
        ),
    ] = 30,
    page: Annotated[Path | None, option("--page", "HTML page to write.", "FILE")] = None,
    edge: Annotated[
        list[str] | None,
        option(
            "--edge", "Edge of the causal graph: 'sex -> income'; may be repeated. Default: learnt.", "EDGE"
        ),
    ] = None,
    notion: Annotated[
        str, option("--notion", "What --method causal cuts: ftu, cf or dp.", "NAME", show_default=True)
    ] = "dp",
    explain: Annotated[
        list[str] | None,
        option("--explain", "Column that may explain differences, for cf; may be repeated.", "COL"),
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
            model,
            out,
            target=target,
            protected=[p for text in protected for p in text.split(",") if p],
            method=method,
            strength=strength,
            cost=cost,
            rows=rows,
            test=test,
            data=data,
            folds=folds,
            least=least,
            page=page,
            graph=edge,
            notion=notion,
            explain=explain or (),
            seed=seed or DEFAULT_SEED,
            force=force,
            progress=display,
        )
    if as_json:
        emit({"command": "fair", **done})
        return
    say(done["sentence"])
    for note in done["notes"]:
        say(note)
    say(f"{count(done['rows'], 'row')} written to {out} ({size(done['bytes'])}).")
    if page is not None:
        say(f"Report: {page}")
