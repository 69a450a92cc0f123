"""Series as rows: windows of equal length, one column a feature and step, so that tables' judges fit them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from locum.errors import DataError, UsageError
from locum.runs.tables import need_column

if TYPE_CHECKING:
    import pyarrow as pa


def windows(table: pa.Table, length: int, *, by: str | None = None, stride: int | None = None) -> pa.Table:
    """Cut a table whose rows are steps in time into windows.

    Parameters
    ----------
    table
        One row a step, in order.
    length
        Steps in a window, 2 or more.
    by
        Column that names the series: windows do not reach over its changes, and it is left out.
    stride
        Steps between the starts of two windows; None takes `length`, so that windows share no step. With less
        a window that was held out shares steps with training windows, which makes members easy to find.

    Returns
    -------
    pyarrow.Table
        Columns ``feature@0`` ... ``feature@length-1``; steps that do not fill a window are left out.

    Raises
    ------
    UsageError
        For a length below 2, a stride below 1, or an unknown column.
    DataError
        When no series is long enough.
    """
    import numpy as np
    import pyarrow as pa

    stride = length if stride is None else stride
    if length < 2 or stride < 1:
        raise UsageError(
            f"windows of {length} steps every {stride} cannot be",
            where="window",
            expected="2 steps or more, every 1 or more",
        )
    if by is not None:
        need_column(by, table.column_names, where="by")
    n = table.num_rows
    ends = np.array([n])
    if by is not None:
        codes = table.column(by).combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy()
        ends = np.append(np.flatnonzero(np.diff(codes)) + 1, n)
    starts = np.concatenate([[0], ends[:-1]])
    first = np.concatenate([np.arange(a, b - length + 1, stride) for a, b in zip(starts, ends, strict=True)])
    if not len(first):
        raise DataError(f"no series has {length} steps", where="window", do="choose shorter windows")
    features = [name for name in table.column_names if name != by]
    out = {
        f"{name}@{step}": table.column(name).take(pa.array(first + step))
        for step in range(length)
        for name in features
    }
    return pa.table(out)
