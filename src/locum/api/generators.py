"""Generators: fitting one, drawing from it, filling gaps with it, opening one from a file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.progress import Listener, silent
from locum.runs.options import DEFAULT_SEED, DEFAULT_SYNTHESIZER
from locum.schema.table import Schema

if TYPE_CHECKING:
    from locum.synthesizer.table import Synthesizer


def fit(
    data: Any,
    *,
    schema: Schema | None = None,
    synthesizer: str | None = None,
    seed: int = DEFAULT_SEED,
    epsilon: float | str | None = None,
    delta: float | str | None = None,
    unit: str | None = None,
    per_unit: int | None = None,
    public: Any = None,
    ledger: str | os.PathLike[str] | None = None,
    engine: str | None = None,
    progress: Listener = silent,
    **settings: Any,
) -> Synthesizer:
    """Learn a generator from a table.

    Parameters
    ----------
    data
        Path or table, as for `detect`.
    schema
        What the columns are; None detects it.
    synthesizer
        ``tree`` (the default), ``tree-fast``, or the baselines ``independent`` and ``bootstrap``. With
        `epsilon` a private one; the default is then ``auto``.
    seed
        Same seed and data, same model; 0 or more. Noise for privacy never follows from it.
    epsilon, delta
        Guarantee (epsilon, delta)-differential privacy; `delta` is 1e-6 by default.
    unit, per_unit
        Column that says whose row it is, and how many rows of each are kept (1 by default). Without it each
        row stands for itself.
    public
        A public table with the same columns; path or table.
    ledger
        File in which the spending of all fits on these data is added up and limited; None forgets it.
    engine
        With `epsilon`, where the rows lie: ``memory``, ``duckdb`` (in their file), or ``auto``, by its size.
    progress
        Called with an `Event` now and then.
    **settings
        Settings of the synthesizer, such as ``target="late"`` for ``tree``: the column that others will
        predict. An unknown one is refused by name.

    Returns
    -------
    Synthesizer
        Fitted; see `sample`, ``save``, ``log_prob``. It learned from every row: hold rows back yourself, or
        use `run`, if you want evidence afterwards.

    Raises
    ------
    UsageError
        For an unknown synthesizer or setting, or a seed that cannot be.
    DataError
        When the data cannot be read or contradicts the schema.
    LeakError
        With `epsilon`, when the schema took a bound from the data.
    BudgetError
        With `epsilon`, when the ledger has too little left.
    """
    from locum.runs.request import RunRequest, privacy_request
    from locum.synthesizer.table import Synthesizer

    place = None if ledger is None else Path(ledger)
    privacy = privacy_request(epsilon, delta, unit, per_unit, public, place, engine=engine)
    if privacy is not None:
        from locum.runs.fit import fit_prepared
        from locum.runs.prepare import prepare

        request = RunRequest(
            data=data, schema=schema, synthesizer=synthesizer, seed=seed, privacy=privacy, settings=settings
        )
        return fit_prepared(prepare(request, progress), progress).synthesizer
    return Synthesizer(synthesizer or DEFAULT_SYNTHESIZER, seed=seed, **settings).fit(
        data, schema=schema, progress=progress
    )


def sample(
    model: Synthesizer | str | os.PathLike[str],
    n: int | None = None,
    *,
    where: str | Sequence[str] | None = None,
    given: Any = None,
    targets: Mapping[Any, Any] | None = None,
    rules: str | Sequence[str] = (),
    temperature: float = 1.0,
    seed: int | None = None,
) -> Any:
    """Draw synthetic rows, on request only such as you ask for.

    Parameters
    ----------
    model
        A fitted synthesizer, or the path of a model file.
    n
        Number of rows, 1 or more; None with `given`, which says how many.
    where
        Condition that every row fulfils, such as ``age >= 80 and diagnosis = 'I10'``.
    given
        Frame or file with some of the columns; what it holds is kept, the rest of each row is drawn.
    targets
        Asked proportions, such as ``{"sex": "balanced", "age >= 65": 0.3}``.
    rules
        What no row breaks, such as ``start <= end``; rules of the schema are always kept.
    temperature
        Below 1 more of what is frequent, above 1 more of what is rare.
    seed
        Same seed, same rows; None takes the next of a series that the model's own seed fixes.

    Returns
    -------
    table
        A frame of the library that the model was fitted on, with the same columns and types; where that was a
        file, a `pyarrow.Table` with typed columns.

    Raises
    ------
    UsageError
        For a number of rows or a seed that cannot be.
    FileFormatError
        When the model file is broken.
    FeasibilityError
        When no row can be as asked; it names the clashing conditions and the nearest request.
    """
    synth = load(model) if isinstance(model, str | os.PathLike) else model
    return synth.sample(
        n, where=where, given=given, targets=targets, rules=rules, temperature=temperature, seed=seed
    )


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
        Of the type of `data`, or of the data that the model was fitted on; the lineage stamp says what share
        of the rows is as it was.

    Raises
    ------
    UsageError
        For an unknown column or method.
    DataError
        When the data cannot be read.
    """
    from locum.runs.impute import impute as fill

    synth = load(model) if isinstance(model, str | os.PathLike) else model
    done = fill(data, model=synth, columns=columns, method=method, schema=schema, seed=seed)
    return done.restored()


def load(path: str | os.PathLike[str]) -> Synthesizer:
    """Open a model file made by ``save``, `run` or ``locum fit``; it holds no code.

    Raises
    ------
    FileFormatError
        When the file is missing, broken, hostile, or from a newer version.
    """
    from locum.synthesizer.table import Synthesizer

    return Synthesizer.load(path)
