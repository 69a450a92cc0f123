"""A tournament on a user's table or series: reading, playing, writing the leaderboards."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from locum.errors import UsageError
from locum.evaluation.registry import STRONG_SEEKERS
from locum.progress import Listener, silent
from locum.runs.options import COMPARE_LIMIT_S, COMPARE_SEEDS
from locum.runs.out_folder import study_folder, write_study
from locum.runs.tables import StudyTable, read_and_refine, read_table
from locum.runs.versions import now, versions
from locum.studies.compare.compare import check_seeds, contestants, cut_by_seed
from locum.studies.compare.result import CONTROLS
from locum.studies.contestants.contestant import Contestant, Function, field_of
from locum.studies.tournament.result import Tournament
from locum.studies.tournament.run import TournamentSplit, cut, play
from locum.studies.tournament.seekers import Seeker, seeker
from locum.studies.tournament.windows import windows

DEFAULT_GATE = 0.85


def tournament(
    data: Any,
    hiders: Sequence[str | Contestant] | Mapping[str, str | Function],
    seekers: Sequence[str] | Mapping[str, str | Seeker] = STRONG_SEEKERS,
    *,
    target: str | None = None,
    window: int | None = None,
    by: str | None = None,
    seeds: int | Sequence[int] = COMPARE_SEEDS,
    gate: float = DEFAULT_GATE,
    limit_s: float = COMPARE_LIMIT_S,
    out: str | os.PathLike[str] | None = None,
    progress: Listener = silent,
) -> Tournament:
    """Let generators hide the rows they learned from, and attacks find them.

    Parameters
    ----------
    data
        Path or table; with `window`, one row a step in time, in order.
    hiders
        As `entrants` of `compare`. The controls ``bootstrap`` and ``independent`` always hide too.
    seekers
        Built-in names (``nearest``, ``neighbours``, ``counts``, ``trees``, ``forest``, ``linear``) or lines
        ``"NAME=module:function"``; or a mapping from names to such or to functions ``seek(known, rows)`` that
        give one score a row, higher for "learned from". `known` has ``synthetic`` and ``reference`` (pyarrow
        tables), ``columns`` and ``seed``. The control ``guess`` always seeks too.
    target
        Column to be predicted at the utility gate; of windows, by default the last feature's last step.
    window, by
        Steps in a window, and the column that names the series; see `locum.studies.tournament.windows`.
    seeds
        How many, from 0 up, or which.
    gate
        Least share of skill that models trained on a hider's rows must keep, 0-1.
    limit_s
        Longest time for one fit, in seconds on the clock.
    out
        Folder for ``tournament.html`` and ``tournament.json``; None writes nothing.
    progress
        Called with an `Event` for each hider.

    Returns
    -------
    Tournament
        ``.hider_board()``, ``.seeker_board()``, ``.warnings()``, and every ``.bouts``.

    Raises
    ------
    UsageError
        For an entrant or seeker that cannot be read, or a window that cannot be.
    DataError
        When the table cannot be read or is too short.
    FolderError
        When the folder holds something else, or cannot be written.
    """
    known = check_seeds(seeds)
    if not 0 <= gate <= 1:
        raise UsageError(f"a gate of {gate:g} cannot be", where="gate", expected="a share from 0 to 1")
    field, sought = field_of(contestants(hiders)), _seekers(seekers)
    folder = study_folder(out, "tournament")
    table = _table(data, target, window, by)

    def ground(seed: int) -> TournamentSplit:
        return cut(cut_by_seed(table, 0.0)(seed), seed)

    members = 2 * table.table.num_rows // 5
    hidings, bouts = play(ground, field, sought, known, gate=gate, limit_s=limit_s, listener=progress)
    found = Tournament(
        table.name,
        members,
        known,
        gate,
        {c.name: c.entrant().about for c in field},
        {name: about for name, _, about in sought},
        hidings,
        bouts,
        (*CONTROLS, "guess"),
        now(),
        versions(),
    )
    if folder is not None:
        from locum.studies.tournament.page import render

        write_study(folder, "tournament", render(found), found.to_json())
    return found


def _seekers(given: Sequence[str] | Mapping[str, str | Seeker]) -> tuple[tuple[str, Seeker, str], ...]:
    """The seekers, and always the one that guesses."""
    if isinstance(given, Mapping):
        found = [
            (name, what, f"{getattr(what, '__module__', '')}:{getattr(what, '__qualname__', name)}")
            if not isinstance(what, str)
            else seeker(what if what == name else f"{name}={what}")
            for name, what in given.items()
        ]
    else:
        found = [seeker(text) for text in given]
    names = [name for name, _, _ in found]
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice is not None:
        raise UsageError(f"two seekers are called {twice!r}", where="tournament", do="write NAME=... for one")
    return (*found, *([] if "guess" in names else [seeker("guess")]))


def _table(data: Any, target: str | None, window: int | None, by: str | None) -> StudyTable:
    if window is None:
        if by is not None:
            raise UsageError("--by needs --window", where="by", do="say how many steps a window has")
        return read_and_refine(data, target, ())
    raw = read_table(data)
    cut_up = windows(raw.table, window, by=by)
    if target is None:
        target = cut_up.column_names[-1]
    found = read_and_refine(cut_up, target, ())
    return replace(found, name=Path(raw.name).stem or raw.name)
