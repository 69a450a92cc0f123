"""``locum evaluate``: judge anybody's synthetic table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from locum.cli import options
from locum.cli.options import option
from locum.runs.options import DEFAULT_SEED, EVALUATE_EFFORT


def evaluate(
    real: Annotated[Path, option("--real", "The rows the generator learned from.", "A")],
    synthetic: Annotated[Path, option("--synthetic", "The rows to judge.", "B")],
    holdout: Annotated[Path | None, option("--holdout", "Real rows the generator never saw.", "C")] = None,
    target: options.Target = None,
    protected: options.Protected = None,
    require: options.Require = None,
    effort: options.Effort = None,
    by: options.By = None,
    shift: options.Shift = None,
    canaries: Annotated[Path | None, option("--canaries", "Key that `locum plant` wrote.", "FILE")] = None,
    seed: options.Seed = None,
    out: Annotated[Path | None, option("--out", "Folder for report.html and report.json.", "DIR")] = None,
    as_json: options.Json = False,
) -> None:
    """Judge a synthetic table against the real one, whoever made it.

    The order of columns may differ; columns that the tables do not share are left out and named.
    Without --holdout, only exact copies beyond chance can be told.
    With --canaries, --real is the copy that `locum plant` wrote and the generator learned from.
    --by and --shift test a model trained on the synthetic rows on small groups of the hold-out.
    Exit code 1 when a limit of --require, or of [require] in locum.toml, is broken.
    """
    from locum.cli.progress import Display
    from locum.cli.show import show_evaluation
    from locum.evaluation.limits import parse_limits
    from locum.runs.evaluate import evaluate as judge
    from locum.runs.evaluate import save_folder
    from locum.runs.out_folder import refuse_taken

    if out is not None:
        refuse_taken(out)
    with Display() as display:
        found = judge(
            real,
            synthetic,
            holdout=holdout,
            target=target,
            protected=tuple(protected or ()),
            seed=seed or DEFAULT_SEED,
            require=parse_limits(require) if require else None,
            effort=effort or EVALUATE_EFFORT,
            by=tuple(by or ()),
            shift=tuple(shift or ()),
            canaries=canaries,
            progress=display,
        )
        folder = None if out is None else save_folder(found, out)
    show_evaluation(found, folder, as_json=as_json)
    if not found.passed:
        raise typer.Exit(1)
