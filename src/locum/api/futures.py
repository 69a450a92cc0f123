"""What happens to models that learn from synthetic rows: mixing and collapse."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from locum.progress import Listener, silent

if TYPE_CHECKING:
    from locum.studies.collapse.result import Collapsing
    from locum.studies.mix.result import Mixing


def mix(
    data: Any,
    *,
    target: str | None = None,
    synthetic: Any = None,
    synthesizer: str = "tree",
    settings: Mapping[str, Any] | None = None,
    holdout: Any = None,
    protected: Sequence[str] = (),
    seed: int = 0,
    splits: int | None = None,
    out: str | os.PathLike[str] | None = None,
    title: str | None = None,
    progress: Listener = silent,
) -> Mixing:
    """Find out whether adding synthetic rows to real ones helps a model, and how many to add.

    Parameters
    ----------
    data
        Real rows: path or table, as for `detect`.
    target
        Column to be predicted; None takes it from a ``locum.toml`` beside the file.
    synthetic
        Ready-made synthetic rows; None makes them anew for every split from its learning rows only.
    synthesizer, settings
        Generator by name, with its settings.
    holdout
        Real rows that the generator of `synthetic` never saw, to test on.
    protected
        Columns whose groups are looked at one by one.
    seed, splits
        Same seed, same figures; how often to split, None for 6 or 12 by size.
    out
        Folder for ``mix.html`` and ``mix.json``; None writes nothing.
    title
        Heads the page; None takes the name of the file, and ``table`` for a table in memory.
    progress
        Called with an `Event` now and then.

    Returns
    -------
    Mixing
        Verdict (``helps``, ``no evidence``, ``harms``) with intervals, every arm, groups, exchange rate.

    Raises
    ------
    UsageError
        When no target is named or it cannot be predicted.
    DataError
        When the data cannot be read, are too few, or share no columns.
    FolderError
        When the folder holds something else.
    """
    from locum.studies.mix.verb import mix as work

    return work(
        data, target=target, synthetic=synthetic, synthesizer=synthesizer, settings=settings, holdout=holdout,
        protected=protected, seed=seed, splits=splits, out=out, title=title, progress=progress,
    )  # fmt: skip


def collapse(
    data: Any,
    *,
    loops: Sequence[str] = ("replace", "accumulate", "subsample", "fresh", "verified"),
    generations: int = 10,
    rows: int | None = None,
    synthesizer: str = "tree-fast",
    settings: Mapping[str, Any] | None = None,
    protected: Sequence[str] = (),
    text: str | None = None,
    order: int = 2,
    seed: int = 0,
    limit_s: float | None = None,
    out: str | os.PathLike[str] | None = None,
    title: str | None = None,
    progress: Listener = silent,
) -> Collapsing:
    """Let a generator learn from its own rows, generation after generation, and measure what is lost.

    Parameters
    ----------
    data
        Path or table, as for `detect`.
    loops
        What a generation learns from: ``replace`` the last one only, ``accumulate`` all so far, ``subsample``
        as many of those as there were real rows, ``fresh`` the last one and a fifth of new real rows,
        ``verified`` rows that a judge found most like real ones.
    generations, rows
        How many generations, and rows of each; None means two fifths of the data, at most 5,000.
    synthesizer, settings
        Generator by name, with its settings.
    protected
        Columns whose groups are followed.
    text, order
        A column of texts: a model of runs of `order` words (1 to 5) learns from them in place of
        `synthesizer`; error, tail and diversity are then those of words, with held-out cross-entropy.
    seed
        Same seed, same figures.
    limit_s
        Longest time on the clock; fewer generations are run, with a note, where they do not fit.
    out
        Folder for ``collapse.html`` and ``collapse.json``; None writes nothing.
    title
        Heads the page; None takes the name of the file, and ``table`` for a table in memory.
    progress
        Called with an `Event` now and then.

    Returns
    -------
    Collapsing
        Every loop's errors, tails, diversity and groups by generation, with the laws of theory.

    Raises
    ------
    UsageError
        For an unknown loop or generator, or when not even two generations fit into the time.
    DataError
        When the data cannot be read or has too few rows.
    FolderError
        When the folder holds something else.
    """
    from locum.studies.collapse.verb import collapse as work

    return work(
        data, loops=loops, generations=generations, rows=rows, synthesizer=synthesizer, settings=settings,
        protected=protected, text=text, order=order, seed=seed, limit_s=limit_s, out=out, title=title,
        progress=progress,
    )  # fmt: skip
