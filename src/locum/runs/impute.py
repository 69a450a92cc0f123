"""Missing cells of a file or frame filled, from its own other cells or by a fitted generator."""

from __future__ import annotations

import os
import secrets
import shutil
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.data.kept_cells import KeptCells, kept_cells
from locum.data.lineage_stamp import after_given
from locum.errors import DataError, GuaranteeWarning, UsageError
from locum.files.atomic import TEMPORARY_PREFIX, flush_folder, folder_error
from locum.progress import Event, Listener, silent
from locum.randomness import check_seed, child_seed
from locum.runs.config import find_config
from locum.runs.match_columns import list_names
from locum.runs.options import DEFAULT_SEED, several
from locum.runs.request import RunRequest
from locum.runs.sample import load, refuse_out, write_rows
from locum.runs.tables import find_rules, need_column, read_table, refine_schema
from locum.schema.lineage import REAL, Lineage, partly, void_warning
from locum.wording import count, verb

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.control.impute.without_model import Completed
    from locum.data.origin import Origin
    from locum.schema.table import Schema
    from locum.synthesizer.table import Synthesizer

#: Most completed tables of one call.
MOST_TABLES = 1_000


@dataclass(frozen=True, slots=True)
class Imputed:
    """A completed table and how to give it back.

    Attributes
    ----------
    table, schema, origin
        Canonical table, what its columns are, and how the user held it.
    lineage
        The stamp; None where every cell is as it was and the data had none.
    filled
        Cells filled, by column.
    rows_filled
        Rows with such a cell.
    notes
        What a user should know, in plain sentences.
    warning
        That a guarantee of privacy does not hold for the rows; empty where there was none.
    kept
        The cells that held a value, as they were read.
    """

    table: pa.Table
    schema: Schema
    origin: Origin | None
    lineage: Lineage | None
    filled: dict[str, int]
    rows_filled: int
    notes: tuple[str, ...] = ()
    warning: str = ""
    kept: KeptCells | None = None

    def to_json(self) -> dict[str, Any]:
        """Everything but the rows, JSON-ready."""
        return {
            "rows": self.table.num_rows,
            "rows_filled": self.rows_filled,
            "filled": self.filled,
            "lineage": None if self.lineage is None else self.lineage.to_json(),
            "notes": list(self.notes),
            "warning": self.warning,
        }

    def __str__(self) -> str:
        if not self.filled:
            return " ".join(["No cell was filled.", *self.notes])
        first = sorted(self.filled.items(), key=lambda item: -item[1])
        words = ", ".join(f"{name} {n:,}" for name, n in first[:5]) + (", ..." if len(first) > 5 else "")
        cells = count(sum(self.filled.values()), "cell")
        head = f"{cells} filled in {self.rows_filled:,} of {count(self.table.num_rows, 'row')} ({words})."
        return " ".join([head, *self.notes])

    def restored(self) -> Any:
        """The table in the form of the user's data, stamped."""
        from locum.data.restore import restore

        return restore(self.table, self.schema, self.origin, self.lineage, self.kept)


def impute(
    data: Any,
    *,
    model: Synthesizer | str | os.PathLike[str] | None = None,
    columns: Sequence[str] | None = None,
    method: str = "draw",
    schema: Schema | None = None,
    seed: int = DEFAULT_SEED,
    repeat: int = 1,
) -> Any:
    """Fill the missing cells of a table, once or several times; all other cells stay as they are.

    Parameters
    ----------
    data
        Path or table.
    model
        A fitted synthesizer, or the path of a model file, that says what cells may hold: for a table of few
        rows, or with some of the model's columns. None learns from the other cells of the very table
        (`locum.control.impute.without_model.completions`).
    columns
        Columns to fill; None for all.
    method
        ``draw`` for right distributions and dependences, ``best`` for the nearest single values.
    schema
        What the columns are, where there is no model; None detects it.
    seed
        Same seed, same values.
    repeat
        How many completed tables, each with draws (and, without a model, parameters) of its own: with 5 or
        more, `combine` with ``rule="imputed"`` gives intervals that count what is not known of the cells.

    Returns
    -------
    table
        Of the type of `data`, or of the data that the model was fitted on, with the row index of a pandas
        frame; the lineage stamp says what share of the rows is as it was. With a `repeat` above 1 a list.

    Raises
    ------
    UsageError
        For an unknown column or method, or a number of tables that cannot be.
    DataError
        When the data cannot be read.
    """
    from locum.data.native import like_rows

    synth = load(model) if isinstance(model, str | os.PathLike) else model
    tables = []
    for number, done in enumerate(
        fill(data, model=synth, columns=columns, method=method, schema=schema, seed=seed, repeat=repeat)
    ):
        if done.warning and not number:
            warnings.warn(done.warning, GuaranteeWarning, stacklevel=2)
        tables.append(like_rows(done.restored(), data))
    return tables if repeat > 1 else tables[0]


