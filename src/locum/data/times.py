"""Dates, times and durations as text: compile a strftime-like format, parse with it, write with it.

Own code because Arrow and Python rely on the C library here, which differs between platforms, stops at
some years, and knows neither fractions nor one-digit days. Formats use these codes: ``%Y %y %m %-m %d %-d %b
%B %H %-H %I %-I %M %S %f`` (1-6 digits) ``%3f %6f %9f`` (exactly so many) ``%.f`` (point
and digits, or nothing) ``%p %z`` (+0200) ``%:z`` (+02:00); either offset may be read as ``Z``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from locum.arrays import BoolArray, IntArray
from locum.errors import SchemaError

if TYPE_CHECKING:
    import pyarrow as pa

SECOND = 1_000_000
DAY = 86_400 * SECOND
_SHORT = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONG = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_PARTS = {
    "%Y": r"(?P<Y>\d{4})",
    "%y": r"(?P<y>\d{2})",
    "%m": r"(?P<m>\d{2})",
    "%-m": r"(?P<m>\d{1,2})",
    "%d": r"(?P<d>\d{2})",
    "%-d": r"(?P<d>\d{1,2})",
    "%b": r"(?P<b>[A-Za-z]{3})",
    "%B": r"(?P<B>[A-Za-z]{3,9})",
    "%H": r"(?P<H>\d{2})",
    "%-H": r"(?P<H>\d{1,2})",
    "%I": r"(?P<I>\d{2})",
    "%-I": r"(?P<I>\d{1,2})",
    "%M": r"(?P<M>\d{2})",
    "%S": r"(?P<S>\d{2})",
    "%f": r"(?P<f>\d{1,9})",
    "%3f": r"(?P<f>\d{3})",
    "%6f": r"(?P<f>\d{6})",
    "%9f": r"(?P<f>\d{9})",
    "%p": r"(?P<p>[AaPp][Mm])",
    "%.f": r"(?:\.(?P<f>\d{1,9}))?",
    "%z": r"(?P<z>[+-]\d{4}|Z)",
    "%:z": r"(?P<z>[+-]\d{2}:\d{2}|Z)",
}
_CODE = re.compile(r"%(?:[369.]f|:z|-?[A-Za-z])")


@dataclass(frozen=True, slots=True)
class TimeFormat:
    """A compiled format.

    Attributes
    ----------
    text
        The format as given.
    pattern
        RE2 pattern with one named group a code.
    codes
        The codes in order.
    """

    text: str
    pattern: str
    codes: tuple[str, ...]

    @property
    def zoned(self) -> bool:
        """Whether texts carry an offset from UTC."""
        return "%z" in self.codes or "%:z" in self.codes

    @property
    def has_date(self) -> bool:
        """Whether a year is part of it."""
        return "%Y" in self.codes or "%y" in self.codes

    @property
    def has_time(self) -> bool:
        """Whether an hour is part of it."""
        return any(code[-1] in "HI" for code in self.codes)


def compile_format(text: str) -> TimeFormat:
    """Compile a format.

    Raises
    ------
    SchemaError
        On a code that is not known, a code used twice, or no code at all.
    """
    codes = tuple(_CODE.findall(text))
    groups = [code[-1] for code in codes]
    unknown = [code for code in codes if code not in _PARTS]
    if unknown or not codes or len(set(groups)) != len(groups) or _CODE.sub("", text).count("%"):
        raise SchemaError(
            f"{text!r} is no date format",
            where="format",
            examples=unknown,
            expected="a pattern such as %Y-%m-%d or %d/%m/%Y %H:%M",
        )
    pattern = "".join(_PARTS.get(part, re.escape(part)) for part in re.split(f"({_CODE.pattern})", text))
    return TimeFormat(text, f"^{pattern}$", codes)


def parse_times(values: pa.Array, form: TimeFormat) -> tuple[IntArray, BoolArray, IntArray]:
    """Parse texts to microseconds since 1970, in UTC where the text has an offset.

    Returns
    -------
    micros, valid, offsets
        Shapes (n,); where `valid` is false the others are 0. `offsets` is in microseconds east of UTC.

    Notes
    -----
    The 30th of February, hour 24 and second 60 are not valid. Digits past microseconds are cut off.
    Without a date the result is the time of day.
    """
    parts, valid = _fields(values, form)
    n = len(values)
    zero = np.zeros(n, np.int64)

    def number(key: str, default: int) -> IntArray:
        if key not in parts:
            return np.full(n, default, np.int64)
        return _integers(parts[key])

    month = number("m", 1)
    for key, names in (("b", _SHORT), ("B", _LONG)):
        if key in parts:
            month = _month(parts[key], names)
    micros = zero
    if form.has_date:
        year = number("Y", 0)
        if "y" in parts:  # POSIX: 69-99 are 1969-1999, 00-68 are 2000-2068
            short = number("y", 0)
            year = np.where(short >= 69, 1900, 2000) + short
        day = number("d", 1)
        valid &= (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1)
        months = np.where(valid, (year - 1970) * 12 + month - 1, 0).astype("M8[M]")
        days = months.astype("M8[D]") + (day - 1)
        valid &= days.astype("M8[M]") == months
        micros = days.astype(np.int64) * DAY
    hour = number("I", 12) % 12 if "I" in parts else number("H", 0)
    if "p" in parts:
        hour = hour + 12 * np.array([text[:1] in "Pp" and text != "" for text in parts["p"].to_pylist()])
    if "I" in parts:
        valid &= (number("I", 12) >= 1) & (number("I", 12) <= 12)
    minute, second = number("M", 0), number("S", 0)
    valid &= (hour < 24) & (minute < 60) & (second < 60)
    micros = micros + ((hour * 60 + minute) * 60 + second) * SECOND
    if "f" in parts:
        micros = micros + _fraction(parts["f"])
    offset = _offset(parts["z"]) if "z" in parts else zero
    return np.where(valid, micros - offset, 0), valid, np.where(valid, offset, 0)


def _fields(values: pa.Array, form: TimeFormat) -> tuple[dict[str, pa.Array], BoolArray]:
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.extract_regex(values, pattern=form.pattern)
    valid = found.is_valid().to_numpy(zero_copy_only=False).copy()
    parts = {field.name: found.field(i) for i, field in enumerate(found.type)}
    keep = pa.array(valid)
    return {key: pc.if_else(keep, part, "") for key, part in parts.items()}, valid


def _integers(texts: pa.Array) -> IntArray:
    """Digits to int64; the empty text is 0."""
    import pyarrow as pa
    import pyarrow.compute as pc

    filled = pc.if_else(pc.equal(texts, ""), "0", texts)
    array: IntArray = filled.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return array


def _month(texts: pa.Array, names: tuple[str, ...]) -> IntArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    place = pc.index_in(pc.utf8_lower(texts), value_set=pa.array(names, texts.type)).fill_null(-1)
    found: IntArray = place.to_numpy(zero_copy_only=False).astype(np.int64) + 1
    return found


def _fraction(texts: pa.Array) -> IntArray:
    import pyarrow.compute as pc

    return _integers(pc.utf8_slice_codeunits(pc.utf8_rpad(texts, 6, padding="0"), 0, 6))


def _offset(texts: pa.Array) -> IntArray:
    digits = [text.replace(":", "") for text in texts.to_pylist()]
    minutes = [
        0 if text in ("", "Z") else (-1 if text[0] == "-" else 1) * (int(text[1:3]) * 60 + int(text[3:5]))
        for text in digits
    ]
    return np.array(minutes, np.int64) * 60 * SECOND


def format_times(
    micros: IntArray,
    form: TimeFormat,
    offsets: IntArray | None = None,
    offset_texts: Sequence[str] = (),
) -> list[str]:
    """Write microseconds since 1970 as text.

    Parameters
    ----------
    micros
        UTC where the format has an offset, else local time; shape (n,).
    form
        The compiled format.
    offsets
        Microseconds east of UTC, used only by formats with ``%z``; None is UTC.
    offset_texts
        How each offset is written; empty for its hours and minutes.
    """
    east = np.zeros_like(micros) if offsets is None else offsets
    local = micros + east if form.zoned else micros
    days = local // DAY
    rest = local - days * DAY
    date = days.astype("M8[D]")
    months = date.astype("M8[M]")
    month = months.astype(np.int64) % 12
    year = months.astype("M8[Y]").astype(np.int64) + 1970
    seconds, hour = rest // SECOND, rest // (3600 * SECOND)
    fields: dict[str, tuple[str, Callable[[], npt.NDArray[np.generic] | list[str]]]] = {
        "Y": ("%04d", lambda: year),
        "y": ("%02d", lambda: year % 100),
        "m": ("%02d", lambda: month + 1),
        "d": ("%02d", lambda: (date - months.astype("M8[D]")).astype(np.int64) + 1),
        "b": ("%s", lambda: [_SHORT[i].title() for i in month.tolist()]),
        "B": ("%s", lambda: [_LONG[i].title() for i in month.tolist()]),
        "H": ("%02d", lambda: hour),
        "I": ("%02d", lambda: (hour - 1) % 12 + 1),
        "M": ("%02d", lambda: seconds // 60 % 60),
        "S": ("%02d", lambda: seconds % 60),
        "p": ("%s", lambda: ["PM" if h >= 12 else "AM" for h in hour.tolist()]),
    }
    template, columns = "", []
    for part in re.split(f"({_CODE.pattern})", form.text):
        if part not in _PARTS:
            template += part.replace("%", "%%")
        elif part[-1] == "f":
            template += "%s"
            columns.append(_write_fraction(rest % SECOND, part))
        elif part[-1] == "z":
            template += "%s"
            columns.append(list(offset_texts) or _write_offset(east, ":" if ":" in part else ""))
        else:
            shape, get = fields[part[-1]]
            template += "%d" if "-" in part else shape
            got = get()
            columns.append(got if isinstance(got, list) else got.tolist())
    return [template % row for row in zip(*columns, strict=True)]


def _write_fraction(micros: IntArray, code: str) -> list[str]:
    texts = [f"{value:06d}" for value in micros.tolist()]
    if code == "%.f":
        return ["" if text == "000000" else f".{text}" for text in texts]
    if code == "%f":
        return [text.rstrip("0") or "0" for text in texts]
    width = int(code[1])
    return [text[:width].ljust(width, "0") for text in texts]


def _write_offset(east: IntArray, colon: str) -> list[str]:
    minutes = (east // (60 * SECOND)).tolist()
    return [f"{'-' if m < 0 else '+'}{abs(m) // 60:02d}{colon}{abs(m) % 60:02d}" for m in minutes]


def local_to_utc(micros: IntArray, zone: str) -> IntArray:
    """Local wall time to UTC; the earlier of two when clocks go back, the later when they go forward."""
    import pyarrow as pa
    import pyarrow.compute as pc

    local = pa.array(micros, pa.timestamp("us"))
    zoned = pc.assume_timezone(local, zone, ambiguous="earliest", nonexistent="latest")
    result: IntArray = zoned.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return result


def utc_to_local(micros: IntArray, zone: str) -> IntArray:
    """UTC to the wall time of a zone (a name such as ``Europe/Berlin``, or an offset such as ``+02:00``)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    local = pc.local_timestamp(pa.array(micros, pa.timestamp("us", tz=zone)))
    result: IntArray = local.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return result
