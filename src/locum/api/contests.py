"""Generators against each other, and against attacks."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from locum.progress import Listener, silent

if TYPE_CHECKING:
    from locum.studies.compare.result import Comparison
    from locum.studies.contestants.contestant import Contestant, Function
    from locum.studies.tournament.result import Tournament
    from locum.studies.tournament.seekers import Seeker


def compare(
    data: Sequence[Any],
    entrants: Sequence[str | Contestant] | Mapping[str, str | Function],
    *,
    seeds: int | Sequence[int] = 3,
    rows: int | None = None,
    holdout: float = 0.25,
    target: str | None = None,
    protected: Sequence[str] = (),
    limit_s: float = 3600.0,
    effort: str = "quick",
    out: str | os.PathLike[str] | None = None,
    keep: bool = False,
    retry: bool = False,
    progress: Listener = silent,
) -> Comparison:
    """Compare generators, locum's and anybody's, on the same tables by the same tests.

    Parameters
    ----------
    data
        Tables: paths or frames. ``"visits.csv?target=late&protected=sex,race"`` says what holds for one only.
    entrants
        Lines such as ``"tree"``, ``"tree?members=4"``, ``"sdv.ctgan@/path/to/python?epochs=25"``,
        ``"mine=python make.py {train} {out} {rows} {seed}"`` or ``"theirs=made/{table}-{seed}.csv"``; or
        a mapping from names to lines or to functions ``make(train, out, rows, seed)``, which read and write
        CSV files. The negative controls ``independent`` and ``bootstrap`` always take part.
    seeds
        How many, from 0 up, or which.
    rows
        Rows to make; None means as many as were learned from.
    holdout
        Share of rows that no generator sees, 0-0.5.
    target, protected
        For every table that does not say its own.
    limit_s
        Longest time for one fit, in seconds on the clock; functions cannot be stopped.
    effort
        How hard the attacks try: ``quick``, ``standard`` or ``thorough``.
    out
        Folder for ``compare.html``, ``compare.json`` and ``compare.parquet``; the same call goes on where it
        was stopped. None writes nothing.
    keep
        Whether made rows are kept, in ``made/``.
    retry
        Whether what failed before is tried again.
    progress
        Called with an `Event` for each attempt.

    Returns
    -------
    Comparison
        ``.cells`` has every attempt, failed ones with their reason; ``.mean``, ``.ranks``, ``.front`` and
        ``.controls`` what follows from them.

    Raises
    ------
    UsageError
        For an entrant that cannot be read, two of one name, or no data.
    FolderError
        When the folder holds something else, or cannot be written.
    DataError
        When a table cannot be read.
    """
    from locum.studies.compare.verb import compare as work

    return work(
        data, entrants, seeds=seeds, rows=rows, holdout=holdout, target=target, protected=protected,
        limit_s=limit_s, effort=effort, out=out, keep=keep, retry=retry, progress=progress,
    )  # fmt: skip


def tournament(
    data: Any,
    hiders: Sequence[str | Contestant] | Mapping[str, str | Function],
    seekers: Sequence[str] | Mapping[str, str | Seeker] = ("nearest", "neighbours", "queries", "trees"),
    *,
    target: str | None = None,
    window: int | None = None,
    by: str | None = None,
    seeds: int | Sequence[int] = 3,
    gate: float = 0.85,
    limit_s: float = 3600.0,
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
        Built-in names (``nearest``, ``neighbours``, ``queries``, ``trees``, ``forest``, ``linear``) or lines
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
    from locum.studies.tournament.verb import tournament as work

    return work(
        data, hiders, seekers, target=target, window=window, by=by, seeds=seeds, gate=gate, limit_s=limit_s,
        out=out, progress=progress,
    )  # fmt: skip
