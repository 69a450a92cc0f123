"""Rows out of a fitted generator: into a file, on request only such as are asked for, or a few to look at."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.data.lineage_stamp import after_given
from locum.errors import UsageError
from locum.evaluation.curation import CANDIDATES, select_by_judge
from locum.progress import Event, Listener, silent
from locum.randomness import check_seed
from locum.runs.access import OpenAccess
from locum.runs.evaluate import thin
from locum.runs.files import MODEL
from locum.runs.options import DEFAULT_SEED, DEFAULT_SYNTHESIZER, FAST_SYNTHESIZER, FORMATS, check_rows
from locum.runs.out_folder import refuse_existing
from locum.runs.prepare import prepare
from locum.runs.request import RunRequest
from locum.runs.tables import align, read_table
from locum.schema.lineage import JUDGED, void_warning

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.data.kept_cells import KeptCells
    from locum.data.origin import Origin
    from locum.schema.lineage import Lineage
    from locum.schema.table import Schema
    from locum.synthesizer.table import Synthesizer

#: Rows that a preview learns from, and shows at most.
PREVIEW_FIT_ROWS = 5_000
PREVIEW_ROWS = 1_000


def load(path: str | os.PathLike[str]) -> Synthesizer:
    """Open a model file made by ``save``, `run` or ``locum fit``, or that of a run folder; it holds no code.

    Raises
    ------
    UsageError
        For anything but a path.
    FileFormatError
        When the file is missing, broken, hostile, or from a newer version.
    """
    from locum.synthesizer.table import Synthesizer

    if not isinstance(path, str | os.PathLike):
        raise UsageError(
            f"a {type(path).__name__} is no model file", where="model", expected="the path of a model file"
        )
    place = Path(path)
    return Synthesizer.load(place / MODEL if place.is_dir() else place)


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
    n, where, given, targets, rules, temperature, seed
        How many rows, and what is asked of them: as for `Synthesizer.sample`.

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
    from locum.synthesizer.table import Synthesizer

    synth = model if isinstance(model, Synthesizer) else load(model)
    return synth.sample(
        n, where=where, given=given, targets=targets, rules=rules, temperature=temperature, seed=seed
    )


def sample_file(
    model: Path,
    out: Path,
    rows: int | None = None,
    *,
    where: Sequence[str] = (),
    given: Path | None = None,
    targets: str | None = None,
    rules: Sequence[str] = (),
    temperature: float = 1.0,
    verify: Path | None = None,
    seed: int | None = None,
    force: bool = False,
    progress: Listener = silent,
) -> dict[str, Any]:
    """Draw synthetic rows from a fitted generator into a file; returns facts about it.

    `where` to `temperature` are those of `sample`; `targets` is a text: JSON, a JSON file, or
    ``sex = balanced; age >= 65: 0.3``. With `verify`, a file of real rows, several times as many rows are
    drawn, and a judge that has seen the real ones picks among them.

    Raises
    ------
    UsageError
        When rows, seed or the suffix of `out` cannot be.
    FileFormatError
        When the model file is broken.
    FolderError
        When `out` exists or cannot be written.
    """
    from locum.control.targets import targets_from_text
    from locum.control.where.names import Names

    if rows is None and given is None:
        raise UsageError("the number of rows is missing", where="--rows", do="say how many")
    if rows is not None:
        check_rows(rows, where="--rows")
    seed = DEFAULT_SEED if seed is None else check_seed(seed)
    refuse_out(out, force=force)
    progress(Event("read", 0, 1))
    synth = load(model)
    facts: dict[str, Any] = {}
    judge, wanted = None, rows
    if verify is not None:
        fixed = "given" if given is not None else "targets" if targets else ""
        judge, wanted = _real_rows(verify, synth, fixed), CANDIDATES * (rows or 0)
    anything = where or given or targets or rules or temperature != 1.0
    if rows is None or wanted is None or anything or synth.schema.rules:
        progress(Event("sample", 0, 1))
        drawn = synth.draw(
            wanted,
            where=where,
            given=given,
            targets=None if targets is None else targets_from_text(targets, Names.of(synth.encoder)),
            rules=rules,
            temperature=temperature,
            seed=seed,
        )
        progress(Event("sample", 1, 1))
        table, facts = drawn.table, {**drawn.to_json(), "sentence": str(drawn)}
    else:
        table = draw(synth, wanted, seed, progress)
    lineage = synth.lineage
    if given is not None:
        lineage = after_given(lineage, given)
    if judge is not None and rows is not None:
        table = select_by_judge(judge, synth.schema, table, rows, seed)
        lineage = replace(lineage.void(JUDGED), verified=True)
        if facts:
            facts["rows"] = table.num_rows
    write_rows(table, out, synth.schema, synth.origin, lineage)
    facts |= {"lineage": lineage.to_json(), "warning": void_warning(synth.lineage, lineage)}
    return {**facts, "out": str(out), "rows": table.num_rows, "seed": seed, "bytes": out.stat().st_size}


def _real_rows(path: Path, synth: Synthesizer, fixed: str) -> pa.Table:
    """Real rows for verification; `fixed` is an option by which no row can be left out."""
    if fixed:
        raise UsageError(
            f"rows of --{fixed} cannot be picked over without breaking it",
            where="--verify",
            do=f"leave out --verify or --{fixed}",
        )
    raw = read_table(path)
    if raw.lineage is not None and raw.lineage.depth > 0:
        raise UsageError(
            f"these rows are not real: {raw.lineage}", where=str(path), do="give real rows to verify by"
        )
    return align(synth.schema, raw)[0]


def refuse_out(out: Path, *, force: bool) -> None:
    """Refuse a file that rows cannot be written to.

    Raises
    ------
    UsageError
        When its suffix is no form of tables.
    FolderError
        When it exists and `force` is not set, or its folder does not.
    """
    if out.suffix.lower().lstrip(".") not in FORMATS:
        raise UsageError(
            f"rows cannot be written as {out.suffix or 'a file without suffix'!r}",
            where=str(out),
            expected=f"a name ending in {', '.join('.' + name for name in FORMATS)}",
        )
    refuse_existing(out, force=force)


def write_rows(
    table: pa.Table,
    out: Path,
    schema: Schema,
    origin: Origin | None,
    lineage: Lineage | None,
    kept: KeptCells | None = None,
) -> None:
    """Write rows to a file in the form of the data they stand for, stamped with where they come from."""
    from locum.data.lineage_stamp import write_stamp
    from locum.data.write import write

    write(table, out, schema=schema, origin=origin, lineage=lineage, kept=kept)
    write_stamp(out, lineage)


def draw(synth: Synthesizer, rows: int, seed: int, progress: Listener = silent) -> pa.Table:
    """Draw a canonical table block by block."""
    import pyarrow as pa

    blocks, done = [], 0
    progress(Event("sample", 0, rows))
    for block in synth.blocks(rows, seed=seed):
        blocks.append(block)
        done += block.num_rows
        progress(Event("sample", done, rows))
    return pa.concat_tables(blocks)


def preview(request: RunRequest, rows: int, progress: Listener = silent) -> tuple[list[str], list[list[str]]]:
    """A few synthetic rows, quickly: learned from at most `PREVIEW_FIT_ROWS` rows, written nowhere.

    Returns
    -------
    tuple
        Column names and rows of texts, as a CSV file would hold them.

    Raises
    ------
    UsageError
        When `rows` is not from 1 to `PREVIEW_ROWS`, or a guarantee is asked for.
    """
    if not 1 <= rows <= PREVIEW_ROWS:
        raise UsageError(
            f"a preview of {rows} rows cannot be shown",
            where="--preview",
            expected=f"1 to {PREVIEW_ROWS} rows",
        )
    if request.privacy is not None:
        raise UsageError(
            "a preview would spend privacy budget", where="--preview", do="leave out one of the two"
        )
    prepared = prepare(request, progress)
    plan, access = prepared.plan, prepared.access
    assert isinstance(access, OpenAccess)
    if plan.synthesizer == DEFAULT_SYNTHESIZER:
        plan = replace(plan, synthesizer=FAST_SYNTHESIZER, settings={})
    access = replace(access, table=thin(access.table, PREVIEW_FIT_ROWS, plan.seed, "preview"))
    synth = access.fit(plan, seed=plan.seed, progress=progress).synthesizer
    return _texts(draw(synth, rows, plan.seed, progress), plan.schema)


def _texts(table: pa.Table, schema: Schema) -> tuple[list[str], list[list[str]]]:
    """Cells of a canonical table as the texts that a CSV file would hold."""
    from locum.data.write import write

    with tempfile.TemporaryDirectory(prefix="locum-") as folder:
        path = Path(folder) / "rows.csv"
        write(table, path, schema=schema)
        with path.open(encoding="utf-8", newline="") as handle:
            header, *rows = list(csv.reader(handle))
    return header, rows
