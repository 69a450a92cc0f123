"""A model file out of a table, and rows out of a model file: the two halves of a run on their own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.errors import FolderError, UsageError
from locum.evaluation.curation import CANDIDATES, select_by_judge
from locum.progress import Event, Listener, silent
from locum.randomness import check_seed
from locum.runs import plan as names
from locum.runs.plan import FORMATS, Request, check_rows
from locum.runs.prepare import Prepared, prepare
from locum.runs.tables import align, read_table, without_data_bounds
from locum.schema.lineage import warning_of

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.runs.draw import SampleOptions
    from locum.synthesizer.table import Synthesizer

#: Rows that a preview learns from, and shows at most.
PREVIEW_FIT_ROWS = 5_000
PREVIEW_ROWS = 1_000


def refuse_existing(path: Path, *, force: bool) -> Path:
    """Return `path` if it may be written.

    Raises
    ------
    FolderError
        When it exists and `force` is not set, when it is a folder, or when its folder does not exist.
    """
    if path.is_dir():
        raise FolderError("this is a folder", where=str(path), expected="the name of a file")
    if path.exists() and not force:
        raise FolderError("the file exists already", where=str(path), do="choose another name or add --force")
    if not path.parent.is_dir():
        raise FolderError("the folder does not exist", where=str(path.parent), do="create it first")
    return path


def fit_file(
    request: Request, model: Path, *, force: bool = False, progress: Listener = silent
) -> dict[str, Any]:
    """Learn from every row of a table and write a model file; returns facts about it.

    Raises
    ------
    LocumError
        As `prepare`, and FolderError when the model file cannot be written.
    """
    refuse_existing(model, force=force)
    if request.privacy is not None:
        return _fit_private_file(request, model, force=force, progress=progress)
    prepared = prepare(request, progress)
    synth = learn(prepared, prepared.table, prepared.plan.synthesizer, progress)
    synth.remember(prepared.origin)
    synth.save(model)
    return {
        "model": str(model),
        "bytes": model.stat().st_size,
        "synthesizer": prepared.plan.synthesizer,
        "seed": prepared.plan.seed,
        "rows": prepared.table.num_rows,
        "columns": prepared.table.num_columns,
        "lineage": synth.lineage.to_json(),
        "warning": warning_of(prepared.plan.lineage, prepared.plan.source.name),
        "notes": list(prepared.notes),
    }


def _fit_private_file(request: Request, model: Path, *, force: bool, progress: Listener) -> dict[str, Any]:
    """The same under a guarantee; what it cost goes into a file beside the model."""
    import json
    import secrets

    from locum.files.atomic import write_text
    from locum.runs.budget import open_ledger
    from locum.runs.guarantee import privacy_document
    from locum.runs.private_execute import fit_prepared
    from locum.runs.private_prepare import prepare_private

    beside = refuse_existing(model.with_suffix(".privacy.json"), force=force)
    prepared = prepare_private(request, progress)
    ledger = open_ledger(prepared, None, secrets.token_hex(8))
    fit = fit_prepared(prepared, ledger, prepared.rows, progress)
    public = (prepared.plan.privacy or {}).get("public")
    document = privacy_document(ledger, fit, holdout=0.0, public=public)
    fit.synthesizer.save(model)
    write_text(beside, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    return {
        "model": str(model),
        "bytes": model.stat().st_size,
        "synthesizer": fit.synthesizer.name,
        "seed": prepared.plan.seed,
        "rows": fit.n_rows,
        "columns": len(fit.domain.schema),
        "privacy": str(beside),
        "guarantee": document["statement"],
        "lineage": fit.synthesizer.lineage.to_json(),
        "warning": warning_of(prepared.plan.lineage, prepared.plan.source.name),
        "notes": [f"{fit.choice.name}: {fit.choice.why}", *([fit.stopped] if fit.stopped else [])],
    }


def learn(prepared: Prepared, table: pa.Table, synthesizer: str, progress: Listener = silent) -> Synthesizer:
    """Fit a synthesizer as planned on some rows."""
    from locum.synthesizer.table import Synthesizer

    plan = prepared.plan
    progress(Event("fit", 0, 1))
    settings = dict(plan.settings) if synthesizer == plan.synthesizer else {}
    synth = Synthesizer(synthesizer, seed=plan.seed, **settings)
    synth.fit_table(table, without_data_bounds(plan.schema), progress=progress)
    return synth.descend(plan.lineage)


def sample_file(
    model: Path,
    rows: int | None,
    out: Path,
    *,
    asked: SampleOptions | None = None,
    seed: int | None = None,
    verify: Path | None = None,
    force: bool = False,
    progress: Listener = silent,
) -> dict[str, Any]:
    """Draw rows from a model file, or from the model of a run folder, into a file; returns facts about it.

    What is asked of the rows beyond their number, if anything, is `asked`. With `verify`, a file of real
    rows, several times as many rows are drawn, and a judge that has seen the real ones picks among them.

    Raises
    ------
    UsageError
        When rows, seed or the suffix of `out` cannot be.
    FileFormatError
        When the model file is broken.
    FolderError
        When `out` exists or cannot be written.
    """
    from locum.runs.draw import SampleOptions, draw_rows

    asked = asked or SampleOptions()
    if rows is not None or asked.given is None:
        rows = check_rows(0 if rows is None else rows, where="--rows")
    seed = names.DEFAULT_SEED if seed is None else check_seed(seed)
    refuse_format(out)
    refuse_existing(out, force=force)
    from locum.data.lineage_stamp import write_stamp
    from locum.data.write import write

    progress(Event("read", 0, 1))
    synth = load_model(model)
    facts: dict[str, Any] = {}
    judge, wanted = None, rows
    if verify is not None:
        judge, wanted = _real_rows(verify, synth, asked), CANDIDATES * (rows or 0)
    if asked.anything or synth.schema.rules or rows is None:
        table, facts = draw_rows(synth, wanted, asked, seed, progress)
    else:
        table = draw(synth, wanted or rows, seed, progress)
    lineage = synth.lineage
    if judge is not None and rows is not None:
        table = select_by_judge(judge, synth.schema, table, rows, seed)
        lineage = replace(lineage, verified=True)
        if facts:
            facts["rows"] = table.num_rows
    write(table, out, schema=synth.schema, origin=synth.origin, lineage=lineage)
    write_stamp(out, lineage)
    facts["lineage"] = lineage.to_json()
    return {**facts, "out": str(out), "rows": table.num_rows, "seed": seed, "bytes": out.stat().st_size}


def _real_rows(path: Path, synth: Synthesizer, asked: SampleOptions) -> pa.Table:
    """Real rows for verification.

    Raises
    ------
    UsageError
        When the request fixes which rows there are, so that none can be left out.
    """
    if asked.given is not None or asked.targets:
        what = "given" if asked.given is not None else "targets"
        raise UsageError(
            f"rows of --{what} cannot be picked over without breaking it", where="--verify",
            do=f"leave out --verify or --{what}",
        )  # fmt: skip
    raw = read_table(path)
    if raw.lineage is not None and raw.lineage.depth > 0:
        raise UsageError(
            f"these rows are not real: {raw.lineage}", where=str(path), do="give real rows to verify by"
        )
    return align(synth.schema, raw)[0]


def refuse_format(out: Path) -> None:
    """Raise UsageError when rows cannot be written to a file of that name."""
    if out.suffix.lower().lstrip(".") not in FORMATS:
        raise UsageError(
            f"rows cannot be written as {out.suffix or 'a file without suffix'!r}",
            where=str(out), expected=f"a name ending in {', '.join('.' + name for name in FORMATS)}",
        )  # fmt: skip


def load_model(model: Path) -> Synthesizer:
    """The synthesizer in a model file or run folder; raises FileFormatError when it is broken."""
    from locum.synthesizer.table import Synthesizer

    return Synthesizer.load(model / names.MODEL if model.is_dir() else model)


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


def preview(request: Request, rows: int, progress: Listener = silent) -> tuple[list[str], list[list[str]]]:
    """A few synthetic rows, quickly: learned from at most `PREVIEW_FIT_ROWS` rows, written nowhere.

    Returns
    -------
    tuple
        Column names and rows of texts, as a CSV file would hold them.

    Raises
    ------
    UsageError
        When `rows` is not from 1 to `PREVIEW_ROWS`.
    """
    if not 1 <= rows <= PREVIEW_ROWS:
        raise UsageError(
            f"a preview of {rows} rows cannot be shown",
            where="--preview",
            expected=f"1 to {PREVIEW_ROWS} rows",
        )
    from locum.runs.evaluate import thin

    prepared = prepare(request, progress)
    plan = prepared.plan
    table = thin(prepared.table, PREVIEW_FIT_ROWS, plan.seed, "preview")
    quick = names.FAST_SYNTHESIZER if plan.synthesizer == names.DEFAULT_SYNTHESIZER else plan.synthesizer
    synth = learn(prepared, table, quick, progress)
    made = draw(synth, rows, plan.seed, progress)
    return table_texts(made, synth, prepared)


def table_texts(table: pa.Table, synth: Synthesizer, prepared: Prepared) -> tuple[list[str], list[list[str]]]:
    """Cells of a canonical table as the texts that a CSV file would hold."""
    import csv
    import tempfile

    from locum.data.write import write

    with tempfile.TemporaryDirectory(prefix="locum-") as folder:
        path = Path(folder) / "rows.csv"
        write(table, path, schema=prepared.plan.schema)
        with path.open(encoding="utf-8", newline="") as handle:
            header, *rows = list(csv.reader(handle))
    return header, rows
