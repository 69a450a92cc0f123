"""Fair rows from a model file into a file, and the same in memory for Python."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.errors import UsageError
from locum.progress import Event, Listener, silent

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.schema.table import Schema
    from locum.studies.fair.repair import Repaired
    from locum.synthesizer.table import Synthesizer


def fair(
    source: Any,
    *,
    schema: Schema | None = None,
    test: Any = None,
    data: Any = None,
    folds: int | None = None,
    progress: Listener = silent,
    **asked: Any,
) -> Repaired:
    """Repair rows of a model or a table given in any form; see `locum.studies.fair.repair.repair`.

    With `folds` models' gaps are those of the same repair cross-fitted over `data`, see
    `locum.studies.fair.crossfit.cross_fit`; a table given as source is its own data.

    Raises
    ------
    LocumError
        As `repair`; DataError when a table cannot be read.
    """
    from locum.studies.fair.repair import repair
    from locum.synthesizer.table import Synthesizer

    if isinstance(source, str | os.PathLike) and str(source).endswith(".locum"):
        source = Synthesizer.load(source)
    if isinstance(source, Synthesizer):
        schema = source.schema
    else:
        source, schema = _table(source, schema)
    test, data = (None if t is None else _table(t, schema)[0] for t in (test, data))
    done = repair(source, schema, test=test, data=data, **asked)
    if folds is None:
        return done
    return _over_all_rows(done, source, schema, data, folds, asked, progress)


def _over_all_rows(
    done: Repaired,
    source: Any,
    schema: Schema | None,
    data: pa.Table | None,
    folds: int,
    asked: Mapping[str, Any],
    progress: Listener,
) -> Repaired:
    """The same repair with models' gaps measured on all real rows."""
    from locum.studies.fair.crossfit import DEFAULT_SYNTHESIZER, cross_fit
    from locum.studies.fair.judge import LEAST_EITHER
    from locum.studies.fair.methods import Order
    from locum.studies.fair.summary import sentence
    from locum.synthesizer.table import Synthesizer

    if isinstance(source, Synthesizer):
        name = source.name
    else:
        name, data = DEFAULT_SYNTHESIZER, source if data is None else data
    if data is None or schema is None:
        raise UsageError("folds need the real rows", where="folds", do="give the data")
    names = {"edges": "graph", "notion": "notion", "strength": "strength", "cost": "cost"}
    settings = {k: asked[v] for k, v in names.items() if v in asked}
    order = Order(asked.get("method", "parity"), explain=tuple(asked.get("explain", ())), **settings)
    target, protected = asked["target"], tuple(asked["protected"])
    (found,) = cross_fit(
        data,
        schema,
        [(protected, order)],
        target=target,
        synthesizer=name,
        folds=folds,
        least=asked.get("least", LEAST_EITHER),
        seed=asked.get("seed", 0),
        progress=progress,
    )
    # Labels are counted in the rows that are handed out, models' gaps in the folds.
    evidence = found.evidence.with_labels_of(done.evidence)
    kept = tuple(n for n in done.notes if not n.startswith("Not judged"))
    return replace(
        done,
        evidence=evidence,
        sentence=sentence(evidence, target, protected),
        notes=(*kept, *found.unjudged),
        tested_on=f"all {found.rows:,} real rows, by models of {found.folds} folds",
    )


def _table(data: Any, schema: Schema | None) -> tuple[pa.Table, Schema]:
    from locum.data.canonical import canonical
    from locum.data.detect import detect
    from locum.data.read import read

    raw = read(data)
    schema = detect(raw) if schema is None else schema
    return canonical(raw, schema), schema


def fair_file(
    model: Path,
    out: Path,
    *,
    target: str,
    protected: Sequence[str],
    page: Path | None = None,
    force: bool = False,
    progress: Listener = silent,
    **asked: Any,
) -> dict[str, Any]:
    """Write repaired rows to a file, and what the repair did to a page; returns facts about them.

    Raises
    ------
    LocumError
        As `fair`, and FolderError when `out` exists or cannot be written.
    """
    from locum.runs.out_folder import refuse_existing
    from locum.runs.sample import load_model, refuse_out, write_rows

    refuse_out(out, force=force)
    if page is not None:
        refuse_existing(page, force=force)
    progress(Event("read", 0, 1))
    synth: Synthesizer = load_model(model)
    progress(Event("sample", 0, 1))
    done = fair(synth, target=target, protected=protected, progress=progress, **asked)
    write_rows(done.table, out, synth.schema, synth.origin, synth.lineage)
    if page is not None:
        from locum.files.atomic import write_text
        from locum.runs.versions import now
        from locum.studies.fair.page import render

        write_text(page, render(done, table=model.stem, target=target, protected=protected, created=now()))
    return {"out": str(out), "seed": asked.get("seed", 0), "bytes": out.stat().st_size, **done.to_json()}
