"""``locum tournament``: generators hide their training rows, attacks seek them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from locum.cli import options
from locum.cli.options import option
from locum.evaluation.registry import SEEKERS, STRONG_SEEKERS
from locum.runs.options import COMPARE_SEEDS, DEFAULT_SYNTHESIZER


def tournament(
    data: options.NeededData,
    hide: Annotated[
        list[str] | None,
        option("--hide", "A hider, may be repeated; as --with of `locum compare`. Default: tree.", "ENTRANT"),
    ] = None,
    seek: Annotated[
        list[str] | None,
        option(
            "--seek",
            f"A seeker, may be repeated: {', '.join(SEEKERS)}, or NAME=module:function. "
            f"Default: {', '.join(STRONG_SEEKERS)}.",
            "SEEKER",
        ),
    ] = None,
    target: options.Target = None,
    window: Annotated[
        int | None, option("--window", "Rows are steps in time: cut N of them into one row.", "N")
    ] = None,
    by: Annotated[str | None, option("--by", "Column that names the series.", "COL")] = None,
    seeds: Annotated[
        int, option("--seeds", "How many seeds, from 0 up.", "N", min=1, show_default=True)
    ] = COMPARE_SEEDS,
    gate: Annotated[
        float, option("--gate", "Least share of skill that rows must keep.", "SHARE", show_default=True)
    ] = 0.85,
    time_limit: Annotated[
        str, option("--time-limit", "Longest time for one fit, e.g. 90s, 30m.", "TIME", show_default=True)
    ] = "1h",
    out: Annotated[
        Path | None, option("--out", "Folder for page and numbers. Default: locum-tournament.", "DIR")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Let generators hide the rows they learned from, and attacks find them.

    The NeurIPS 2020 hide-and-seek challenge with equal halves, strong seekers and a utility gate. The
    controls bootstrap and independent hide, and guess seeks, in every tournament.
    """
    from locum.cli.progress import Display
    from locum.cli.show import show_tournament
    from locum.studies.tournament.verb import tournament as play
    from locum.wording import parse_duration

    folder = out or Path("locum-tournament")
    limit = parse_duration(time_limit, where="--time-limit")
    with Display() as display:
        found = play(
            data,
            hide or [DEFAULT_SYNTHESIZER],
            seek or STRONG_SEEKERS,
            target=target,
            window=window,
            by=by,
            seeds=seeds,
            gate=gate,
            limit_s=limit,
            out=folder,
            progress=display,
        )
    show_tournament(found, folder, as_json=as_json)
