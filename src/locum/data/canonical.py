"""From what the user holds to the canonical table: one Arrow type a kind, null for everything missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from locum.data.arrowtypes import Family, family, parse_type
from locum.data.distinct import Distinct, distinct, flat
from locum.data.durations import parse_durations
from locum.data.missing import numbers_among
from locum.data.numberforms import number_form, to_float, to_int
from locum.data.origin import Raw
from locum.data.times import compile_format, local_to_utc, parse_times
from locum.errors import DataError, mask
from locum.schema.column import Column
from locum.schema.offsets import zone_of
from locum.schema.table import Schema
from locum.schema.validate import canonical_type, check

if TYPE_CHECKING:
    import pyarrow as pa

#: Kinds whose texts count as missing when they are blank; for labels a blank may be a level.
_TYPED = frozenset({"boolean", "integer", "number", "datetime", "date", "duration"})
#: Spellings of ISO 8601 that are tried when the schema names no format.
_ISO = tuple(
    f"%Y-%m-%d{time}{zone}"
    for time in ("", " %H:%M:%S", "T%H:%M:%S", " %H:%M:%S.%f", "T%H:%M:%S.%f", " %H:%M", "T%H:%M")
    for zone in (("", "%:z", "Z") if time else ("",))
)
_TRUE, _FALSE = ("true", "t", "yes", "y", "1", "1.0"), ("false", "f", "no", "n", "0", "0.0")


def canonical(raw: Raw, schema: Schema, *, lenient: bool = False) -> pa.Table:
    """Turn a table as read into the canonical table of `schema` (docs/architecture.md).

    Columns come in the order of the schema. What is lost: nanoseconds are cut to microseconds, decimals
    become doubles, NaN becomes null.

    Parameters
    ----------
    raw, schema
        The table, and what its columns are.
    lenient
        Let values that are not of their kind become null instead of raising: under a guarantee of privacy
        an error must not depend on a value.

    Raises
    ------
    SchemaError
        When the schema contradicts itself or names columns that the table has not.
    DataError
        When values are not of the kind that the schema says, with their number and masked examples.

    Notes
    -----
    Cost: a text is parsed once however often it appears.
    """
    import pyarrow as pa

    check(schema)
    columns, have = {}, set(raw.table.column_names)  # asking the table each time costs columns squared
    for column in schema:
        where = f"{raw.name}.{column.name}"
        if column.name not in have:
            raise DataError(
                "the data has no such column",
                where=where,
                expected=f"the {len(schema)} columns of the schema",
                do="run `locum init` anew, or correct the schema",
            )
        # One array a column: whoever works on whole columns would make a copy of each otherwise.
        columns[column.name] = flat(to_kind(raw.table.column(column.name), column, where, lenient=lenient))
    return pa.table(columns)


def to_kind(values: pa.ChunkedArray, column: Column, where: str, *, lenient: bool = False) -> pa.Array:
    """One column in the Arrow type of its kind; errors as in `canonical`."""
    import pyarrow as pa

    held = distinct(values)
    source = family(values.type)
    entries = _without_missing(held.values, source, column)
    target = parse_type(canonical_type(column))
    if source == "null" or entries.null_count == len(entries):
        return pa.nulls(len(values), target)
    if source == "text":
        typed = _from_text(entries, column)
    elif column.kind in _TYPED:
        typed = _from_typed(entries, source, column, where)
    else:
        typed = _to_label(entries, source)
    if not lenient:
        _refuse_lost(entries, typed, held, column, where)
    return held.spread(typed.cast(target))


def _without_missing(values: pa.Array, source: Family, column: Column) -> pa.Array:
    """The values, with null in place of the texts and numbers that stand for missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    gone = None
    if source == "text":
        texts = pc.utf8_trim_whitespace(values)
        codes = [code.strip() for code in column.missing] + [""] * (column.kind in _TYPED)
        gone = pc.is_in(texts, value_set=pa.array(codes, texts.type))
        if column.kind in _TYPED:
            values = texts
    elif source == "float":
        gone = pc.is_nan(values)
        numbers = numbers_among(column.missing)
        if numbers:
            gone = pc.or_(
                gone, pc.is_in(values.cast(pa.float64()), value_set=pa.array(numbers, pa.float64()))
            )
    elif source in ("integer", "decimal") and column.missing:
        numbers = numbers_among(column.missing)
        gone = pc.is_in(values.cast(pa.float64(), safe=False), value_set=pa.array(numbers, pa.float64()))
    if gone is None:
        return values
    return pc.if_else(gone, pa.scalar(None, values.type), values)


