"""Numbers as people write them: with as few digits as will do."""

from __future__ import annotations

import math


def shortest(low: float, high: float) -> float:
    """The number from `low` to `high` that is written with the fewest digits.

    >>> shortest(47.2, 49.9)
    48.0
    >>> shortest(31.9996, 32.0003)
    32.0
    """
    if low <= 0 <= high:
        return 0.0
    if low > high:
        return (low + high) / 2
    largest = max(abs(low), abs(high))
    for exponent in range(math.floor(math.log10(largest)) + 1, -16, -1):
        step = 10.0**exponent
        least = math.ceil(low / step - 1e-9)
        for count in (least, least + 1):
            found = count * step if exponent >= 0 else count / 10.0**-exponent
            if low <= found <= high:
                return found
    return (low + high) / 2


def significant(value: float, digits: int) -> float:
    """A number rounded to so many significant digits."""
    return float(f"{value:.{digits - 1}e}")


def written(value: float) -> str:
    """A number as it stands in a rule."""
    return f"{value:.12g}" if value != int(value) or abs(value) > 1e15 else str(int(value))
