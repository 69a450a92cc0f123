"""From a request to a plan: read the data, settle every decision, refuse what cannot work."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.errors import DataError, UsageError
from locum.evaluation.attacks.suite import check_effort
from locum.progress import Event, Listener, silent
from locum.randomness import check_seed
from locum.runs import plan as names
from locum.runs.cost import Workload, code_sizes
from locum.runs.draw import rule_notes
from locum.runs.feasible import Decision, check_disk, decide
from locum.runs.holdout import check_share
from locum.runs.machine import Machine
from locum.runs.plan import Plan, Request, check_format, check_rows, fingerprint, fingerprint_table
from locum.runs.tables import check_target, need_column, read_table
from locum.schema.lineage import warning_of
from locum.schema.require import Requirements
from locum.schema.table import Schema
from locum.wording import count

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.data.origin import Origin, Raw
    from locum.schema.config import Config

#: Decisions that a time budget makes; a run that is taken up again keeps those of its first start.
_DECIDED = ("synthesizer", "evaluate_rows")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan with the data at hand.

    Attributes
    ----------
    plan
        What will be done.
    origin, table
        How the user held the data, and the data as a canonical table.
    out
        The run folder.
    machine, decision
        What the machine offers, and the predicted cost.
    notes
        Sentences for the user: how the data was read, what was decided.
    """

    plan: Plan
    origin: Origin
    table: pa.Table
    out: Path
    machine: Machine
    decision: Decision
    notes: tuple[str, ...] = ()


def prepare(request: Request, progress: Listener = silent) -> Prepared:
    """Read, detect and decide; nothing is written.

    Raises
    ------
    UsageError
        When an option cannot be, or names a column that is not there.
    DataError
        When the data cannot be read, contradicts the schema, or has an unusable target.
    FeasibilityError
        When the run does not fit into memory or the time budget.
    """
    _check_options(request)
    progress(Event("read", 0, 1))
    config, data = find_config(request)
    if data is None:
        raise UsageError("no data was named", where="DATA", do="give a file: locum run DATA.csv")
    asked = {"delimiter": request.delimiter, "encoding": request.encoding}
    reading = {
        **(config.reading if config else {}),
        **{name: value for name, value in asked.items() if value},
    }
    raw = read_table(data, **reading)
    progress(Event("detect", 0, 2))
    schema, notes = settle_schema(request, raw, config)
    from locum.data.canonical import canonical

    table = canonical(raw, schema)
    check_target(table, schema, schema.target)
    notes = (*notes, *rule_notes(table, schema))
    progress(Event("detect", 1, 2))
    path = Path(data) if isinstance(data, str | Path) else None
    plan = Plan(
        source=fingerprint_table(raw.table, raw.name) if path is None else fingerprint(path),
        schema=schema,
        rows=request.rows or table.num_rows,
        seed=check_seed(first(request.seed, _from_config(config, "model", "seed"), names.DEFAULT_SEED)),
        holdout=check_share(
            first(request.holdout, _from_config(config, "evaluate", "holdout"), names.DEFAULT_HOLDOUT)
        ),
        synthesizer=first(
            request.synthesizer, _from_config(config, "model", "name"), names.DEFAULT_SYNTHESIZER
        ),
        settings=_settings(request, config),
        format=check_format(request.format or suffix_of(path)),
        read=reading,
        time_budget_s=request.time_budget_s,
        require=first(request.require, config.require if config else None, Requirements()),
        effort=check_effort(request.effort or names.DEFAULT_EFFORT),
        lineage=raw.lineage,
    )
    risk = warning_of(raw.lineage, raw.name)
    notes = (risk, *notes) if risk else notes
    out = request.out or Path(f"{raw.name}-locum")
    plan, machine, decision = _decide(request, plan, table, out)
    progress(Event("detect", 2, 2))
    return Prepared(plan, raw.origin, table, out, machine, decision, (*raw.notes, *notes, *decision.notes))


def _check_options(request: Request) -> None:
    """Refuse what can be refused without looking at the data."""
    if request.rows is not None:
        check_rows(request.rows)
    if request.seed is not None:
        check_seed(request.seed)
    if request.holdout is not None:
        check_share(request.holdout)
    if request.format is not None:
        check_format(request.format)
    if request.synthesizer is not None:
        from locum.models.registry import entry_of

        entry_of(request.synthesizer)


def find_config(request: Request) -> tuple[Config | None, Any]:
    """The config file that applies, and the data it or the request names.

    Named with ``--config``, it must exist. Otherwise ``locum.toml`` beside the data (or in the working
    directory) is used, if it is about this data.
    """
    from locum.schema.toml import load_toml

    data = request.data
    if request.config is not None:
        config = load_toml(request.config)
        return config, data if data is not None else _data_of(config, request.config)
    if data is not None and not isinstance(data, str | Path):
        return None, data
    beside = Path(names.CONFIG) if data is None else Path(data).parent / names.CONFIG
    if not beside.is_file():
        return None, data
    config = load_toml(beside)
    planned = _data_of(config, beside)
    if data is None:
        return config, planned
    return (config, data) if planned is None or planned.name == Path(data).name else (None, data)


