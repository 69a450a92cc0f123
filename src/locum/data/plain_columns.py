"""Columns of every Arrow type in one that can be computed with, and what is lost by that, said once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from locum.data.arrowtypes import family, parse_type
from locum.data.distinct import plain, plain_type
from locum.data.origin import Held, Raw
from locum.errors import SchemaError

if TYPE_CHECKING:
    import pyarrow as pa

#: Digits that a float holds for sure.
_DIGITS = 15


def as_plain(raw: Raw) -> Raw:
    """The table in types that can be computed with; its origin remembers those of the user.

    Types that cannot be made again, and digits that no canonical value holds, are told in the notes.
    """
    if raw.origin.backend == "csv":
        return raw
    notes: list[str] = []
    held, columns = list(raw.origin.columns), []
    for i, field in enumerate(raw.table.schema):
        column = raw.table.column(i)
        kept = plain(column)
        columns.append(kept)
        if i < len(held) and held[i].name == field.name:
            held[i] = _known(held[i], field.type, notes)
        lost = _lost(kept)
        if lost:
            notes.append(f"Column {field.name!r} {lost}.")
    import pyarrow as pa

    table = pa.table(columns, names=raw.table.column_names)
    origin = replace(raw.origin, columns=tuple(held))
    return replace(raw, table=table, origin=origin, notes=(*raw.notes, *notes))


def _known(held: Held, kind: pa.DataType, notes: list[str]) -> Held:
    """The column with a type that can be made again."""
    try:
        parse_type(held.storage)
    except SchemaError:
        simple = plain_type(kind)
        if family(simple) == "other":
            return held
        notes.append(f"Column {held.name!r} is held as {held.storage}; it comes back as {simple}.")
        return replace(held, storage=str(simple))
    return held


def _lost(column: pa.ChunkedArray) -> str:
    """What of its values a canonical column cannot hold; empty when all is kept."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, source = column.type, family(column.type)
    if source in ("timestamp", "duration", "time") and "ns" in str(kind):
        nanos = column.cast(pa.int64())
        whole = pc.multiply(pc.divide(nanos, 1000), 1000)
        fine = pc.any(pc.not_equal(nanos, whole)).as_py()
        return "holds fractions of a microsecond; times are kept to the microsecond" if fine else ""
    wide = f"holds numbers of more than {_DIGITS} digits; where it is learned as numbers, {_DIGITS} are kept"
    if str(kind) == "uint64":
        most = pc.max(column).as_py()
        return f'{wide} (if they are codes, say kind = "id" or "category")' if (most or 0) >= 2**63 else ""
    if source == "decimal" and kind.precision > _DIGITS:
        size = pc.max(pc.abs(column)).as_py()
        return (
            wide if size is not None and size and size.adjusted() + 1 + max(kind.scale, 0) > _DIGITS else ""
        )
    return ""
