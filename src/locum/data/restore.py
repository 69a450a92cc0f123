"""From the canonical table back to what the user gave: same types, same order, same spelling of missing."""

from __future__ import annotations

import decimal
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from locum.data.arrowtypes import family, parse_type
from locum.data.distinct import distinct, plain, plain_type
from locum.data.kept_cells import KeptCells
from locum.data.lineage_stamp import with_stamp
from locum.data.native import to_native
from locum.data.origin import Origin
from locum.data.texts import to_text
from locum.errors import DataError
from locum.schema.column import Column
from locum.schema.lineage import Lineage
from locum.schema.offsets import zone_of
from locum.schema.table import Schema

if TYPE_CHECKING:
    import pyarrow as pa

_DAY_US = 86_400_000_000
#: Kinds of files whose columns are texts.
_TEXT = ("csv", "jsonl")


def restore(
    table: pa.Table,
    schema: Schema,
    origin: Origin | None,
    lineage: Lineage | None = None,
    kept: KeptCells | None = None,
) -> Any:
    """Turn a canonical table into the kind of table that `origin` describes, stamped with its lineage.

    Frames come back as frames of the same library with the same dtypes, Parquet and Arrow files as a
    `pyarrow.Table` with the types of the file. Files of text (CSV, JSONL) have no types, or few: their
    columns get those of the schema, missing values are null, and moments with a zone are in that zone.
    `locum.data.write` is what gives a file its own spelling back. The canonical table without an origin.

    Of several spellings of missing in one column of a frame the most frequent one is written. Cells that are
    `kept` come back as they were read.

    Raises
    ------
    DataError
        When a value cannot be held by the type that the column had.
    """
    if origin is None:
        return with_stamp(table, lineage)
    if origin.backend in _TEXT:
        held = as_typed(table, schema, origin)
    else:
        held = as_stored(table, schema, origin, kept)
    return with_stamp(to_native(held, origin), lineage)


def as_typed(table: pa.Table, schema: Schema, origin: Origin) -> pa.Table:
    """The table in the types of its schema, columns in the order of the data.

    Whole numbers and texts of a JSONL file, whose types are its own, stay in them.
    """
    import pyarrow as pa

    columns = {}
    for name in in_order(table.column_names, origin):
        column, values, held = schema[name], table.column(name), origin.held(name)
        kind = parse_type(held.storage) if held is not None else pa.string()
        if family(kind) not in ("text", "null"):
            columns[name] = to_storage(values, column, kind, f"{schema.name}.{name}")
        elif column.timezone and pa.types.is_timestamp(values.type):
            columns[name] = values.cast(pa.timestamp("us", tz=zone_of(column.timezone)))
        else:
            columns[name] = values
    return pa.table(columns)


def as_stored(
    table: pa.Table, schema: Schema, origin: Origin | None, kept: KeptCells | None = None
) -> pa.Table:
    """The table in the Arrow types in which the data was held, columns in the order of the data."""
    import pyarrow as pa

    described = {column.name: column for column in schema}
    storage = {held.name: held.storage for held in origin.columns} if origin else {}
    columns = {}
    for name in in_order(table.column_names, origin):
        column = described[name]
        kind = parse_type(storage.get(name, column.storage))
        stored = to_storage(table.column(name), column, kind, f"{schema.name}.{name}")
        columns[name] = stored if kept is None else kept.over(name, stored)
    made = pa.table(columns)
    required = {held.name for held in origin.columns if held.required} if origin else set()
    fields = [
        f.with_nullable(made.column(f.name).null_count != 0 or f.name not in required) for f in made.schema
    ]
    return made.cast(pa.schema(fields)) if required else made


def in_order(names: Iterable[str], origin: Origin | None) -> list[str]:
    """The names in the order of the origin, those it does not know last."""
    present = dict.fromkeys(names)
    first = dict.fromkeys(held.name for held in origin.columns if held.name in present) if origin else {}
    return [*first, *(name for name in present if name not in first)]


def to_storage(values: pa.ChunkedArray, column: Column, kind: pa.DataType, where: str) -> pa.Array:
    """One canonical column in the Arrow type `kind`; errors as in `restore`."""
    import pyarrow as pa

    target = kind.value_type if pa.types.is_dictionary(kind) else kind
    try:
        target = plain_type(target)
        if pa.types.is_null(target) or (values.null_count == len(values) and not column.missing):
            return pa.nulls(len(values), kind)
        if family(target) == "text":
            found = to_text(values, column).cast(target)
        else:
            held = distinct(values)
            found = _fill(held.spread(_typed(held.values, column, target)), column)
    except (pa.ArrowException, OverflowError, ValueError) as error:
        raise DataError(
            f"values of kind {column.kind} cannot be held as {target}",
            where=where,
            do="write CSV or Parquet files instead, or change the kind",
        ) from error
    return _dictionary(found, kind) if pa.types.is_dictionary(kind) else found.cast(kind)


