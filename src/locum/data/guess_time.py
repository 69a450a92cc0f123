"""Whether a column of texts is made of dates, times or durations, and in which format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from locum.arrays import IntArray
from locum.data.distinct import Distinct
from locum.data.durations import PATTERNS, parse_durations
from locum.data.times import compile_format, parse_times, utc_to_local
from locum.schema.offsets import offsets_text, several_offsets

if TYPE_CHECKING:
    import pyarrow as pa

_DATES = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%-d.%-m.%Y",
    "%-d/%-m/%Y",
    "%-m/%-d/%Y",
    "%-d-%-m-%Y",
    "%-m-%-d-%Y",
    "%d.%m.%y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%-d/%-m/%y",
    "%-m/%-d/%y",
    "%d-%m-%y",
    "%m-%d-%y",
    "%Y-%-m-%-d",
    "%d %b %Y",
    "%-d %b %Y",
    "%d-%b-%Y",
    "%-d-%b-%Y",
    "%d-%b-%y",
    "%d%b%Y",
    "%b %d, %Y",
    "%b %-d, %Y",
    "%d %B %Y",
    "%-d %B %Y",
    "%B %d, %Y",
    "%B %-d, %Y",
    "%Y-%m",
    "%b %Y",
    "%B %Y",
    "%m/%Y",
)
_TIMES = (
    "%H:%M:%S",
    "%H:%M",
    "%H:%M:%S.%3f",
    "%H:%M:%S.%6f",
    "%H:%M:%S.%9f",
    "%H:%M:%S.%f",
    "%H:%M:%S%.f",
    "%-H:%M:%S",
    "%-H:%M",
    "%I:%M %p",
    "%I:%M:%S %p",
    "%-I:%M %p",
    "%-I:%M:%S %p",
    "%I:%M%p",
    "%-I:%M%p",
)
_ZONES = ("", "Z", "%:z", "%z", " UTC", " %z")
#: Zones with summer time that are tried where there are two offsets; each stands for its neighbours.
_REGIONS = (
    "Europe/Berlin",
    "Europe/London",
    "Europe/Helsinki",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Halifax",
    "Australia/Sydney",
    "Australia/Adelaide",
    "Pacific/Auckland",
)
_SWAPPED = str.maketrans("dm", "md")


@dataclass(frozen=True, slots=True)
class TimeGuess:
    """A format that every text fits.

    Attributes
    ----------
    kind
        ``date``, ``datetime`` or ``duration``.
    format, other
        The format; and the one with day and month swapped where that fits too (else empty).
    timezone
        Zone of datetimes with an offset: the offset itself when it is always the same, a region whose summer
        time they follow, else all offsets with their shares.
    confidence, reason
        As in `Column`.
    """

    kind: str
    format: str
    other: str = ""
    timezone: str = ""
    confidence: float = 0.97
    reason: str = ""


def guess_time(texts: pa.Array, held: Distinct | None = None) -> TimeGuess | None:
    """The format in which every text is a date, datetime or duration; None when there is none.

    Parameters
    ----------
    texts
        Different texts, trimmed, without missing ones; shape (n_distinct,).
    held
        Where they stand in the rows, to settle day and month by the order of rows; entries of `texts` and
        `held.values` correspond. None skips that.
    """
    import pyarrow.compute as pc

    if len(texts) == 0 or not pc.all(pc.match_substring_regex(texts, r"^[+-]?[\dA-Za-z].{2,38}$")).as_py():
        return None
    sample = texts.slice(0, 60)
    if not pc.all(pc.match_substring_regex(sample, r"\d")).as_py():
        return None
    fitting = [form for form in _candidates(sample) if _all_fit(sample, form)]
    fitting = [form for form in fitting if _all_fit(texts, form)]
    if fitting:
        return _settle(texts, fitting, held)
    return _duration(texts, sample)


def _candidates(sample: pa.Array) -> Iterator[str]:
    """Formats that the first text fits; a cheap sieve before anything is parsed."""
    first = sample.slice(0, 1)
    for date in _DATES:
        starts = compile_format(date).pattern[:-1]
        import pyarrow.compute as pc

        if not pc.match_substring_regex(first, starts)[0].as_py():
            continue
        yield date
        for gap in (" ", "T", ", "):
            for time in _TIMES:
                for zone in _ZONES:
                    yield f"{date}{gap}{time}{zone}"


def _all_fit(texts: pa.Array, text: str) -> bool:
    import pyarrow.compute as pc

    form = compile_format(text)
    if not pc.all(pc.match_substring_regex(texts, form.pattern)).as_py():
        return False
    return bool(parse_times(texts, form)[1].all())


def _settle(texts: pa.Array, fitting: list[str], held: Distinct | None) -> TimeGuess:
    form = compile_format(fitting[0])
    other = _swap(fitting[0])
    kind = "datetime" if form.has_time else "date"
    words = "dates with a time of day" if form.has_time else "dates"
    zone = _zone(texts, fitting[0], held)
    if several_offsets(zone):
        words += " and several offsets from UTC, of which each synthetic row draws one"
    if other not in fitting:
        sure = 0.9 if "%d" not in fitting[0] and "%-d" not in fitting[0] else 0.98
        return TimeGuess(kind, fitting[0], "", zone, sure, f"{words}, all in one format")
    order = _by_row_order(texts, fitting[0], other, held)
    chosen = (fitting[0], other) if order >= 0 else (other, fitting[0])
    if order == 0 and "/" in fitting[0]:  # nothing in the data decides: the most common habit of that sign
        chosen = tuple(sorted(chosen, key=lambda f: f.index("d") < f.index("m")))  # type: ignore[assignment]
    first = "the day" if chosen[0].index("d") < chosen[0].index("m") else "the month"
    if order == 0:
        reason, sure = f"{words}; day and month could be swapped, {first} first is a guess: please check", 0.5
    else:
        reason, sure = f"{words}; {first} first, because then the rows are in order of time", 0.75
    return TimeGuess(kind, chosen[0], chosen[1], zone, sure, reason)


def _swap(text: str) -> str:
    date = next((date for date in sorted(_DATES, key=len, reverse=True) if text.startswith(date)), text)
    if "b" in date or "B" in date or "d" not in date or date.startswith("%Y"):
        return ""
    return date.translate(_SWAPPED) + text[len(date) :]


def _by_row_order(texts: pa.Array, one: str, two: str, held: Distinct | None) -> int:
    """1 when rows run in time order under `one`, -1 under `two`, 0 when that does not decide."""
    if held is None:
        return 0
    rows = held.index[held.index >= 0][:20_000]
    if len(rows) < 20:
        return 0
    shares = []
    for text in (one, two):
        steps = np.diff(parse_times(texts, compile_format(text))[0][rows])
        up, down = int((steps > 0).sum()), int((steps < 0).sum())
        shares.append(max(up, down) / max(up + down, 1))
    gap = shares[0] - shares[1]
    return 0 if max(shares) < 0.9 or abs(gap) < 0.1 else 1 if gap > 0 else -1


def _zone(texts: pa.Array, text: str, held: Distinct | None) -> str:
    form = compile_format(text)
    if form.zoned:
        micros, _, east = parse_times(texts, form)
        offsets: IntArray = np.unique(east)
        if len(offsets) > 1:
            return _region(micros, east) or _several(texts, held)
        if offsets[0] == 0:
            return "UTC"
        minutes = int(offsets[0]) // 60_000_000
        return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    return "UTC" if text.endswith(("Z", "UTC")) else ""


def _region(micros: IntArray, east: IntArray) -> str:
    """A zone with summer time whose offsets these are; empty when there is none."""
    for zone in _REGIONS:
        if (utc_to_local(micros, zone) - micros == east).all():
            return zone
    return ""


def _several(texts: pa.Array, held: Distinct | None) -> str:
    """The offsets with their shares of the rows."""
    import pyarrow.compute as pc

    found = pc.struct_field(pc.extract_regex(texts, pattern=r"(?P<z>Z|[+-]\d{2}:?\d{2})$"), "z").to_pylist()
    rows = np.ones(len(texts), np.int64)
    if held is not None:
        rows = np.bincount(held.index[held.index >= 0], minlength=len(texts))[: len(texts)]
    weights: dict[str, int] = {}
    for offset, n in zip(found, rows.tolist(), strict=True):
        spelled = offset if offset == "Z" or ":" in offset else f"{offset[:3]}:{offset[3:]}"
        weights[spelled] = weights.get(spelled, 0) + n
    return offsets_text(weights)


def _duration(texts: pa.Array, sample: pa.Array) -> TimeGuess | None:
    for name in PATTERNS:
        if parse_durations(sample, name)[1].all() and parse_durations(texts, name)[1].all():
            return TimeGuess("duration", name, confidence=0.9, reason="times of day or spans of time")
    return None
