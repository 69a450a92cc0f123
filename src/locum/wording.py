"""Numbers as people read and write them: durations, sizes, counts."""

from __future__ import annotations

import re

from locum.errors import UsageError

_UNITS = {"s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_PIECE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(sec|min|s|m|h|d)")


def parse_duration(text: str | float, *, where: str = "time budget") -> float:
    """Seconds out of ``90``, ``90s``, ``5m``, ``1h30m``.

    Raises
    ------
    UsageError
        When the text is no duration, or not above zero.

    >>> parse_duration("1h30m")
    5400.0
    """
    seconds = -1.0
    body = str(text).strip().lower()
    if re.fullmatch(r"\d+(\.\d+)?", body):
        seconds = float(body)
    elif body and re.fullmatch(rf"(?:{_PIECE.pattern})+\s*", body):
        seconds = sum(float(n) * _UNITS[unit] for n, unit in _PIECE.findall(body))
    if not 0 < seconds < 1e9:
        raise UsageError(
            f"{str(text)!r} is not a usable length of time",
            where=where,
            expected="for example 90s, 5m or 1h30m",
        )
    return seconds


def duration(seconds: float) -> str:
    """A length of time in at most two units.

    >>> duration(0.4), duration(83), duration(5400)
    ('under 1 s', '1 min 23 s', '1 h 30 min')
    """
    if seconds < 0.95:
        return "under 1 s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if seconds < 600:
        whole = round(seconds)
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
    return f"{minutes / 1440:.0f} days"


def size(n_bytes: float) -> str:
    """A number of bytes in decimal units.

    >>> size(0), size(1234), size(5_000_000), size(2.4e9)
    ('0 bytes', '1.2 kB', '5.0 MB', '2.4 GB')
    """
    if n_bytes < 1000:
        return f"{n_bytes:.0f} bytes"
    for factor, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if n_bytes >= 0.9995 * factor:
            value = n_bytes / factor
            return f"{value:.1f} {unit}" if value < 9.95 else f"{value:,.0f} {unit}"
    return f"{n_bytes:.0f} bytes"


def count(n: int, noun: str, plural: str = "") -> str:
    """A count with its noun.

    >>> count(1, "row"), count(36631, "row"), count(2, "copy", "copies")
    ('1 row', '36,631 rows', '2 copies')
    """
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"
