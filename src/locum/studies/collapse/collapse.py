"""A laboratory of self-consumption on a user's table: reading, looping, writing the page."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from locum.errors import UsageError
from locum.progress import Listener, silent
from locum.randomness import check_seed
from locum.runs.options import DEFAULT_SEED, FAST_SYNTHESIZER, several
from locum.runs.out_folder import study_folder, write_study
from locum.runs.tables import need_column, read_and_refine, read_table, without_data_bounds
from locum.runs.versions import now
from locum.schema.lineage import warning_of
from locum.studies.collapse.lab import LabRows, lay_out, study
from locum.studies.collapse.result import MODES, Collapsing, Mode
from locum.synthesizer.refit import Refit


def collapse(
    data: Any,
    *,
    loops: Sequence[str] = MODES,
    generations: int = 10,
    rows: int | None = None,
    synthesizer: str = FAST_SYNTHESIZER,
    settings: Mapping[str, Any] | None = None,
    protected: Sequence[str] = (),
    text: str | None = None,
    order: int = 2,
    seed: int = DEFAULT_SEED,
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
    seed = check_seed(seed)
    if not 1 <= generations <= 1000:
        raise UsageError(
            f"{generations} generations cannot be", where="generations", expected="a number from 1 to 1000"
        )
    modes = _modes(several(loops))
    if rows is not None and rows < 20:
        raise UsageError(f"{rows} rows are too few", where="rows", expected="at least 20")
    folder = study_folder(out, "collapse")
    if text is not None:
        if protected:
            raise UsageError("groups are not followed in texts", where="protected", do="leave it out")
        if synthesizer != FAST_SYNTHESIZER or settings:
            raise UsageError(
                "a generator of tables cannot write texts",
                where="synthesizer",
                expected="runs of words of --order N",
                do="leave the generator and its settings out",
            )
        found = _texts(data, text, order, modes, generations, rows, seed, limit_s, title, progress)
    else:
        known = read_and_refine(data, None, several(protected))
        schema = without_data_bounds(known.schema)
        ground = lay_out(known.table, schema, rows, seed)
        found = study(
            ground,
            Refit(synthesizer, settings or {}).of(schema),
            name=title or known.name,
            synthesizer=synthesizer,
            modes=modes,
            generations=generations,
            seed=seed,
            limit_s=limit_s,
            protected=tuple(known.schema.protected),
            listener=progress,
        )
        found = _add_notes(found, warning_of(known.raw.lineage, known.name), ground, rows)
    if folder is not None:
        from locum.studies.collapse.page import render

        write_study(folder, "collapse", render(found), found.to_json())
    return found


def _texts(
    data: Any,
    column: str,
    order: int,
    modes: Sequence[Mode],
    generations: int,
    rows: int | None,
    seed: int,
    limit_s: float | None,
    title: str | None,
    progress: Listener,
) -> Collapsing:
    """The same loops over a column of texts and a model of runs of words."""
    from locum.studies.collapse import texts as lab

    raw = read_table(data)
    need_column(column, raw.table.column_names, where="text")
    name = Path(raw.name).stem or raw.name
    learned, schema = lab.as_words(raw.table.column(column), column)
    ground = lay_out(learned, schema, rows, seed)
    writer = lab.Writer(order)
    scale = lab.WordScale.of(ground, writer)
    found = study(
        ground,
        writer.make,
        name=title or f"{name}: {column}",
        synthesizer=f"word {order}-grams",
        modes=modes,
        generations=generations,
        seed=seed,
        limit_s=limit_s,
        scale=scale,
        judge=writer.judge,
        listener=progress,
    )
    found = replace(found, text=column, floor_entropy=scale.floor_entropy)
    empty = raw.table.num_rows - learned.num_rows
    if empty:
        found = replace(found, notes=(f"{empty:,} rows without a word were left out.", *found.notes))
    return _add_notes(found, warning_of(raw.lineage, name), ground, rows)


def _add_notes(found: Collapsing, risk: str, ground: LabRows, rows: int | None) -> Collapsing:
    notes = [risk] if risk else []
    if rows is not None and ground.start.num_rows < rows:
        notes.append(
            f"A generation has {ground.start.num_rows:,} rows, not {rows:,}: the rest of the real rows is "
            "needed to measure with, as fresh rows and for the judge."
        )
    return replace(found, created=now(), notes=(*notes, *found.notes))


def _modes(loops: Sequence[str]) -> tuple[Mode, ...]:
    found: list[Mode] = []
    for name in loops:
        mode = next((m for m in MODES if m == name), None)
        if mode is None:
            raise UsageError(
                f"there is no loop {name!r}", where="loop", expected=f"one of {', '.join(MODES)}"
            )
        if mode not in found:
            found.append(mode)
    if not found:
        raise UsageError("no loop was named", where="loop", expected=f"one of {', '.join(MODES)}")
    return tuple(found)
