"""Fair rows from a model file into a file, and the same in memory for Python."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.data.lineage_stamp import stamp_of
from locum.errors import UsageError
from locum.progress import Event, Listener, silent
from locum.runs.options import DEFAULT_SEED
from locum.schema.lineage import REPAIRED, void_warning
from locum.schema.table import Schema

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.studies.fair.repair import Repaired
    from locum.synthesizer.table import Synthesizer


def fair(
    source: Any,
    *,
    target: str,
    protected: Sequence[str],
    method: str = "parity",
    rows: int | None = None,
    schema: Schema | None = None,
    test: Any = None,
    data: Any = None,
    graph: Sequence[Sequence[str] | str] | None = None,
    notion: str = "dp",
    strength: float | None = None,
    cost: float = 0.015,
    least: int = 30,
    folds: int | None = None,
    explain: Sequence[str] = (),
    seed: int = DEFAULT_SEED,
    progress: Listener = silent,
) -> Repaired:
    """Make rows whose labels depend less on protected columns, and measure what that changed and cost.

    Parameters
    ----------
    source
        A fitted synthesizer, the path of a model file (``*.locum``), or a table as for `detect`.
    target
        Column of 2 to 12 classes.
    protected
        Columns whose combinations are the groups.
    method
        ``parity`` (equal shares of each label), ``odds`` (error rates of models as near as one threshold a
        group allows, all groups at once), ``reweigh`` (rows chosen, no label changed), ``causal`` (labels
        drawn again along a graph with edges cut), ``groups`` (one generator a group, fitted on `data`).
    rows
        Rows to make; None means as many as were learned from.
    schema
        Of a table; None detects it.
    test
        Real rows that the generator has not seen, for testing models; None takes fresh synthetic ones.
    data
        Real rows, for ``groups`` and `folds`.
    graph, notion, explain
        For ``causal``: edges such as ``"sex -> income"`` (None learns them); ``ftu`` cuts the direct edge,
        ``dp`` every path, ``cf`` every path but through the columns of `explain`.
    strength
        For ``parity``: 1 moves labels until models see no difference, 0 only chooses rows; shares of the
        label are equal at any, models differ less between groups and lose more the higher it is. None takes
        the largest that is foretold to cost at most `cost`; `strength` and `losses` of the result tell.
    cost
        Area under the ROC curve that the strength may cost where it is not given.
    least
        Test rows of either outcome that a group needs; others are listed, not judged.
    folds
        Judge the repair on every row of `data`: generator and models are fitted `folds` times to the other
        parts, so that small groups have all the test rows there are.
    seed
        Same seed, same rows.
    progress
        Called with an `Event` now and then.

    Returns
    -------
    Repaired
        ``.table`` (canonical), ``.before`` and ``.after`` with both notions of parity, ``.sentence``.

    Raises
    ------
    UsageError
        For columns, classes, groups or a graph that cannot be; a cycle is named.
    DataError
        When a table cannot be read, or ``reweigh`` finds a group without one of the classes.
    """
    from locum.studies.fair.repair import repair
    from locum.synthesizer.table import Synthesizer

    if isinstance(source, str | os.PathLike) and str(source).endswith(".locum"):
        source = Synthesizer.load(source)
    if isinstance(source, Synthesizer):
        schema = source.schema
    else:
        source, schema = _table(source, schema)
    asked: dict[str, Any] = {
        "target": target,
        "protected": protected,
        "method": method,
        "graph": graph,
        "notion": notion,
        "explain": explain,
        "strength": strength,
        "cost": cost,
        "least": least,
        "seed": seed,
    }
    test, data = (None if t is None else _table(t, schema)[0] for t in (test, data))
    done = repair(source, schema, rows=rows, test=test, data=data, **asked)
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
    from locum.studies.fair.methods import Order
    from locum.studies.fair.summary import sentence
    from locum.synthesizer.table import Synthesizer

    if isinstance(source, Synthesizer):
        name = source.name
    else:
        name, data = DEFAULT_SYNTHESIZER, source if data is None else data
    if data is None or schema is None:
        raise UsageError("folds need the real rows", where="folds", do="give the data")
    order = Order(
        asked["method"],
        edges=asked["graph"],
        notion=asked["notion"],
        explain=tuple(asked["explain"]),
        strength=asked["strength"],
        cost=asked["cost"],
    )
    target, protected = asked["target"], tuple(asked["protected"])
    (found,) = cross_fit(
        data,
        schema,
        [(protected, order)],
        target=target,
        synthesizer=name,
        folds=folds,
        least=asked["least"],
        seed=asked["seed"],
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
    from locum.control.rules.found import with_found_rules
    from locum.data.canonical import canonical
    from locum.data.detect import detect
    from locum.data.read import read

    raw = read(data)
    if schema is not None:
        return canonical(raw, schema), schema
    schema = detect(raw)
    table = canonical(raw, schema)
    return table, with_found_rules(table, schema)


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
    from locum.runs.sample import load, refuse_out, write_rows

    refuse_out(out, force=force)
    if page is not None:
        refuse_existing(page, force=force)
    progress(Event("read", 0, 1))
    synth: Synthesizer = load(model)
    progress(Event("sample", 0, 1))
    protected = [name for text in protected for name in text.split(",") if name]
    done = fair(synth, target=target, protected=protected, progress=progress, **asked)
    read = [path for path in (asked.get("data"), asked.get("test")) if path is not None]
    lineage = synth.lineage
    for path in read:
        lineage = lineage.after(stamp_of(path), REPAIRED)
    write_rows(done.table, out, synth.schema, synth.origin, lineage)
    if page is not None:
        from locum.files.atomic import write_text
        from locum.runs.versions import now
        from locum.studies.fair.page import render

        write_text(page, render(done, table=model.stem, target=target, protected=protected, created=now()))
    return {
        "out": str(out),
        "seed": asked.get("seed", 0),
        "bytes": out.stat().st_size,
        "warning": void_warning(synth.lineage, lineage),
        **done.to_json(),
    }