def _data_of(config: Config, at: Path) -> Path | None:
    """The data file a config names, relative to the config itself."""
    return at.parent / config.path if config.path else None


def settle_schema(request: Request, raw: Raw, config: Config | None) -> tuple[Schema, tuple[str, ...]]:
    """The schema that was given, else the config's, else a detected one; with target and protected columns.

    Raises
    ------
    UsageError
        When the target or a protected column is not in the table.
    DataError
        When the schema is about other columns.
    """
    columns = raw.table.column_names
    if config is not None and config.schema is None and request.schema is None:
        request = replace(
            request, target=request.target or config.evaluate.target,
            protected=request.protected or config.evaluate.protected,
        )  # fmt: skip
    if request.target is not None:
        need_column(request.target, columns, where="target")
    for name in request.protected:
        need_column(name, columns, where="protected")
    given = request.schema or (config.schema if config else None)
    if given is None:
        from locum.data.detect import detect

        found = detect(raw, target=request.target, protected=request.protected)
        return found, _regenerated(found)
    if set(given.names) != set(columns):
        lost, new = sorted(set(given.names) - set(columns)), sorted(set(columns) - set(given.names))
        what = " and ".join(
            f"{count(len(some), 'column')} {words} ({', '.join(some[:3])})"
            for some, words in ((lost, "of the schema missing in the data"), (new, "missing in the schema"))
            if some
        )
        raise DataError(what, where=raw.name, do="run `locum init --force` to propose a new locum.toml")
    return replace(
        given, target=request.target or given.target, protected=request.protected or given.protected
    ), _regenerated(given)


def _regenerated(schema: Schema) -> tuple[str, ...]:
    made = [column for column in schema if column.regenerated]
    if not made:
        return ()
    listed = ", ".join(f"{column.name} ({column.kind})" for column in made[:6])
    more = f" and {len(made) - 6} more" if len(made) > 6 else ""
    return (f"Made afresh, not learned: {listed}{more}.",)


def _decide(request: Request, plan: Plan, table: pa.Table, out: Path) -> tuple[Plan, Machine, Decision]:
    """Fit the plan into memory, disk and time; a run taken up again keeps its first decisions."""
    earlier = _earlier(plan, out)
    if earlier is not None:
        plan = replace(plan, **{name: earlier[name] for name in _DECIDED})
    work = Workload(
        table.num_rows, plan.source.n_bytes, code_sizes(table, plan.schema), plan.rows, plan.holdout,
        plan.synthesizer, plan.evaluate_rows, plan.schema.target is not None,
    )  # fmt: skip
    machine = Machine.here()
    decision = decide(
        work, machine, budget_s=None if earlier is not None else plan.time_budget_s,
        may_swap=request.synthesizer is None, where=plan.source.name,
    )  # fmt: skip
    check_disk(decision.estimate, out)
    chosen = decision.work
    return (
        replace(plan, synthesizer=chosen.synthesizer, evaluate_rows=chosen.evaluate_rows),
        machine,
        decision,
    )


def _earlier(plan: Plan, out: Path) -> Mapping[str, Any] | None:
    """The plan in `out` when it is this one up to what a time budget decided, else None."""
    if plan.time_budget_s is None:
        return None
    try:
        earlier = json.loads((out / names.PLAN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    mine = plan.to_json()
    if not isinstance(earlier, dict) or earlier.keys() != mine.keys():
        return None
    same = all(earlier[key] == value for key, value in mine.items() if key not in _DECIDED)
    return earlier if same else None


def _settings(request: Request, config: Config | None) -> Mapping[str, Any]:
    """Settings of the config, unless they are for another synthesizer than the one asked for."""
    if config is None or request.synthesizer not in (None, config.model.name):
        return {}
    return config.model.settings


def suffix_of(path: Path | None) -> str:
    """Output format that goes with an input file; Parquet for tables from memory."""
    if path is None:
        return "parquet"
    suffixes = [s.lower().lstrip(".") for s in path.suffixes if s.lower() not in (".gz", ".bz2", ".zst")]
    last = suffixes[-1] if suffixes else "csv"
    return {"feather": "arrow", "ndjson": "jsonl", "pq": "parquet", "ipc": "arrow"}.get(
        last, last if last in names.FORMATS else "csv"
    )


def _from_config(config: Config | None, section: str, key: str) -> Any:
    return getattr(getattr(config, section), key) if config is not None else None


def first(*values: Any) -> Any:
    """The first value that is not None."""
    return next((value for value in values if value is not None), None)
