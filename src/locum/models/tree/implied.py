"""Codes that follow from codes in every training row, and do in every row of the chains.

A leaf borrows from wider ones, so that a chain gives a little to what never happens: a missing air time
beside a departure, a felony of somebody without a prior. Where the training rows are many enough to rule
chance out, the row is mended before anything is weighted, so that shares are fitted to what will be written.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from locum.arrays import IntArray
from locum.schema.domain import CodedRows, Codes, Domain

#: Fewest training rows with a code of which something follows.
LEAST = 50
#: Chance that a code is found to imply another, all that are tried together, where nothing is implied.
ALARM = 1e-6
#: Most columns that others are found to follow from, those with fewer codes first, and most pairs of columns.
MOST_COLUMNS, MOST_PAIRS = 200, 4_000


@dataclass(frozen=True, slots=True, eq=False)
class Implied:
    """What follows from the codes of one column for another.

    Attributes
    ----------
    cause, effect
        The columns.
    code
        For each code of the cause the one of the effect, -1 where any may be; shape (codes,).
    """

    cause: int
    effect: int
    code: IntArray


def find_implied(data: CodedRows) -> tuple[Implied, ...]:
    """Pairs of columns in which a code of one always comes with one code of the other.

    Taken where a code has `LEAST` rows and so many rows would not all have the other code by chance: its
    share to the power of the rows is below `ALARM` divided by the codes tried. Cost: columns squared times
    rows.
    """
    domain, n = data.domain, data.n_rows
    live = [i for i, size in enumerate(domain.sizes) if size > 1]
    causes = sorted(live, key=lambda i: domain.sizes[i])[:MOST_COLUMNS]
    shares = {i: np.bincount(data.column(i), minlength=domain.sizes[i]) / n for i in live}
    tried = max(1, sum(domain.sizes[i] for i in causes) * len(live))
    found = []
    for cause in causes:
        column = data.column(cause)
        order = np.argsort(column, kind="stable")
        codes, start, counts = np.unique(column[order], return_index=True, return_counts=True)
        often = counts >= LEAST
        if not often.any():
            continue
        for effect in live:
            if effect == cause:
                continue
            values = data.column(effect)[order]
            low, high = np.minimum.reduceat(values, start), np.maximum.reduceat(values, start)
            share = np.minimum(shares[effect][low], 1 - 1e-12)
            sure = often & (low == high) & (counts * np.log(share) < math.log(ALARM / tried))
            if sure.any():
                code = np.full(domain.sizes[cause], -1, dtype=np.int64)
                code[codes[sure]] = low[sure]
                found.append(Implied(cause, effect, code))
                if len(found) >= MOST_PAIRS:
                    return tuple(found)
    return tuple(found)


def mend(rows: Codes, implied: tuple[Implied, ...]) -> bool:
    """Bring rows into line with what is implied, in place; whether any had to be."""
    mended = False
    for one in implied:
        wanted = one.code[rows[:, one.cause]]
        wrong = (wanted >= 0) & (rows[:, one.effect] != wanted)
        if wrong.any():
            rows[wrong, one.effect] = wanted[wrong]
            mended = True
    return mended


def as_array(implied: tuple[Implied, ...]) -> IntArray:
    """For a file: cause, its code, effect, its code; shape (n, 4)."""
    lines = [
        (one.cause, code, one.effect, int(one.code[code]))
        for one in implied
        for code in np.flatnonzero(one.code >= 0).tolist()
    ]
    return np.array(lines, dtype=np.int64).reshape(-1, 4)


def from_array(lines: IntArray, domain: Domain) -> tuple[Implied, ...]:
    """Read back what `as_array` gave.

    Raises
    ------
    ValueError
        When a column or code is not in the domain.
    """
    sizes = domain.sizes
    found: dict[tuple[int, int], IntArray] = {}
    for cause, code, effect, wanted in lines.tolist():
        inside = 0 <= cause < len(sizes) and 0 <= effect < len(sizes) and cause != effect
        if not inside or not 0 <= code < sizes[cause] or not 0 <= wanted < sizes[effect]:
            raise ValueError("a code that follows is outside its column")
        table = found.setdefault((cause, effect), np.full(sizes[cause], -1, dtype=np.int64))
        table[code] = wanted
    return tuple(Implied(cause, effect, table) for (cause, effect), table in found.items())
