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
    attributes: Annotated[
        Path | None,
        typer.Option(
            "--attributes", help="TOML file that declares attributes to compare.", metavar="FILE",
            show_default=False,
        ),
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option(
            "--plan", help="Plan by which the texts were made.", metavar="PLAN", show_default=False
        ),
    ] = None,
    canaries: Annotated[
        Path | None,
        typer.Option(
            "--canaries", help="File that `locum text plant` wrote.", metavar="FILE", show_default=False
        ),
    ] = None,
    seed: options.Seed = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for page and numbers.", metavar="DIR", show_default=False),
    ] = None,
    as_json: options.Json = False,
) -> None:  # fmt: skip
    """Judge synthetic texts: likeness, variety, use and copying, each beside real hold-out texts.

    Without --holdout, nothing can be said about copying.
    """
    from locum.cli.console import emit, say
    from locum.text.judge.verb import PAGE, evaluate_text

    found = evaluate_text(
        real, synthetic, holdout=holdout, column=column, label=label, attributes=attributes, plan=plan,
        canaries=canaries, seed=seed or 0, out=out,
    )  # fmt: skip
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


def plant(
    data: options.NeededData,
    out: Annotated[
        Path,
        typer.Option("--out", help="Copy with canaries, .jsonl or .csv.", metavar="FILE", show_default=False),
    ],
    keys: Annotated[
        Path, typer.Option("--keys", help="File that tells them; keep it from the generator.", metavar="FILE")
    ] = Path("canaries.json"),
    column: Annotated[
        str | None,
        typer.Option(
            "--column", help="Column of texts. Default: the longest.", metavar="COL", show_default=False
        ),
    ] = None,
    planted: Annotated[int, typer.Option("--planted", help="How many.", metavar="N")] = 50,
    copies: Annotated[int, typer.Option("--copies", help="How often each goes in.", metavar="N")] = 1,
    seed: options.Seed = None,
    as_json: options.Json = False,
) -> None:
    """Plant unusual texts before a generator learns; `locum text evaluate --canaries` looks for them.

    What is made from the copy is for the test only.
    """
    from locum.cli.console import emit, say
    from locum.text.judge.verb import plant_canaries

    made = plant_canaries(data, out, keys, column=column, count=planted, copies=copies, seed=seed)
    if as_json:
        body = {"command": "text plant", "out": str(out), "keys": str(keys)}
        emit({**body, "planted": len(made.planted), "spared": len(made.spared), "copies": copies})
        return
    say(f"Planted {len(made.planted)} canaries ({copies} each) in {out}; their key is {keys}.")
    say(f"Next: make texts from {out}, then locum text evaluate ... --canaries {keys}")
