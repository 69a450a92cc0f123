"""Combinations of labels: two columns of which only few pairs of levels occur, listed as a whole."""

from __future__ import annotations

from collections.abc import Collection
from itertools import combinations

import numpy as np

from locum.control.rules.shapes.implications import crosstab
from locum.control.rules.shapes.sheet import RuleCandidate, Sheet
from locum.control.where.names import sort_of
from locum.control.where.token import literal, quote

#: Most combinations that a rule lists, and fewest rows expected by chance in those never seen.
MOST_PAIRS, EXPECTED = 200, 25.0
#: Share of rows that independent columns would have in the pairs that do not occur.
LEAST_SHARE = 0.1


def label_pairs(
    sheet: Sheet, tied: Collection[frozenset[str]]
) -> tuple[list[RuleCandidate], set[frozenset[str]], int]:
    """Candidates ``(a, b) in (...)``, the pairs of columns they are about, and how many pairs were tried."""
    names = [
        c.name for c in sheet.schema if sort_of(c) == "label" and 2 <= len(sheet.levels[c.name]) <= MOST_PAIRS
    ]
    found: list[RuleCandidate] = []
    about: set[frozenset[str]] = set()
    tried = 0
    for a, b in combinations(names, 2):
        if frozenset((a, b)) in tied:
            continue
        tried += 1
        text = _combination(sheet, a, b)
        if text:
            found.append(RuleCandidate("combination", text))
            about.add(frozenset((a, b)))
    return found, about, tried


def _combination(sheet: Sheet, a: str, b: str) -> str:
    counts, chance = crosstab(sheet, a, b)
    seen = counts >= 1
    if not seen.any() or seen.all() or seen.sum() > MOST_PAIRS:
        return ""
    # Where many pairs have one row of the trial, others have none: the list is not complete.
    if (counts == 1).sum() > 0.02 * seen.sum():
        return ""
    missing = float(chance[~seen].sum())
    if missing * sheet.growth < EXPECTED or missing < LEAST_SHARE * counts.sum():
        return ""
    rows = ", ".join(
        f"({literal(sheet.levels[a][i])}, {literal(sheet.levels[b][j])})" for i, j in np.argwhere(seen)
    )
    return f"({quote(a)}, {quote(b)}) in ({rows})"
