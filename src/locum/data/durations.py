"""Spans of time as text: ``1:02:03``, ``3 days 04:05:06``, ``P1DT2H``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from locum.arrays import BoolArray, IntArray
from locum.data.times import DAY, SECOND
from locum.errors import SchemaError

if TYPE_CHECKING:
    import pyarrow as pa

#: Format names, each with its pattern. ``clock`` forms may exceed 24 hours; ``days`` is how pandas writes.
PATTERNS = {
    "%H:%M": r"^(?P<sign>-?)(?P<H>\d{2,}):(?P<M>[0-5]\d)$",
    "%-H:%M": r"^(?P<sign>-?)(?P<H>\d+):(?P<M>[0-5]\d)$",
    "%H:%M:%S": r"^(?P<sign>-?)(?P<H>\d{2,}):(?P<M>[0-5]\d):(?P<S>[0-5]\d)$",
    "%-H:%M:%S": r"^(?P<sign>-?)(?P<H>\d+):(?P<M>[0-5]\d):(?P<S>[0-5]\d)$",
    "%H:%M:%S.%f": r"^(?P<sign>-?)(?P<H>\d{2,}):(?P<M>[0-5]\d):(?P<S>[0-5]\d)(\.(?P<f>\d{1,9}))?$",
    "days": (
        r"^(?P<D>-?\d+) days?"
        r"( (?P<sign>[+-]?)(?P<H>\d\d):(?P<M>[0-5]\d):(?P<S>[0-5]\d)(\.(?P<f>\d{1,9}))?)?$"
    ),
    "iso8601": (
        r"^(?P<sign>-?)P((?P<D>\d+)D)?(T((?P<H>\d+)H)?((?P<M>\d+)M)?((?P<S>\d+)(\.(?P<f>\d{1,9}))?S)?)?$"
    ),
}
_UNITS = {"D": DAY, "H": 3600 * SECOND, "M": 60 * SECOND, "S": SECOND}


def duration_pattern(name: str) -> str:
    """The pattern of a duration format.

    Raises
    ------
    SchemaError
        When there is no format of that name.
    """
    if name not in PATTERNS:
        raise SchemaError(
            f"{name!r} is no format of a duration", where="format", expected=f"one of {', '.join(PATTERNS)}"
        )
    return PATTERNS[name]


def parse_durations(values: pa.Array, name: str) -> tuple[IntArray, BoolArray]:
    """Parse texts to microseconds; shape (n,) each, 0 where the second is false."""
    pattern = re.compile(duration_pattern(name))
    micros = np.zeros(len(values), np.int64)
    valid = np.zeros(len(values), np.bool_)
    for i, text in enumerate(values.to_pylist()):
        match = pattern.match(text) if text is not None else None
        if match is None or text in ("P", "-P", "PT", "-PT"):
            continue
        total = _total(match.groupdict())
        if -(2**63) < total < 2**63:
            micros[i], valid[i] = total, True
    return micros, valid


def _total(parts: dict[str, str | None]) -> int:
    clock = sum(unit * int(parts.get(key) or 0) for key, unit in _UNITS.items() if key != "D")
    clock += int((parts.get("f") or "0").ljust(6, "0")[:6])
    days = int(parts.get("D") or 0) * DAY
    if (parts.get("D") or "").startswith("-"):  # pandas: "-1 days +23:59:59" is minus one second
        return days + (-clock if parts.get("sign") == "-" else clock)
    return -(days + clock) if parts.get("sign") == "-" else days + clock


def format_durations(micros: IntArray, name: str) -> list[str]:
    """Write microseconds in a duration format; what the format cannot show is cut off."""
    duration_pattern(name)
    return [_write(value, name) for value in micros.tolist()]


def _write(value: int, name: str) -> str:
    if name == "days":
        days, rest = divmod(value, DAY)
        sign = "+" if days < 0 else ""
        return f"{days} days {sign}{_clock(rest, 2, True)}{_tail(rest)}"
    sign, size = ("-", -value) if value < 0 else ("", value)
    if name == "iso8601":
        days, rest = divmod(size, DAY)
        hours, minutes, seconds = rest // (3600 * SECOND), rest // (60 * SECOND) % 60, rest // SECOND % 60
        clock = f"{hours}H" * bool(hours) + f"{minutes}M" * bool(minutes)
        clock += f"{seconds}{_tail(rest).rstrip('0')}S" if rest % (60 * SECOND) else ""
        text = f"{days}D" * bool(days) + ("T" + clock if clock else "")
        return f"{sign}P{text or 'T0S'}"
    tail = _tail(size) if name.endswith("%f") else ""
    return f"{sign}{_clock(size, 1 if '%-H' in name else 2, '%S' in name)}{tail}"


def _clock(size: int, width: int, seconds: bool) -> str:
    text = f"{size // (3600 * SECOND):0{width}d}:{size // (60 * SECOND) % 60:02d}"
    return f"{text}:{size // SECOND % 60:02d}" if seconds else text


def _tail(size: int) -> str:
    return f".{size % SECOND:06d}" if size % SECOND else ""
