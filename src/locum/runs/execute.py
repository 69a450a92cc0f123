"""The stages of a run. Each is done once: a killed run goes on where it stopped and gives the same bytes."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from locum.control.drawn_rows import Infeasible
from locum.evaluation.evidence import Alert, Evidence, RunContext
from locum.evaluation.limits import with_demands
from locum.files.folder import RunFolder
from locum.progress import Event, Listener, relabel, silent
from locum.randomness import child_seed, stream
from locum.runs.access import Access
from locum.runs.config import Config, EvaluateConfig, ModelConfig
from locum.runs.config_forms import AREA
from locum.runs.config_text import dump_config
from locum.runs.evaluate import judge
from locum.runs.files import (
    CARD,
    CONFIG,
    ENVIRONMENT,
    LEDGER,
    MODEL,
    REPORT,
    REPORT_JSON,
    STAGES,
    describe_files,
    read_report,
)
from locum.runs.guarantee import with_guarantee
from locum.runs.machine import peak_memory
from locum.runs.options import DEFAULT_EFFORT, FOUND_RULES, NO_ENTITY
from locum.runs.outcome import RunOutcome, answers_of, checks_of, uses_of
from locum.runs.plan import RunPlan
from locum.runs.prepare import Prepared, prepare
from locum.runs.request import run_request
from locum.runs.tables import without_data_bounds
from locum.runs.versions import environment_text, now, versions
from locum.schema.lineage import warning_of
from locum.schema.table import Schema
from locum.sources.rows import Mask
from locum.synthesizer.refit import Refit

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.synthesizer.table import Synthesizer

#: Keys of the plan that have no effect of their own on the outputs.
VOLATILE = ("time_budget_s", "release")
#: What a fit that was paid for does not depend on, and what is done anew when it is asked for otherwise.
AFTER_FIT = {
    "rows": ("sample", "evaluate"),
    "format": ("sample", "evaluate"),
    "seed": ("sample", "evaluate"),
    "effort": ("evaluate",),
    "require": ("evaluate",),
}


def run(
    data: Any,
    out: str | os.PathLike[str] | None = None,
    *,
    rows: int | None = None,
    seed: int | None = None,
    schema: Schema | None = None,
    target: str | None = None,
    protected: Sequence[str] = (),
    holdout: float | None = None,
    synthesizer: str | None = None,
    time_budget_s: float | None = None,
    require: Mapping[str, Any] | None = None,
    effort: str | None = None,
    epsilon: float | str | None = None,
    delta: float | str | None = None,
    unit: str | None = None,
    per_unit: int | None = None,
    public: Any = None,
    ledger: str | os.PathLike[str] | None = None,
    total_epsilon: float | str | None = None,
    engine: str | None = None,
    columns: Sequence[str] | None = None,
    discover: bool = False,
    one_row_per_person: bool = False,
    rules: str = FOUND_RULES,
    entity: str | None = None,
    config: str | os.PathLike[str] | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
    skip_rows: int | None = None,
    header_rows: int | None = None,
    units_row: bool | None = None,
    footer_rows: int | None = None,
    sheet: str | None = None,
    progress: Listener = silent,
) -> RunOutcome:
    """Make a synthetic table with its evidence: one table in, a run folder out.

    Hold-out rows are put aside before anything is fitted. A run that was killed is taken up again by the same
    call and gives the same bytes; a finished one is not repeated.

    Parameters
    ----------
    data
        Path or table, as for `detect`. A ``locum.toml`` beside a file is read.
    out
        Run folder; None means ``<name>-locum`` in the working directory.
    rows
        Synthetic rows; None means as many as the data has.
    seed
        Same seed, same bytes; None means 0, or what the config says.
    schema
        What the columns are; None takes it from the config, or detects it.
    target, protected
        Column to be predicted; columns that name groups.
    holdout
        Share of rows held out, 0-0.5; None means 0.2.
    synthesizer
        As for `fit`; None means ``tree``, or ``tree-fast`` where the time budget asks for it.
    time_budget_s
        Longest time on the clock, in seconds.
    require, effort
        Limits on results and what the attacks spend, as for `evaluate`; None means ``quick``.
    epsilon, delta, unit, per_unit, public, ledger, total_epsilon
        Guarantee differential privacy, as for `fit`. The ledger is then a file of the run folder unless one
        is named; `total_epsilon` is the total of a new one. See also ``locum release``.
    engine, columns, discover, one_row_per_person
        With `epsilon`, as for `fit`.
    rules
        Which rules rows keep, as for `fit`.
    entity
        Column that says whose row it is, where persons have several rows: rows are then held out, drawn and
        judged by person. ``none`` where each row is somebody else's; None looks for such a column.
    config
        Another ``locum.toml``.
    delimiter, encoding
        Correct a wrong guess about a text file.
    header
        False when the first line of a text table is a row: columns are then called as the config says, or c1,
        c2, ... True when it holds their names, though it looks like a row.
    skip_rows, header_rows, units_row, footer_rows
        Lines above the names, lines of names, whether a line of units follows, and lines below the last row
        of a text or sheet, where that is not found out rightly.
    sheet
        Sheet of a workbook, where several hold something.
    progress
        Called with an `Event` now and then.

    Returns
    -------
    Outcome
        The folder, its files, the five sentences, and what it cost.

    Raises
    ------
    UsageError
        When an argument cannot be.
    FolderError
        When the folder holds something else, or cannot be written.
    DataError
        When the data cannot be read or contradicts the schema.
    FeasibilityError
        When the job does not fit into memory, disk or time.
    """
    request = run_request(
        data,
        out=out,
        rows=rows,
        seed=seed,
        schema=schema,
        target=target,
        protected=protected,
        holdout=holdout,
        synthesizer=synthesizer,
        time_budget_s=time_budget_s,
        require=require,
        effort=effort,
        epsilon=epsilon,
        delta=delta,
        unit=unit,
        per_unit=per_unit,
        public=public,
        ledger=ledger,
        total_epsilon=total_epsilon,
        engine=engine,
        columns=columns,
        discover=discover,
        one_row_per_person=one_row_per_person,
        rules=rules,
        entity=entity,
        config=config,
        delimiter=delimiter,
        encoding=encoding,
        header=header,
        skip_rows=skip_rows,
        header_rows=header_rows,
        units_row=units_row,
        footer_rows=footer_rows,
        sheet=sheet,
    )
    return execute(prepare(request, progress), progress)


def execute(prepared: Prepared, progress: Listener = silent) -> RunOutcome:
    """Carry out a plan in its folder and return what came of it.

    Raises
    ------
    FolderError
        When the folder holds something else, is in use, or cannot be written to.
    BudgetError
        With a guarantee, when nothing is left to measure with.
    """
    with prepared.access.seal("the private run", outermost=True):
        return _execute(prepared, progress)


def _execute(prepared: Prepared, progress: Listener) -> RunOutcome:
    cpu, wall = time.process_time(), time.monotonic()
    plan, access = prepared.plan, prepared.access
    later = AFTER_FIT if access.private else None
    if not prepared.out.exists():  # one that is taken up again has spent of its budget
        access.check_budget()
    with RunFolder.start(
        prepared.out, plan.to_json(), volatile=VOLATILE, later=later, private=access.private
    ) as folder:
        if not any(folder.records()):
            folder.log("begun", created=now(), run=secrets.token_hex(8))
        learned = access.hold_out(folder, plan)
        earlier = tuple(stage for stage in STAGES if folder.done(stage))
        if not folder.done("fit"):
            _fit(folder, plan, access, learned, progress)
        plan = access.complete(plan, folder)
        if len(earlier) < len(STAGES):
            _sample_and_judge(folder, plan, access, learned, progress)
        cpu, wall = time.process_time() - cpu, time.monotonic() - wall
        if len(earlier) < len(STAGES):
            folder.log("ended", cpu_s=round(cpu, 2), wall_s=round(wall, 2), peak_bytes=peak_memory())
        report, facts = read_report(prepared.out), folder.facts("fit")
        return RunOutcome(
            prepared.out,
            describe_files(plan.synthetic, guarantee=access.private),
            answers_of(report),
            facts["rows"],
            facts["holdout"],
            plan.rows,
            cpu,
            wall,
            peak_memory(),
            earlier,
            (*prepared.notes, *_kept(folder), *facts["notes"]),
            checks_of(report),
            plan.guarantee,
            uses_of(report),
        )


def _kept(folder: RunFolder) -> tuple[str, ...]:
    """What was kept of a run that goes on under another plan."""
    if not folder.changes:
        return ()
    return (f"The fit that was paid for is kept; the rest was done anew ({'; '.join(folder.changes)}).",)


def _fit(folder: RunFolder, plan: RunPlan, access: Access, learned: Mask, progress: Listener) -> None:
    """Learn from the training rows, and write the model and what a guarantee asks for."""
    with folder.stage("fit") as stage:
        fit = access.fit(plan, learned, seed=child_seed(plan.seed, "fit"), folder=folder, progress=progress)
        with folder.writing(MODEL) as path:
            fit.synthesizer.save(path)
        for name, content in fit.files.items():
            folder.write_bytes(name, content)
        ledger = [LEDGER] if folder.file(LEDGER).exists() else []
        stage.output(MODEL, *dict.fromkeys([*fit.files, *ledger]))
        held = 0 if access.private else int((~learned).sum())
        stage.fact(rows=fit.n_rows, holdout=held, synthesizer=fit.synthesizer.name, notes=list(fit.notes))


def _sample_and_judge(
    folder: RunFolder, plan: RunPlan, access: Access, learned: Mask, progress: Listener
) -> None:
    """Draw the rows, judge them on real rows, and write the report."""
    from locum.synthesizer.table import Synthesizer

    # Always the model of the file, so that a run that was stopped here goes on with the very same one.
    synth = Synthesizer.load(folder.file(MODEL))
    schema = without_data_bounds(plan.schema)
    most = plan.evaluate_rows if access.private else None
    try:
        made = sample_stage(folder, plan, synth, schema, progress, most)
    except Infeasible as error:
        if access.private:
            error.add_advice(
                "the model is paid for and kept, so repeat the command in the same folder with other --rows, "
                f"or draw from it with `locum sample {folder.path}`; "
                "a run in another folder is paid for again"
            )
        raise
    if folder.done("evaluate"):
        return
    with folder.stage("evaluate") as stage, access.seal("judging the run"):
        train, holdout = access.judged(learned, plan), access.judged(~learned, plan)
        evidence = judge(
            train,
            made,
            schema,
            holdout=holdout,
            seed=child_seed(plan.seed, "evaluate"),
            rows=plan.evaluate_rows,
            log_prob=synth.log_prob_table if synth.has_density else None,
            effort=plan.effort,
            refit=None if access.private else plan_refit(plan),
            progress=relabel(progress, "evaluate"),
        )
        evidence = replace(evidence, answers=with_guarantee(evidence.answers, plan.guarantee))
        evidence = with_demands(evidence, plan.require)
        stage.output(*report_stage(folder, plan, evidence, synth, progress))


def plan_refit(plan: RunPlan) -> Refit | None:
    """The run's own generator, for attacks that fit it again; None where none of them is run."""
    return Refit(plan.synthesizer, plan.settings) if plan.effort == "thorough" else None