def _typed(values: pa.Array, column: Column, target: pa.DataType) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    into, kind = family(target), column.kind
    if kind in ("date", "datetime") and into == "integer":
        return to_text(values, Column(column.name, kind, format=column.format or "%Y%m%d")).cast(target)
    if kind in ("date", "datetime"):
        return _moment(values, column, target)
    if kind == "duration":
        return _duration(values, target)
    if kind == "boolean":
        return values.cast(target) if into != "decimal" else _decimals(values, target)
    if kind in ("integer", "number"):
        if into == "boolean":
            return pc.not_equal(values, 0)
        if into == "decimal":
            return _decimals(values, target)
        if into == "integer":
            return _clipped(values, target)
        return values.cast(target, safe=False)
    if into == "integer" and str(values.type) == "string":
        return pa.array([None if v is None else int(v) for v in values.to_pylist()], target)
    return values.cast(target)


def _clipped(values: pa.Array, target: pa.DataType) -> pa.Array:
    """Whole numbers within the range of the type."""
    import pyarrow as pa

    bits = target.bit_width
    low, high = (0, 2**bits - 1) if str(target).startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    found = [None if v is None else min(max(round(v), low), high) for v in values.to_pylist()]
    return pa.array(found, target)


def _decimals(values: pa.Array, target: pa.DataType) -> pa.Array:
    import pyarrow as pa

    step = decimal.Decimal(1).scaleb(-target.scale)
    wide = decimal.Context(prec=max(target.precision, 1))
    found = [
        None
        if v is None
        else decimal.Decimal(repr(v) if isinstance(v, float) else int(v)).quantize(step, context=wide)
        for v in values.to_pylist()
    ]
    return pa.array(found, target)


def _moment(values: pa.Array, column: Column, target: pa.DataType) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    if family(target) == "date":
        return values.cast(target, safe=False)
    if family(target) != "timestamp":
        return values.cast(target)
    if column.kind == "date":
        values = values.cast(pa.timestamp("us"))
    zone = target.tz
    if column.timezone and zone is None:
        aware = values.cast(pa.timestamp("us", tz="UTC")).cast(
            pa.timestamp("us", tz=zone_of(column.timezone))
        )
        return pc.local_timestamp(aware).cast(target, safe=False)
    return values.cast(pa.timestamp("us", tz=zone)).cast(target, safe=target.unit == "ns")


def _duration(values: pa.Array, target: pa.DataType) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    micros = values.cast(pa.int64())
    into = family(target)
    if into == "time":
        days = pc.floor(pc.divide(micros.cast(pa.float64()), float(_DAY_US))).cast(pa.int64())
        clock = pc.subtract(micros, pc.multiply(days, _DAY_US)).cast(pa.time64("us"))
        return clock.cast(target, safe=False)
    if into in ("integer", "float"):
        seconds = pc.divide(micros.cast(pa.float64()), 1e6)
        return pc.round(seconds).cast(target) if into == "integer" else seconds.cast(target, safe=False)
    return values.cast(target, safe=target.unit == "ns")


def _fill(values: pa.Array, column: Column) -> pa.Array:
    """Put the number that stands for missing where nothing is."""
    import pyarrow as pa

    if (
        not column.missing
        or not values.null_count
        or family(values.type) not in ("integer", "float", "decimal")
    ):
        return values
    try:
        code = float(column.missing[0])
        into = family(values.type)
        number: Any = (
            code if into == "float" else int(code) if into == "integer" else decimal.Decimal(str(code))
        )
    except ValueError:
        return values
    if into == "float" and code != code:  # Arrow's fill_null would not touch NaN, so this is exact
        return values.fill_null(pa.scalar(float("nan"), values.type))
    return values.fill_null(pa.scalar(number).cast(values.type))


def _dictionary(values: pa.Array, kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    coded = plain(values).dictionary_encode()
    levels = coded.dictionary.cast(kind.value_type)
    return pa.DictionaryArray.from_arrays(coded.indices.cast(kind.index_type), levels, ordered=kind.ordered)
