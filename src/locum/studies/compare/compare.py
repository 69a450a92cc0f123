"""Comparing generators on a user's tables: reading, cutting, running the field, writing the record."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.errors import UsageError
from locum.evaluation.attacks.suite import check_effort
from locum.files.atomic import replacing
from locum.progress import Listener, silent
from locum.randomness import check_seed
from locum.runs.holdout import check_share, persons_of, split
from locum.runs.options import (
    COMPARE_HOLDOUT,
    COMPARE_LIMIT_S,
    COMPARE_SEEDS,
    DEFAULT_EFFORT,
    check_rows,
    several,
)
from locum.runs.out_folder import make_folder, study_folder, write_study
from locum.runs.tables import StudyTable, align, read_and_refine, read_table, without_data_bounds
from locum.runs.versions import now, versions
from locum.schema.table import Schema
from locum.studies.compare.result import Comparison
from locum.studies.compare.run import CELLS, Rules
from locum.studies.compare.run import compare as study
from locum.studies.contestants.contestant import Contestant, Function, field_of, parse
from locum.studies.contestants.produce import Arena

if TYPE_CHECKING:
    import pyarrow as pa


RECORD = "compare.parquet"


def compare(
    data: Sequence[Any],
    entrants: Sequence[str | Contestant] | Mapping[str, str | Function],
    *,
    seeds: int | Sequence[int] = COMPARE_SEEDS,
    rows: int | None = None,
    holdout: float = COMPARE_HOLDOUT,
    target: str | None = None,
    protected: Sequence[str] = (),
    limit_s: float = COMPARE_LIMIT_S,
    effort: str = DEFAULT_EFFORT,
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
        Lines such as ``"tree"``, ``"tree?preset=fast"``, ``"sdv.ctgan@/path/to/python?epochs=25"``,
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
    known = check_seeds(seeds)
    if rows is not None:
        check_rows(rows)
    check_share(holdout)
    field = field_of(contestants(entrants))
    folder = study_folder(out, "compare", RECORD, CELLS, "made", ".lock")
    tables = [
        read_and_refine(d, target, several(protected))
        for d in ((data,) if isinstance(data, str | os.PathLike) else data)
    ]
    if not tables:
        raise UsageError("no data was named", where="DATA", do="give one file or more")
    tables = _number_names(tables)
    rules = Rules(rows, limit_s, keep, retry, (("effort", check_effort(effort)),))
    cells = study(
        {t.name: cut_by_seed(t, holdout) for t in tables},
        field,
        known,
        folder=folder,
        identity={t.name: _identity(t, holdout) for t in tables},
        rules=rules,
        listener=progress,
    )
    found = Comparison(
        tuple(c.entrant() for c in field),
        tuple(t.name for t in tables),
        known,
        cells,
        now(),
        {
            "rows": rows,
            "hold-out share": holdout,
            "time limit in seconds": limit_s,
            "effort of the attacks": effort,
        },
        versions(),
    )
    if folder is not None:
        from locum.studies.compare.page import render

        _write_record(found, make_folder(folder) / RECORD)
        write_study(folder, "compare", render(found), found.to_json())
    return found


def check_seeds(seeds: int | Sequence[int]) -> tuple[int, ...]:
    """Seeds by their number, from 0 up, or one by one.

    Raises
    ------
    UsageError
        When there is none, one cannot be, or two are the same.
    """
    known = tuple(check_seed(s) for s in (range(seeds) if isinstance(seeds, int) else seeds))
    if not known or len(set(known)) < len(known):
        raise UsageError("seeds must be one or more different numbers", where="seeds", do="give --seeds 3")
    return known


def contestants(
    given: Sequence[str | Contestant] | Mapping[str, str | Function],
) -> tuple[Contestant, ...]:
    """Entrants as they may be given in Python: lines, ready ones, or names with lines or functions."""
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, Mapping):
        return tuple(g if isinstance(g, Contestant) else parse(g) for g in given)
    out = []
    for name, what in given.items():
        if callable(what):
            path = f"{getattr(what, '__module__', '')}:{getattr(what, '__qualname__', name)}"
            out.append(Contestant(name, "function", path, function=what))
        else:
            out.append(parse(f"{name}={what}"))
    return tuple(out)


def cut_by_seed(table: StudyTable, holdout: float) -> Callable[[int], Arena]:
    """What cuts a table into training rows and hold-out for a seed."""

    def at(seed: int) -> Arena:
        persons = persons_of(table.table, table.schema)
        train, held = split(table.table.num_rows, holdout, seed, persons)
        return Arena(
            table.name,
            without_data_bounds(table.schema),
            table.table.take(train),
            table.table.take(held) if len(held) else None,
            write_plain,
            _read,
        )

    def write_plain(rows: pa.Table, path: Path) -> None:
        from locum.data.write import write

        # Commas and no quotes of the user's own: entrants expect a plain CSV.
        write(rows, path, schema=table.schema)

    return at


def _read(path: Path, schema: Schema) -> tuple[pa.Table, Schema, tuple[str, ...]]:
    return align(schema, read_table(path))


def _number_names(tables: Sequence[StudyTable]) -> list[StudyTable]:
    """Give tables of one name a number."""
    names = [t.name for t in tables]
    return [
        replace(t, name=f"{t.name}-{names[: i + 1].count(t.name)}") if names.count(t.name) > 1 else t
        for i, t in enumerate(tables)
    ]


def _identity(table: StudyTable, holdout: float) -> str:
    return f"{table.digest}|{table.schema.target}|{','.join(table.schema.protected)}|{holdout:g}"


def _write_record(found: Comparison, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    text, number, whole = pa.string(), pa.float64(), pa.int64()
    schema = pa.schema(
        [
            ("table", text),
            ("contestant", text),
            ("seed", whole),
            ("status", text),
            ("reason", text),
            ("rows_train", whole),
            ("rows_made", whole),
            ("cpu_s", number),
            ("wall_s", number),
            ("peak_bytes", number),
            ("measure", text),
            ("question", text),
            ("value", number),
            ("low", number),
            ("high", number),
            ("reference", number),
            ("floor", number),
            ("verdict", text),
        ]
    )
    with replacing(path) as temporary:
        pq.write_table(pa.Table.from_pylist(list(found.records()), schema=schema), temporary)
