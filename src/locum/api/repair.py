"""Rows whose labels depend less on protected columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from locum.schema.table import Schema

if TYPE_CHECKING:
    from locum.control.fair.repair import Repaired


def fair(
    source: Any,
    *,
    target: str,
    protected: Sequence[str],
    method: str = "parity",
    rows: int | None = None,
    schema: Schema | None = None,
    test: Any = None,
    data: Any = None,
    graph: Sequence[Sequence[str] | str] | None = None,
    notion: str = "dp",
    strength: float = 1.0,
    explain: Sequence[str] = (),
    seed: int = 0,
) -> Repaired:
    """Make rows whose labels depend less on protected columns, and measure what that changed and cost.

    Parameters
    ----------
    source
        A fitted synthesizer, the path of a model file (``*.locum``), or a table as for `detect`.
    target
        Column of 2 to 12 classes.
    protected
        Columns whose combinations are the groups.
    method
        ``parity`` (equal shares of each label), ``odds`` (equal error rates of models, as far as one
        threshold a group allows), ``reweigh`` (rows chosen, no label changed), ``causal`` (labels drawn again
        along a graph with edges cut), ``groups`` (one generator a group, fitted on `data`).
    rows
        Rows to make; None means as many as were learned from.
    schema
        Of a table; None detects it.
    test
        Real rows that the generator has not seen, for testing models; None takes fresh synthetic ones.
    data
        Real rows, for ``groups``.
    graph, notion, explain
        For ``causal``: edges such as ``"sex -> income"`` (None learns them); ``ftu`` cuts the direct edge,
        ``dp`` every path, ``cf`` every path but through the columns of `explain`.
    strength
        For ``parity``: 1 moves labels until models see no difference; less moves some and chooses rows for
        the rest: shares of the label stay equal, models differ more between groups and lose less.
    seed
        Same seed, same rows.

    Returns
    -------
    Repaired
        ``.table`` (canonical), ``.before`` and ``.after`` with both notions of parity, ``.sentence``.

    Raises
    ------
    UsageError
        For columns, classes, groups or a graph that cannot be; a cycle is named.
    DataError
        When a table cannot be read, or ``reweigh`` finds a group without one of the classes.
    """
    from locum.pipeline.fair import fair as work

    return work(
        source, schema=schema, target=target, protected=protected, method=method, rows=rows, test=test,
        data=data, graph=graph, notion=notion, explain=explain,
        strength=strength, seed=seed,
    )  # fmt: skip
