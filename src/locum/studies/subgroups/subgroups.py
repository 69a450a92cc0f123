"""Testing a model on subgroups of a user's table: reading, finding the model, writing the page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from locum.errors import FolderError, UsageError
from locum.evaluation.subgroups.model import (
    Examined,
    Predict,
    examine,
    function_score,
    target_column,
    train_score,
    with_target,
)
from locum.evaluation.subgroups.result import Subgrouping
from locum.progress import Event, Listener, silent
from locum.randomness import check_seed
from locum.runs.options import DEFAULT_SEED, FAST_SYNTHESIZER
from locum.runs.out_folder import study_folder, write_study
from locum.runs.tables import (
    align,
    group_columns,
    need_column,
    read_and_refine,
    read_table,
    without_data_bounds,
)
from locum.runs.versions import now, versions
from locum.schema.lineage import uncovered_warning
from locum.synthesizer.refit import Refit

if TYPE_CHECKING:
    from locum.data.origin import Raw
    from locum.schema.table import Schema
    from locum.synthesizer.table import Synthesizer

#: Rows drawn from a model file for the model under test to learn from.
DRAWN = 20_000


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
    synthesizer: str = FAST_SYNTHESIZER,
    seed: int = DEFAULT_SEED,
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
    from locum.synthesizer.table import Synthesizer

    seed = check_seed(seed)
    wanted = group_columns(by)
    shifts = (shift,) if isinstance(shift, str) else tuple(shift)
    if not wanted and not shifts:
        raise UsageError(
            "no groups were named", where="by", do="give --by COLUMN, or --shift 'age >= 65: 0.5'"
        )
    if generators < 2 or rows < 100:
        raise UsageError(
            f"{generators} generators of {rows} rows cannot be",
            where="generators, rows",
            expected="2 generators or more, of 100 rows or more",
        )
    Synthesizer(synthesizer)  # an unknown name is told before anything is read
    folder = study_folder(out, "subgroups")
    progress(Event("read", 0, 2))
    known = read_and_refine(test, target, ())
    frame, whole = known.table, schema or known.schema
    if schema is not None:
        frame, whole, _ = align(schema, known.raw)
        whole = replace(whole, target=target or whole.target)
    aimed = whole.target
    if aimed is None:
        raise UsageError(
            "nobody said what the model predicts", where="target", do="name the column with --target"
        )
    need_column(aimed, whole.names, where="target")
    group_columns(by, whole.names)
    whole = without_data_bounds(whole)
    progress(Event("read", 1, 2))
    words, learned, function = _model(model)
    surplus: tuple[str, ...] = ()
    if learned is not None:
        table, whole, surplus = align(whole, learned)
        # Reading the second table may have widened a kind; both must be of the kind that fits.
        frame = align(whole, known.raw)[0]
        aim = target_column(aimed, whole, frame)
        score = train_score(table, whole, aim, seed)
        words = f"boosted trees trained on {table.num_rows:,} rows of {words}"
    else:
        assert function is not None
        aim = target_column(aimed, whole, frame)
        score = function_score(function, aim, whole[aimed].format)
    kept = with_target(frame, aim)
    left = frame.num_rows - kept.num_rows
    bare = "" if learned is None else uncovered_warning(learned.lineage, learned.name)
    told = (
        *([bare] if bare else []),
        *surplus,
        *([f"{left:,} test rows without a known {aimed!r} were left out."] if left else []),
    )
    asked = Examined(known.name, words, whole, aim, score, kept, wanted, shifts)
    found = examine(
        asked,
        Refit(synthesizer),
        generators=generators,
        rows=rows,
        seed=seed,
        notes=told,
        listener=progress,
    )
    found = replace(found, created=now(), versions=versions())
    if folder is not None:
        from locum.report.subgroups import render

        write_study(folder, "subgroups", render(found), found.to_json())
    return found


def _model(model: Any) -> tuple[str, Raw | None, Predict | None]:
    """What is tested, in words; rows to learn from, or a function that answers."""
    from locum.synthesizer.table import Synthesizer

    if isinstance(model, Synthesizer):
        return "a generator", _rows_of(model, "a generator"), None
    if callable(model):
        return str(getattr(model, "__qualname__", type(model).__name__)), None, model
    text = str(model) if isinstance(model, str | os.PathLike) else ""
    path = Path(text) if text else None
    if path is not None and path.is_dir():
        made = sorted(p for p in path.iterdir() if p.stem == "synthetic" and p.is_file())
        if not made:
            raise FolderError(
                "the folder holds no synthetic rows",
                where=text,
                expected="a run folder of `locum run`, or a table, a .locum file, or module:function",
            )
        return f"the run {path.name}", read_table(made[0]), None
    if path is not None and path.suffix == ".locum":
        return path.name, _rows_of(Synthesizer.load(path), path.name), None
    if path is not None and ":" in text and not path.exists():
        from locum.studies.contestants.contestant import load_function

        return text, None, cast("Predict", load_function(text))
    raw = read_table(model)
    return raw.name, raw, None


def _rows_of(synth: Synthesizer, name: str) -> Raw:
    """Rows of a generator as if they had been read."""
    from locum.data.read import read

    drawn = read(synth.draw(synth.most_rows(DRAWN)).table)
    return replace(drawn, name=name, lineage=synth.lineage)
