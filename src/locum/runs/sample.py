"""Rows out of a fitted generator: into a file, on request only such as are asked for, or a few to look at."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.data.origin import Origin
    from locum.schema.lineage import Lineage
    from locum.schema.table import Schema
    from locum.synthesizer.table import Synthesizer

#: Rows that a preview learns from, and shows at most.
PREVIEW_FIT_ROWS = 5_000
PREVIEW_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class SampleOptions:
    """What the command line asks of the rows; see `locum.synthesizer.table.Synthesizer.sample`.

    Attributes
    ----------
    where, rules
        Conditions and rules as texts.
    given
        File with some of the columns.
    targets
        Proportions as text: JSON, a JSON file, or ``sex = balanced; age >= 65: 0.3``.
    temperature
        1 as learned.
    """

    where: Sequence[str] = ()
    given: Path | None = None
    targets: str | None = None
    rules: Sequence[str] = ()
    temperature: float = 1.0

    @property
    def anything(self) -> bool:
        """Whether anything is asked at all."""
        return bool(self.where or self.given or self.targets or self.rules) or self.temperature != 1.0


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
    asked = asked or SampleOptions()
    if rows is not None or asked.given is None:
        rows = check_rows(0 if rows is None else rows, where="--rows")
    seed = DEFAULT_SEED if seed is None else check_seed(seed)
    refuse_out(out, force=force)
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
    write_rows(table, out, synth.schema, synth.origin, lineage)
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
            f"rows of --{what} cannot be picked over without breaking it",
            where="--verify",
            do=f"leave out --verify or --{what}",
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
    table: pa.Table, out: Path, schema: Schema, origin: Origin | None, lineage: Lineage | None
) -> None:
    """Write rows to a file in the form of the data they stand for, stamped with where they come from."""
    from locum.data.lineage_stamp import write_stamp
    from locum.data.write import write

    write(table, out, schema=schema, origin=origin, lineage=lineage)
    write_stamp(out, lineage)


def load_model(model: Path) -> Synthesizer:
    """The synthesizer in a model file or run folder; raises FileFormatError when it is broken."""
    from locum.synthesizer.table import Synthesizer

    return Synthesizer.load(model / MODEL if model.is_dir() else model)


def draw_rows(
    synth: Synthesizer, rows: int | None, asked: SampleOptions, seed: int, progress: Listener = silent
) -> tuple[pa.Table, dict[str, Any]]:
    """A canonical table of rows that fulfil a request, and facts about how they were found.

    Raises
    ------
    LocumError
        As `locum.synthesizer.table.Synthesizer.sample`.
    """
    from locum.control.targets import targets_from_text
    from locum.control.where.names import Names

    if rows is None and asked.given is None:
        raise UsageError("the number of rows is missing", where="--rows", do="add --rows N")
    progress(Event("sample", 0, 1))
    spec = None if asked.targets is None else targets_from_text(asked.targets, Names.of(synth.encoder))
    drawn = synth.draw(
        rows,
        where=asked.where,
        given=asked.given,
        targets=spec,
        rules=asked.rules,
        temperature=asked.temperature,
        seed=seed,
    )
    progress(Event("sample", 1, 1))
    return drawn.table, {**drawn.to_json(), "sentence": str(drawn)}


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
