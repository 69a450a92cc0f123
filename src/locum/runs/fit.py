"""A generator out of a table, into a model file or into the hand: the first half of a run on its own."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.files.atomic import write_text
from locum.progress import Listener, silent
from locum.runs.access import AccessFit
from locum.runs.options import DEFAULT_SEED, DEFAULT_SYNTHESIZER, FOUND_RULES
from locum.runs.out_folder import refuse_existing
from locum.runs.prepare import Prepared, prepare
from locum.runs.request import run_request
from locum.schema.lineage import warning_of
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
    columns: Sequence[str] | None = None,
    discover: bool = False,
    one_row_per_person: bool = False,
    rules: str = FOUND_RULES,
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
    columns
        With `epsilon`, the columns that may be known, by name: no other is read. Without a schema they must
        be named, but for a CSV file with a header line.
    discover
        With `epsilon`, have kinds, levels and ranges bought that nobody declared; otherwise the fit stops
        before it spends anything when one is missing.
    rules
        Which rules rows keep: ``found``, where no `schema` says what the rules are, those that no row breaks
        and that chance cannot explain; ``declared`` none but those of the `schema`.
    one_row_per_person
        With `epsilon`, that no person has more than one row; must be said where a column is named like an id
        and no `unit` is given.
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
    ContentError
        With `epsilon`, when too little is known of what columns may hold.
    LeakError
        With `epsilon`, when the schema holds facts that were read off rows.
    BudgetError
        With `epsilon`, when the ledger has too little left.
    """
    from locum.synthesizer.table import Synthesizer

    request = run_request(
        data,
        schema=schema,
        synthesizer=synthesizer,
        seed=seed,
        epsilon=epsilon,
        delta=delta,
        unit=unit,
        per_unit=per_unit,
        public=public,
        ledger=ledger,
        engine=engine,
        columns=columns,
        discover=discover,
        one_row_per_person=one_row_per_person,
        rules=rules,
        settings=settings,
    )
    if request.privacy is not None:
        return fit_prepared(prepare(request, progress), progress).synthesizer
    return Synthesizer(synthesizer or DEFAULT_SYNTHESIZER, seed=seed, **settings).fit(
        data, schema=schema, find_rules=request.rules == FOUND_RULES, progress=progress
    )


def fit_prepared(prepared: Prepared, progress: Listener = silent) -> AccessFit:
    """Fit as planned to every row: nothing is held out."""
    plan = replace(prepared.plan, holdout=0.0)
    with prepared.access.seal("the private fit", outermost=True):
        return prepared.access.fit(plan, seed=plan.seed, progress=progress)


def fit_file(
    data: Path, model: Path, *, force: bool = False, progress: Listener = silent, **asked: Any
) -> dict[str, Any]:
    """Learn a generator from every row of a table and write it to a model file; returns facts about it.

    Nothing is held out and nothing is judged: use `locum run` for a stand-in with evidence. What else is
    `asked` is that of `run_request`. Under a guarantee, what was promised and what it cost goes into a file
    beside the model.

    Raises
    ------
    LocumError
        As `prepare`, and FolderError when the model file cannot be written.
    """
    request = run_request(data, **asked)
    refuse_existing(model, force=force)
    beside = model.with_suffix(".privacy.json")
    if request.privacy is not None:
        refuse_existing(beside, force=force)
    prepared = prepare(request, progress)
    fit = fit_prepared(prepared, progress)
    fit.synthesizer.save(model)
    facts = {
        "model": str(model),
        "bytes": model.stat().st_size,
        "synthesizer": fit.synthesizer.name,
        "seed": prepared.plan.seed,
        "rows": fit.n_rows,
        "columns": fit.n_columns,
        "lineage": fit.synthesizer.lineage.to_json(),
        "warning": warning_of(prepared.plan.lineage, prepared.plan.source.name),
        "notes": [*prepared.notes, *fit.notes],
    }
    if fit.privacy is not None:
        text = json.dumps(fit.privacy, indent=1, ensure_ascii=False) + "\n"
        write_text(beside, text, private=True)
        facts |= {"privacy": str(beside), "guarantee": fit.privacy["statement"]}
    return facts
