"""Judging synthetic rows, whoever made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from locum.progress import Listener, silent
from locum.schema.table import Schema

if TYPE_CHECKING:
    from locum.pipeline.judge import Evaluation


def evaluate(
    real: Any,
    synthetic: Any,
    *,
    holdout: Any = None,
    schema: Schema | None = None,
    target: str | None = None,
    protected: Sequence[str] = (),
    require: Mapping[str, Any] | None = None,
    effort: str = "standard",
    seed: int = 0,
    progress: Listener = silent,
) -> Evaluation:
    """Judge any synthetic table against the real one it stands for, whoever made it.

    Parameters
    ----------
    real
        The rows that the generator learned from: path or table.
    synthetic
        The rows to judge, with the same columns in any order. Surplus columns are left out and named.
    holdout
        Real rows that the generator has never seen. Without them nothing can be said about copying.
    schema
        What the columns are; None detects it from `real`.
    target
        Column to be predicted; None tries several columns.
    protected
        Columns that name groups.
    require
        Limits on results, e.g. ``{"c2st.max": 0.6, "utility.kept.min": 0.9}``; None takes those of a
        ``locum.toml`` beside the data. See ``.passed`` and ``.evidence.requirements`` of what is returned.
    effort
        How much the attacks spend: ``quick``, ``standard`` (about 20 CPU-seconds on 40,000 rows) or
        ``thorough``. What was not tried is said in the result ``attack.worst``.
    seed
        Same seed, same numbers.
    progress
        Called with an `Event` now and then.

    Returns
    -------
    Evaluation
        ``print()`` it for five sentences, ``.save("report.html")`` for the page, ``.evidence`` for numbers.

    Raises
    ------
    UsageError
        When the target or a protected column is not in the real table.
    DataError
        When a table cannot be read, columns are missing, or the target is constant.
    """
    from locum.pipeline.judge import evaluate as judge

    return judge(
        real, synthetic, holdout=holdout, schema=schema, target=target, protected=protected,
        require=require, effort=effort, seed=seed, progress=progress,
    )  # fmt: skip
