"""What goes with what: columns missing together, ``if a = 0 then b = 0``, levels that never meet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from locum.arrays import BoolArray, FloatArray
from locum.control.rules.chance import LEAST, limit
from locum.control.rules.shapes.atoms import Atom, Sign, atoms, statement
from locum.control.rules.shapes.sheet import RuleCandidate, Sheet
from locum.control.where.names import sort_of
from locum.control.where.token import quote

#: Rows that independent columns would have had against a rule, at least.
EXPECTED = 25.0
#: Most rules of this shape that are proposed, the strongest first.
MOST_RULES = 60


@dataclass(frozen=True, slots=True)
class _Link:
    """``first`` implies ``then``, with the rows that independent columns would have had against it."""

    first: Atom
    then: Atom
    expected: float


def gaps(sheet: Sheet) -> tuple[list[RuleCandidate], list[list[str]], int]:
    """Columns that are missing in the same rows: candidates, the groups, and how many pairs were tried."""
    groups: dict[bytes, list[str]] = defaultdict(list)
    holes = [c.name for c in sheet.schema if 0 < sheet.table.column(c.name).null_count < sheet.table.num_rows]
    for name in holes:
        null = np.asarray(sheet.table.column(name).is_null())
        groups[np.packbits(null).tobytes()].append(name)
    together = [names for names in groups.values() if len(names) > 1]
    found = [
        RuleCandidate("missing", f"missing together ({', '.join(quote(n) for n in names)})")
        for names in together
    ]
    return found, together, len(holes) * (len(holes) - 1) // 2


def implications(
    sheet: Sheet, tied: Collection[frozenset[str]], together: list[list[str]]
) -> tuple[list[RuleCandidate], int]:
    """Candidates ``if A then B`` and ``A exactly if B`` of two statements, and how many were tried.

    Parameters
    ----------
    sheet
        The rows.
    tied
        Pairs of columns of which one follows from the other.
    together
        Groups of columns that are missing together.

    Notes
    -----
    Chance: were the columns independent, each row with A would lack B with B's share of lacking. That no row
    does must be less likely than the limit, and `EXPECTED` rows must have been expected to. What follows from
    two other implications is left out.
    """
    some = atoms(sheet, {name for names in together for name in names[1:]})
    tried = len(some) * (len(some) - 1)
    if len(some) < 2:
        return [], 0
    links = _links(sheet, some, tied, tried)
    links = _without_detours(links)
    return _rules(sheet, links), tried


def _links(sheet: Sheet, some: list[Atom], tied: Collection[frozenset[str]], tried: int) -> list[_Link]:
    yes = np.column_stack([a.yes for a in some]).astype(np.float32)
    known = np.column_stack([a.known for a in some]).astype(np.float32)
    about = yes.T @ known
    broken = about - yes.T @ yes
    lacking = 1 - yes.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    expected = about * lacking[None, :] * sheet.growth
    with np.errstate(divide="ignore"):
        chance = about * sheet.growth * np.log(np.maximum(1 - lacking, 1e-12))[None, :]
    good = (broken == 0) & (expected >= EXPECTED) & (chance < limit(tried)) & (about * sheet.growth >= LEAST)
    out = []
    for i, j in np.argwhere(good):
        a, b = some[i], some[j]
        signs = [x for x in (a, b) if isinstance(x.value, Sign)]
        texts = [
            x for x in (a, b) if x.value is None or sort_of(sheet.schema[x.column]) in ("label", "truth")
        ]
        if signs and not texts:
            continue
        if a.column != b.column and frozenset((a.column, b.column)) not in tied:
            out.append(_Link(a, b, float(expected[i, j])))
    return out


def _without_detours(links: list[_Link]) -> list[_Link]:
    """Links that do not follow from two others, each contradiction once."""
    there = {(link.first, link.then) for link in links}
    after: dict[Atom, set[Atom]] = defaultdict(set)
    for first, then in there:
        after[first].add(then)
    kept, seen = [], set()
    same = _representatives(there)
    for link in sorted(links, key=lambda k: -k.expected):
        a, c = link.first, link.then
        stand_in = (same.get(a, a), same.get(c, c))
        if stand_in != (a, c) and stand_in in there and stand_in[0].column != stand_in[1].column:
            continue
        detour = any(
            c in after[b]
            and (b, a) not in there
            and (c, b) not in there
            and b.column not in (a.column, c.column)
            for b in after[a]
            if b is not c
        )
        if not detour:
            kept.append(link)
            seen.add((a, c))
    return kept


def _representatives(there: set[tuple[Atom, Atom]]) -> dict[Atom, Atom]:
    """For a statement that is true exactly when another is, that other one; levels stand for gaps."""
    out: dict[Atom, Atom] = {}
    for a, b in there:
        if (b, a) in there and (a.value is None, a.column, str(a.value)) > (
            b.value is None,
            b.column,
            str(b.value),
        ):
            best = out.get(a, b)
            out[a] = min(best, b, key=lambda x: (x.value is None, x.column, str(x.value)))
    return out


def _two_sided(sheet: Sheet, column: str) -> bool:
    return len(sheet.levels[column]) == 2


def _rules(sheet: Sheet, links: list[_Link]) -> list[RuleCandidate]:
    """One rule for all statements about a column that imply the same; both ways at once where they can be."""
    joint: dict[tuple[str, Atom, object], list[_Link]] = defaultdict(list)
    for link in links:
        alone = link.first.value if isinstance(link.first.value, Sign) else None
        joint[link.first.column, link.then, alone].append(link)
    # Of a rule and its contraposition the one that is about more rows.
    weight = {
        k: (round(-sum(x.expected for x in some), 2), -sum(x.first.yes.sum() for x in some))
        for k, some in joint.items()
    }
    ranked = [joint[k] for k in sorted(joint, key=lambda k: weight[k])]
    out: list[RuleCandidate] = []
    seen: set[object] = set()
    for some in ranked:
        then = some[0].then
        firsts = sorted({k.first for k in some}, key=lambda a: str(a.value))
        column, values = firsts[0].column, [a.value for a in firsts]
        if None in values and len(values) > 1:
            firsts = [a for a in firsts if a.value is not None]
            values = [a.value for a in firsts]
        told = _excluded(sheet, column, values, then)
        if told in seen:
            continue
        seen.add(told)
        left, right = statement(column, values), then.text
        inside = np.logical_or.reduce([a.yes for a in firsts])
        known = firsts[0].known & then.known
        if (inside == then.yes)[known].all():
            seen.add(_excluded(sheet, then.column, [then.value], firsts[0]) if len(firsts) == 1 else told)
            out.append(RuleCandidate(_kind(then), f"{right} exactly if {left}"))
        else:
            out.append(RuleCandidate(_kind(then), f"if {left} then {right}"))
    return out[:MOST_RULES]


def _kind(then: Atom) -> str:
    return "missing" if then.value is None else "condition"


def _excluded(sheet: Sheet, column: str, values: list[object], then: Atom) -> object:
    """What a rule forbids, the same for a rule and its contraposition where both columns have two values."""
    if len(values) == 1 and _two_sided(sheet, then.column) and then.value is not None:
        other = next(v for v in sheet.levels[then.column] if v != then.value)
        return frozenset({(column, values[0]), (then.column, other)})
    return (column, tuple(map(str, values)), then.column, then.value)


def never_together(sheet: Sheet, tied: Collection[frozenset[str]]) -> tuple[list[RuleCandidate], int]:
    """Levels of two columns that never meet, each expected at least `EXPECTED` times by chance.

    Notes
    -----
    The chance that an expected count of `EXPECTED` or more comes out as zero is that of Poisson; it must be
    less likely than the limit for all pairs of levels that were tried.
    """
    names = [
        c.name
        for c in sheet.schema
        if sort_of(c) in ("label", "truth") and 1 < len(sheet.levels[c.name]) <= 30
    ]
    found: list[tuple[float, RuleCandidate]] = []
    cells = sum(len(sheet.levels[a]) * len(sheet.levels[b]) for i, a in enumerate(names) for b in names[:i])
    for i, a in enumerate(names):
        for b in names[:i]:
            if frozenset((a, b)) in tied or (_two_sided(sheet, a) and _two_sided(sheet, b)):
                continue
            found += _meetings(sheet, a, b, max(EXPECTED, -limit(cells)))
    found.sort(key=lambda pair: -pair[0])
    return [candidate for _, candidate in found[:MOST_RULES]], cells


def _meetings(sheet: Sheet, a: str, b: str, least: float) -> list[tuple[float, RuleCandidate]]:
    if len(sheet.levels[a]) > len(sheet.levels[b]):
        a, b = b, a
    counts, chance = crosstab(sheet, a, b)
    empty = (counts == 0) & (chance * sheet.growth >= least)
    out = []
    for i in np.flatnonzero(empty.any(axis=1)):
        left = int((counts[i] > 0).sum())
        if left <= 1:
            continue
        some: list[object] = [sheet.levels[b][j] for j in np.flatnonzero(empty[i])]
        text = f"if {statement(a, [sheet.levels[a][i]])} then {statement(b, some, negated=True)}"
        out.append((float(chance[i][empty[i]].sum()), RuleCandidate("combination", text)))
    return out


def crosstab(sheet: Sheet, a: str, b: str) -> tuple[FloatArray, FloatArray]:
    """Rows of the trial with each pair of levels, and how many independent columns would have."""
    x, y = sheet.codes[a], sheet.codes[b]
    both: BoolArray = (x >= 0) & (y >= 0)
    wide, high = len(sheet.levels[b]), len(sheet.levels[a])
    counts = np.bincount(x[both] * wide + y[both], minlength=wide * high).reshape(high, wide).astype(float)
    return counts, np.outer(counts.sum(axis=1), counts.sum(axis=0)) / max(1, counts.sum())
