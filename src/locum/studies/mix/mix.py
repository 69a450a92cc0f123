"""A study of mixing on a user's table: reading, making synthetic rows, writing the page."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from locum.errors import UsageError
from locum.progress import Listener, silent
from locum.randomness import check_seed, stream
from locum.runs.options import DEFAULT_SEED, DEFAULT_SYNTHESIZER, several
from locum.runs.out_folder import study_folder, write_study
from locum.runs.tables import align, read_and_refine, read_table, without_data_bounds
from locum.runs.versions import now
from locum.schema.lineage import uncovered_warning, warning_of
from locum.studies.mix.result import Mixing
from locum.studies.mix.study import Make, Question, study
from locum.synthesizer.refit import Refit

if TYPE_CHECKING:
    import pyarrow as pa


def mix(
    data: Any,
    *,
    target: str | None = None,
    synthetic: Any = None,
    synthesizer: str = DEFAULT_SYNTHESIZER,
    settings: Mapping[str, Any] | None = None,
    holdout: Any = None,
    protected: Sequence[str] = (),
    seed: int = DEFAULT_SEED,
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
    seed = check_seed(seed)
    if splits is not None and not 2 <= splits <= 200:
        raise UsageError(f"{splits} splits cannot be", where="splits", expected="a number from 2 to 200")
    folder = study_folder(out, "mix")
    known = read_and_refine(data, target, several(protected))
    if known.schema.target is None:
        raise UsageError(
            "nobody said what is to be predicted", where="target", do="name the column with --target"
        )
    schema, real = without_data_bounds(known.schema), known.table
    bare = ""
    if synthetic is None:
        make, available = Refit(synthesizer, settings or {}).of(schema), None
    else:
        # One schema for both; columns that only one of them has are left out, by name.
        given = read_table(synthetic)
        bare = uncovered_warning(given.lineage, given.name)
        other, schema, _ = align(schema, given)
        make, available = _draw_from(other), other.num_rows
    held = None if holdout is None else align(schema, read_table(holdout))[0]
    name = known.schema.target
    question = Question(
        schema,
        real.select(list(schema.names)),
        name,
        make,
        tuple(known.schema.protected),
        available,
        held,
        seed,
        splits,
    )
    by = synthesizer if synthetic is None else "rows from a file"
    found = study(question, name=title or known.name, synthesizer=by, listener=progress)
    risk = warning_of(known.raw.lineage, known.name)
    found = replace(
        found,
        created=now(),
        from_file=synthetic is not None,
        warnings=(*filter(None, (risk, bare)), *found.warnings),
    )
    if folder is not None:
        from locum.studies.mix.page import render

        write_study(folder, "mix", render(found), found.to_json())
    return found


def _draw_from(rows: pa.Table) -> Make:
    def make(learn: pa.Table, n: int, seed: int) -> pa.Table:
        order = stream(seed, "mix", "file").permutation(rows.num_rows)
        return rows.take(order[:n])

    return make
