"""Cells as texts, each from its own value alone: how private rows are read, whatever their column looks like.

The type of a column is a fact about all of its rows: one missing value makes whole numbers floats, one text
makes a column one of objects, one new label another list of categories. Here a value has the same text in
each of these columns, so that the type tells nothing.
"""

from __future__ import annotations

import datetime as dt
import decimal
import math
import numbers
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from locum.data.arrowtypes import family
from locum.data.distinct import distinct, plain

if TYPE_CHECKING:
    import pyarrow as pa

#: Whole floats below this are written without a point, as whole numbers are.
_WHOLE = 2.0**63
#: The years 1 to 9999, in microseconds since 1970.
_FIRST, _LAST = -62_135_596_800_000_000, 253_402_300_800_000_000
#: One day in microseconds.
_DAY = 86_400_000_000
#: Longest whole number, in bits, that is written out.
_MOST_BITS = 1024


def cell_text(value: Any) -> str | None:
    """The text of one value; None for what is missing, and for lists and whatever else has no text here.

    No value raises: an error would tell of the row that holds it.

    >>> [cell_text(v) for v in (3, 3.0, 2.5, True, None, float("nan"), "3")]
    ['3', '3', '2.5', 'true', None, None, '3']
    """
    try:
        return _text(value)
    except (ArithmeticError, ValueError, TypeError, AttributeError):
        return None


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, bytes):
        return _decoded(value)
    if value is None or _is_gap(value):
        return None
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        return "true" if value else "false"
    if isinstance(value, decimal.Decimal):
        return _decimal(value)
    if isinstance(value, numbers.Integral):
        whole = int(value)
        return str(whole) if whole.bit_length() <= _MOST_BITS else None
    if isinstance(value, numbers.Real):
        return _float(float(value))
    return _time(value)


def column_texts(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """The texts of a column of any type, as `cell_text` of each of its values; string, shape (n_rows,).

    Cost: each different value is written once.
    """
    import pyarrow as pa

    source = family(column.type)
    if source == "other":
        return texts_of(column.to_pylist())
    held = distinct(within_calendar(column) if source in ("date", "timestamp") else column)
    if source == "text":
        return held.spread(_valid(held.values))
    if source == "null":
        return pa.nulls(len(column), pa.string())
    if source in ("integer", "boolean"):
        return held.spread(held.values.cast(pa.string()))
    if source in ("time", "duration"):
        kind = pa.duration("us") if source == "duration" else pa.time64("us")
        held = distinct(column.cast(kind, safe=False))
    return held.spread(texts_of(held.values.to_pylist()))


def within_calendar(moments: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Dates in days, and moments in microseconds, of UTC where they have a zone; null outside 1 to 9999.

    What lies outside has no text, and the libraries raise errors over it that would tell of its row.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    array = plain(moments)
    if family(array.type) == "date":
        days = array.cast(pa.int32()) if pa.types.is_date32(array.type) else _days(array.cast(pa.int64()))
        inside = pc.and_(pc.greater_equal(days, _FIRST // _DAY), pc.less(days, _LAST // _DAY))
        return pc.if_else(inside, days, pa.scalar(None, pa.int32())).cast(pa.date32())
    zone = array.type.tz
    micros = array.cast(pa.timestamp("us", tz=zone), safe=False).cast(pa.int64())
    inside = pc.and_(pc.greater_equal(micros, _FIRST), pc.less(micros, _LAST))
    kept = pc.if_else(inside, micros, pa.scalar(None, pa.int64()))
    return kept.cast(pa.timestamp("us", tz="UTC" if zone else None))


def _days(millis: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    most = _LAST // 1000
    inside = pc.and_(pc.greater_equal(millis, -most), pc.less(millis, most))
    return pc.floor(pc.divide(pc.if_else(inside, millis, most).cast(pa.float64()), _DAY / 1000)).cast(
        pa.int32()
    )


def _valid(texts: pa.Array) -> pa.Array:
    """Texts, null where the bytes are none; files and other libraries do not always look."""
    import pyarrow as pa

    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        bytes_of = texts.cast(pa.large_binary() if pa.types.is_large_string(texts.type) else pa.binary())
        return texts_of(bytes_of.to_pylist())
    return texts.cast(pa.string())


def texts_of(values: Iterable[Any]) -> pa.Array:
    """The texts of some Python values; string."""
    import pyarrow as pa

    return pa.array([cell_text(value) for value in values], pa.string())


def _is_gap(value: Any) -> bool:
    """Whether a value stands for missing in some library: NaN, NaT, NA."""
    return type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and math.isnan(value))


def _decoded(value: bytes) -> str | None:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _float(value: float) -> str | None:
    if math.isnan(value):
        return None
    if abs(value) < _WHOLE and value == int(value):
        return str(int(value))
    return repr(value)


def _decimal(value: decimal.Decimal) -> str | None:
    if value.is_nan():
        return None
    if value.is_infinite():
        return repr(float(value))
    text = format(value.normalize(), "f") if abs(value.adjusted()) < 60 else None
    return "0" if text == "-0" else text


def _time(value: Any) -> str | None:
    """Moments without a fraction that is nothing, in UTC and marked so if they have a zone; and spans."""
    if isinstance(value, dt.datetime):
        zoned = value.tzinfo is not None
        plain = value.astimezone(dt.UTC).replace(tzinfo=None) if zoned else value
        plain = dt.datetime(*plain.timetuple()[:6], plain.microsecond)
        return plain.isoformat(sep=" ") + ("+00:00" if zoned else "")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, dt.time):
        value = dt.timedelta(
            hours=value.hour, minutes=value.minute, seconds=value.second, microseconds=value.microsecond
        )
    if isinstance(value, dt.timedelta):
        days, rest = value.days, dt.timedelta(seconds=value.seconds, microseconds=value.microseconds)
        return f"{days} days {rest!s:0>8}" if rest.microseconds == 0 else f"{days} days {str(rest).zfill(15)}"
    return None
