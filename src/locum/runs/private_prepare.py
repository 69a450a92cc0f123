"""A run with a guarantee of privacy, prepared: every option checked, the data at hand, nothing spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.errors import UsageError
from locum.evaluation.attacks.suite import check_effort
from locum.privacy.budget import Budget
from locum.privacy.sealed import last_seal
from locum.privacy.unit import Unit
from locum.progress import Event, Listener, silent
from locum.randomness import check_seed
from locum.runs import plan as names
from locum.runs.budget import asked_budget
from locum.runs.engine import choose_engine, open_rows
from locum.runs.holdout import check_share
from locum.runs.plan import Plan, PrivacyRequest, Request, check_format, check_rows, fingerprint
from locum.runs.prepare import find_config, first, suffix_of
from locum.runs.tables import need_column, read_table
from locum.schema.require import Requirements
from locum.schema.table import Schema
from locum.sources.rows import MemoryRows, Rows

if TYPE_CHECKING:
    from locum.data.origin import Raw
    from locum.schema.config import Config


@dataclass(frozen=True, slots=True)
class PreparedPrivate:
    """A private run with the data at hand; nothing has been spent.

    Attributes
    ----------
    plan
        What will be done; its schema is what was declared, without columns when nothing was.
    rows, public
        The private rows wherever they lie, and the public table as read.
    out
        The run folder.
    budget, unit
        What the run may spend, and for whom.
    asked
        The request's part on privacy.
    declared
        Whether there is a schema.
    notes
        Where the rows lie, if not in memory as usual.
    """

    plan: Plan
    rows: Rows
    public: Raw | None
    out: Path
    budget: Budget
    unit: Unit
    asked: PrivacyRequest
    declared: bool
    notes: tuple[str, ...] = ()


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
    with last_seal("preparing the private run"):
        return _prepare(request, progress)


def _prepare(request: Request, progress: Listener) -> PreparedPrivate:
    from locum.codes.public import refuse_data_bounds
    from locum.data.lineage_stamp import stamp_of
    from locum.sources.domain import refuse_other_columns

    asked = request.privacy
    assert asked is not None
    budget = asked_budget(asked)
    unit = Unit(asked.unit, asked.per_unit)
    check_request(request)
    progress(Event("read", 0, 1))
    config, data = find_config(request)
    if data is None:
        raise UsageError("no data was named", where="DATA", do="give a file: locum run DATA.csv")
    given = {"delimiter": request.delimiter, "encoding": request.encoding}
    reading = {**(config.reading if config else {}), **{k: v for k, v in given.items() if v}}
    chosen = choose_engine(data, asked.engine)
    rows = open_rows(data, chosen, reading)
    public = None if asked.public is None else read_table(asked.public)
    columns = rows.schema.names
    for name, where in ((asked.unit, "unit"), (request.target, "target")):
        if name is not None:
            need_column(name, columns, where=where)
    for name in request.protected:
        need_column(name, columns, where="protected")
    schema = declared_schema(request, config, columns, rows.name)
    if schema is not None:
        refuse_data_bounds(schema)
    if public is not None:
        refuse_other_columns(public.table.column_names, columns)
    plan = replace(_plan(request, config, rows, data, schema, reading, budget, unit), lineage=stamp_of(data))
    out = request.out or Path(f"{rows.name}-locum")
    progress(Event("read", 1, 1))
    return PreparedPrivate(
        plan, rows, public, out, budget, unit, asked, schema is not None, (chosen.why,) if chosen.why else ()
    )


def check_request(request: Request) -> None:
    """Refuse what can be refused without looking at the data."""
    if request.rows is not None:
        check_rows(request.rows)
    if request.time_budget_s is not None:
        raise UsageError(
            "a time budget cannot be kept in a private run", where="--time-budget", do="leave it out"
        )
    if request.synthesizer not in (None, "auto"):
        from locum.synthesizer.private import private_class

        private_class(request.synthesizer)


def declared_schema(
    request: Request, config: Config | None, columns: Sequence[str], name: str
) -> Schema | None:
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
    rows: Rows,
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
    name = first(request.synthesizer, private_name(model.name if model else None), "auto")
    privacy = {
        "epsilon": str(asked.epsilon), "delta": f"{budget.delta:g}", "unit": unit.column,
        "per_unit": unit.rows, "target": request.target, "protected": list(request.protected),
        "public": None if asked.public is None else _public_name(asked.public),
        "ledger": "shared" if asked.ledger is not None else "own", "test": asked.test_seed,
    }  # fmt: skip
    return Plan(
        source=fingerprint(path) if path is not None else _of_table(rows),
        schema=schema or Schema((), name=rows.name),
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


def _of_table(rows: Rows) -> names.Source:
    """The fingerprint of a table that never was a file."""
    assert isinstance(rows, MemoryRows)
    return names.fingerprint_table(rows.raw.table, rows.name)


def private_name(name: str | None) -> str | None:
    """The generator that a config names, if it can be private; a config may be shared with other runs."""
    from locum.synthesizer.private import is_private

    return name if name is not None and is_private(name) else None


def _public_name(public: Any) -> dict[str, Any]:
    """The public table by name and content."""
    if isinstance(public, str | Path):
        found = fingerprint(Path(public))
        return {"name": found.name, "n_bytes": found.n_bytes, "sha256": found.sha256}
    return {"name": "table", "n_bytes": 0, "sha256": ""}