def fill(
    data: Any,
    *,
    model: Synthesizer | None = None,
    columns: Sequence[str] | None = None,
    method: str = "draw",
    schema: Schema | None = None,
    config: Path | None = None,
    seed: int = DEFAULT_SEED,
    repeat: int = 1,
) -> Iterator[Imputed]:
    """Fill missing cells `repeat` times, as `impute`, with what became of them.

    Raises
    ------
    LocumError
        As `locum.control.impute.with_model.impute` with a model, else as
        `locum.control.impute.without_model.completions`.
    """
    if isinstance(data, str | os.PathLike) and str(data).endswith(".locum"):
        raise UsageError(
            "a model is no table to fill", where="data", do="give the table, and the model as --model"
        )
    if method not in ("draw", "best"):
        raise UsageError(f"there is no method {method!r}", where="method", expected="draw or best")
    if isinstance(repeat, bool) or not isinstance(repeat, int) or not 1 <= repeat <= MOST_TABLES:
        raise UsageError(
            f"{repeat!r} completed tables cannot be made",
            where="repeat",
            expected=f"a whole number from 1 to {MOST_TABLES:,}; 5 is usual",
        )
    if method == "best" and repeat > 1:
        raise UsageError(
            "the method best fills every table alike", where="repeat", do="leave out one of the two"
        )
    seed = check_seed(seed)
    if model is None:
        return _by_itself(data, columns, method, schema, config, seed, repeat)
    return (_by_model(data, model, columns, method, own) for own in _seeds(seed, repeat))


def _seeds(seed: int, repeat: int) -> list[int]:
    """A seed for each completed table, the first the one that was asked for."""
    return [seed, *(child_seed(seed, "repeat", number) for number in range(1, repeat))]


def _by_model(
    data: Any, model: Synthesizer, columns: Sequence[str] | None, method: str, seed: int
) -> Imputed:
    from locum.control.impute.with_model import impute as complete

    given, absent = _for_model(data, model)
    if columns is not None:
        columns = [need_column(c, given.column_names, where="column") for c in several(columns)]
    outcome = complete(model.fitted, given, columns=columns, method=method, seed=seed)  # type: ignore[arg-type]
    filled, rows = _difference(given, outcome.table)
    share = 1 - rows / max(outcome.table.num_rows, 1)
    drawn = after_given(model.lineage, data)
    mark = partly(drawn, share) if rows else None
    notes = (*outcome.notes, *absent)
    risk = void_warning(model.lineage, drawn) if rows else ""
    kept = kept_cells(read_table(data).table, given, outcome.table)
    return Imputed(outcome.table, model.schema, model.origin, mark, filled, rows, notes, risk, kept)


