"""``locum tournament``: generators hide their training rows, attacks seek them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from locum.cli import options
from locum.evaluation.registry import SEEKERS, STRONG_SEEKERS


def tournament(
    data: options.NeededData,
    hide: Annotated[
        list[str] | None,
        typer.Option(
            "--hide",
            metavar="ENTRANT",
            show_default=False,
            help="A hider, may be repeated; as --with of `locum compare`. Default: tree.",
        ),
    ] = None,
    seek: Annotated[
        list[str] | None,
        typer.Option(
            "--seek",
            metavar="SEEKER",
            show_default=False,
            help=f"A seeker, may be repeated: {', '.join(SEEKERS)}, or NAME=module:function. "
            f"Default: {', '.join(STRONG_SEEKERS)}.",
        ),
    ] = None,
    target: options.Target = None,
    window: Annotated[
        int | None,
        typer.Option(
            "--window",
            help="Rows are steps in time: cut N of them into one row.",
            metavar="N",
            show_default=False,
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", help="Column that names the series.", metavar="COL", show_default=False),
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", help="How many seeds, from 0 up.", metavar="N", min=1)] = 3,
    gate: Annotated[
        float, typer.Option("--gate", help="Least share of skill that rows must keep.", metavar="SHARE")
    ] = 0.85,
    time_limit: Annotated[
        str, typer.Option("--time-limit", help="Longest time for one fit, e.g. 90s, 30m.", metavar="TIME")
    ] = "1h",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Folder for page and numbers. Default: locum-tournament.",
            metavar="DIR",
            show_default=False,
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Let generators hide the rows they learned from, and attacks find them.

    The NeurIPS 2020 hide-and-seek challenge with equal halves, strong seekers and a utility gate. The
    controls bootstrap and independent hide, and guess seeks, in every tournament.
    """  # fmt: skip
    from locum.cli.progress import Display
    from locum.cli.show import show_tournament
    from locum.studies.tournament.verb import tournament as play
    from locum.wording import parse_duration

    folder = out or Path("locum-tournament")
    limit = parse_duration(time_limit, where="--time-limit")
    with Display() as display:
        found = play(
            data, hide or ["tree"], seek or STRONG_SEEKERS, target=target, window=window, by=by, seeds=seeds,
            gate=gate, limit_s=limit, out=folder, progress=display,
        )  # fmt: skip
    show_tournament(found, folder, as_json=as_json)
