"""A run with a guarantee of privacy: the same folder and stages, with the rows behind a ledger."""

from __future__ import annotations

import json
import secrets
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from locum.artifacts.folder import RunFolder
from locum.attacks.suite import check_effort
from locum.errors import BudgetError, UsageError
from locum.pipeline import plan as names
from locum.pipeline.judge import judge, now
from locum.pipeline.machine import peak_memory
from locum.pipeline.outcome import STAGES, Outcome, answers_of, checks_of, describe_files, read_report
from locum.pipeline.plan import Plan, PrivacyRequest, Request, check_format, check_rows, fingerprint
from locum.pipeline.prepare import find_config, first, suffix_of
from locum.pipeline.run import VOLATILE, renamed, report_stage, sample_stage
from locum.pipeline.split import check_share
from locum.pipeline.tables import need_column, read_table
from locum.privacy.budget import Budget
from locum.privacy.journal import Journal
from locum.privacy.ledger import Ledger
from locum.privacy.unit import Unit
from locum.progress import Event, Listener, silent
from locum.randomness import check_seed, child_seed
from locum.schema.require import Requirements
from locum.schema.table import Schema
from locum.sources.sealed import sealed

if TYPE_CHECKING:
    from locum.data.frame import Raw
    from locum.schema.config import Config
    from locum.synthesizers.private import PrivateFit
    from locum.synthesizers.synthesizer import Synthesizer

LEDGER = "ledger.jsonl"
PRIVACY = "privacy.json"
MEASURED = "measurements.json"
COUNTS = "measurements.safetensors"
HOLDOUT = "holdout.bits"

#: Where nobody says how likely the guarantee may fail.
DEFAULT_DELTA = 1e-6
#: Part of delta that is kept for publishing levels; the rest is for the noise.
RESERVE = 0.1


@dataclass(frozen=True, slots=True)
class PreparedPrivate:
    """A private run with the data at hand; nothing has been spent.

    Attributes
    ----------
    plan
        What will be done; its schema is what was declared, without columns when nothing was.
    raw, public
        The private rows and the public table as read.
    out
        The run folder.
    budget, unit
        What the run may spend, and for whom.
    asked
        The request's part on privacy.
    declared
        Whether there is a schema.
    """

    plan: Plan
    raw: Raw
    public: Raw | None
    out: Path
    budget: Budget
    unit: Unit
    asked: PrivacyRequest
    declared: bool
    notes: tuple[str, ...] = ()


def asked_budget(asked: PrivacyRequest) -> Budget:
    """The budget as asked for; raises UsageError for an epsilon or delta that cannot be."""
    return Budget.approx(asked.epsilon, DEFAULT_DELTA if asked.delta is None else asked.delta)


def prepare_private(request: Request, progress: Listener = silent) -> PreparedPrivate:
    """Check every option and read the tables; nothing is spent, written or told about the rows.

    Raises
    ------
    UsageError
        When an option cannot be, or names a column that is not there.
    LeakError
        When the schema took a bound from the data.
    DataError
        When a table cannot be read, or the schema or public table is about other columns.
    """
    from locum.codes.declared import refuse_data_bounds
    from locum.sources.domain import refuse_other_columns

    asked = request.privacy
    assert asked is not None
    budget = asked_budget(asked)
    unit = Unit(asked.unit, asked.per_unit)
    _check(request)
    progress(Event("read", 0, 1))
    config, data = find_config(request)
    if data is None:
        raise UsageError("no data was named", where="DATA", do="give a file: locum run DATA.csv")
    given = {"delimiter": request.delimiter, "encoding": request.encoding}
    reading = {**(config.reading if config else {}), **{k: v for k, v in given.items() if v}}
    raw = replace(_read(data, reading), notes=())
    public = None if asked.public is None else read_table(asked.public)
    columns = raw.table.column_names
    for name, where in ((asked.unit, "unit"), (request.target, "target")):
        if name is not None:
            need_column(name, columns, where=where)
    for name in request.protected:
        need_column(name, columns, where="protected")
    schema = _declared(request, config, columns, raw.name)
    if schema is not None:
        refuse_data_bounds(schema)
    if public is not None:
        refuse_other_columns(public.table.column_names, columns)
    plan = _plan(request, config, raw, data, schema, reading, budget, unit)
    out = request.out or Path(f"{raw.name}-locum")
    progress(Event("read", 1, 1))
    return PreparedPrivate(plan, raw, public, out, budget, unit, asked, schema is not None)