def _from_text(texts: pa.Array, column: Column) -> pa.Array:
    """Parse texts; null where a text is not of the column's kind."""
    import pyarrow as pa

    kind = column.kind
    if kind == "integer":
        return to_int(texts, number_form(column.format))
    if kind == "number":
        return to_float(texts, number_form(column.format))
    if kind == "boolean":
        return _booleans(texts, column)
    if kind == "duration":
        micros, valid = parse_durations(texts, column.format or "days")
        return pa.array(micros, pa.int64(), mask=~valid).cast(pa.duration("us"))
    if kind in ("date", "datetime"):
        return _moments(texts, column)
    return texts


def _booleans(texts: pa.Array, column: Column) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.format:
        no, yes = ([word] for word in column.format.split("|"))
    else:
        texts, no, yes = pc.utf8_lower(texts), list(_FALSE), list(_TRUE)
    true = pc.is_in(texts, value_set=pa.array(yes, texts.type))
    false = pc.is_in(texts, value_set=pa.array(no, texts.type))
    return pc.if_else(pc.or_(true, false), true, pa.scalar(None, pa.bool_()))


def _moments(texts: pa.Array, column: Column) -> pa.Array:
    import pyarrow as pa

    micros = np.zeros(len(texts), np.int64)
    valid = np.zeros(len(texts), np.bool_)
    for text in (column.format,) if column.format else _ISO:
        form = compile_format(text)
        found, right, _ = parse_times(texts, form)
        right &= ~valid
        if column.kind == "date" and not column.format and form.has_time:
            right &= found % 86_400_000_000 == 0
        if column.timezone and not form.zoned and right.any():
            found = np.where(right, local_to_utc(np.where(right, found, 0), zone_of(column.timezone)), 0)
        micros, valid = np.where(right, found, micros), valid | right
        if valid.all():
            break
    if column.kind == "date":
        days = micros // 86_400_000_000
        return pa.array(days.astype(np.int32), pa.int32(), mask=~valid).cast(pa.date32())
    moments = pa.array(micros, pa.int64(), mask=~valid).cast(pa.timestamp("us"))
    return moments.cast(pa.timestamp("us", tz="UTC")) if column.timezone else moments


