"""Look-ups: a column that follows from two or three others (``distance`` from ``(origin, dest)``)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import combinations

import numpy as np

from locum.arrays import BoolArray, FloatArray, IntArray
from locum.control.rules.chance import AGAINST, LEAST, limit, log_tail_of_sum
from locum.control.rules.clause import rule_clauses
from locum.control.rules.proposal import RuleProposal
from locum.control.rules.shapes.sheet import Sheet
from locum.control.rules.whole_table import join_codes, rows_against, rows_in_support
from locum.control.where.names import Names
from locum.control.where.token import quote

#: Share of the rows that must share their combination with another row.
REPEATED = 0.5
#: Most levels of a column that takes part with others, and a column with a more frequent value is no look-up.
MOST_LEVELS, MOST_CONSTANT = 2000, 0.98
#: Pairs of columns from which a third is tried, for each column that may be looked up; fewer of many columns.
BEST_PAIRS, LEAST_PAIRS, MOST_TRIPLES = 12, 3, 300
#: Rows on which combinations are tried first.
FIRST = 2000
#: Look-ups of one column that are checked on all rows.
MOST_CHECKED = 20
#: Share of the rows from which on a value is frequent, so that its rows must share their combinations too.
FREQUENT = 0.02


def lookups(
    sheet: Sheet, ancestors: Mapping[str, Collection[str]], tied: Collection[frozenset[str]]
) -> tuple[list[RuleProposal], int]:
    """Look-ups that hardly a row of the table contradicts, and how many combinations were tried.

    Parameters
    ----------
    sheet
        The rows.
    ancestors
        For each column that follows from others already, all that it follows from; it is not looked up again,
        and determines none of them.
    tied
        Pairs of columns of which one follows from the other.

    Notes
    -----
    The test: a row that shares its combination with an earlier row would differ from it with a chance that is
    known from the rows that agree in all columns of the combination but one. That so few do must be less
    likely than the limit of `locum.control.rules.chance`, whichever column is left out, and at least half of
    the rows must share their combination with another.
    """
    keys = [c for c in sheet.names("label", "truth", "number", "moment") if _is_key(sheet, c)]
    wholes = [
        c
        for c in sheet.names("label", "truth", "number", "moment", "span")
        if c not in ancestors and _varies(sheet, c)
    ]
    if len(keys) < 2 or not wholes:
        return [], 0
    first = slice(0, FIRST)
    values = np.column_stack([sheet.codes[c][first] for c in wholes])
    at = {c: i for i, c in enumerate(wholes)}
    broken: dict[tuple[str, ...], FloatArray] = {}
    found: dict[str, list[tuple[str, ...]]] = {c: [] for c in wholes}
    tried = 0
    for pair in combinations(keys, 2):
        if frozenset(pair) in tied:
            continue
        tried += len(wholes)
        share = _contradictions([sheet.codes[c][first] for c in pair], values)
        broken[pair] = share
        for i in np.flatnonzero(share <= 2 * AGAINST):
            if wholes[i] not in pair:
                found[wholes[i]].append(pair)
    most = min(BEST_PAIRS, max(LEAST_PAIRS, MOST_TRIPLES // len(keys)))
    for whole in wholes:
        best = sorted((p for p in broken if whole not in p), key=lambda p: broken[p][at[whole]])[:most]
        for triple in dict.fromkeys(
            tuple(sorted({*p, c}, key=keys.index)) for p in best for c in keys if c not in (*p, whole)
        ):
            tried += 1
            if any(set(p) <= set(triple) for p in found[whole]) or any(
                frozenset(p) in tied for p in combinations(triple, 2)
            ):
                continue
            if (
                _contradictions([sheet.codes[c][first] for c in triple], values[:, [at[whole]]])[0]
                <= 2 * AGAINST
            ):
                found[whole].append(triple)
    return _chosen(sheet, wholes, found, ancestors, tried), tried


def _chosen(
    sheet: Sheet,
    wholes: list[str],
    found: Mapping[str, list[tuple[str, ...]]],
    ancestors: Mapping[str, Collection[str]],
    tried: int,
) -> list[RuleProposal]:
    """One look-up for each column: without a row against it if there is one, by few and small columns."""
    out: list[RuleProposal] = []
    taken: set[str] = set()
    used: set[str] = set()
    for whole in sorted(wholes, key=lambda c: -len(sheet.levels[c])):
        if whole in used:
            continue
        best: tuple[int, RuleProposal, tuple[str, ...]] | None = None
        for by in sorted(found[whole], key=lambda p: (len(p), _cells(sheet, p)))[:MOST_CHECKED]:
            circle = any(whole in ancestors.get(c, ()) for c in by)
            if circle or taken & set(by) or not _evident(sheet, by, whole, tried):
                continue
            text = f"{quote(whole)} follows from ({', '.join(quote(c) for c in by)})"
            [clause] = rule_clauses(text, Names(sheet.schema))
            against = int(rows_against(clause, sheet.table).sum())
            support = rows_in_support(clause, sheet.table) - against
            if against <= AGAINST * (support + against) and (best is None or against < best[0]):
                best = (against, RuleProposal(text, "look-up", support, against), by)
            if against == 0:
                break
        if best is not None:
            out.append(best[1])
            taken.add(whole)
            used |= {*best[2], *(a for c in best[2] for a in ancestors.get(c, ()))}
    return out


def _is_key(sheet: Sheet, name: str) -> bool:
    levels = len(sheet.levels[name])
    return sheet.schema[name].kind != "number" and 2 <= levels <= min(MOST_LEVELS, sheet.n / 5)


def _varies(sheet: Sheet, name: str) -> bool:
    codes = sheet.codes[name]
    return bool(np.bincount(codes + 1).max() <= MOST_CONSTANT * len(codes))


def _cells(sheet: Sheet, names: tuple[str, ...]) -> int:
    return int(np.prod([len(sheet.levels[c]) for c in names]))


def _contradictions(by: list[IntArray], values: IntArray) -> FloatArray:
    """Of the rows that repeat a combination, the share that differs; 1 if hardly any row repeats one."""
    key = join_codes(by)
    order = np.argsort(key, kind="stable")
    repeats = np.flatnonzero(key[order][1:] == key[order][:-1])
    if len(repeats) < max(LEAST // 2, 0.1 * len(key)):
        return np.ones(values.shape[1])
    differ: FloatArray = (values[order[repeats + 1]] != values[order[repeats]]).mean(axis=0)
    return differ


def _evident(sheet: Sheet, by: tuple[str, ...], whole: str, tried: int) -> bool:
    """Whether chance cannot explain that combinations determine a column, whichever part is left out."""
    key = join_codes([sheet.codes[c] for c in by])
    value = sheet.codes[whole] + 1
    _, inverse, counts = np.unique(key, return_inverse=True, return_counts=True)
    shared = counts[inverse] > 1
    if shared.sum() < max(REPEATED * len(key), min(LEAST, len(key))) or not _everywhere(shared, value):
        return False
    repeat = np.ones(len(key), dtype=bool)
    repeat[np.unique(inverse, return_index=True)[1]] = False
    cells = np.unique(inverse * (int(value.max()) + 1) + value, return_counts=True)
    most = np.zeros(len(counts))
    np.maximum.at(most, cells[0] // (int(value.max()) + 1), cells[1])
    broken = int(len(key) - most.sum())
    for left_out in by:
        rest = join_codes([sheet.codes[c] for c in by if c != left_out])
        agree = _agreement(rest, value)
        expected = float((1 - np.minimum(agree[repeat], 1.0)).sum())
        if broken > 0.1 * expected or log_tail_of_sum(expected, broken) > limit(tried):
            return False
    return True


def _everywhere(shared: BoolArray, value: IntArray) -> bool:
    """Whether the rows of each frequent value share their combinations, not those of one value alone."""
    rows = np.bincount(value)
    often = rows >= max(FREQUENT * len(value), LEAST // 2)
    again = np.bincount(value, weights=shared)
    return bool((again[often] >= REPEATED * rows[often]).all())


def _agreement(key: IntArray, value: IntArray) -> FloatArray:
    """For each row the chance that two rows with its key have the same value; shape (n_rows,)."""
    _, at = np.unique(key, return_inverse=True)
    cells, cell_counts = np.unique(at * (int(value.max()) + 1) + value, return_counts=True)
    of = cells // (int(value.max()) + 1)
    counts = np.bincount(at)
    same = np.bincount(of, weights=cell_counts * (cell_counts - 1.0), minlength=len(counts))
    pairs = counts * (counts - 1.0)
    # One pair more that agrees: a key that repeats hardly at all says nothing.
    chance: FloatArray = (same + 1) / (pairs + 1)
    return chance[at]
