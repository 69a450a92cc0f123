"""A generator out of a table, into a model file or into the hand: the first half of a run on its own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from locum.files.atomic import write_text
from locum.progress import Listener, silent
from locum.runs.access import AccessFit
from locum.runs.out_folder import refuse_existing
from locum.runs.prepare import Prepared, prepare
from locum.runs.request import RunRequest
from locum.schema.lineage import warning_of


def fit_prepared(prepared: Prepared, progress: Listener = silent) -> AccessFit:
    """Fit as planned to every row: nothing is held out."""
    plan = replace(prepared.plan, holdout=0.0)
    with prepared.access.seal("the private fit", outermost=True):
        return prepared.access.fit(plan, seed=plan.seed, progress=progress)


def fit_file(
    request: RunRequest, model: Path, *, force: bool = False, progress: Listener = silent
) -> dict[str, Any]:
    """Learn from every row of a table and write a model file; returns facts about it.

    Under a guarantee, what was promised and what it cost goes into a file beside the model.

    Raises
    ------
    LocumError
        As `prepare`, and FolderError when the model file cannot be written.
    """
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
        "notes": list(fit.notes),
    }
    if fit.privacy is not None:
        write_text(beside, json.dumps(fit.privacy, indent=1, ensure_ascii=False) + "\n")
        facts |= {"privacy": str(beside), "guarantee": fit.privacy["statement"]}
    return facts
