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
from locum.runs.evaluate import now
from locum.runs.out_folder import own_folder, write_study
from locum.runs.tables import align, need_column, read_table, without_data_bounds
from locum.runs.versions import versions
from locum.studies.compare.verb import understood
from locum.studies.generator import Generator

if TYPE_CHECKING:
    from locum.data.origin import Raw
    from locum.schema.table import Schema

PAGE, NUMBERS = "subgroups.html", "subgroups.json"
#: Rows drawn from a model file for the model under test to learn from.
DRAWN = 20_000


def subgroups(
    model: Any,
    test: Any,
    *,
    by: Sequence[str | Sequence[str]],
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
    """Test a model on thin subgroups and shifted populations; see `locum.api.subgroups`."""
    from locum.synthesizer.table import Synthesizer

    seed = check_seed(seed)
    wanted = wanted_columns(by)
    shifts = (shift,) if isinstance(shift, str) else tuple(shift)
    if not wanted and not shifts:
        raise UsageError(
            "no groups were named", where="by", do="give --by COLUMN, or --shift 'age >= 65: 0.5'"
        )
    if generators < 2 or rows < 100:
        raise UsageError(
            f"{generators} generators of {rows} rows cannot be", where="generators, rows",
            expected="2 generators or more, of 100 rows or more",
        )  # fmt: skip
    Synthesizer(synthesizer)  # an unknown name is told before anything is read
    folder = None if out is None else own_folder(Path(out), {PAGE, NUMBERS})
    progress(Event("read", 0, 2))
    known = understood(test, target, ())
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
    wanted_columns(by, whole.names)
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
    told = (
        *surplus,
        *([f"{left:,} test rows without a known {aimed!r} were left out."] if left else []),
    )
    asked = Examined(known.name, words, whole, aim, score, kept, wanted, shifts)
    found = examine(
        asked, Generator(synthesizer), generators=generators, rows=rows, seed=seed, notes=told,
        listener=progress,
    )  # fmt: skip
    found = replace(found, created=now(), versions=versions())
    if folder is not None:
        save(found, folder)
    return found


def wanted_columns(
    by: str | Sequence[str | Sequence[str]], names: Sequence[str] | None = None
) -> tuple[tuple[str, ...], ...]:
    """Columns of each table of groups.

    Raises
    ------
    UsageError
        For an entry without a column, or (with `names`) a column that is not there.
    """
    found = tuple(_columns(entry) for entry in ([by] if isinstance(by, str) else by))
    for name in (n for columns in found for n in columns if names is not None):
        need_column(name, names or (), where="by")
    return found


def _columns(entry: str | Sequence[str]) -> tuple[str, ...]:
    """Columns to cross: ``sex,race`` or a sequence of names."""
    names = entry.split(",") if isinstance(entry, str) else list(entry)
    found = tuple(dict.fromkeys(n.strip() for n in names if n.strip()))
    if not found:
        raise UsageError("a group needs a column", where="by", expected="such as --by sex,race")
    return found


def _model(model: Any) -> tuple[str, Raw | None, Predict | None]:
    """What is tested, in words; rows to learn from, or a function that answers."""
    if callable(model) and not hasattr(model, "sample_table"):
        return str(getattr(model, "__qualname__", type(model).__name__)), None, model
    if hasattr(model, "sample_table"):
        return "a generator", _drawn(model, "a generator"), None
    text = str(model) if isinstance(model, str | os.PathLike) else ""
    path = Path(text) if text else None
    if path is not None and path.is_dir():
        made = sorted(p for p in path.iterdir() if p.stem == "synthetic" and p.is_file())
        if not made:
            raise FolderError(
                "the folder holds no synthetic rows", where=text,
                expected="a run folder of `locum run`, or a table, a .locum file, or module:function",
            )  # fmt: skip
        return f"the run {path.name}", read_table(made[0]), None
    if path is not None and path.suffix == ".locum":
        from locum.synthesizer.table import Synthesizer

        return path.name, _drawn(Synthesizer.load(path), path.name), None
    if path is not None and ":" in text and not path.exists():
        from locum.studies.contestants.contestant import load_function

        return text, None, cast("Predict", load_function(text))
    raw = read_table(model)
    return raw.name, raw, None


def _drawn(synth: Any, name: str) -> Raw:
    """Rows of a generator as if they had been read."""
    from locum.data.read import read

    return replace(read(synth.sample_table(DRAWN)), name=name)


def save(found: Subgrouping, folder: Path) -> Path:
    """Write the page and the numbers into a folder; each all or nothing."""
    from locum.report.subgroups import render

    return write_study(folder, page=(PAGE, render(found)), numbers=(NUMBERS, found.to_json()))
