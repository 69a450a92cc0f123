"""Run a plan: into a folder that can be taken up again, or a few rows in memory as a preview."""

from __future__ import annotations

import asyncio
import json
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from locum.data.lineage_stamp import write_stamp
from locum.errors import LineageWarning, UsageError
from locum.files.folder import RunFolder
from locum.progress import Listener, silent
from locum.text.engine.cache import Cache
from locum.text.engine.caps import Caps
from locum.text.engine.client import Engine
from locum.text.failures import Stop
from locum.text.plan.plan import Plan
from locum.text.plan.toml import dump_plan, plan_from_json, plan_to_json
from locum.text.runs.export import export
from locum.text.runs.lineage import lineage_of, warnings_of
from locum.text.runs.locality import refuse_remote
from locum.text.runs.loop import RowLoop
from locum.text.runs.records import DATA, FUNNEL, PROVENANCE, REJECTS, Journal
from locum.text.runs.result import TextOutcome, outcome_of

#: The request cache inside a run folder.
CACHE = "requests.sqlite"
OUTCOME = "outcome.json"
#: Under which name the answers of each model are kept.
NAMES = "models.json"
_STAGE = "write"


def run(
    plan: Plan,
    out: Path | str,
    *,
    caps: Caps | None = None,
    replay: bool = False,
    allow_endpoints: Sequence[str] = (),
    progress: Listener = silent,
) -> TextOutcome:
    """Make the rows of a plan in a run folder.

    The same call takes up a run that was killed, stopped or cut off: no request that was answered is sent
    again.

    Parameters
    ----------
    plan
        What to make.
    out
        The folder; new, empty, or of the same plan. Endpoints' addresses, prices and limits may differ.
    caps
        Hard limits; those on money and tokens hold for the folder as a whole, that on time for this call.
    replay
        Answer from the folder's cache alone: no model is loaded, no connection opened.
    allow_endpoints
        Hosts that may have what derives from private sources, besides those of the plan.
    progress
        Called with an `Event` for each settled attempt.

    Returns
    -------
    TextOutcome
        Also when the run stopped early; what was made is in the folder.

    Raises
    ------
    LeakError
        When private data would reach an endpoint that is not allowed; nothing was sent.
    PlanError, EndpointError, FolderError
        When the plan, a model or the folder cannot be used at all.

    Warns
    -----
    LineageWarning
        When a seed file is stamped as made by a generator and not verified.
    """
    return asyncio.run(
        run_async(plan, out, caps=caps, replay=replay, allow_endpoints=allow_endpoints, progress=progress)
    )


async def run_async(
    plan: Plan,
    out: Path | str,
    *,
    caps: Caps | None = None,
    replay: bool = False,
    allow_endpoints: Sequence[str] = (),
    progress: Listener = silent,
) -> TextOutcome:
    """As `run`, inside an event loop."""
    check_taint(plan, allow_endpoints)
    for risk in warnings_of(plan):
        warnings.warn(risk, LineageWarning, stacklevel=2)
    with RunFolder.start(out, _identity(plan), volatile=("endpoints",)) as folder:
        if not folder.file("plan.toml").exists():
            folder.write_text("plan.toml", dump_plan(plan))
        if folder.done(_STAGE) and not replay:
            return _read_outcome(folder)
        cache = Cache(folder.file(CACHE))
        try:
            return await _write(plan, folder, cache, caps or Caps(), replay, progress)
        finally:
            cache.close()


def resume(out: Path | str, *, plan_folder: str | None = None, **options: Any) -> TextOutcome:
    """Take up the run of a folder with the plan that stands in it; options as for `run`."""
    return run(plan_in(out, plan_folder), out, **options)


def plan_in(out: Path | str, plan_folder: str | None = None) -> Plan:
    """The plan of a run folder.

    Parameters
    ----------
    out
        The folder.
    plan_folder
        Where the plan's relative paths begin; None takes what the run used.

    Raises
    ------
    UsageError
        When there is no such folder, or it is no text run.
    """
    told = RunFolder.view(out).plan
    if told.get("what") != "text" or not isinstance(told.get("plan"), dict):
        raise UsageError(
            "the folder is no text run", where=str(out), do="use `locum text run PLAN --out DIR`"
        )
    endpoints = told.get("endpoints", {})
    plan = dict(told["plan"])
    models = endpoints.get("models", {})
    plan["models"] = {name: {**spec, **models.get(name, {})} for name, spec in plan["models"].items()}
    place = endpoints.get("folder", "") if plan_folder is None else plan_folder
    return plan_from_json(plan, where=str(out), folder=place)


