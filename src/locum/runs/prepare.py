"""From a request to a plan: open the data, settle every decision, refuse what cannot work."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from locum.errors import UsageError
from locum.evaluation.attacks.suite import check_effort
from locum.evaluation.limits import Requirements
from locum.privacy.sealed import last_seal
from locum.progress import Event, Listener, silent
from locum.randomness import check_seed
from locum.runs import options
from locum.runs.access import Access, LedgerAccess, OpenAccess, default_synthesizer
from locum.runs.budget import budget_of_request
from locum.runs.config import Config, EvaluateConfig, ModelConfig, locate_data
from locum.runs.cost import JobSize, code_sizes
from locum.runs.feasible import Decision, check_disk, decide
from locum.runs.files import PLAN
from locum.runs.holdout import check_share
from locum.runs.machine import Machine
from locum.runs.plan import RunPlan
from locum.runs.request import RunRequest

#: Decisions that a time budget makes; a run that is taken up again keeps those of its first start.
_DECIDED = ("synthesizer", "evaluate_rows")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan with the data at hand; nothing has been written or spent.

    Attributes
    ----------
    plan
        What will be done.
    access
        The real rows, and what may be done with them.
    out
        The run folder.
    machine, decision
        What the machine offers, and the predicted cost; None where that would tell of private rows.
    notes
        Sentences for the user: how the data was read, what was decided.
    """

    plan: RunPlan
    access: Access
    out: Path
    machine: Machine
    decision: Decision | None
    notes: tuple[str, ...] = ()


def prepare(request: RunRequest, progress: Listener = silent) -> Prepared:
    """Read, detect and decide; nothing is written, and with a guarantee nothing spent or told about rows.

    Raises
    ------
    UsageError
        When an option cannot be, or names a column that is not there.
    DataError
        When the data cannot be read, contradicts the schema, or has an unusable target.
    LeakError
        With a guarantee, when the schema took a bound from the data.
    FeasibilityError
        When the run does not fit into memory or the time budget.
    """
    private = request.privacy is not None
    with last_seal("preparing the private run") if private else nullcontext():
        return _prepare(request, progress)


def _prepare(request: RunRequest, progress: Listener) -> Prepared:
    check_request(request)
    progress(Event("read", 0, 1))
    config, data, reading = locate_data(request)
    opened: type[OpenAccess | LedgerAccess] = OpenAccess if request.privacy is None else LedgerAccess
    access = opened.open(request, config, data, reading, progress)
    plan = _plan(request, config, data, reading, access)
    out = request.out or Path(f"{access.about.name}-locum")
    machine, decision = Machine.here(), None
    if isinstance(access, OpenAccess):
        plan, decision = _decide(request, plan, access, out, machine)
        progress(Event("detect", 2, 2))
    notes = (*access.about.notes, *(decision.notes if decision else ()))
    return Prepared(plan, access, out, machine, decision, notes)


def check_request(request: RunRequest) -> None:
    """Refuse what can be refused without looking at the data; raises UsageError."""
    if request.rows is not None:
        options.check_rows(request.rows)
    if request.seed is not None:
        check_seed(request.seed)
    if request.holdout is not None:
        check_share(request.holdout)
    if request.format is not None:
        options.check_format(request.format)
    name = request.synthesizer
    if request.privacy is None:
        if name is not None:
            from locum.models.registry import entry_of

            entry_of(name)
        return
    budget_of_request(request.privacy)
    if request.time_budget_s is not None:
        raise UsageError(
            "a time budget cannot be kept in a private run", where="--time-budget", do="leave it out"
        )
    if name not in (None, options.PRIVATE_SYNTHESIZER):
        from locum.synthesizer.private import private_class

        private_class(str(name))


def _plan(
    request: RunRequest, config: Config | None, data: Any, reading: Mapping[str, Any], access: Access
) -> RunPlan:
    """Every decision that the data does not make."""
    about = access.about
    model, judged = (config.model, config.evaluate) if config else (ModelConfig(), EvaluateConfig())
    name = request.synthesizer or default_synthesizer(model.name, private=access.private)
    # settings of the config are for its own generator only
    own = name == model.name or (request.synthesizer is None and name == options.DEFAULT_SYNTHESIZER)
    limits = config.require if config else Requirements()
    return RunPlan(
        source=about.source,
        schema=about.schema,
        rows=request.rows or about.n_rows,
        seed=check_seed(first(request.seed, model.seed, options.DEFAULT_SEED)),
        holdout=check_share(first(request.holdout, judged.holdout, options.DEFAULT_HOLDOUT)),
        synthesizer=name,
        settings={**(model.settings if own else {}), **request.settings},
        format=options.check_format(request.format or format_of(data)),
        read=reading,
        time_budget_s=request.time_budget_s,
        require=(request.require or limits).under(limits.rules),
        effort=check_effort(request.effort or options.DEFAULT_EFFORT),
        privacy=about.privacy,
        lineage=about.lineage,
        release=config.release if config else {},
    )


def _decide(
    request: RunRequest, plan: RunPlan, access: OpenAccess, out: Path, machine: Machine
) -> tuple[RunPlan, Decision]:
    """Fit the plan into memory, disk and time; a run taken up again keeps its first decisions."""
    earlier = _earlier(plan, out)
    if earlier is not None:
        plan = replace(plan, **{name: earlier[name] for name in _DECIDED})
    work = JobSize(
        access.about.n_rows,
        plan.source.n_bytes,
        code_sizes(access.table, plan.schema),
        plan.rows,
        plan.holdout,
        plan.synthesizer,
        plan.evaluate_rows,
        plan.schema.target is not None,
    )
    decision = decide(
        work,
        machine,
        budget_s=None if earlier is not None else plan.time_budget_s,
        may_swap=request.synthesizer is None,
        where=plan.source.name,
    )
    check_disk(decision.estimate, out)
    chosen = decision.work
    return replace(plan, synthesizer=chosen.synthesizer, evaluate_rows=chosen.evaluate_rows), decision


def _earlier(plan: RunPlan, out: Path) -> Mapping[str, Any] | None:
    """The plan in `out` when it is this one up to what a time budget decided, else None."""
    if plan.time_budget_s is None:
        return None
    try:
        earlier = json.loads((out / PLAN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    mine = plan.to_json()
    if not isinstance(earlier, dict) or earlier.keys() != mine.keys():
        return None
    same = all(earlier[key] == value for key, value in mine.items() if key not in _DECIDED)
    return earlier if same else None


def format_of(data: Any) -> str:
    """Output format that goes with an input file; Parquet for tables from memory."""
    if not isinstance(data, str | Path):
        return "parquet"
    path = Path(data)
    if path.is_dir():
        path = next((p for p in sorted(path.iterdir()) if not p.name.startswith((".", "_"))), path)
    suffixes = [s.lower().lstrip(".") for s in path.suffixes]
    plain = [s for s in suffixes if s not in ("gz", "bz2", "zst", "xz")]
    last = plain[-1] if plain else "csv"
    alias = {"feather": "arrow", "ndjson": "jsonl", "pq": "parquet", "ipc": "arrow"}
    return alias.get(last, last if last in options.FORMATS else "csv")


def first(*values: Any) -> Any:
    """The first value that is not None."""
    return next((value for value in values if value is not None), None)
