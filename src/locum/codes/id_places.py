"""Identifiers of one length, place by place: signs that never change, and the alphabet of those that do.

Where few identifiers are possible, new ones come from a stretch in which no real one lies, so that none is
met by chance; only the stretch's rounded ends are kept.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from locum.arrays import IntArray
from locum.codes.patterns import DIGITS, HEX, LOWER, UPPER, distinct_numbers

#: Identifiers from which on signs that all share are taken for fixed.
FIXED = 20
#: A sign seen in a class this often on average makes the signs that were seen all there are.
_SEEN = 20
#: With so many possible identifiers for each pair of real and new ones, chance meets none.
_ROOMY = 1e6
_LONGEST, _COUNTABLE = 64, 10**17
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE32 = UPPER + "234567"
#: Alphabets of codes, the smallest first.
_ALPHABETS = (
    DIGITS,
    HEX,
    HEX.upper(),
    UPPER,
    LOWER,
    _CROCKFORD,
    _CROCKFORD.lower(),
    _BASE32,
    _BASE32.lower(),
    DIGITS + UPPER,
    DIGITS + LOWER,
    UPPER + LOWER,
    _BASE58,
    DIGITS + UPPER + LOWER,
    DIGITS + UPPER + LOWER + "-_",
)


def alphabets_of(values: list[str]) -> tuple[str, ...]:
    """The signs of each place of identifiers of one length; empty when there is no such form.

    A place where all agree has one sign. Other places share the smallest alphabet that has all signs of their
    sort (digits only, letters only, both).
    """
    length = len(values[0])
    if len(values) < FIXED or not 1 <= length <= _LONGEST or any(len(v) != length for v in values):
        return ()
    seen = [set(signs) for signs in zip(*values, strict=True)]
    sorts: dict[str, set[str]] = {}
    for signs in seen:
        if len(signs) > 1:
            sorts.setdefault(_sort(signs), set()).update(signs)
    # Letters of a hexadecimal number stand in places that also hold digits, but not in each of few values.
    if "mixed" in sorts:
        for other in ("digits", "upper", "lower"):
            if other in sorts and any(sorts[other] | sorts["mixed"] <= set(a) for a in (HEX, HEX.upper())):
                sorts["mixed"] |= sorts.pop(other)
    out = []
    for signs in seen:
        if len(signs) == 1:
            out.append(next(iter(signs)))
            continue
        sort = _sort(signs)
        alphabet = _alphabet(sorts.get(sort, sorts.get("mixed", signs)), len(values))
        if not alphabet:
            return ()
        out.append(alphabet)
    return tuple(out)


def _sort(signs: set[str]) -> str:
    if signs <= set(DIGITS):
        return "digits"
    return "upper" if signs <= set(UPPER) else "lower" if signs <= set(LOWER) else "mixed"


def _alphabet(signs: set[str], values: int) -> str:
    """The smallest known alphabet with all these signs, or these alone where they are few and seen often."""
    if len(signs) <= 3 and values >= _SEEN * len(signs):
        return "".join(sorted(signs))
    return next((a for a in _ALPHABETS if signs <= set(a)), "")


def free_stretch(numbers: IntArray, low: int, high: int, least: int) -> tuple[int, int] | None:
    """Ends, rounded inwards, of a stretch of at least `least` numbers from `low` to `high` that holds none.

    The one above all of them is preferred, then the longest.
    """
    known = np.concatenate([[low - 1], np.sort(numbers), [high]])
    gaps = known[1:] - known[:-1] - 1
    for at in (len(gaps) - 1, int(np.argmax(gaps))):
        start, stop = int(known[at]) + 1, int(known[at + 1])
        unit = 10 ** max(0, len(str(max(stop - start, 1))) - 2)
        first = start if at == 0 else -(-start // unit) * unit
        last = stop if at == len(gaps) - 1 else stop // unit * unit
        if last - first >= least:
            return first, last
    return None


def places_stretch(values: list[str], alphabets: tuple[str, ...]) -> tuple[int, int] | None:
    """Where new identifiers lie, as numbers in the base of each place.

    (0, 0) for anywhere, where so many are possible that none is met by chance; None where no stretch is free.
    """
    space = room(alphabets)
    if space >= _ROOMY * len(values) ** 2 or space >= _COUNTABLE:
        return 0, 0
    numbers = np.zeros(len(values), dtype=np.int64)
    for place, alphabet in enumerate(alphabets):
        if len(alphabet) > 1:
            index = {sign: i for i, sign in enumerate(alphabet)}
            numbers = numbers * len(alphabet) + np.array([index[v[place]] for v in values])
    return free_stretch(numbers, 0, int(space), 4 * len(values))


def room(alphabets: tuple[str, ...]) -> float:
    """How many identifiers there can be."""
    return float(np.prod([float(len(a)) for a in alphabets]))


def make_places(
    alphabets: tuple[str, ...], low: int, high: int, n: int, rng: np.random.Generator
) -> pa.Array:
    """`n` identifiers, different ones if drawn from a stretch that is long enough."""
    chars = np.empty((n, len(alphabets)), dtype=np.uint32)
    digits: IntArray | None = None
    if high - low >= 4 * n:
        digits = distinct_numbers(n, low, high, rng)
    for place in range(len(alphabets) - 1, -1, -1):
        signs = np.array([ord(c) for c in alphabets[place]], dtype=np.uint32)
        if len(signs) == 1:
            chars[:, place] = signs[0]
        elif digits is None:
            chars[:, place] = signs[rng.integers(len(signs), size=n)]
        else:
            chars[:, place] = signs[digits % len(signs)]
            digits = digits // len(signs)
    return pa.array(np.ascontiguousarray(chars).view(f"<U{len(alphabets)}").ravel(), type=pa.string())
