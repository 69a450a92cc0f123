"""What the columns of a table are: the proposal that everything starts from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from locum.schema.table import Schema

if TYPE_CHECKING:
    from locum.control.rules.discover import RuleProposal


def detect(
    data: Any,
    *,
    target: str | None = None,
    protected: Sequence[str] = (),
    delimiter: str | None = None,
    encoding: str | None = None,
) -> Schema:
    """Propose what each column is, with a reason and a confidence.

    Parameters
    ----------
    data
        Path of a CSV, TSV, Parquet, Arrow or JSON Lines file, or a pandas, polars or pyarrow table.
    target
        Column to be predicted from the others, if there is one.
    protected
        Columns that name groups for which fairness matters.
    delimiter, encoding
        Correct a wrong guess about a text file.

    Returns
    -------
    Schema
        One `Column` per column, in order; ``column.reason`` says why. Change it with `dataclasses.replace`.

    Raises
    ------
    UsageError
        When the target or a protected column is not in the table.
    DataError
        When the data cannot be read.

    Notes
    -----
    Cost: about one second for 500,000 cells.
    """
    from locum.data.detect import detect as propose
    from locum.runs.tables import need_column, read_table

    raw = read_table(data, delimiter=delimiter, encoding=encoding)
    if target is not None:
        need_column(target, raw.table.column_names, where="target")
    for name in protected:
        need_column(name, raw.table.column_names, where="protected")
    return propose(raw, target=target, protected=tuple(protected))


def propose_rules(data: Any, *, schema: Schema | None = None) -> list[RuleProposal]:
    """Propose rules that a table seems to follow, with the rows for and against each.

    Parameters
    ----------
    data
        Path or table, as for `detect`.
    schema
        What the columns are; None detects it.

    Returns
    -------
    list of RuleProposal
        ``.rule`` is the text for ``rules=`` of `sample` or for ``[[rule]]`` in ``locum.toml``; ``.support``
        and ``.violations`` count rows. Only you know which are true by nature.

    Raises
    ------
    DataError
        When the data cannot be read.

    Notes
    -----
    Proposals are read off the rows: for a private fit give only rules that you knew without them.
    """
    from locum.control.rules.discover import discover
    from locum.data.canonical import canonical
    from locum.data.detect import detect as propose
    from locum.runs.tables import read_table

    raw = read_table(data)
    known = propose(raw) if schema is None else schema
    return discover(canonical(raw, known), known)
