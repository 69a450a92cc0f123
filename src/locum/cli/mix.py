"""``locum mix``: whether synthetic rows should be added to real ones, and how many."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from locum.cli import options
from locum.cli.options import option
from locum.runs.options import DEFAULT_SEED, DEFAULT_SYNTHESIZER


def mix(
    data: options.NeededData,
    target: options.Target = None,
    synthetic: Annotated[
        Path | None, option("--synthetic", "Ready-made synthetic rows. Default: made here.", "FILE")
    ] = None,
    holdout: Annotated[
        Path | None, option("--holdout", "Real rows the generator never saw, to test on.", "FILE")
    ] = None,
    synthesizer: options.Synthesizer = None,
    protected: options.Protected = None,
    splits: Annotated[int | None, option("--splits", "How often to split. Default: 6 or 12.")] = None,
    seed: options.Seed = None,
    out: Annotated[Path | None, option("--out", "Folder for page and numbers.", "DIR")] = None,
    as_json: options.Json = False,
) -> None:
    """Find out whether adding synthetic rows helps a model, and how many to add.

    Trains with and without them on many splits, beside copies of the real rows and simple rivals, and says
    helps, no evidence or harms, with intervals.
    """
    from locum.cli.console import emit, say
    from locum.cli.progress import Display
    from locum.studies.mix.verb import mix as work

    with Display() as display:
        found = work(
            data,
            target=target,
            synthetic=synthetic,
            holdout=holdout,
            synthesizer=synthesizer or DEFAULT_SYNTHESIZER,
            protected=tuple(protected or ()),
            seed=seed or DEFAULT_SEED,
            splits=splits,
            out=out,
            progress=display,
        )
    if as_json:
        emit({"command": "mix", "folder": None if out is None else str(out), **found.to_json()})
        return
    say(f"Verdict: {found.verdict}. {found.sentence}")
    if found.beside:
        say(found.beside)
    for arm in found.arms:
        if arm.kind in ("real", "synthetic", "rival") or arm.name == found.chosen:
            gain = (
                ""
                if arm.gain is None
                else f"  {arm.gain.value:+.4f} ({arm.gain.low:+.4f}, {arm.gain.high:+.4f})"
            )
            say(f"  {arm.name:<32} {arm.score:.4f}{gain}")
    for warning in found.warnings:
        say(f"Note: {warning}")
    if out is not None:
        say(f"Report: {out / 'mix.html'} (computed on real rows; do not share it)")
