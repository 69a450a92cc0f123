"""Several offsets from UTC in one column of moments, as `Column.timezone` holds them."""

from __future__ import annotations

import re

_PART = re.compile(r"(Z|[+-]\d{2}:\d{2})(?:\*(\d+))?")


def several_offsets(timezone: str) -> tuple[tuple[str, int], ...]:
    """Offsets and their weights where a column has several; none where it has one zone, or none.

    >>> several_offsets("+02:00*3|Z*1"), several_offsets("Europe/Berlin")
    ((('+02:00', 3), ('Z', 1)), ())
    """
    if "|" not in timezone:
        return ()
    parts = [_PART.fullmatch(part) for part in timezone.split("|")]
    return tuple((part[1], int(part[2] or 1)) for part in parts if part is not None) if all(parts) else ()


def zone_of(timezone: str) -> str:
    """The zone in which moments are held: UTC where they have several offsets."""
    return "UTC" if several_offsets(timezone) else timezone


def offsets_text(weights: dict[str, int]) -> str:
    """Several offsets as `Column.timezone` holds them: in percent of the rows, the most frequent first."""
    total = sum(weights.values())
    order = sorted(weights.items(), key=lambda item: (-item[1], item[0]))
    return "|".join(f"{text}*{max(1, round(100 * n / total))}" for text, n in order)


def minutes_east(offset: str) -> int:
    """An offset in minutes east of UTC.

    >>> minutes_east("-03:30"), minutes_east("Z")
    (-210, 0)
    """
    if offset == "Z":
        return 0
    size = int(offset[1:3]) * 60 + int(offset[4:6])
    return -size if offset[0] == "-" else size