def _from_typed(values: pa.Array, source: Family, column: Column, where: str) -> pa.Array:
    """Convert typed values; null where a value is not of the column's kind."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.kind
    if kind in ("integer", "number") and source in ("integer", "float", "decimal", "boolean"):
        if kind == "number":
            return values.cast(pa.float64(), safe=False)
        return _whole(values, source)
    if kind == "boolean" and source in ("boolean", "integer", "float"):
        if source == "boolean":
            return values
        numbers = values.cast(pa.float64(), safe=False)
        usable = pc.is_in(numbers, value_set=pa.array([0.0, 1.0]))
        return pc.if_else(usable, pc.equal(numbers, 1.0), pa.scalar(None, pa.bool_()))
    if kind == "duration" and source in ("duration", "time"):
        return _micros(values, source)
    if kind == "duration" and source in ("integer", "float"):  # a plain number is seconds
        micros = pc.round(pc.multiply(values.cast(pa.float64(), safe=False), 1e6))
        near = pc.less(pc.abs(micros), 2.0**63)
        micros = pc.if_else(near, micros, pa.scalar(None, pa.float64()))
        return micros.cast(pa.int64(), safe=False).cast(pa.duration("us"))
    if kind in ("date", "datetime") and source in ("date", "timestamp"):
        return _dates(values, column)
    if kind in ("date", "datetime") and source == "integer" and column.format:
        return _moments(values.cast(pa.string()), column)
    raise DataError(
        f"a column of type {values.type} cannot be read as {kind}",
        where=where,
        do=f"change its kind{', or give a format such as %Y%m%d' if source == 'integer' else ''}",
    )


def _whole(values: pa.Array, source: Family) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    none = pa.scalar(None, pa.int64())
    if source == "float":
        numbers = values.cast(pa.float64())
        whole = pc.and_(pc.equal(pc.floor(numbers), numbers), pc.less(pc.abs(numbers), 2.0**63))
        return pc.if_else(whole, pc.if_else(whole, numbers, 0.0).cast(pa.int64(), safe=False), none)
    if source == "decimal":
        found = [None if v is None or v != int(v) or abs(v) >= 2**63 else int(v) for v in values.to_pylist()]
        return pa.array(found, pa.int64())
    if str(values.type) == "uint64":
        small = pc.less(values, pa.scalar(2**63, pa.uint64()))
        return pc.if_else(small, pc.if_else(small, values, pa.scalar(0, pa.uint64())).cast(pa.int64()), none)
    return values.cast(pa.int64())


def _micros(values: pa.Array, source: Family) -> pa.Array:
    """Durations and times of day in microseconds; finer digits are cut off."""
    import pyarrow as pa

    if source == "time":
        unit = "ns" if "ns" in str(values.type) else "us"
        base = values.cast(pa.time64(unit)).cast(pa.int64())
        return base.cast(pa.duration(unit)).cast(pa.duration("us"), safe=False)
    return values.cast(pa.duration("us"), safe=False)


def _dates(values: pa.Array, column: Column) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.kind == "datetime":
        found = values.cast(pa.timestamp("us", tz=getattr(values.type, "tz", None)), safe=False)
        if column.timezone and found.type.tz is None:
            local = found.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
            utc = pa.array(local_to_utc(local, zone_of(column.timezone))).cast(pa.timestamp("us", tz="UTC"))
            return pc.if_else(found.is_valid(), utc, pa.scalar(None, utc.type))
        return found if column.timezone else found.cast(pa.timestamp("us"))
    if getattr(values.type, "tz", None):
        values = pc.local_timestamp(values)
    days = values.cast(pa.date32(), safe=False)
    same = pc.equal(days.cast(pa.timestamp("us")), values.cast(pa.timestamp("us"), safe=False))
    return pc.if_else(same, days, pa.scalar(None, pa.date32()))


def _to_label(values: pa.Array, source: Family) -> pa.Array:
    """Typed values as labels; whole floats lose their ``.0``."""
    import pyarrow as pa

    if source == "float":
        return pa.array(
            [
                None if v is None else str(int(v)) if v == v // 1 and abs(v) < 2**53 else repr(v)
                for v in values.to_pylist()
            ],
            pa.string(),
        )
    return values.cast(pa.string())


def _refuse_lost(given: pa.Array, typed: pa.Array, held: Distinct, column: Column, where: str) -> None:
    """Raise when values became null that were not missing."""
    import pyarrow.compute as pc

    lost = pc.and_(given.is_valid(), typed.is_null()).to_numpy(zero_copy_only=False)
    if not lost.any():
        return
    rows = int(held.counts[lost].sum())
    examples = [mask(given[int(i)].as_py()) for i in np.flatnonzero(lost)[:3]]
    wider = "number" if column.kind == "integer" else "category"
    raise DataError(
        f"{rows:,} of {len(held.index):,} values are {_not_of(column)}",
        where=where,
        examples=examples,
        do=f'add them to `missing`, set a format, or set kind = "{wider}"',
    )


def _not_of(column: Column) -> str:
    """What values are that are not of a column's kind: ``no dates in the form %d.%m.%Y``."""
    no, _, yes = column.format.partition("|")
    if column.kind == "boolean" and yes:
        return f"neither {no!r} nor {yes!r}"
    plural = {"category": "labels"}.get(column.kind, f"{column.kind}s")
    shown = column.format and column.kind in ("date", "datetime", "duration")
    return f"no {plural}{f' in the form {column.format}' if shown else ''}"
