"""Judging synthetic rows, whoever made them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from locum.progress import Listener, silent
from locum.schema.table import Schema

if TYPE_CHECKING:
    from locum.evaluation.subgroups.result import Subgrouping
    from locum.runs.evaluate import Evaluation
    from locum.runs.plant import PlantedFile


def evaluate(
    real: Any,
    synthetic: Any,
    *,
    holdout: Any = None,
    schema: Schema | None = None,
    target: str | None = None,
    protected: Sequence[str] = (),
    require: Mapping[str, Any] | None = None,
    effort: str = "standard",
    by: Sequence[str | Sequence[str]] = (),
    shift: Sequence[str] = (),
    canaries: str | os.PathLike[str] | None = None,
    title: str | None = None,
    seed: int = 0,
    progress: Listener = silent,
) -> Evaluation:
    """Judge any synthetic table against the real one it stands for, whoever made it.

    Parameters
    ----------
    real
        The rows that the generator learned from: path or table.
    synthetic
        The rows to judge, with the same columns in any order. Columns that only one table has, or that hold
        other kinds of values, are left out and named in ``.notes``; no limit passes then.
    holdout
        Real rows that the generator has never seen. Without them only exact copies beyond chance are told.
        Rows that repeat rows of `real` more than chance explains are left out, with a warning.
    schema
        What the columns are; None detects it from `real`.
    target
        Column to be predicted; None tries several columns.
    protected
        Columns that name groups.
    require
        Limits on results, e.g. ``{"c2st.max": 0.6, "utility.kept.min": 0.9}``; None takes those of a
        ``locum.toml`` beside the data. See ``.passed`` and ``.evidence.requirements`` of what is returned.
    effort
        How much the attacks spend: ``quick``, ``standard`` (about 20 CPU-seconds on 40,000 rows) or
        ``thorough``. What was not tried is said in the result ``attack.worst``.
    by, shift
        Small groups, and other populations, on which a model trained on the synthetic rows is tested, as for
        `subgroups`; needs a hold-out and a target. See ``.evidence.thin``.
    canaries
        Key file that `plant` wrote; `real` is then the copy with canaries, which the generator learned from.
    title
        Heads the page; None takes the name of the file, and ``table`` for a table in memory.
    seed
        Same seed, same numbers.
    progress
        Called with an `Event` now and then.

    Returns
    -------
    Evaluation
        ``print()`` it for five sentences, ``.save("report.html")`` for the page, ``.evidence`` for numbers.

    Raises
    ------
    UsageError
        When the target or a protected column is not in the real table.
    DataError
        When a table cannot be read, the target or a protected column is missing, no column is shared, or the
        target is constant.
    """
    from locum.runs.evaluate import evaluate as judge

    return judge(
        real, synthetic, holdout=holdout, schema=schema, target=target, protected=protected,
        require=require, effort=effort, by=by, shift=shift, canaries=canaries, title=title, seed=seed,
        progress=progress,
    )  # fmt: skip


def plant(
    data: str | os.PathLike[str],
    out: str | os.PathLike[str],
    keys: str | os.PathLike[str],
    *,
    planted: int = 100,
    copies: int = 1,
    seed: int | None = None,
    force: bool = False,
) -> PlantedFile:
    """Write a copy of a table with unusual rows in it, to be looked for among the synthetic rows.

    For each of twice `planted` unusual rows a coin decides whether it goes in. If planted rows can be told
    from spared ones by the synthetic rows of a generator that learned the copy, it gives single rows away.

    Parameters
    ----------
    data
        The table that a generator is to learn.
    out
        The copy; it and what is made from it are for the test only.
    keys
        File for `evaluate`, ``.parquet``: the unusual rows, and which went in. Keep it from the generator.
    planted, copies
        How many go in on average, and how often each.
    seed
        Of rows and coin; None takes a secret one from the operating system.
    force
        Replace files of these names.

    Returns
    -------
    PlantedFile
        How many rows were planted, were spared, and are in the copy.

    Raises
    ------
    UsageError
        When a file is there already, a number is below one, or the key has another ending.
    DataError
        When the table cannot be read.
    """
    from locum.runs.plant import plant_file

    return plant_file(data, out, keys, planted=planted, copies=copies, seed=seed, force=force)


def subgroups(
    model: Any,
    test: Any,
    *,
    by: Sequence[str | Sequence[str]] = (),
    target: str | None = None,
    shift: Sequence[str] = (),
    schema: Schema | None = None,
    generators: int = 8,
    rows: int = 20_000,
    synthesizer: str = "tree-fast",
    seed: int = 0,
    out: str | os.PathLike[str] | None = None,
    progress: Listener = silent,
) -> Subgrouping:
    """Test a model on groups of which there are few test rows, and on populations with other shares.

    Parameters
    ----------
    model
        What is tested: a function that takes a pyarrow table of the features and gives one label or number a
        row, or its place as ``"package.module:function"``; or rows for boosted trees to learn from: a table
        or file, a run folder (its synthetic rows), or a generator or its file.
    test
        Real rows that the model has not seen: path or table.
    by
        Columns that name groups: ``"sex"``, or crossed ``"sex,race"``; one table each. Numbers are cut into
        five bins.
    target
        Column that the model predicts; None takes it from a ``locum.toml`` beside the file.
    shift
        Shares of another population, such as ``"age >= 65: 0.5"`` or ``"sex = balanced"``.
    schema
        What the columns are; None detects it.
    generators, rows, synthesizer
        How many generators learn bootstraps of the test rows, what each draws, and which kind they are.
    seed
        Same seed, same figures.
    out
        Folder for ``subgroups.html`` and ``subgroups.json``; None writes nothing.
    progress
        Called with an `Event` now and then.

    Returns
    -------
    Subgrouping
        ``.tables`` and ``.shifts``: each group's score from real and from generated rows, each with its own
        95 % interval, and which of the two to go by. ``.sentence`` says the whole in words.

    Raises
    ------
    UsageError
        For columns, shares or numbers that cannot be, or a model whose answers do not fit.
    DataError
        When a table cannot be read, or columns are missing.
    FeasibilityError
        When a shift asks for rows that nobody has.
    FolderError
        When a folder holds something else.

    Notes
    -----
    After 3S (van Breugel et al., NeurIPS 2023). Cost: `generators` fits, and the model's answers for
    ``generators * rows`` rows; about 20 CPU-seconds on 12,000 x 15 rows.
    """
    from locum.studies.subgroups.verb import subgroups as work

    return work(
        model, test, by=by, target=target, shift=shift, schema=schema, generators=generators, rows=rows,
        synthesizer=synthesizer, seed=seed, out=out, progress=progress,
    )  # fmt: skip
