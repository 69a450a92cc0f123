"""Missing cells of a file or frame filled, from its own other cells or by a fitted generator."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.data.kept_cells import KeptCells, kept_cells
from locum.data.lineage_stamp import after_given
from locum.errors import GuaranteeWarning, UsageError
from locum.progress import Event, Listener, silent
from locum.runs.config import find_config
from locum.runs.options import DEFAULT_SEED, several
from locum.runs.request import RunRequest
from locum.runs.sample import load, refuse_out, write_rows
from locum.runs.tables import find_rules, need_column, read_table, refine_schema
from locum.schema.lineage import REAL, Lineage, partly, void_warning
from locum.wording import count

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.data.origin import Origin
    from locum.schema.table import Schema
    from locum.synthesizer.table import Synthesizer


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
) -> Any:
    """Fill the missing cells of a table; all other cells stay as they are.

    Parameters
    ----------
    data
        Path or table.
    model
        A fitted synthesizer, or the path of a model file, that says what cells may hold: for a table of few
        rows, or with some of the model's columns. None learns from the other cells of the very table
        (`locum.control.impute.without_model.complete`).
    columns
        Columns to fill; None for all.
    method
        ``draw`` for right distributions and dependences, ``best`` for the nearest single values.
    schema
        What the columns are, where there is no model; None detects it.
    seed
        Same seed, same values.

    Returns
    -------
    table
        Of the type of `data`, or of the data that the model was fitted on, with the row index of a pandas
        frame; the lineage stamp says what share of the rows is as it was.

    Raises
    ------
    UsageError
        For an unknown column or method.
    DataError
        When the data cannot be read.
    """
    from locum.data.native import like_rows

    synth = load(model) if isinstance(model, str | os.PathLike) else model
    done = fill(data, model=synth, columns=columns, method=method, schema=schema, seed=seed)
    if done.warning:
        warnings.warn(done.warning, GuaranteeWarning, stacklevel=2)
    return like_rows(done.restored(), data)


def fill(
    data: Any,
    *,
    model: Synthesizer | None = None,
    columns: Sequence[str] | None = None,
    method: str = "draw",
    schema: Schema | None = None,
    config: Path | None = None,
    seed: int = DEFAULT_SEED,
) -> Imputed:
    """Fill missing cells, as `impute`, with what became of them.

    Raises
    ------
    LocumError
        As `locum.control.impute.with_model.impute` with a model, else as
        `locum.control.impute.without_model.complete`.
    """
    if isinstance(data, str | os.PathLike) and str(data).endswith(".locum"):
        raise UsageError(
            "a model is no table to fill", where="data", do="give the table, and the model as --model"
        )
    if method not in ("draw", "best"):
        raise UsageError(f"there is no method {method!r}", where="method", expected="draw or best")
    if model is not None:
        return _by_model(data, model, columns, method, seed)
    return _by_itself(data, columns, method, schema, config, seed)


def _by_model(
    data: Any, model: Synthesizer, columns: Sequence[str] | None, method: str, seed: int
) -> Imputed:
    from locum.control.given import read_given
    from locum.control.impute.with_model import impute as complete

    given = read_given(data, model.fitted, strict=False)
    outcome = complete(model.fitted, given, columns=columns, method=method, seed=seed)  # type: ignore[arg-type]
    filled, rows = _difference(given, outcome.table)
    share = 1 - rows / max(outcome.table.num_rows, 1)
    drawn = after_given(model.lineage, data)
    mark = partly(drawn, share) if rows else None
    notes = outcome.notes
    risk = void_warning(model.lineage, drawn) if rows else ""
    kept = kept_cells(read_table(data).table, given, outcome.table)
    return Imputed(outcome.table, model.schema, model.origin, mark, filled, rows, notes, risk, kept)


def _by_itself(
    data: Any,
    columns: Sequence[str] | None,
    method: str,
    schema: Schema | None,
    config: Path | None,
    seed: int,
) -> Imputed:
    from locum.control.impute.keep_rules import keep_rules
    from locum.control.impute.without_model import complete
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
    done = complete(table, known, columns=names, method=method, seed=seed)  # type: ignore[arg-type]
    notes = [f"{name} is left as it is: {why}." for name, why in done.left]
    if not done.filled and not done.left:
        notes = ["Nothing was missing."]
    whole = keep_rules(table, done.table, known, seed)
    filled, rows = _difference(table, whole)
    notes += [*_rule_notes(table, whole, known), *raw.notes]
    before = raw.lineage or REAL
    mark = raw.lineage
    if rows:
        mark = partly(before.child(), before.own * (1 - rows / table.num_rows))
    kept = kept_cells(raw.table, table, whole)
    return Imputed(whole, known, raw.origin, mark, filled, rows, tuple(notes), kept=kept)


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
                f"{count(broken, 'filled row')} break{'s' if broken == 1 else ''} the rule {clause.text}: "
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
    config: Path | None = None,
    seed: int = DEFAULT_SEED,
    force: bool = False,
    progress: Listener = silent,
) -> dict[str, Any]:
    """Fill the missing cells of a file; returns facts about it.

    Raises
    ------
    LocumError
        As `impute`, and FolderError when `out` exists or cannot be written.
    """
    refuse_out(out, force=force)
    progress(Event("read", 0, 1))
    synth = None if model is None else load(model)
    progress(Event("sample", 0, 1))
    done = fill(data, model=synth, columns=columns, method=method, config=config, seed=seed)
    write_rows(done.table, out, done.schema, done.origin, done.lineage, done.kept)
    return {
        "out": str(out),
        "seed": seed,
        "bytes": out.stat().st_size,
        "sentence": str(done),
        **done.to_json(),
    }
