"""The stages of a private run: the same folder as any run, with the rows behind a ledger."""

from __future__ import annotations

import json
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from locum.files.folder import RunFolder
from locum.privacy.ledger import Ledger
from locum.privacy.sealed import last_seal, sealed
from locum.progress import Listener, silent
from locum.randomness import child_seed, stream
from locum.runs import plan as names
from locum.runs.budget import open_ledger
from locum.runs.engine import JUDGED
from locum.runs.evaluate import judge, now
from locum.runs.execute import VOLATILE, renamed, report_stage, sample_stage
from locum.runs.files import (
    COUNTS,
    HOLDOUT,
    LEDGER,
    MEASURED,
    PRIVACY,
    private_files,
    read_privacy,
)
from locum.runs.machine import peak_memory
from locum.runs.outcome import STAGES, Outcome, answers_of, checks_of, read_report
from locum.runs.plan import Plan, Request
from locum.runs.private_prepare import PreparedPrivate, prepare_private
from locum.sources.rows import Mask, MemoryRows, Rows

if TYPE_CHECKING:
    from locum.synthesizer.private import PrivateFit
    from locum.synthesizer.table import Synthesizer


def execute_private(prepared: PreparedPrivate, progress: Listener = silent) -> Outcome:
    """Carry out a private run in its folder and return what came of it.

    A run that was stopped before the model was written fits anew with what is left of its budget; noise
    that was paid for and lost does not come back.

    Raises
    ------
    FolderError
        When the folder holds something else, is in use, or cannot be written to.
    BudgetError
        When nothing is left to measure with.
    """
    with last_seal("the private run"):
        return _execute(prepared, progress)


def _execute(prepared: PreparedPrivate, progress: Listener) -> Outcome:
    cpu, wall = time.process_time(), time.monotonic()
    plan = prepared.plan
    with RunFolder.start(prepared.out, plan.to_json(), volatile=VOLATILE) as folder:
        if not any(folder.records()):
            folder.log("begun", created=now(), run=secrets.token_hex(8))
        kept = _split(folder, prepared)
        earlier = tuple(stage for stage in STAGES if folder.done(stage))
        if not folder.done("fit"):
            _fit(folder, prepared, kept, progress)
        plan = _settled(folder, prepared)
        if len(earlier) < len(STAGES):
            _sample_and_judge(folder, prepared, plan, kept, progress)
        cpu, wall = time.process_time() - cpu, time.monotonic() - wall
        if len(earlier) < len(STAGES):
            folder.log("ended", cpu_s=round(cpu, 2), wall_s=round(wall, 2), peak_bytes=peak_memory())
        report = read_report(prepared.out)
        document = read_privacy(prepared.out)
        # the exact numbers of rows stay in the internal report
        noisy = max(1, int(document["rows"]["noisy"]))
        return Outcome(
            prepared.out, private_files(plan.synthetic), answers_of(report), noisy, 0, plan.rows, cpu,
            wall, peak_memory(), earlier, _notes(document), checks_of(report), document["statement"],
        )  # fmt: skip


def _split(folder: RunFolder, prepared: PreparedPrivate) -> Mask:
    """Which rows are learned from; drawn once, by a secret coin for each unit.

    A shuffle of all rows would move many of them when one is added; independent coins move one unit only, so
    that the guarantee for the training rows is one for all rows.
    """
    path = folder.file(HOLDOUT)
    if not path.exists():
        with sealed("holding rows out"):
            learned = prepared.rows.coins(prepared.unit, 1 - prepared.plan.holdout)
        folder.write_bytes(HOLDOUT, np.packbits(learned).tobytes())
    bits = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    return np.unpackbits(bits, count=prepared.rows.n_rows).astype(np.bool_)


def fit_prepared(
    prepared: PreparedPrivate, ledger: Ledger, rows: Rows, progress: Listener = silent
) -> PrivateFit:
    """Fit as planned to some of the rows, paid for by `ledger`; errors as `fit_private`."""
    from locum.synthesizer.private import fit_private

    plan = prepared.plan
    # parts that touch rows are sealed one by one already, with better words
    with last_seal("the private fit"), sealed("fitting the generator"):
        fit = fit_private(
            rows, ledger, schema=plan.schema if prepared.declared else None, public=prepared.public,
            target=_target(prepared), synthesizer=plan.synthesizer, seed=child_seed(plan.seed, "fit"),
            settings=plan.settings, progress=renamed(progress, "fit"),
        )  # fmt: skip
    # The stamp is about the file, not about any row of it.
    fit.synthesizer.descend(plan.lineage)
    return fit


def fit_in_memory(request: Request, settings: Mapping[str, Any], progress: Listener = silent) -> Synthesizer:
    """A synthesizer of all rows under a guarantee; the ledger is the one named, or forgotten."""
    prepared = prepare_private(request, progress)
    prepared = replace(prepared, plan=replace(prepared.plan, settings={**prepared.plan.settings, **settings}))
    ledger = open_ledger(prepared, None, secrets.token_hex(8))
    return fit_prepared(prepared, ledger, prepared.rows, progress).synthesizer


