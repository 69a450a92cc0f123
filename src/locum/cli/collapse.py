"""``locum collapse``: what happens when a generator learns from its own rows, generation after generation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from locum.cli import options
from locum.cli.options import option
from locum.runs.options import DEFAULT_SEED, FAST_SYNTHESIZER


def collapse(
    data: options.NeededData,
    loop: Annotated[
        list[str] | None,
        option(
            "--loop",
            "replace, accumulate, subsample, fresh or verified; may be repeated. Default: all.",
            "LOOP",
        ),
    ] = None,
    generations: Annotated[int, option("--generations", "How many.", "N", show_default=True)] = 10,
    rows: options.Rows = None,
    synthesizer: Annotated[
        str, option("--synthesizer", "Generator that learns.", "NAME", show_default=True)
    ] = FAST_SYNTHESIZER,
    protected: options.Protected = None,
    text: Annotated[str | None, option("--text", "Learn the texts of a column.", "COLUMN")] = None,
    order: Annotated[
        int, option("--order", "With --text: words in a run that is counted, 1 to 5.", "N", show_default=True)
    ] = 2,
    seed: options.Seed = None,
    time: Annotated[str | None, option("--time", "Longest time, e.g. 90s, 10m.", "TIME")] = None,
    out: Annotated[Path | None, option("--out", "Folder for page and numbers.", "DIR")] = None,
    as_json: options.Json = False,
) -> None:
    """Let a generator learn from its own rows and watch errors, rare cases, diversity and groups.

    Five loops side by side: only the last generation, all so far, as many as the real ones, with fresh real
    rows, and with rows that a judge has verified. With --text a model of runs of words learns a
    column of texts.
    """
    from locum.cli.console import emit, say
    from locum.cli.progress import Display
    from locum.studies.collapse.result import MODES
    from locum.studies.collapse.verb import collapse as work
    from locum.wording import parse_duration

    limit = None if time is None else parse_duration(time, where="--time")
    with Display() as display:
        found = work(
            data,
            loops=loop or MODES,
            generations=generations,
            rows=rows,
            synthesizer=synthesizer,
            protected=tuple(protected or ()),
            text=text,
            order=order,
            seed=seed or DEFAULT_SEED,
            limit_s=limit,
            out=out,
            progress=display,
        )
    if as_json:
        emit({"command": "collapse", "folder": None if out is None else str(out), **found.to_json()})
        return
    say(found.sentence)
    for x in found.loops:
        say(f"  {x.sentence}")
    for note in found.notes:
        say(f"Note: {note}")
    if out is not None:
        say(f"Report: {out / 'collapse.html'} (computed on real rows; do not share it)")
