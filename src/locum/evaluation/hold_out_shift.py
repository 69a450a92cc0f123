"""A hold-out of another population than the rows learned from: what it explains without any copying."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

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
    """Results on copying, with those doubted whose finding the shift alone may explain.

    No score can tell members from hold-out rows better than the best judge of the two populations, unless it
    knows the members. So an attack with an area above the judge's (upper end of its interval, and `ROOM`)
    is not doubted; one below is, and so is every risk that is measured against the hold-out. Exact copies are
    not when there are more of them than train repeats itself (`repeated`, from
    `locum.evaluation.overlap.repeats`). Nothing changes without a shift.
    """
    if known is None or not is_shifted(known):
        return list(results)
    limit = known.reference_high + ROOM
    strong = {r.name for r in results if r.target == 0.5 and r.name != "copying.distance" and r.value > limit}
    strong.add("attack.canaries")
    copies = next((r for r in results if r.name == "copying.exact"), None)
    if copies is not None and (copies.value if copies.low is None else copies.low) > repeated + LEAST_EXCESS:
        strong.add(copies.name)
    return [
        replace(r, doubted=SUFFIX) if r.question == "private" and r.name not in strong else r for r in results
    ]
