"""A whole run: one table in, a folder with rows and evidence out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.progress import Listener, silent
from locum.schema.table import Schema

if TYPE_CHECKING:
    from locum.runs.outcome import RunOutcome


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
    config: str | os.PathLike[str] | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
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
    epsilon, delta, unit, per_unit, public, ledger, total_epsilon, engine
        Guarantee differential privacy, as for `fit`. The ledger is then a file of the run folder unless one
        is named; `total_epsilon` is the total of a new one. See also ``locum release``.
    config
        Another ``locum.toml``.
    delimiter, encoding
        Correct a wrong guess about a text file.
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
    from locum.evaluation.limits import requirements
    from locum.runs.execute import execute
    from locum.runs.prepare import prepare
    from locum.runs.request import RunRequest, privacy_request

    request = RunRequest(
        data=data, config=None if config is None else Path(config), out=None if out is None else Path(out),
        rows=rows, seed=seed, schema=schema, target=target, protected=tuple(protected), holdout=holdout,
        synthesizer=synthesizer, time_budget_s=time_budget_s, delimiter=delimiter,
        encoding=encoding, require=None if require is None else requirements(require), effort=effort,
        privacy=privacy_request(
            epsilon, delta, unit, per_unit, public, None if ledger is None else Path(ledger), total_epsilon,
            engine=engine,
        ),
    )  # fmt: skip
    return execute(prepare(request, progress), progress)
