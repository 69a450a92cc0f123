"""``locum text evaluate``: judge anybody's synthetic texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from locum.cli import options
from locum.cli.options import option


def evaluate(
    real: Annotated[Path, option("--real", help="The texts the generator learned from.", metavar="A")],
    synthetic: Annotated[Path, option("--synthetic", help="The texts to judge.", metavar="B")],
    holdout: Annotated[
        Path | None, option("--holdout", help="Real texts the generator never saw.", metavar="C")
    ] = None,
    column: Annotated[
        str | None, option("--column", help="Column of texts. Default: the longest.", metavar="COL")
    ] = None,
    label: Annotated[str | None, option("--label", help="Column of labels.", metavar="COL")] = None,
    attributes: Annotated[
        Path | None,
        option("--attributes", help="TOML file that declares attributes to compare.", metavar="FILE"),
    ] = None,
    plan: Annotated[
        Path | None, option("--plan", help="Plan by which the texts were made.", metavar="PLAN")
    ] = None,
    canaries: Annotated[
        Path | None, option("--canaries", help="File that `locum text plant` wrote.", metavar="FILE")
    ] = None,
    seed: options.Seed = None,
    out: Annotated[Path | None, option("--out", help="Folder for page and numbers.", metavar="DIR")] = None,
    as_json: options.Json = False,
) -> None:
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
    out: Annotated[Path, option("--out", help="Copy with canaries, .jsonl or .csv.", metavar="FILE")],
    keys: Annotated[
        Path, typer.Option("--keys", help="File that tells them; keep it from the generator.", metavar="FILE")
    ] = Path("canaries.json"),
    column: Annotated[
        str | None, option("--column", help="Column of texts. Default: the longest.", metavar="COL")
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
