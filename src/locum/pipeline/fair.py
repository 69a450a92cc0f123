"""Fair rows from a model file into a file, and the same in memory for Python."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.progress import Event, Listener, silent

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.control.fair.repair import Repaired
    from locum.schema.table import Schema
    from locum.synthesizers.synthesizer import Synthesizer


def fair(
    source: Any, *, schema: Schema | None = None, test: Any = None, data: Any = None, **asked: Any
) -> Repaired:
    """Repair rows of a model or a table given in any form; see `locum.control.fair.repair.repair`.

    Raises
    ------
    LocumError
        As `repair`; DataError when a table cannot be read.
    """
    from locum.control.fair.repair import repair
    from locum.synthesizers.synthesizer import Synthesizer

    if isinstance(source, str | os.PathLike) and str(source).endswith(".locum"):
        source = Synthesizer.load(source)
    if isinstance(source, Synthesizer):
        schema = source.schema
    else:
        source, schema = _table(source, schema)
    test, data = (None if t is None else _table(t, schema)[0] for t in (test, data))
    return repair(source, schema, test=test, data=data, **asked)


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
    force: bool = False,
    progress: Listener = silent,
    **asked: Any,
) -> dict[str, Any]:
    """Write repaired rows to a file; returns facts about them.

    Raises
    ------
    LocumError
        As `fair`, and FolderError when `out` exists or cannot be written.
    """
    from locum.data.stamp import write_stamp
    from locum.data.write import write
    from locum.pipeline.fitting import load_model, refuse_existing, refuse_format

    refuse_format(out)
    refuse_existing(out, force=force)
    progress(Event("read", 0, 1))
    synth: Synthesizer = load_model(model)
    progress(Event("sample", 0, 1))
    done = fair(synth, target=target, protected=protected, **asked)
    write(done.table, out, schema=synth.schema, origin=synth.origin, lineage=synth.lineage)
    write_stamp(out, synth.lineage)
    return {"out": str(out), "seed": asked.get("seed", 0), "bytes": out.stat().st_size, **done.to_json()}