def _for_model(data: Any, model: Synthesizer) -> tuple[pa.Table, tuple[str, ...]]:
    """The table as the model knows it, with a note on the columns of the model that it has not.

    Raises
    ------
    UsageError
        When the table has columns that the model has not, or no row.
    DataError
        When its values are not of the kind that the model learned.
    """
    from locum.control.given import read_given

    raw = read_table(data)
    have, known = raw.table.column_names, model.schema.names
    extra, absent = ([n for n in one if n not in other] for one, other in ((have, known), (known, have)))
    by_itself = "let the table fill itself (leave out --model)"
    if extra:
        lacks = f" and lacks {count(len(absent), 'column')} of it ({list_names(absent)})" if absent else ""
        drop = f"leave {verb(len(extra), 'it', 'them')} out of the table, "
        raise UsageError(
            f"the table has {count(len(extra), 'column')} that the model does not know "
            f"({list_names(extra)}){lacks}",
            where=raw.name,
            expected=f"columns of the model only: {list_names(known)}",
            do=f"{drop if len(extra) < len(have) else ''}give a model of such a table, or {by_itself}",
        )
    try:
        given = read_given(data, model.fitted, strict=False)
    except DataError as error:
        raise DataError(
            error.what,
            where=error.where,
            examples=error.examples,
            expected="the kind of values that the model has learned",
            do=f"give a model of such a table, or {by_itself}",
        ) from error
    if not absent:
        return given, ()
    n = len(absent)
    note = (
        f"The table lacks {count(n, 'column')} of the model ({list_names(absent)}): nothing is told by "
        f"{verb(n, 'it', 'them')}, and {verb(n, 'it is', 'they are')} not added."
    )
    return given, (note,)


def _by_itself(
    data: Any,
    columns: Sequence[str] | None,
    method: str,
    schema: Schema | None,
    config: Path | None,
    seed: int,
    repeat: int,
) -> Iterator[Imputed]:
    from locum.control.impute.keep_rules import keep_rules
    from locum.control.impute.without_model import completions
    from locum.data.canonical import canonical

    request = RunRequest(data=data, config=config, schema=schema)
    found, source = find_config(request)
    raw = read_table(source, **(found.reading if found else {}))
    known, _ = refine_schema(request, raw, found)
    table = canonical(raw, known)
    known = find_rules(request, found, table, known)
    names = (
        [need_column(c, known.names, where="column") for c in several(columns)]
        if columns is not None
        else None
    )
    before = raw.lineage or REAL
    made = completions(table, known, columns=names, method=method, seed=seed, repeat=repeat)  # type: ignore[arg-type]
    for own, done in zip(_seeds(seed, repeat), made, strict=True):
        whole = keep_rules(table, done.table, known, own, names)
        filled, rows = _difference(table, whole)
        notes = [*_left_notes(done), *_rule_notes(table, whole, known), *raw.notes]
        mark = raw.lineage
        if rows:
            mark = partly(before.child(), before.own * (1 - rows / table.num_rows))
        kept = kept_cells(raw.table, table, whole)
        yield Imputed(whole, known, raw.origin, mark, filled, rows, tuple(notes), kept=kept)


def _left_notes(done: Completed) -> list[str]:
    """A sentence on each column that is left; that nothing was missing, where it is so."""
    notes = [f"{name} is left as it is: {why}." for name, why in done.left]
    if done.single:
        n, cells = len(done.single), sum(done.cells(name) for name in done.single)
        notes.append(
            f"{list_names(done.single)} {verb(n, 'holds', 'hold')} a single value{verb(n, '', ' each')}, "
            f"which was written into {count(cells, 'missing cell')}: where missing means another value, name "
            "the columns to fill with --column."
        )
    return notes if done.filled or done.left else ["Nothing was missing."]


def _difference(before: pa.Table, after: pa.Table) -> tuple[dict[str, int], int]:
    """Cells filled by column, and rows with one."""
    import numpy as np

    filled, rows = {}, np.zeros(before.num_rows, dtype=np.bool_)
    for name in before.column_names:
        new = np.asarray(before.column(name).is_null()) & ~np.asarray(after.column(name).is_null())
        if new.any():
            filled[name] = int(new.sum())
            rows |= new
    return filled, int(rows.sum())