async def preview(
    plan: Plan,
    rows: int = 5,
    *,
    cache: Cache | None = None,
    caps: Caps | None = None,
    allow_endpoints: Sequence[str] = (),
    progress: Listener = silent,
) -> tuple[list[dict[str, Any]], dict[str, Any], Engine]:
    """The first rows of a plan without a folder.

    Returns
    -------
    tuple
        Rows with all columns that are kept, the funnel, and the engine that counted what it took.

    Raises
    ------
    LocumError
        When not one row came to be because an endpoint or a cap stopped it.
    """
    check_taint(plan, allow_endpoints)
    small = plan.with_rows(min(rows, plan.rows))
    with tempfile.TemporaryDirectory(prefix="locum-") as place:
        engine = Engine(plan.used_models(), cache=cache, caps=caps)
        journal = Journal(Path(place), tuple(column.name for column in plan.kept), small.rows)
        try:
            async with engine:
                try:
                    await RowLoop(small, engine, journal, progress).run()
                except Stop as stop:
                    if not journal.kept:
                        raise stop.error from None
            journal.finish()
            made = [json.loads(line) for line in Path(place, DATA).read_text(encoding="utf-8").splitlines()]
            return made, journal.funnel(), engine
        finally:
            journal.close()


def check_taint(plan: Plan, allow_endpoints: Sequence[str] = ()) -> None:
    """Raise LeakError when private data would reach a model that is neither here nor allowed."""
    tainted = ", ".join(plan.tainted()[:3])
    refuse_remote(
        plan.private_models(),
        allowed={*plan.allow_endpoints, *allow_endpoints},
        why=f"what derives from a private source ({tainted})",
    )


async def _write(
    plan: Plan, folder: RunFolder, cache: Cache, caps: Caps, replay: bool, progress: Listener
) -> TextOutcome:
    journal = Journal(folder.path, tuple(column.name for column in plan.kept), plan.rows)
    try:
        names = _names(folder) if replay else None
        models = plan.used_models()
        async with Engine(models, cache=cache, caps=caps, replay=replay, names=names) as engine:
            folder.write_text(NAMES, json.dumps(engine.names, indent=2) + "\n")
            stopped = await engine.purse.until_stop(RowLoop(plan, engine, journal, progress).run())
            folder.file(OUTCOME).unlink(missing_ok=True)
            journal.finish()
            lineage = lineage_of(plan)
            exported = export(plan, folder.path, lineage)
            texts = [DATA, *(n for n in exported if n.endswith((".csv", ".jsonl")))]
            stamps = [s for n in texts for s in write_stamp(folder.file(n), lineage)]
            files = [DATA, PROVENANCE, REJECTS, FUNNEL, *exported, *stamps]
        outcome = outcome_of(folder.path, engine, journal.funnel(), stopped, files)
        if stopped is None:
            with folder.stage(_STAGE) as stage:
                stage.output(*[name for name in files if "/" not in name])
                stage.fact(outcome=outcome.to_json())
        else:
            folder.log("stopped", cause=stopped.cause, kept=journal.kept)
        folder.write_text(OUTCOME, json.dumps(outcome.to_json(), indent=2) + "\n")
        return outcome
    finally:
        journal.close()


def _names(folder: RunFolder) -> dict[str, str]:
    """Names of the models as the run knew them, so that a replay needs no weights; may be empty."""
    try:
        told = json.loads(folder.file(NAMES).read_bytes())
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in told.items()} if isinstance(told, dict) else {}


def _read_outcome(folder: RunFolder) -> TextOutcome:
    """The outcome of a finished run: nothing is done again."""
    told = dict(folder.facts(_STAGE)["outcome"])
    told.update(folder=folder.path, files=tuple(told["files"]), error=None, sent=0, cached=0)
    return TextOutcome(**told)


#: Fields of a model that may change between two parts of a run without changing what is asked.
_ENDPOINT = (
    "base_url",
    "api_key_env",
    "price_in",
    "price_out",
    "max_in_flight",
    "timeout_s",
    "max_tries",
    "max_wait_s",
)


def _identity(plan: Plan) -> dict[str, Any]:
    """The plan of the folder: what decides the rows, and apart from it how the models are reached."""
    told = plan_to_json(plan)
    models = told["models"]
    told["models"] = {n: {k: v for k, v in spec.items() if k not in _ENDPOINT} for n, spec in models.items()}
    reached = {n: {k: v for k, v in spec.items() if k in _ENDPOINT} for n, spec in models.items()}
    place = str(Path(plan.folder).resolve())
    return {"what": "text", "plan": told, "endpoints": {"models": reached, "folder": place}}


__all__ = ["CACHE", "OUTCOME", "check_taint", "plan_in", "preview", "resume", "run", "run_async"]
