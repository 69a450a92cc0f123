"""Canonical values as text, in the spelling that the column's format asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from locum.arrays import IntArray
from locum.data.distinct import Distinct, distinct, flat
from locum.data.durations import format_durations
from locum.data.numberforms import format_float, format_int, number_form
from locum.data.times import SECOND, TimeFormat, compile_format, format_times, utc_to_local
from locum.randomness import stream
from locum.schema.column import Column
from locum.schema.offsets import minutes_east, several_offsets, zone_of

if TYPE_CHECKING:
    import pyarrow as pa


def to_text(values: pa.ChunkedArray | pa.Array, column: Column) -> pa.Array:
    """Write a canonical column as text; shape (n_rows,), missing values become the column's missing text.

    Each different value is written once, so the cost is that of the distinct values.
    """
    import pyarrow as pa

    if several_offsets(column.timezone):  # each row has an offset of its own
        held = Distinct(flat(values).drop_null(), _places(flat(values)))
    else:
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


def _places(values: pa.Array) -> IntArray:
    """For each row its place among those that hold a value; -1 for null."""
    there = values.is_valid().to_numpy(zero_copy_only=False)
    return np.where(there, np.cumsum(there) - 1, -1)


def _with_offsets(micros: IntArray, form: TimeFormat, several: tuple[tuple[str, int], ...]) -> list[str]:
    """Moments, each with one of the offsets, drawn by their weights; same moments, same texts."""
    weights = np.array([weight for _, weight in several], np.float64)
    start = int(np.bitwise_xor.reduce(micros)) if len(micros) else 0
    which = stream(abs(start), "offsets").choice(len(several), len(micros), p=weights / weights.sum())
    east = np.array([minutes_east(offset) for offset, _ in several], np.int64)[which] * 60 * SECOND
    colon = "%:z" in form.codes
    written = [offset if colon else offset.replace(":", "") for offset, _ in several]
    return format_times(micros, form, east, [written[i] for i in which])


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
    several = several_offsets(column.timezone)
    if several and form.zoned:
        return _with_offsets(micros, form, several)
    local = utc_to_local(micros, zone_of(column.timezone))
    return format_times(micros, form, local - micros) if form.zoned else format_times(local, form)
