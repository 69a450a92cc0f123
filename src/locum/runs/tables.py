"""Tables on their way in: reading with words of help, and bringing two tables to one shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from locum.errors import DataError, UsageError
from locum.wording import count

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.data.origin import Raw
    from locum.runs.match_columns import Apart
    from locum.schema.table import Schema


def read_table(source: Any, **reading: Any) -> Raw:
    """Read a file or frame with the options of `locum.data.read`; None means "not said"."""
    from locum.data.read import read

    return read(source, **{name: value for name, value in reading.items() if value})


def need_column(name: str, names: Sequence[str], *, where: str) -> str:
    """Return `name` if the table has such a column.

    Raises
    ------
    UsageError
        When it has none, with the nearest name there is.
    """
    if name in names:
        return name
    close = get_close_matches(name, names, n=1, cutoff=0.5)
    raise UsageError(
        f"there is no column {name!r}",
        where=where,
        expected=f"one of {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}",
        do=f"did you mean {close[0]!r}?" if close else "name a column of the table",
    )


def check_target(table: pa.Table, schema: Schema, target: str | None) -> None:
    """Refuse a target from which nothing can be learned.

    Raises
    ------
    DataError
        When the target holds one value only, none at all, or (a label) another one in every row.
    """
    if target is None:
        return
    import pyarrow.compute as pc

    values = table.column(target)
    distinct = int(pc.count_distinct(values, mode="only_valid").as_py())
    present = len(values) - values.null_count
    where = f"{schema.name}.{target}"
    if distinct < 2 and len(values) > 1:
        what = "holds no value at all" if distinct == 0 else "holds the same value in every row"
        raise DataError(
            f"the target {what}", where=where, do="name another target, or none: the run works without one"
        )
    if schema[target].regenerated or (schema[target].kind == "category" and distinct == present > 2):
        raise DataError(
            f"the target is another {schema[target].kind} in every row, so nothing can be predicted",
            where=where,
            do="name another target, or none: the run works without one",
        )


def align(schema: Schema, raw: Raw) -> tuple[pa.Table, Schema, tuple[str, ...]]:
    """Bring another table to the columns of `schema`, all of them; see `locum.runs.match_columns.match`.

    Columns that the schema does not have are left out and named in the notes.

    Returns
    -------
    tuple
        Canonical table, the schema that fits both, and notes.

    Raises
    ------
    DataError
        When columns are missing, or hold what the schema does not allow; all of them are named.
    """
    from locum.runs.match_columns import match

    matched = match(schema, raw)
    if matched.apart:
        raise misfit(matched.apart, raw)
    return matched.table, matched.schema, matched.notes


def misfit(apart: Sequence[Apart], raw: Raw) -> DataError:
    """The error that says which columns of a table do not fit the real table."""
    from locum.runs.match_columns import listed

    have = raw.table.column_names
    missing = [a.column for a in apart if a.error is None]
    if len(missing) == len(apart):
        close = get_close_matches(missing[0], have, n=1, cutoff=0.6)
        return DataError(
            f"{count(len(missing), 'column')} of the real table {_is(missing)} missing: {listed(missing)}",
            where=raw.name,
            expected="the same columns in both tables, in any order",
            do=f"rename {close[0]!r} to {missing[0]!r}" if close else "add them, or drop them there",
        )
    first = next(a.error for a in apart if a.error is not None)
    if len(apart) == 1:
        return DataError(
            first.what, where=first.where, examples=first.examples,
            expected="the same kind of values as in the real table",
            do="write them as the real table does, or drop the column from both tables",
        )  # fmt: skip
    reasons = "; ".join(f"{a.column}: {a.reason}" for a in apart[:3]) + ("; ..." if len(apart) > 3 else "")
    return DataError(
        f"{count(len(apart), 'column')} do not fit the real table: {reasons}",
        where=raw.name,
        expected="the same columns with the same kinds of values in both tables, in any order",
        do="write them as the real table does, or drop them from both tables",
    )


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def without_data_bounds(schema: Schema) -> Schema:
    """The schema without bounds that were read from the data.

    Detection looks at every row, the held-out ones included; what the generator knows of the range of a
    column must come from the rows that it learns from. Bounds that were declared stay.
    """
    return replace(
        schema,
        columns=tuple(
            replace(column, bounds=None)
            if column.bounds is not None and column.bounds.source == "data"
            else column
            for column in schema
        ),
    )
