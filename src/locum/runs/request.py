"""What was asked for, before anything is read: the options of a run, as typed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from locum.errors import UsageError
from locum.evaluation.limits import Requirements, requirements
from locum.runs.options import DEFAULT_PER_UNIT, ENGINES, FOUND_RULES, NO_ENTITY, check_rules, several
from locum.schema.table import Schema, check_schema


@dataclass(frozen=True, slots=True)
class PrivacyRequest:
    """What was asked for in the way of a guarantee of privacy.

    Attributes
    ----------
    epsilon, delta
        As typed; they are checked when the budget is made.
    unit, per_unit
        Column that says whose row it is, None for rows; and how many rows of each are kept.
    public
        A public table with the same columns; path or frame.
    ledger
        Where spending is written down across runs; None keeps a ledger in the run folder.
    total
        Total epsilon of a new ledger; None means that of this run.
    engine
        Where the rows lie: ``memory``, ``duckdb`` (in their file), or ``auto``, by its size.
    columns
        Names of the columns that may be known; empty takes those of the schema, the public table, or the
        first line of a CSV file.
    discover
        Whether kinds, levels and ranges that nobody declared are bought.
    one_row_per_person
        Whether the curator says that no person has more than one row.
    test_seed
        Makes the noise follow from a seed: NOT PRIVATE, for tests and teaching.
    """

    epsilon: float | str
    delta: float | str | None = None
    unit: str | None = None
    per_unit: int = DEFAULT_PER_UNIT
    public: Any = None
    ledger: Path | None = None
    total: float | str | None = None
    test_seed: int | None = None
    engine: str = ENGINES[0]
    columns: tuple[str, ...] = ()
    discover: bool = False
    one_row_per_person: bool = False


def privacy_request(
    epsilon: float | str | None,
    delta: float | str | None = None,
    unit: str | None = None,
    per_unit: int | None = None,
    public: Any = None,
    ledger: Path | None = None,
    total: float | str | None = None,
    test_seed: int | None = None,
    engine: str | None = None,
    columns: Sequence[str] | None = None,
    discover: bool = False,
    one_row_per_person: bool = False,
) -> PrivacyRequest | None:
    """What was asked for, None without an epsilon.

    Raises
    ------
    UsageError
        When something is said about privacy and no epsilon is given.
    """
    options = {
        "delta": delta,
        "unit": unit,
        "per_unit": per_unit,
        "public": public,
        "ledger": ledger,
        "total": total,
        "test_seed": test_seed,
        "engine": engine,
        "columns": _named(columns),
        "discover": discover or None,
        "one_row_per_person": one_row_per_person or None,
    }
    given = {name: value for name, value in options.items() if value is not None}
    if epsilon is not None:
        return PrivacyRequest(epsilon, **given)
    if given:
        name = next(iter(given)).replace("_", "-").replace("total", "total-epsilon")
        raise UsageError(
            f"{name} means nothing without an epsilon", where=f"--{name}", do="add --epsilon, e.g. 1"
        )
    return None


def _named(columns: Sequence[str] | None) -> tuple[str, ...] | None:
    """Names of columns, also as one text ``a,b,c``; None for none."""
    names = several(columns or ())
    if len(names) == 1:
        names = tuple(name.strip() for name in names[0].split(","))
    return names or None


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What was asked for. None means "not said": the config file decides, then the default.

    Attributes
    ----------
    data
        Path or frame; None takes the path from the config file.
    config
        A ``locum.toml``; None looks for one beside the data.
    out
        Run folder; None means ``<name>-locum`` in the working directory.
    rows
        Synthetic rows; None means as many as the data has.
    format
        One of `FORMATS`; None means the format of the data.
    time_budget_s
        Longest time the whole run may take, in seconds on the clock.
    delimiter, encoding
        Correct a wrong guess about a CSV file.
    header
        False when the file has no header line: names are then those of the config, or c1, c2, ...; True when
        the first line holds names, though it looks like a row. Default: asked about where that is not clear.
    skip_rows
        Lines above the names of the columns. Default: found out; 0 with `epsilon`.
    header_rows
        Lines that hold names, 0, 1 or 2. Default: found out; 1 with `epsilon`.
    units_row
        Whether a line of units follows the names. Default: found out; none with `epsilon`.
    footer_rows
        Lines below the last row. Default: found out; 0 with `epsilon`.
    sheet
        Sheet of a workbook, where several hold something.
    require
        Limits that the results are held against.
    effort
        What the attacks spend: ``quick``, ``standard`` or ``thorough``.
    rules
        ``found`` keeps the rules that hold in every row where no schema says what the rules are; ``declared``
        keeps none but those that a schema says.
    entity
        Column that says whose row it is where persons have several rows, or ``none``; None looks for it.
    settings
        Settings of the generator; they win over those of the config file.
    """

    data: Any = None
    config: Path | None = None
    out: Path | None = None
    rows: int | None = None
    seed: int | None = None
    target: str | None = None
    protected: tuple[str, ...] = ()
    holdout: float | None = None
    synthesizer: str | None = None
    format: str | None = None
    time_budget_s: float | None = None
    delimiter: str | None = None
    encoding: str | None = None
    header: bool | None = None
    skip_rows: int | None = None
    header_rows: int | None = None
    units_row: bool | None = None
    footer_rows: int | None = None
    sheet: str | None = None
    schema: Schema | None = None
    require: Requirements | None = None
    effort: str | None = None
    rules: str = FOUND_RULES
    entity: str | None = None
    privacy: PrivacyRequest | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_schema(self.schema)
        check_rules(self.rules)
        if self.entity is not None and self.privacy is not None:
            raise UsageError(
                "with an epsilon, whose row it is decides what is protected",
                where="--entity",
                do=f"say --unit {self.entity} instead" if self.entity != NO_ENTITY else "leave it out",
            )

    @property
    def area(self) -> dict[str, Any]:
        """Where the table lies in its file, as far as that was said; arguments of `locum.data.read`."""
        names = ("skip_rows", "header_rows", "units_row", "footer_rows", "sheet")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


def run_request(
    data: Any = None,
    *,
    config: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    protected: Sequence[str] = (),
    require: Requirements | Mapping[str, Any] | None = None,
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
    **options: Any,
) -> RunRequest:
    """A `RunRequest` from options as they are given in Python or on the command line; `options` are its own.

    Raises
    ------
    LocumError
        As `privacy_request` and `requirements`.
    """
    return RunRequest(
        data=data,
        config=None if config is None else Path(config),
        out=None if out is None else Path(out),
        protected=several(protected),
        require=None if require is None else requirements(require),
        privacy=privacy_request(
            epsilon,
            delta,
            unit,
            per_unit,
            public,
            None if ledger is None else Path(ledger),
            total_epsilon,
            engine=engine,
            columns=columns,
            discover=discover,
            one_row_per_person=one_row_per_person,
        ),
        **options,
    )