def _check(request: Request) -> None:
    """Refuse what can be refused without looking at the data."""
    if request.rows is not None:
        check_rows(request.rows)
    if request.time_budget_s is not None:
        raise UsageError(
            "a time budget cannot be kept in a private run", where="--time-budget", do="leave it out"
        )
    if request.synthesizer not in (None, "auto"):
        from locum.synthesizers.private import private_class

        private_class(request.synthesizer)


def _read(data: Any, reading: Mapping[str, Any]) -> Raw:
    """Read the private table; what a broken file is told about quotes no value."""
    if isinstance(data, str | Path) and not Path(data).is_file():
        return read_table(data, **reading)
    with sealed("reading the file"):
        return read_table(data, **reading)


def _declared(request: Request, config: Config | None, columns: Sequence[str], name: str) -> Schema | None:
    """The schema that was declared, with target and protected columns; None when there is none."""
    from locum.sources.domain import refuse_other_schema

    schema = request.schema or (config.schema if config else None)
    if schema is None:
        return None
    refuse_other_schema(schema, columns, name)
    return replace(
        schema, target=request.target or schema.target, protected=request.protected or schema.protected
    )


def _plan(
    request: Request,
    config: Config | None,
    raw: Raw,
    data: Any,
    schema: Schema | None,
    reading: Mapping[str, Any],
    budget: Budget,
    unit: Unit,
) -> Plan:
    asked = request.privacy
    assert asked is not None
    path = Path(data) if isinstance(data, str | Path) else None
    model = config.model if config else None
    name = first(request.synthesizer, _private_name(model.name if model else None), "auto")
    privacy = {
        "epsilon": str(asked.epsilon), "delta": f"{budget.delta:g}", "unit": unit.column,
        "per_unit": unit.rows, "target": request.target, "protected": list(request.protected),
        "public": None if asked.public is None else _public_name(asked.public),
        "ledger": "shared" if asked.ledger is not None else "own", "test": asked.test_seed,
    }  # fmt: skip
    return Plan(
        source=fingerprint(path) if path is not None else names.fingerprint_table(raw.table, raw.name),
        schema=schema or Schema((), name=raw.name),
        rows=request.rows or 0,
        seed=check_seed(first(request.seed, model.seed if model else None, names.DEFAULT_SEED)),
        holdout=check_share(
            first(request.holdout, config.evaluate.holdout if config else None, names.DEFAULT_HOLDOUT)
        ),
        synthesizer=name,
        settings=dict(model.settings) if model and name == model.name else {},
        format=check_format(request.format or suffix_of(path)),
        read=reading,
        require=first(request.require, config.require if config else None, Requirements()),
        effort=check_effort(request.effort or names.DEFAULT_EFFORT),
        privacy=privacy,
    )


def _private_name(name: str | None) -> str | None:
    """The generator that a config names, if it can be private; a config may be shared with other runs."""
    from locum.synthesizers.private import is_private

    return name if name is not None and is_private(name) else None


def _public_name(public: Any) -> dict[str, Any]:
    """The public table by name and content."""
    if isinstance(public, str | Path):
        found = fingerprint(Path(public))
        return {"name": found.name, "n_bytes": found.n_bytes, "sha256": found.sha256}
    return {"name": "table", "n_bytes": 0, "sha256": ""}