def sample_stage(
    folder: RunFolder,
    plan: RunPlan,
    synth: Synthesizer,
    schema: Schema,
    progress: Listener,
    most: int | None = None,
) -> pa.Table:
    """Draw the rows, write them block by block, and read them (or `most` of them) back to be judged."""
    from locum.data.canonical import canonical
    from locum.data.read import read
    from locum.data.table_area import OWN_FORM
    from locum.data.write import write_blocks

    origin = synth.origin

    def draw_blocks() -> Iterator[pa.Table]:
        done = 0
        for block in synth.blocks(plan.rows, seed=child_seed(plan.seed, "sample")):
            yield block
            done += block.num_rows
            progress(Event("sample", done, plan.rows + plan.rows // 5 + 1))

    if not folder.done("sample"):
        with folder.stage("sample") as stage:
            with folder.writing(plan.synthetic) as path:
                write_blocks(draw_blocks(), path, schema=schema, origin=origin, lineage=synth.lineage)
            stage.output(plan.synthetic)
    if most is not None and plan.rows > most and plan.format != "jsonl":
        return _read_some(folder, plan, schema, most)
    options: dict[str, Any] = dict(OWN_FORM) if plan.format in ("csv", "tsv") else {}
    if origin is not None and origin.dialect is not None and plan.format == "csv":
        options |= {"delimiter": origin.dialect.delimiter, "encoding": origin.dialect.encoding}
    raw = read(folder.file(plan.synthetic), **options)
    return canonical(replace(raw, name=plan.synthetic), schema)


def _read_some(folder: RunFolder, plan: RunPlan, schema: Schema, most: int) -> pa.Table:
    """`most` of the rows that were written, drawn by the seed; the others never lie in memory."""
    import pyarrow as pa

    from locum.data.blocks import open_blocks
    from locum.data.canonical import canonical
    from locum.data.origin import Raw
    from locum.data.table_area import OWN_FORM

    places = stream(plan.seed, "pipeline", "judged").choice(plan.rows, most, replace=False)
    picked = np.zeros(plan.rows, dtype=np.bool_)
    picked[places] = True
    found, at = [], 0
    options = OWN_FORM if plan.format in ("csv", "tsv") else {}
    blocks = open_blocks(folder.file(plan.synthetic), **options)
    for block in blocks.read():
        found.append(block.filter(pa.array(picked[at : at + block.num_rows])))
        at += block.num_rows
    return canonical(Raw(pa.concat_tables(found), blocks.origin, plan.synthetic), schema)


def report_stage(
    folder: RunFolder, plan: RunPlan, evidence: Evidence, synth: Synthesizer, progress: Listener
) -> Sequence[str]:
    """Write everything that is read by people; returns the names of the files."""
    from locum.report.card import render_card
    from locum.report.html import render
    from locum.report.json import to_json

    progress(Event("report", 0, 4))
    # Times differ from run to run; they are kept in run.jsonl, so that the report has the same bytes.
    folder.log("judged", cpu_s=dict(evidence.cpu_s))
    evidence = replace(evidence, cpu_s={}, alerts=(*_ancestry(plan), *evidence.alerts))
    context = context_of(folder, plan, synth)
    folder.write_text(CONFIG, dump_config(config_of(plan)))
    folder.write_text(ENVIRONMENT, environment_text(versions()))
    card = render_card(
        plan.schema, context, rows=plan.rows, files=(plan.synthetic,), guarantee=context.guarantee
    )
    folder.write_text(CARD, card)
    progress(Event("report", 1, 4))
    text = json.dumps(to_json(evidence, context), indent=1, ensure_ascii=False, allow_nan=False)
    folder.write_text(REPORT_JSON, text + "\n")
    progress(Event("report", 2, 4))
    folder.write_text(REPORT, render(evidence, context))
    progress(Event("report", 4, 4))
    return (REPORT, REPORT_JSON, CARD, CONFIG, ENVIRONMENT)


def _ancestry(plan: RunPlan) -> tuple[Alert, ...]:
    """A warning when the rows learned from came out of a generator."""
    risk = warning_of(plan.lineage, plan.schema.name)
    return (Alert("warning", "lineage", risk),) if risk else ()


def context_of(folder: RunFolder, plan: RunPlan, synth: Synthesizer) -> RunContext:
    """What the report says besides the evidence; the same in a run that was stopped and taken up again."""
    from locum.models.registry import entry_of

    created = next((r["created"] for r in folder.records() if r.get("event") == "begun"), now())
    settings = {
        "data": plan.source.name,
        "rows": plan.rows,
        "seed": plan.seed,
        "hold-out share": plan.holdout,
        "target": plan.schema.target,
        "protected": ", ".join(plan.schema.protected) or None,
        "synthesizer": plan.synthesizer,
        **plan.settings,
    }
    if plan.evaluate_rows is not None:
        settings["rows judged at most"] = plan.evaluate_rows
    settings["lineage of the rows made"] = str(synth.lineage)
    return RunContext(
        title=plan.schema.name,
        created=str(created),
        command=command_of(plan),
        synthesizer=f"{plan.synthesizer}: {entry_of(plan.synthesizer).sentence}",
        settings={key: value for key, value in settings.items() if value is not None},
        versions=versions(),
        treatments=synth.treatments(),
        guarantee=plan.guarantee,
        lineage=synth.lineage,
    )


def config_of(plan: RunPlan) -> Config:
    """Every decision of a run as a ``locum.toml``; the data is left to whoever repeats it.

    It lies beside the rows that were made, which have a header line also where the data have none.
    """
    terms = plan.privacy or {}
    return Config(
        plan.schema,
        model=ModelConfig(plan.synthesizer, plan.seed, dict(plan.settings)),
        evaluate=EvaluateConfig(plan.holdout),
        require=plan.require,
        delimiter=plan.read.get("delimiter"),
        encoding=plan.read.get("encoding"),
        decimal=plan.read.get("decimal"),
        missing=tuple(plan.read.get("missing", ())),
        header=True if plan.read.get("header") is False else None,
        release=plan.release,
        unit=terms.get("unit"),
        per_unit=terms.get("per_unit") if terms.get("unit") else None,
        one_row_per_person=bool(terms.get("one_row_per_person")),
        entity=_entity_of(plan),
    )


def _entity_of(plan: RunPlan) -> str | None:
    """Whose rows they are, for a run that repeats this one; None where nothing could be taken for it."""
    if plan.privacy is not None:
        return None
    return plan.schema.entity or (NO_ENTITY if any(c.kind == "id" for c in plan.schema) else None)


def command_of(plan: RunPlan) -> str:
    """The command that repeats the run."""
    import shlex

    words = ["locum", "run", plan.source.name, "--rows", str(plan.rows), "--seed", str(plan.seed)]
    if plan.schema.target is not None:
        words += ["--target", plan.schema.target]
    for name in plan.schema.protected:
        words += ["--protected", name]
    words += ["--holdout", f"{plan.holdout:g}", "--synthesizer", plan.synthesizer]
    if plan.schema.entity is not None:
        words += ["--entity", plan.schema.entity]
    if plan.effort != DEFAULT_EFFORT:
        words += ["--effort", plan.effort]
    if plan.read.get("header") is not None:
        words.append("--header" if plan.read["header"] else "--no-header")
    for key in AREA:
        value, option = plan.read.get(key), f"--{key.replace('_', '-')}"
        if isinstance(value, bool):
            words.append(option if value else "--no-units")
        elif value is not None:
            words += [option, str(value)]
    for key, option in (("epsilon", "--epsilon"), ("delta", "--delta"), ("unit", "--unit")):
        if (plan.privacy or {}).get(key) is not None:
            words += [option, str((plan.privacy or {})[key])]
    return shlex.join(words)
