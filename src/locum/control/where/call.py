"""What the functions of a condition give, for whole columns at once."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from locum.arrays import BoolArray, IntArray

DAY = 86_400_000_000
_UNITS = (DAY, 3_600_000_000, 60_000_000, 1_000_000)


def call(name: str, values: Sequence[Any], present: BoolArray, zone: str = "") -> tuple[Any, BoolArray]:
    """Values of a function and which of them are present.

    Parameters
    ----------
    name
        One of `locum.control.where.functions.FUNCTIONS`.
    values
        Arguments: NumPy arrays (moments in microseconds), Arrow strings, or literals; shape (n_rows,).
    present
        Rows in which no argument is missing.
    zone
        Time zone in which the parts of moments are read; the moments themselves are in UTC.
    """
    if name in ("moment", "exists"):
        moments, found = join_moment([np.asarray(v) for v in values])
        return (found, present) if name == "exists" else (moments, present & found)
    if name in _TEXTS:
        return _of_texts(name, values), present
    if name == "concat":
        return _concat(values), present
    if name == "number":
        return _of_digits(values[0], present)
    if name in ("floor", "abs"):
        data = np.asarray(values[0])
        return (np.abs(data) if name == "abs" else np.floor(data)), present
    local = [to_local(np.asarray(v), zone) for v in values]
    if name == "age":
        return whole_years(local[0], local[1]), present
    return date_part(name, local[0]), present


def to_local(moments: IntArray, zone: str) -> IntArray:
    """Moments in UTC as the clock of a zone shows them; microseconds."""
    if not zone:
        return moments
    import pyarrow as pa
    import pyarrow.compute as pc

    stamped = pa.array(moments.astype(np.int64)).view(pa.timestamp("us", zone))
    return np.asarray(pc.local_timestamp(stamped).view(pa.int64()))


def date_part(name: str, moments: IntArray) -> IntArray:
    """A part of each moment as a number; weekday 1 is Monday, weeks are those of ISO 8601.

    Parameters
    ----------
    name
        One of `locum.control.where.functions.DATE_PARTS`, or ``date`` for the moment at which the day began.
    moments
        Microseconds since 1970; shape (n_rows,).
    """
    days: IntArray = moments // DAY
    found: IntArray
    if name == "date":
        found = days * DAY
    elif name == "weekday":
        found = (days + 3) % 7 + 1
    elif name in ("hour", "minute", "second"):
        at = ("hour", "minute", "second").index(name)
        found = moments % _UNITS[at] // _UNITS[at + 1]
    elif name == "week":
        found = (_of_days("dayofyear", days + 3 - (days + 3) % 7) - 1) // 7 + 1
    else:
        found = _of_days(name, days)
    return found


def _of_days(name: str, days: IntArray) -> IntArray:
    dates = days.astype("M8[D]")
    years, months = dates.astype("M8[Y]"), dates.astype("M8[M]")
    month: IntArray = (months - years.astype("M8[M]")).astype(np.int64) + 1
    found: dict[str, Callable[[], IntArray]] = {
        "year": lambda: years.astype(np.int64) + 1970,
        "quarter": lambda: (month + 2) // 3,
        "month": lambda: month,
        "day": lambda: (dates - months.astype("M8[D]")).astype(np.int64) + 1,
        "dayofyear": lambda: (dates - years.astype("M8[D]")).astype(np.int64) + 1,
    }
    return found[name]()


def whole_years(births: IntArray, moments: IntArray) -> IntArray:
    """Birthdays between two moments; who was born on 29 February has it on 1 March of other years."""
    year, month, day = ([date_part(part, m) for m in (births, moments)] for part in ("year", "month", "day"))
    early = (month[1] < month[0]) | ((month[1] == month[0]) & (day[1] < day[0]))
    between: IntArray = year[1] - year[0] - early
    return between


def join_moment(parts: Sequence[npt.NDArray[Any]]) -> tuple[IntArray, BoolArray]:
    """Moments from year, month, day and what is given of hour, minute and second; and which of them exist."""
    whole, found = [], np.ones(len(parts[0]), dtype=bool)
    limits = ((1, 9999), (1, 12), (1, 31), (0, 23), (0, 59), (0, 59))
    for part, (low, high) in zip(parts, limits, strict=False):
        with np.errstate(invalid="ignore"):
            good = (part >= low) & (part <= high) & (part == np.floor(part))
        whole.append(np.where(good, part, low).astype(np.int64))
        found &= good
    year, month, day = whole[:3]
    first = ((year - 1970) * 12 + month - 1).astype("M8[M]")
    length = ((first + 1).astype("M8[D]") - first.astype("M8[D]")).astype(np.int64)
    found &= day <= length
    moments = (first.astype("M8[D]").astype(np.int64) + day - 1) * DAY
    for part, unit in zip(whole[3:], _UNITS[1:], strict=False):
        moments = moments + part * unit
    return moments, found


def _word(text: str, place: int) -> str:
    words = text.split()
    at = place - 1 if place > 0 else place
    return words[at] if -len(words) <= at < len(words) else ""


def _plain_letters(text: str) -> str:
    text = text.translate(_LETTERS)
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")


#: Letters that do not fall apart into a plain letter and an accent.
_LETTERS: Mapping[int, str] = {
    **{ord(a): b for a, b in zip("øØłŁđĐ", "oOlLdD", strict=True)},
    **{ord(a): b for a, b in (("ß", "ss"), ("æ", "ae"), ("Æ", "AE"), ("œ", "oe"), ("Œ", "OE"))},
}

#: Functions of one text and what is given with the call.
_TEXTS: Mapping[str, Callable[..., str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "ascii": _plain_letters,
    "left": lambda text, n: text[: max(n, 0)],
    "right": lambda text, n: text[-n:] if n > 0 else "",
    "word": _word,
    "before": lambda text, mark: text.partition(mark)[0],
    "after": lambda text, mark: text.partition(mark)[2],
    "pad": lambda text, n: text.zfill(n),
}


def _of_texts(name: str, values: Sequence[Any]) -> Any:
    """A function of texts; each different text is worked on once."""
    import pyarrow as pa

    work = _TEXTS[name]
    coded = as_texts(values[0]).dictionary_encode()
    done = [work(text, *values[1:]) for text in coded.dictionary.to_pylist()]
    return pa.array(done, pa.string()).take(coded.indices)


def _of_digits(values: Any, present: BoolArray) -> tuple[Any, BoolArray]:
    """Numbers that texts of digits stand for; texts of anything else are missing."""
    coded = as_texts(values).dictionary_encode()
    numbers = [float(t) if t.removeprefix("-").isdigit() else np.nan for t in coded.dictionary.to_pylist()]
    out = np.array([*numbers, np.nan])[np.asarray(coded.indices.fill_null(len(numbers)))]
    return np.nan_to_num(out), present & ~np.isnan(out)


def _concat(values: Sequence[Any]) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    n = max((len(v) for v in values if not isinstance(v, str)), default=1)
    parts = [pa.array([v] * n, pa.string()) if isinstance(v, str) else as_texts(v) for v in values]
    return pc.binary_join_element_wise(*parts, "")


def as_texts(values: Any) -> Any:
    """Values as Arrow strings; whole numbers without a point."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not isinstance(values, np.ndarray):
        return values
    if values.dtype.kind == "f" and np.array_equal(values, np.floor(values)):
        values = values.astype(np.int64)
    return pc.cast(pa.array(values), pa.string())
