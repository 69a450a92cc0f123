"""Rows whose labels depend less on protected columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from locum.runs.options import DEFAULT_SEED
from locum.schema.table import Schema

if TYPE_CHECKING:
    from locum.studies.fair.repair import Repaired


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
    strength: float | None = None,
    cost: float = 0.015,
    least: int = 30,
    folds: int | None = None,
    explain: Sequence[str] = (),
    seed: int = DEFAULT_SEED,
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
        ``parity`` (equal shares of each label), ``odds`` (error rates of models as near as one threshold a
        group allows, all groups at once), ``reweigh`` (rows chosen, no label changed), ``causal`` (labels
        drawn again along a graph with edges cut), ``groups`` (one generator a group, fitted on `data`).
    rows
        Rows to make; None means as many as were learned from.
    schema
        Of a table; None detects it.
    test
        Real rows that the generator has not seen, for testing models; None takes fresh synthetic ones.
    data
        Real rows, for ``groups`` and `folds`.
    graph, notion, explain
        For ``causal``: edges such as ``"sex -> income"`` (None learns them); ``ftu`` cuts the direct edge,
        ``dp`` every path, ``cf`` every path but through the columns of `explain`.
    strength
        For ``parity``: 1 moves labels until models see no difference, 0 only chooses rows; shares of the
        label are equal at any, models differ less between groups and lose more the higher it is. None takes
        the largest that is foretold to cost at most `cost`; `strength` and `losses` of the result tell.
    cost
        Area under the ROC curve that the strength may cost where it is not given.
    least
        Test rows of either outcome that a group needs; others are listed, not judged.
    folds
        Judge the repair on every row of `data`: generator and models are fitted `folds` times to the other
        parts, so that small groups have all the test rows there are.
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
    from locum.studies.fair.verb import fair as work

    return work(
        source, schema=schema, target=target, protected=protected, method=method, rows=rows, test=test,
        data=data, graph=graph, notion=notion, explain=explain,
        strength=strength, cost=cost, least=least, folds=folds, seed=seed,
    )  # fmt: skip
