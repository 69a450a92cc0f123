"""What the splits of a study of few rows say together: intervals that hold at once, and plain verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from locum.arrays import FloatArray
from locum.studies.mix.arms import Goal
from locum.studies.mix.contrast import corrected_difference
from locum.studies.mix.result import Contrast
from locum.studies.scarce.result import RelatedFinding, ScarceVerdict, Scarcity, WayKind, WayResult
from locum.studies.scarce.ways import HALVED

#: What the ways are held against.
REAL, COPIES = "real rows alone", "copies of the real rows"
#: The same for rows of which half are of a group.
HALVED_COPIES = "copies, half of them of the group"
#: Copies that a way is held against where they are not `COPIES`.
CONTROLS = MappingProxyType({HALVED: HALVED_COPIES})
#: Test rows over learning rows of a split: a fifth of either is left out by turns.
SHARE = 0.25
#: Of the intervals, all ways together.
LEVEL = 0.95
#: A gain below this is none that anybody would add rows for, and a loss above minus this is none for others.
MATTERS = 0.01


@dataclass(frozen=True, slots=True)
class Split:
    """What one split gave.

    Attributes
    ----------
    scores
        By way: score of the group that is amplified (of everybody without one), and of all others.
    added
        By way: rows added.
    learned, tested
        Numbers of rows.
    """

    scores: Mapping[str, tuple[float, float]]
    added: Mapping[str, int]
    learned: int
    tested: int


def conclude(
    splits: Sequence[Split], kinds: Mapping[str, WayKind], goal: Goal, *, group: str = "", related: int = 0
) -> Scarcity:
    """The finding of all splits, still without the names of table and target.

    The intervals are those of Nadeau and Bengio for splits that overlap, each at the level
    ``1 - 0.05 / m`` for m ways, so that all hold at once in 95 % of cases (Bonferroni): naming the best of
    many ways then claims no more than was shown.
    """
    copies: dict[str, WayKind] = {control(name): "copy" for name in kinds}
    every: dict[str, WayKind] = {REAL: "real", **copies, **kinds}
    own, other = (
        {name: np.array([s.scores[name][side] for s in splits]) for name in every} for side in (0, 1)
    )
    level = 1 - (1 - LEVEL) / len(kinds)
    ways = []
    for name, kind in every.items():
        added = float(np.mean([s.added[name] for s in splits]))
        way = WayResult(name, kind, added, float(np.nanmean(own[name])))
        if name in kinds:
            gain, over = (_contrast(own[name], own[base], level) for base in (REAL, control(name)))
            others = _contrast(other[name], other[REAL], LEVEL) if group else None
            way = WayResult(name, kind, added, way.score, gain, over, decide(gain, over), others)
        ways.append(way)
    measure = "R2" if goal.task == "regression" else "AUC"
    verdict, chosen = _overall([w for w in ways if w.verdict and w.kind != "rival"])
    found = Scarcity(
        table="",
        target="",
        measure=measure,
        synthesizer="",
        rows=0,
        learned_from=round(float(np.mean([s.learned for s in splits]))),
        test_rows=round(float(np.mean([s.tested for s in splits]))),
        splits=len(splits),
        verdict=verdict,
        sentence="",
        chosen=chosen,
        beside=_beside(ways, own, chosen, measure),
        ways=tuple(ways),
        group=group,
    )
    return _told(found, related)


def control(way: str) -> str:
    """The copies of real rows that a way is held against: as many, of the same groups."""
    return CONTROLS.get(way, COPIES)


def _contrast(one: FloatArray, base: FloatArray, level: float) -> Contrast:
    """The paired difference over the splits in which both have a score."""
    gap = one - base
    gap = gap[~np.isnan(gap)]
    if len(gap) < 2:
        return Contrast(0.0, -1.0, 1.0, 1.0)
    return corrected_difference(gap, SHARE, level=level)


def decide(gain: Contrast, over_copies: Contrast) -> ScarceVerdict:
    """The verdict on one way.

    ``helps``: it gains over real rows alone, and over copies of them in its place, each with its whole
    interval. ``does not help``: a gain of `MATTERS` is ruled out by either. ``no evidence``: anything else.
    """
    if gain.low > 0 and over_copies.low > 0:
        return "helps"
    if min(gain.high, over_copies.high) < MATTERS:
        return "does not help"
    return "no evidence"


def _overall(ways: Sequence[WayResult]) -> tuple[ScarceVerdict, str]:
    """The verdict on all stand-ins together, and the one that helps most; without loss for others first."""
    helping = [w for w in ways if w.verdict == "helps"]
    if helping:
        best = max(helping, key=lambda w: (lossless(w), 0.0 if w.gain is None else w.gain.value))
        return "helps", best.name
    return ("does not help" if all(w.verdict == "does not help" for w in ways) else "no evidence"), ""


def lossless(way: WayResult) -> bool:
    """Whether a loss of `MATTERS` for those outside the group is ruled out; true without a group."""
    return way.others is None or way.others.low > -MATTERS


def _beside(ways: Sequence[WayResult], own: Mapping[str, FloatArray], chosen: str, measure: str) -> str:
    """How the chosen way does beside the best simple rival; without one, which rivals help."""
    rivals = [w for w in ways if w.kind == "rival"]
    if not rivals:
        return ""
    if not chosen:
        good = [w.name for w in rivals if w.verdict == "helps"]
        return f"What needs no rows from elsewhere does help: {', '.join(good)}." if good else ""
    best = max(rivals, key=lambda w: w.score).name
    gap = _contrast(own[chosen], own[best], LEVEL)
    between = between_words(gap, measure)
    if gap.low > 0:
        return f"It is ahead of the best simple rival, {best}, by {between}."
    return f"It is not shown to be better than a simple rival, {best}: {between}. Try that first."


def _told(found: Scarcity, related: int) -> Scarcity:
    """The finding with its sentences."""
    whom = f" for rows with {found.group}" if found.group else ""
    stand_ins = [w for w in found.judged if w.kind != "rival"]
    sentence = _sentence(stand_ins, found.verdict, found.chosen, found.measure, whom, len(found.judged))
    if found.group and found.chosen:
        sentence += " " + _loss(found.way(found.chosen), found.measure)
    if not related:
        return replace(found, sentence=sentence)
    lent = [w for w in found.judged if w.kind == "related"]
    verdict, chosen = _overall(lent)
    told = _sentence(lent, verdict, chosen, found.measure, "", len(found.judged))
    return replace(found, sentence=sentence, related=RelatedFinding("", related, verdict, told))


def _sentence(
    ways: Sequence[WayResult], verdict: ScarceVerdict, chosen: str, measure: str, whom: str, tried: int
) -> str:
    """One or two sentences on some of the ways; `tried` is the number that the intervals hold for."""
    at_once = f"for all {tried} ways at once" if tried > 1 else ""
    by_gain = sorted((w for w in ways if w.gain is not None), key=lambda w: -w.gain.value if w.gain else 0.0)
    best = next((w for w in by_gain if w.name == chosen), by_gain[0])
    assert best.gain is not None and best.over_copies is not None
    between = between_words(best.gain, measure, at_once)
    if verdict == "helps":
        return f"Adding {best.name} to the real rows helps{whom}: {between}."
    if verdict == "does not help":
        what = "Adding such rows does not help" if len(ways) > 1 else f"Adding {best.name} does not help"
        beaten = best.gain.low > 0 and best.over_copies.high < MATTERS
        why = ", no more than copies of the real rows do" if beaten else ""
        return f"{what}{whom}: at the best, by {best.name}, {between}{why}."
    return (
        f"There is no evidence that adding such rows helps{whom}: at the best, by {best.name}, {between}; "
        f"over copies of the real rows {between_words(best.over_copies, measure)}. A true gain of "
        f"{max(best.gain.detectable, best.over_copies.detectable):.3f} or more would probably have been seen."
    )


def _loss(way: WayResult, measure: str) -> str:
    """What the amplified group costs the others."""
    if way.others is None:
        return ""
    between = between_words(way.others, measure)
    if lossless(way):
        return f"The others lose nothing that matters: {between}."
    return f"That the others lose {MATTERS:g} or more is not ruled out: {between}."


def between_words(c: Contrast, measure: str, how: str = "") -> str:
    """A difference with its interval; `how` says what the interval is more than one of 95 %."""
    words = f"95 % interval{' ' + how if how else ''}"
    return f"{c.value:+.3f} {measure} ({words} {c.low:+.3f} to {c.high:+.3f})"