def open_ledger(prepared: PreparedPrivate, own: Path | None, run: str) -> Ledger:
    """The ledger of a run: its own in `own`, or the one that was named, which may hold other runs' steps.

    Without either it lives in memory and forgets.

    Raises
    ------
    UsageError
        When the named ledger is about another data set or unit.
    FileFormatError
        When it was changed by anything but appending.
    """
    asked, budget, unit = prepared.asked, prepared.budget, prepared.unit
    options: dict[str, Any] = {"accounting": accounting_of(prepared.plan), "reserve": RESERVE, "run": run}
    if asked.test_seed is not None:
        return Ledger.test(budget, unit, seed=asked.test_seed, data=prepared.raw.name, **options)
    if asked.ledger is None and own is None:
        return Ledger.memory(budget, unit, data=prepared.raw.name, **options)
    if asked.ledger is None and own is not None:
        return Ledger.open(own, data=prepared.raw.name, unit=unit, budget=budget, **options)
    assert asked.ledger is not None
    total = budget if asked.total is None else Budget.approx(asked.total, budget.delta)
    bodies = Journal(asked.ledger).bodies
    if bodies:
        head = bodies[0]
        total = Budget.from_json(head.get("budget"))
        options |= {"accounting": head.get("accounting"), "reserve": head.get("reserve")}
    ledger = Ledger.open(
        asked.ledger, data=prepared.raw.name, unit=unit, budget=total, limit=budget, **options
    )
    _refuse_too_little(ledger, budget)
    return ledger


def _refuse_too_little(ledger: Ledger, budget: Budget) -> None:
    """Refuse a new run for which less is left than it asks for; one that is taken up again has spent some."""
    wanted, left = budget.rho(ledger.accounting, ledger.reserve), ledger.remaining_rho
    if ledger.own or left >= 0.999 * wanted:
        return
    from locum.privacy.conversions import gdp_epsilon, zcdp_epsilon

    delta = budget.delta * (1 - ledger.reserve)
    exact = ledger.accounting == "gdp"
    epsilon = gdp_epsilon(float(np.sqrt(2 * left)), delta) if exact else zcdp_epsilon(left, delta)
    raise BudgetError(
        f"the run asks for epsilon {budget.amount:g}, and about {max(0.0, epsilon):.3g} is left",
        where="privacy budget",
        expected="no more than what is left",
        do="ask for less; what other runs have spent on these data does not come back",
    )


def accounting_of(plan: Plan) -> Any:
    """``zcdp`` where the generator as it is set takes steps that are not Gaussian, else ``gdp``."""
    if plan.synthesizer == "auto":
        return "gdp"
    from locum.synthesizers import registry

    return getattr(registry.create(plan.synthesizer, **plan.settings), "accounting", "gdp")


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


