"""The value of an expression as a column: rounded, and of the Arrow type, that the column has."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from locum.codes.encoder import arrow_type
from locum.control.where.bind import Term
from locum.control.where.evaluate import _values
from locum.schema.column import Column

_DAY = 86_400_000_000


def calculate(term: Term, table: pa.Table, column: Column) -> pa.Array:
    """Values of an expression row by row, null where it has none.

    Parameters
    ----------
    term
        Bound; of a sort that the column can hold.
    table
        Canonical; holds the columns of the expression.
    column
        What the values are to be: its decimals and its kind.
    """
    values = _values(term, table)
    present, kind = values.present, arrow_type(column)
    if pa.types.is_string(kind):
        import pyarrow.compute as pc

        data = values.data
        if isinstance(data, np.ndarray):
            whole = np.where(present, data, 0)
            whole = whole.astype(np.int64) if (whole == np.rint(whole)).all() else whole
            data = pa.array(whole).cast(kind)
        # a literal text stands for all rows
        return pc.if_else(pa.array(present), data, pa.scalar(None, kind))
    data = np.asarray(values.data)
    if pa.types.is_boolean(kind):
        return pa.array(data.astype(bool), kind, mask=~present)
    if column.kind == "number":
        data = data.astype(np.float64)
        data = np.round(data, column.decimals) if column.decimals is not None else data
        return pa.array(data, mask=~present)
    step = _DAY if column.kind == "date" else 1
    with np.errstate(invalid="ignore"):
        present = present & (np.abs(data.astype(np.float64)) < 2.0**62)
        whole = np.where(present, data, 0)
    whole = np.rint(whole / step).astype(np.int64) if whole.dtype.kind == "f" or step > 1 else whole
    new = pa.array(whole.astype(np.int32 if column.kind == "date" else np.int64), mask=~present)
    return new.view(kind) if column.kind != "integer" else new
