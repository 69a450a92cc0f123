"""A whole run: one table in, a folder with rows and evidence out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from locum.progress import Listener, silent
from locum.schema.table import Schema

if TYPE_CHECKING:
    from locum.runs.outcome import Outcome


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
    epsilon: float | str | None = None,
    delta: float | str | None = None,
    unit: str | None = None,
    per_unit: int | None = None,
    public: Any = None,
    ledger: str | os.PathLike[str] | None = None,
    engine: str | None = None,
    config: str | os.PathLike[str] | None = None,
    progress: Listener = silent,
) -> Outcome:
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
    epsilon, delta, unit, per_unit, public, ledger, engine
        Guarantee differential privacy, as for `fit`. The ledger is then a file of the run folder unless one
        is named. See also ``locum release``.
    config
        Another ``locum.toml``.
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
    from locum.runs.execute import execute
    from locum.runs.plan import Request, privacy_request
    from locum.runs.prepare import prepare

    request = Request(
        data=data, config=None if config is None else Path(config), out=None if out is None else Path(out),
        rows=rows, seed=seed, schema=schema, target=target, protected=tuple(protected), holdout=holdout,
        synthesizer=synthesizer, time_budget_s=time_budget_s, privacy=privacy_request(
            epsilon, delta, unit, per_unit, public, None if ledger is None else Path(ledger),
            engine=engine,
        ),
    )  # fmt: skip
    if request.privacy is not None:
        from locum.runs.private_execute import execute_private
        from locum.runs.private_prepare import prepare_private

        return execute_private(prepare_private(request, progress), progress)
    return execute(prepare(request, progress), progress)
