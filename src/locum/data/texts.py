"""Canonical values as text, in the spelling that the column's format asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from locum.arrays import IntArray
from locum.data.distinct import distinct
from locum.data.durations import format_durations
from locum.data.numberforms import format_float, format_int, number_form
from locum.data.times import SECOND, compile_format, format_times, utc_to_local
from locum.schema.column import Column

if TYPE_CHECKING:
    import pyarrow as pa


def to_text(values: pa.ChunkedArray | pa.Array, column: Column) -> pa.Array:
    """Write a canonical column as text; shape (n_rows,), missing values become the column's missing text.

    Each different value is written once, so the cost is that of the distinct values.
    """
    import pyarrow as pa

    held = distinct(values)
    texts = held.spread(pa.array(_texts(held.values, column), pa.string()))
    if column.missing and texts.null_count:
        texts = texts.fill_null(column.missing[0])
    return texts


def _texts(values: pa.Array, column: Column) -> list[str] | pa.Array:
    kind = column.kind
    if kind == "integer":
        return format_int(values.to_pylist(), number_form(column.format))
    if kind == "number":
        return format_float(values.to_pylist(), number_form(column.format), column.decimals)
    if kind == "boolean":
        no, yes = column.format.split("|") if column.format else ("false", "true")
        return [yes if value else no for value in values.to_pylist()]
    if kind == "duration":
        return format_durations(_int64(values), column.format or "days")
    if kind in ("date", "datetime"):
        return _moments(values, column)
    return values


def _int64(values: pa.Array) -> IntArray:
    import pyarrow as pa

    if str(values.type) == "date32[day]":
        values = values.cast(pa.int32())
    found: IntArray = values.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return found


def _moments(values: pa.Array, column: Column) -> list[str]:
    micros = _int64(values)
    if column.kind == "date":
        return format_times(micros * 86_400 * SECOND, compile_format(column.format or "%Y-%m-%d"))
    fraction = ".%6f" if (micros % SECOND).any() else ""
    zone = "%:z" if column.timezone else ""
    form = compile_format(column.format or f"%Y-%m-%d %H:%M:%S{fraction}{zone}")
    if not column.timezone:
        return format_times(micros, form)
    local = utc_to_local(micros, column.timezone)
    return format_times(micros, form, local - micros) if form.zoned else format_times(local, form)
