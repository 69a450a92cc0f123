"""What the splits of a study of few rows say together: intervals that hold at once, and plain verdicts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from locum.arrays import FloatArray
from locum.studies.mix.arms import Goal
from locum.studies.mix.result import Contrast
from locum.studies.scarce.interval import LEAST_SPLITS, bounded_difference, range_of
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
    many ways then claims no more than was shown. They are laid on a scale of angles, so that the base's mean
    score and a difference never lead out of the range of AUC or R2
    (`locum.studies.scarce.interval.bounded_difference`).
    """
    copies: dict[str, WayKind] = {control(name): "copy" for name in kinds}
    every: dict[str, WayKind] = {REAL: "real", **copies, **kinds}
    own, other = (
        {name: np.array([s.scores[name][side] for s in splits]) for name in every} for side in (0, 1)
    )
    level, bounds = 1 - (1 - LEVEL) / len(kinds), range_of(goal.task)
    ways = []
    for name, kind in every.items():
        added = float(np.mean([s.added[name] for s in splits]))
        way = WayResult(name, kind, added, float(np.nanmean(own[name])))
        if name in kinds:
            gain, over = (_contrast(own[name], own[base], level, bounds) for base in (REAL, control(name)))
            known = int((~np.isnan(other[name] + other[REAL])).sum()) >= LEAST_SPLITS
            others = _contrast(other[name], other[REAL], LEVEL, bounds) if group and known else None
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
        beside=_beside(ways, own, chosen, measure, bounds),
        ways=tuple(ways),
        group=group,
    )
    return _told(found, related)


def control(way: str) -> str:
    """The copies of real rows that a way is held against: as many, of the same groups."""
    return CONTROLS.get(way, COPIES)


def _contrast(one: FloatArray, base: FloatArray, level: float, bounds: tuple[float, float]) -> Contrast:
    """The paired difference over the splits in which both have a score."""
    return bounded_difference(one, base, SHARE, level=level, bounds=bounds)


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


def _beside(
    ways: Sequence[WayResult],
    own: Mapping[str, FloatArray],
    chosen: str,
    measure: str,
    bounds: tuple[float, float],
) -> str:
    """How the chosen way does beside the best simple rival; without one, which rivals help."""
    rivals = [w for w in ways if w.kind == "rival"]
    if not rivals:
        return ""
    if not chosen:
        good = [w.name for w in rivals if w.verdict == "helps"]
        return f"What needs no rows from elsewhere does help: {' and '.join(good)}." if good else ""
    best = max(rivals, key=lambda w: w.score).name
    gap = _contrast(own[chosen], own[best], LEVEL, bounds)
    between = between_words(gap, measure)
    if gap.low > 0:
        return f"It is ahead of the best simple rival, {best}, by {between}."
    return f"It is not shown to be better than a simple rival, {best}: {between}. Try that first."


def _told(found: Scarcity, related: int) -> Scarcity:
    """The finding with its sentences."""
    whom = f" for rows where {found.group}" if found.group else ""
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
        if best.score - best.gain.value > 1 - MATTERS:
            alone = best.score - best.gain.value
            why = f"; the real rows alone reach {alone:.3f}, so that nothing is left to gain"
        return f"{what}{whom}: at the best, by {best.name}, {between}{why}."
    return (
        f"There is no evidence that adding such rows helps{whom}: at the best, by {best.name}, {between}; "
        f"over copies of the real rows {between_words(best.over_copies, measure)}. {_power(best, measure)}"
    )


def _power(way: WayResult, measure: str) -> str:
    """Which gain would have been seen."""
    assert way.gain is not None and way.over_copies is not None
    least = max(way.gain.detectable, way.over_copies.detectable)
    if math.isinf(least):
        return "Too few rows are tested on: even a perfect model would perhaps not have been told apart."
    return f"A true gain of {least:.3f} {measure} or more would probably have been seen."


def _loss(way: WayResult, measure: str) -> str:
    """What the amplified group costs the others."""
    if way.others is None:
        return (
            "What it does to the others cannot be told: nearly all of them have the same value of the target."
        )
    between = between_words(way.others, measure)
    if lossless(way):
        return f"The others lose nothing that matters: {between}."
    return f"That the others lose {MATTERS:g} or more is not ruled out: {between}."


def between_words(c: Contrast, measure: str, how: str = "") -> str:
    """A difference with its interval; `how` says what the interval is more than one of 95 %."""
    words = f"95 % interval{' ' + how if how else ''}"
    return f"{c.value:+.3f} {measure} ({words} {c.low:+.3f} to {c.high:+.3f})"