def _split(folder: RunFolder, prepared: PreparedPrivate) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which rows are learned from; drawn once, by a secret coin for each unit.

    A shuffle of all rows would move many of them when one is added; independent coins move one unit only, so
    that the guarantee for the training rows is one for all rows.
    """
    table = prepared.raw.table
    n = table.num_rows
    path = folder.file(HOLDOUT)
    if not path.exists():
        units = np.arange(n)
        if prepared.unit.column is not None:
            import pyarrow.compute as pc

            coded = table.column(prepared.unit.column).combine_chunks().dictionary_encode()
            indices = coded.combine_chunks().indices if hasattr(coded, "combine_chunks") else coded.indices
            units = np.asarray(pc.fill_null(indices, 0)).astype(np.int64)
        coins = np.frombuffer(secrets.token_bytes(4 * (int(units.max(initial=0)) + 1)), dtype=np.uint32)
        learned = coins >= np.uint32(min(2**32 - 1, round(prepared.plan.holdout * 2**32)))
        folder.write_bytes(HOLDOUT, np.packbits(learned[units]).tobytes())
    bits = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    return np.unpackbits(bits, count=n).astype(np.bool_)


def fit_prepared(
    prepared: PreparedPrivate, ledger: Ledger, raw: Raw, progress: Listener = silent
) -> PrivateFit:
    """Fit as planned to some of the rows, paid for by `ledger`; errors as `fit_private`."""
    from locum.synthesizers.private import fit_private

    plan = prepared.plan
    # the last net: parts that touch rows are sealed one by one already, with better words
    with sealed("fitting the generator"):
        return fit_private(
            raw, ledger, schema=plan.schema if prepared.declared else None, public=prepared.public,
            target=_target(prepared), synthesizer=plan.synthesizer, seed=child_seed(plan.seed, "fit"),
            settings=plan.settings, progress=renamed(progress, "fit"),
        )  # fmt: skip


def fit_in_memory(request: Request, settings: Mapping[str, Any], progress: Listener = silent) -> Synthesizer:
    """A synthesizer of all rows under a guarantee; the ledger is the one named, or forgotten."""
    prepared = prepare_private(request, progress)
    prepared = replace(prepared, plan=replace(prepared.plan, settings={**prepared.plan.settings, **settings}))
    ledger = open_ledger(prepared, None, secrets.token_hex(8))
    return fit_prepared(prepared, ledger, prepared.raw, progress).synthesizer


def _fit(
    folder: RunFolder,
    prepared: PreparedPrivate,
    kept: np.ndarray[tuple[int], np.dtype[np.bool_]],
    progress: Listener,
) -> None:
    """Spend the budget, and write the model, the noisy counts and what was paid."""
    import pyarrow as pa

    from locum.artifacts.tensors import dump_tensors
    from locum.pipeline.guarantee import privacy_document

    plan = prepared.plan
    run = next(str(r["run"]) for r in folder.records() if r.get("event") == "begun")
    with folder.stage("fit") as stage:
        ledger = open_ledger(prepared, folder.file(LEDGER), run)
        train = replace(prepared.raw, table=prepared.raw.table.filter(pa.array(kept)))
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
    from locum.synthesizers.synthesizer import Synthesizer

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
    kept: np.ndarray[tuple[int], np.dtype[np.bool_]],
    progress: Listener,
) -> None:
    """Draw the rows, and judge them on real rows for the curator alone."""
    import pyarrow as pa

    from locum.data.canonical import canonical
    from locum.synthesizers.synthesizer import Synthesizer

    synth = Synthesizer.load(folder.file(names.MODEL))
    made = sample_stage(folder, plan, prepared.raw.origin, synth, plan.schema, progress)
    if folder.done("evaluate"):
        return
    with folder.stage("evaluate") as stage, sealed("judging the run"):
        real = canonical(prepared.raw, plan.schema, lenient=True)
        train, holdout = real.filter(pa.array(kept)), real.filter(pa.array(~kept))
        evidence = judge(
            train, made, plan.schema, holdout=holdout, seed=child_seed(plan.seed, "evaluate"),
            log_prob=synth.log_prob_table if synth.model.has_density else None, require=plan.require,
            effort=plan.effort, progress=renamed(progress, "evaluate"),
        )  # fmt: skip
        said = str((plan.privacy or {})["statement"])
        answers = tuple(
            replace(a, sentence=a.sentence.replace("No guarantee was made.", f"Guaranteed: {said}"))
            if a.question == "private"
            else a
            for a in evidence.answers
        )
        evidence = replace(evidence, answers=answers)
        stage.output(*report_stage(folder, plan, evidence, synth, progress))


def read_privacy(folder: Path) -> dict[str, Any]:
    """``privacy.json`` of a run folder.

    Raises
    ------
    UsageError
        When the run was made without a guarantee.
    FileFormatError
        When the file is broken.
    """
    from locum.artifacts.safejson import load

    path = folder / PRIVACY
    if not path.is_file():
        raise UsageError(
            "the run was made without a guarantee of privacy, or is not finished",
            where=str(folder),
            do="make it with `locum run DATA --epsilon ...`",
        )
    found = load(path.read_bytes(), str(path))
    assert isinstance(found, dict)
    return found


def private_files(synthetic: str) -> dict[str, str]:
    """The files of a private run folder and what each is."""
    return {
        **describe_files(synthetic),
        names.MODEL: "the fitted generator; covered by the guarantee",
        PRIVACY: "what was promised and what it cost; covered by the guarantee",
        LEDGER: "every step that was paid for; keep it with the data",
    }


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
