"""The stages of a run. Each is done once: a killed run goes on where it stopped and gives the same bytes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from locum.evaluation.evidence import Alert, Evidence, RunContext
from locum.files.folder import RunFolder
from locum.progress import Event, Listener, silent
from locum.randomness import child_seed, stream
from locum.runs import plan as names
from locum.runs.draw import blocks as asked_blocks
from locum.runs.evaluate import judge, now
from locum.runs.holdout import split
from locum.runs.machine import peak_memory
from locum.runs.outcome import STAGES, Outcome, answers_of, checks_of, describe_files, read_report
from locum.runs.plan import Plan
from locum.runs.prepare import Prepared
from locum.runs.tables import without_data_bounds
from locum.runs.versions import versions
from locum.schema.lineage import warning_of
from locum.studies.generator import Generator

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.data.origin import Origin
    from locum.schema.config import Config
    from locum.schema.table import Schema
    from locum.synthesizer.table import Synthesizer

#: Keys of the plan that have no effect of their own on the outputs.
VOLATILE = ("time_budget_s",)


def execute(prepared: Prepared, progress: Listener = silent) -> Outcome:
    """Carry out a plan in its folder and return what came of it.

    Raises
    ------
    FolderError
        When the folder holds something else, is in use, or cannot be written to.
    """
    cpu, wall = time.process_time(), time.monotonic()
    plan = prepared.plan
    with RunFolder.start(prepared.out, plan.to_json(), volatile=VOLATILE) as folder:
        if not any(folder.records()):
            folder.log("begun", created=now())
        train_rows, holdout_rows = split(prepared.table.num_rows, plan.holdout, plan.seed)
        train, holdout = prepared.table.take(train_rows), prepared.table.take(holdout_rows)
        schema = without_data_bounds(plan.schema)
        earlier = tuple(stage for stage in STAGES if folder.done(stage))
        if len(earlier) < len(STAGES):
            _stages(folder, prepared, schema, train, holdout, progress)
        cpu, wall = time.process_time() - cpu, time.monotonic() - wall
        if len(earlier) < len(STAGES):
            folder.log("ended", cpu_s=round(cpu, 2), wall_s=round(wall, 2), peak_bytes=peak_memory())
        report = read_report(prepared.out)
        return Outcome(
            prepared.out, describe_files(plan.synthetic), answers_of(report),
            len(train_rows), len(holdout_rows), plan.rows, cpu, wall, peak_memory(), earlier, prepared.notes,
            checks_of(report),
        )  # fmt: skip


def _stages(
    folder: RunFolder,
    prepared: Prepared,
    schema: Schema,
    train: pa.Table,
    holdout: pa.Table,
    progress: Listener,
) -> None:
    plan = prepared.plan
    synth = _fit(folder, plan, schema, train, prepared.origin, progress)
    made = sample_stage(folder, plan, prepared.origin, synth, schema, progress)
    if not folder.done("evaluate"):
        with folder.stage("evaluate") as stage:
            evidence = judge(
                train, made, schema, holdout=holdout, seed=child_seed(plan.seed, "evaluate"),
                rows=plan.evaluate_rows, log_prob=synth.log_prob_table if synth.model.has_density else None,
                effort=plan.effort, refit=refitted(plan), require=plan.require,
                progress=renamed(progress, "evaluate"),
            )  # fmt: skip
            stage.output(*report_stage(folder, plan, evidence, synth, progress))


def refitted(plan: Plan) -> Generator | None:
    """The run's own generator, for attacks that fit it again."""
    return Generator(plan.synthesizer, plan.settings) if plan.effort == "thorough" else None


def _fit(
    folder: RunFolder, plan: Plan, schema: Schema, train: pa.Table, origin: Origin, progress: Listener
) -> Synthesizer:
    """Learn from the training rows, or open what an earlier call learned."""
    from locum.synthesizer.table import Synthesizer

    if not folder.done("fit"):
        with folder.stage("fit") as stage:
            synth = Synthesizer(plan.synthesizer, seed=child_seed(plan.seed, "fit"), **plan.settings)
            progress(Event("fit", 0, 1))
            synth.fit_table(train, schema, progress=renamed(progress, "fit")).remember(origin)
            synth.descend(plan.lineage)
            with folder.writing(names.MODEL) as path:
                synth.save(path)
            stage.output(names.MODEL)
    # Always the model of the file, so that a run that was stopped here goes on with the very same one.
    return Synthesizer.load(folder.file(names.MODEL))


