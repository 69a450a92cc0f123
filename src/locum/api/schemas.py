"""What the columns of a table are: the proposal that everything starts from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from locum.schema.table import Schema


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
    from locum.pipeline.tables import need_column, read_table

    raw = read_table(data, delimiter=delimiter, encoding=encoding)
    if target is not None:
        need_column(target, raw.table.column_names, where="target")
    for name in protected:
        need_column(name, raw.table.column_names, where="protected")
    return propose(raw, target=target, protected=tuple(protected))
