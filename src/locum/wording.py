"""Numbers as people read and write them: counts, sizes, durations, shares."""

from __future__ import annotations

import math
import re

from locum.errors import UsageError

#: Thin no-break space between a number and its unit, minus sign, and what stands where there is no number.
NARROW, MINUS, NONE = "\u202f", "\u2212", "\u2013"
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


def verb(n: int, one: str, many: str) -> str:
    """The word that goes with so many: ``is`` with one, ``are`` with none or several.

    >>> verb(1, "is", "are"), verb(0, "has", "have")
    ('is', 'have')
    """
    return one if n == 1 else many


def whole(value: float) -> str:
    """Whole number with thousands commas.

    >>> whole(36631)
    '36,631'
    """
    return f"{round(value):,}".replace("-", MINUS)


def number(value: object) -> str:
    """A measured number: three decimals, fewer from 10 up, two digits below 0.01; a dash when there is none.

    >>> number(0.51234), number(36631.0), number(0.00162), number(None)
    ('0.512', '36,631', '0.0016', '–')
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return NONE
    if not math.isfinite(value):
        return NONE
    size = abs(value)
    if isinstance(value, int) or (value == int(value) and size >= 10):
        text = f"{int(value):,}"
    elif size >= 1000:
        text = f"{value:,.0f}"
    elif size >= 10:
        text = f"{value:.1f}"
    elif size >= 0.00995:
        text = f"{value:.3f}"
    elif size == 0:
        text = "0"
    elif size >= 1e-4:
        text = f"{value:.{1 - math.floor(math.log10(size))}f}".rstrip("0")
    else:
        return "< 0.0001" if value > 0 else f"> {MINUS}0.0001"
    return text.replace("-", MINUS)


def share(value: object) -> str:
    """A share of rows as a percentage; two useful digits below one percent.

    >>> share(0.0141).replace(NARROW, " "), share(0.5).replace(NARROW, " ")
    ('1.4 %', '50.0 %')
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return NONE
    percent = 100 * value
    if percent == 0:
        text = "0"
    elif abs(percent) < 0.005:
        text = "< 0.01" if percent > 0 else f"{MINUS}< 0.01"
    elif abs(percent) < 0.995:
        text = f"{percent:.2f}"
    else:
        text = f"{percent:.1f}"
    return text.replace("-", MINUS) + NARROW + "%"


def seconds(value: float) -> str:
    """CPU seconds, or minutes when there are many.

    >>> seconds(8.214).replace(NARROW, " "), seconds(300).replace(NARROW, " ")
    ('8.2 s', '5.0 min')
    """
    if value >= 120:
        return f"{value / 60:.1f}{NARROW}min"
    return f"{value:.1f}{NARROW}s"


def percent(share: float) -> str:
    """A share as a percentage with two meaningful digits: 0.0137 -> ``1.4 %``."""
    value = 100 * share
    if value == 0:
        return "0 %"
    return (
        f"{value:.0f} %"
        if abs(value) >= 9.95
        else f"{value:.1f} %"
        if abs(value) >= 0.095
        else f"{value:.2f} %"
    )


def in_hundred(share: float) -> str:
    """A chance as cases in a hundred: 0.5231 -> ``52``; one more digit near 50 and at the ends."""
    value = 100 * share
    return f"{value:.1f}" if abs(value - 50) < 5 or value < 1 or value > 99 else f"{value:.0f}"


def shortened(text: str, limit: int = 80) -> str:
    """A text of at most `limit` characters: cut, with three points, when it is longer."""
    return text if len(text) <= limit else text[: limit - 3] + "..."