def sample_stage(
    folder: RunFolder,
    plan: Plan,
    origin: Origin,
    synth: Synthesizer,
    schema: Schema,
    progress: Listener,
    most: int | None = None,
) -> pa.Table:
    """Draw the rows, write them block by block, and read them (or `most` of them) back to be judged."""
    from locum.data.canonical import canonical
    from locum.data.read import read
    from locum.data.write import write_blocks

    def drawn() -> Iterator[pa.Table]:
        done = 0
        for block in asked_blocks(synth, plan.rows, child_seed(plan.seed, "sample")):
            yield block
            done += block.num_rows
            progress(Event("sample", done, plan.rows + plan.rows // 5 + 1))

    if not folder.done("sample"):
        with folder.stage("sample") as stage:
            with folder.writing(plan.synthetic) as path:
                write_blocks(drawn(), path, schema=schema, origin=origin, lineage=synth.lineage)
            stage.output(plan.synthetic)
    if most is not None and plan.rows > most and plan.format != "jsonl":
        return _some_of(folder, plan, schema, most)
    options = {}
    if origin.dialect is not None and plan.format == "csv":
        options = {"delimiter": origin.dialect.delimiter, "encoding": origin.dialect.encoding}
    raw = read(folder.file(plan.synthetic), **options)
    return canonical(replace(raw, name=plan.synthetic), schema)


def _some_of(folder: RunFolder, plan: Plan, schema: Schema, most: int) -> pa.Table:
    """`most` of the rows that were written, drawn by the seed; the others never lie in memory."""
    import pyarrow as pa

    from locum.data.blocks import open_blocks
    from locum.data.canonical import canonical
    from locum.data.origin import Raw

    places = stream(plan.seed, "pipeline", "judged").choice(plan.rows, most, replace=False)
    picked = np.zeros(plan.rows, dtype=np.bool_)
    picked[places] = True
    found, at = [], 0
    blocks = open_blocks(folder.file(plan.synthetic))
    for block in blocks.read():
        found.append(block.filter(pa.array(picked[at : at + block.num_rows])))
        at += block.num_rows
    return canonical(Raw(pa.concat_tables(found), blocks.origin, plan.synthetic), schema)


def renamed(progress: Listener, stage: str) -> Listener:
    """Events of a part as events of one stage of the run, whatever the part calls its own steps."""

    def listen(event: Event) -> None:
        note = event.note or ("" if event.stage == stage else event.stage)
        progress(Event(stage, event.done, event.total, note))

    return listen


def report_stage(
    folder: RunFolder, plan: Plan, evidence: Evidence, synth: Synthesizer, progress: Listener
) -> Sequence[str]:
    """Write everything that is read by people; returns the names of the files."""
    from locum.report.card import render_card
    from locum.report.html import render
    from locum.report.json import to_json
    from locum.runs.environment import environment_text
    from locum.schema.toml import dump_toml

    progress(Event("report", 0, 4))
    # Times differ from run to run; they are kept in run.jsonl, so that the report has the same bytes.
    folder.log("judged", cpu_s=dict(evidence.cpu_s))
    evidence = replace(evidence, cpu_s={}, alerts=(*_ancestry(plan), *evidence.alerts))
    context = context_of(folder, plan, synth)
    folder.write_text(names.CONFIG, dump_toml(config_of(plan)))
    folder.write_text(names.ENVIRONMENT, environment_text(versions()))
    card = render_card(
        plan.schema, context, rows=plan.rows, files=(plan.synthetic,), guarantee=context.guarantee
    )
    folder.write_text(names.CARD, card)
    progress(Event("report", 1, 4))
    text = json.dumps(to_json(evidence, context), indent=1, ensure_ascii=False, allow_nan=False)
    folder.write_text(names.REPORT_JSON, text + "\n")
    progress(Event("report", 2, 4))
    folder.write_text(names.REPORT, render(evidence, context))
    progress(Event("report", 4, 4))
    return (names.REPORT, names.REPORT_JSON, names.CARD, names.CONFIG, names.ENVIRONMENT)


def _ancestry(plan: Plan) -> tuple[Alert, ...]:
    """A warning when the rows learned from came out of a generator."""
    risk = warning_of(plan.lineage, plan.schema.name)
    return (Alert("warning", "lineage", risk),) if risk else ()


def context_of(folder: RunFolder, plan: Plan, synth: Synthesizer) -> RunContext:
    """What the report says besides the evidence; the same in a run that was stopped and taken up again."""
    from locum.models.registry import entry_of

    created = next((r["created"] for r in folder.records() if r.get("event") == "begun"), now())
    settings = {
        "data": plan.source.name, "rows": plan.rows, "seed": plan.seed, "hold-out share": plan.holdout,
        "target": plan.schema.target, "protected": ", ".join(plan.schema.protected) or None,
        "synthesizer": plan.synthesizer, **plan.settings,
    }  # fmt: skip
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
        guarantee=str((plan.privacy or {}).get("statement", "")),
        lineage=synth.lineage,
    )


def config_of(plan: Plan) -> Config:
    """Every decision of a run as a ``locum.toml``; the data is left to whoever repeats it."""
    from locum.schema.config import Config, EvaluateConfig, ModelConfig

    return Config(
        plan.schema,
        model=ModelConfig(plan.synthesizer, plan.seed, dict(plan.settings)),
        evaluate=EvaluateConfig(plan.holdout),
        require=plan.require,
        delimiter=plan.read.get("delimiter"),
        encoding=plan.read.get("encoding"),
        decimal=plan.read.get("decimal"),
        missing=tuple(plan.read.get("missing", ())),
    )


def command_of(plan: Plan) -> str:
    """The command that repeats the run."""
    import shlex

    words = ["locum", "run", plan.source.name, "--rows", str(plan.rows), "--seed", str(plan.seed)]
    if plan.schema.target is not None:
        words += ["--target", plan.schema.target]
    for name in plan.schema.protected:
        words += ["--protected", name]
    words += ["--holdout", f"{plan.holdout:g}", "--synthesizer", plan.synthesizer]
    if plan.effort != names.DEFAULT_EFFORT:
        words += ["--effort", plan.effort]
    for key, option in (("epsilon", "--epsilon"), ("delta", "--delta"), ("unit", "--unit")):
        if (plan.privacy or {}).get(key) is not None:
            words += [option, str((plan.privacy or {})[key])]
    return shlex.join(words)