def _rule_notes(before: pa.Table, after: pa.Table, schema: Schema) -> list[str]:
    """One sentence for each rule of the schema that filled cells break."""
    if not schema.rules:
        return []
    from locum.control.rules.clause import rule_clauses
    from locum.control.where.names import Names

    notes = []
    for clause in rule_clauses(schema.rules, Names(schema)):
        broken = int((clause.holds(before) & ~clause.holds(after)).sum())
        if broken:
            notes.append(
                f"{count(broken, 'filled row')} {verb(broken, 'breaks', 'break')} the rule {clause.text}: "
                "a generator keeps rules (locum fit, then locum impute --model)."
            )
    return notes


def impute_file(
    data: Path,
    out: Path,
    *,
    model: Path | None = None,
    columns: Sequence[str] | None = None,
    method: str = "draw",
    repeat: int = 1,
    config: Path | None = None,
    seed: int = DEFAULT_SEED,
    force: bool = False,
    progress: Listener = silent,
) -> dict[str, Any]:
    """Fill the missing cells of a file, once or several times; returns facts about it.

    With a `repeat` above 1 the files are named ``out-1.csv``, ``out-2.csv`` and so on after `out`; either all
    of them are written or none.

    Raises
    ------
    LocumError
        As `impute`, and FolderError when `out` exists or cannot be written.
    """
    names = numbered(out, repeat)
    for name in names:
        refuse_out(name, force=force)
    progress(Event("read", 0, 1))
    synth = None if model is None else load(model)
    first: Imputed | None = None
    with _all_or_none(out.parent) as folder:
        done = fill(
            data, model=synth, columns=columns, method=method, config=config, seed=seed, repeat=repeat
        )
        progress(Event("sample", 0, repeat))
        for number, (name, one) in enumerate(zip(names, done, strict=True), 1):
            write_rows(one.table, folder / name.name, one.schema, one.origin, one.lineage, one.kept)
            first = first or one
            progress(Event("sample", number, repeat))
    assert first is not None
    return {
        "out": str(out),
        "files": [str(name) for name in names],
        "seed": seed,
        "bytes": sum(name.stat().st_size for name in names),
        "sentence": str(first),
        "combine": how_to_combine(repeat, first.table.num_rows, drawn=model is None) if repeat > 1 else "",
        **first.to_json(),
    }


def numbered(out: Path, repeat: int) -> list[Path]:
    """The names of so many files: `out` itself for one, else with a number before its ending."""
    if repeat <= 1:
        return [out]
    digits = len(str(repeat))
    return [out.with_name(f"{out.stem}-{number:0{digits}d}{out.suffix}") for number in range(1, repeat + 1)]


def how_to_combine(repeat: int, rows: int, *, drawn: bool) -> str:
    """How estimates from several completed tables become one: Rubin's rules, in words.

    Parameters
    ----------
    repeat, rows
        How many tables, and rows of each.
    drawn
        Whether parameters were drawn anew for each table, as without a model.
    """
    text = (
        f"Analyse each file, then combine (Rubin's rules): the estimate is the mean of all {repeat:,} "
        f"estimates, its variance the mean of their squared standard errors plus (1 + 1/{repeat}) times the "
        f"variance between the {repeat:,} estimates. In Python locum.combine(estimates, variances, "
        f"n_real={rows}, rule='imputed') does it and gives the interval, with the degrees of freedom of "
        "Barnard and Rubin."
    )
    if not drawn:
        text += (
            " A model fills all files by the same parameters: intervals come out somewhat too narrow, unless "
            "it was fitted on many more rows."
        )
    return text


@contextmanager
def _all_or_none(folder: Path) -> Iterator[Path]:
    """A folder for unfinished files; when the block ends well, all of them move up under their names."""
    work = folder / f"{TEMPORARY_PREFIX}{secrets.token_hex(4)}"
    try:
        work.mkdir()
        yield work
        for file in sorted(work.iterdir()):
            file.replace(folder / file.name)
        flush_folder(folder)
    except OSError as error:
        raise folder_error(error, folder) from error
    finally:
        with suppress(OSError):
            shutil.rmtree(work)