def _fit(folder: RunFolder, prepared: PreparedPrivate, kept: Mask, progress: Listener) -> None:
    """Spend the budget, and write the model, the noisy counts and what was paid."""
    from locum.files.tensors import dump_tensors
    from locum.runs.guarantee import privacy_document

    plan = prepared.plan
    run = next(str(r["run"]) for r in folder.records() if r.get("event") == "begun")
    with folder.stage("fit") as stage:
        ledger = open_ledger(prepared, folder.file(LEDGER), run)
        with sealed("choosing the rows to learn from"):
            train = prepared.rows.only(kept)
        fit = fit_prepared(prepared, ledger, train, progress)
        with folder.writing(names.MODEL) as path:
            fit.synthesizer.save(path)
        head = [{"clique": list(m.clique), "sigma": m.sigma} for m in fit.measurements]
        folder.write_text(MEASURED, json.dumps(head, ensure_ascii=True) + "\n")
        tensors = {str(i): np.asarray(m.counts) for i, m in enumerate(fit.measurements)}
        folder.write_bytes(COUNTS, dump_tensors(tensors))
        public = None if plan.privacy is None else plan.privacy["public"]
        document = privacy_document(ledger, fit, holdout=plan.holdout, public=public)
        folder.write_text(PRIVACY, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
        outputs = [names.MODEL, MEASURED, COUNTS, PRIVACY]
        if prepared.asked.ledger is not None:
            with folder.writing(LEDGER) as path:
                shutil.copyfile(prepared.asked.ledger, path)
        if folder.file(LEDGER).exists():
            outputs.append(LEDGER)
        stage.output(*outputs)
        stage.fact(rows=fit.n_rows, synthesizer=fit.synthesizer.name)


def _target(prepared: PreparedPrivate) -> str | None:
    asked = (prepared.plan.privacy or {}).get("target")
    return str(asked) if asked is not None else prepared.plan.schema.target


def _settled(folder: RunFolder, prepared: PreparedPrivate) -> Plan:
    """The plan with what the fit decided: schema, number of rows, generator, guarantee."""
    from locum.synthesizer.table import Synthesizer

    facts, plan = folder.facts("fit"), prepared.plan
    schema = Synthesizer.load(folder.file(names.MODEL)).schema
    asked = plan.privacy or {}
    protected = tuple(n for n in asked.get("protected", ()) if not schema[n].regenerated)
    document = read_privacy(folder.path)
    return replace(
        plan,
        schema=replace(schema, target=_target(prepared), protected=protected or schema.protected),
        rows=plan.rows or int(facts["rows"]),
        synthesizer=str(facts["synthesizer"]),
        privacy={**asked, "statement": document["statement"]},
    )


def _sample_and_judge(
    folder: RunFolder,
    prepared: PreparedPrivate,
    plan: Plan,
    kept: Mask,
    progress: Listener,
) -> None:
    """Draw the rows, and judge them on real rows for the curator alone."""
    from locum.synthesizer.table import Synthesizer

    synth = Synthesizer.load(folder.file(names.MODEL))
    most = None if isinstance(prepared.rows, MemoryRows) else JUDGED
    plan = replace(plan, evaluate_rows=most)
    made = sample_stage(folder, plan, prepared.rows.origin, synth, plan.schema, progress, most)
    if folder.done("evaluate"):
        return
    with folder.stage("evaluate") as stage, sealed("judging the run"):
        train, holdout = (
            prepared.rows.only(_some(part, most, plan.seed)).canonical(plan.schema).table()
            for part in (kept, ~kept)
        )
        evidence = judge(
            train, made, plan.schema, holdout=holdout, seed=child_seed(plan.seed, "evaluate"),
            log_prob=synth.log_prob_table if synth.has_density else None, require=plan.require,
            effort=plan.effort, progress=renamed(progress, "evaluate"),
        )  # fmt: skip
        said = str((plan.privacy or {})["statement"])
        from locum.runs.guarantee import guaranteed

        answers = tuple(guaranteed(a, said) if a.question == "private" else a for a in evidence.answers)
        evidence = replace(evidence, answers=answers)
        stage.output(*report_stage(folder, plan, evidence, synth, progress))


def _notes(document: Mapping[str, Any]) -> tuple[str, ...]:
    """What the user should know; nothing that is not published anyway."""
    notes = [f"Generator {document['synthesizer']['name']}: {document['synthesizer']['why']}"]
    share = document["discovery"]["share_of_budget"]
    bought = [n for n, o in document["discovery"]["columns"].items() if o == "bought"]
    if bought:
        notes.append(
            f"{100 * share:.0f} % of the budget went into finding out what {len(bought)} columns hold; "
            "declared kinds, levels and bounds would save it."
        )
    if document["synthesizer"]["stopped"]:
        notes.append(document["synthesizer"]["stopped"])
    return tuple(notes)


def _some(rows: Mask, most: int | None, seed: int) -> Mask:
    """At most so many of the rows that a mask names; for the custodian's own report."""
    places = np.flatnonzero(rows)
    if most is None or len(places) <= most:
        return rows
    picked = np.zeros_like(rows)
    picked[stream(seed, "pipeline", "judged", len(places)).choice(places, most, replace=False)] = True
    return picked
