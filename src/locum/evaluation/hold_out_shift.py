"""A hold-out of another population than the rows learned from: what it explains without any copying."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from locum.evaluation.attacks.by_group import worst_of
from locum.evaluation.metrics.twosample import Anchors
from locum.evaluation.result import Result
from locum.wording import in_hundred

#: A two-sample area of train against hold-out whose interval lies above this is a shift.
SHIFTED = 0.52
#: Areas of attacks up to this much above the area of the shift may come from the shift.
ROOM = 0.02
#: Copies count when their share is this much above how often train repeats itself.
LEAST_EXCESS = 0.005
SUFFIX = " The hold-out is of another population, which may explain this without any copying."


def is_shifted(known: Anchors | None) -> bool:
    """Whether a judge tells train and hold-out apart beyond chance."""
    return known is not None and known.reference_low > SHIFTED


def shift_sentence(known: Anchors | None) -> str:
    """What to tell the reader; empty without a shift."""
    if known is None or not is_shifted(known):
        return ""
    by = f", mostly by {', '.join(repr(n) for n in known.telling)}" if known.telling else ""
    return (
        f"The held-out rows are not like the rows learned from: a trained judge tells them apart "
        f"{in_hundred(known.reference)} times in 100 (50 is guessing){by}. Tests of copying cannot tell that "
        "from copying, so what is no stronger counts as unclear; all other references are off as well. Hold "
        "rows out at random."
    )


def allow_for_shift(results: Sequence[Result], known: Anchors | None, repeated: float = 0.0) -> list[Result]:
    """Results on copying, with those unclear that the shift alone may explain.

    No score can tell members from hold-out rows better than the best judge of the two populations, unless it
    knows the members. So an attack with an area above the judge's (upper end of its interval, and `ROOM`)
    keeps its verdict; one below, and every risk that is measured against the hold-out, becomes unclear where
    it was fair or poor. Exact copies keep theirs when there are more of them than train repeats itself
    (`repeated`, from `locum.evaluation.overlap.repeats`). Nothing changes without a shift.
    """
    if known is None or not is_shifted(known):
        return list(results)
    limit = known.reference_high + ROOM
    strong = {r.name for r in results if r.target == 0.5 and r.name != "copying.distance" and r.value > limit}
    copies = next((r for r in results if r.name == "copying.exact"), None)
    if copies is not None and (copies.value if copies.low is None else copies.low) > repeated + LEAST_EXCESS:
        strong.add(copies.name)
    return [_qualify(r, strong) for r in results]


def _qualify(result: Result, strong: set[str]) -> Result:
    bad = result.question == "private" and result.verdict in ("fair", "poor")
    if not bad or result.name == "attack.canaries" or result.name in strong:
        return result
    if result.name == "attack.worst":
        left = [c["verdict"] for c in result.detail["claims"] if c["attack"] in strong]
        if worst_of(left) in ("fair", "poor"):
            return replace(result, verdict=worst_of(left))
    return replace(result, verdict="unclear", sentence=result.sentence + SUFFIX)
