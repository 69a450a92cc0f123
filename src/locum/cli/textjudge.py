"""``locum text evaluate``: judge anybody's synthetic texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from locum.cli import options


def evaluate(
    real: Annotated[
        Path,
        typer.Option("--real", help="The texts the generator learned from.", metavar="A", show_default=False),
    ],
    synthetic: Annotated[
        Path, typer.Option("--synthetic", help="The texts to judge.", metavar="B", show_default=False)
    ],
    holdout: Annotated[
        Path | None,
        typer.Option(
            "--holdout", help="Real texts the generator never saw.", metavar="C", show_default=False
        ),
    ] = None,
    column: Annotated[
        str | None,
        typer.Option(
            "--column", help="Column of texts. Default: the longest.", metavar="COL", show_default=False
        ),
    ] = None,
    label: Annotated[
        str | None, typer.Option("--label", help="Column of labels.", metavar="COL", show_default=False)
    ] = None,
    seed: options.Seed = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for page and numbers.", metavar="DIR", show_default=False),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Judge synthetic texts: likeness, variety, use and copying, each beside real hold-out texts.

    Without --holdout, nothing can be said about copying.
    """
    from locum.cli.console import emit, say
    from locum.pipeline.textjudge import PAGE, evaluate_text

    found = evaluate_text(
        real, synthetic, holdout=holdout, column=column, label=label, seed=seed or 0, out=out
    )
    if as_json:
        body = {"command": "text evaluate", "folder": None if out is None else str(out)}
        emit({**body, **found.to_json()})
        return
    for answer in found.answers:
        say(f"{answer.question.capitalize()}: {answer.verdict}. {answer.sentence}")
    for r in found.results:
        real_value = "" if r.reference is None else f"  real {r.reference:.4g}"
        say(f"  {r.title:<44} {r.value:10.4g}{real_value:<16}  {r.verdict}")
    if out is not None:
        say(f"Report: {out / PAGE} (computed on real texts; do not share it)")
