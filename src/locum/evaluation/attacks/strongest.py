"""All copying tests and attacks in one sentence: how many found something, and the strongest of them."""

from __future__ import annotations

from collections.abc import Sequence

from locum.evaluation.claim import Claim
from locum.evaluation.decision import LEVEL, has_say, level_of
from locum.evaluation.registry import result_of
from locum.evaluation.result import ORDER, Result, worst_of
from locum.wording import count


def strongest(results: Sequence[Result], effort: str, left: Sequence[str], overlap: str = "") -> Result:
    """``attack.worst``: what judged copying tests and attacks come to, with all their claims.

    It repeats verdicts and makes none: its verdict is the worst of theirs.
    """
    private = [r for r in results if r.question == "private" and has_say(r)]
    claims = [(r, c) for r in private for c in r.claims]
    claims.sort(key=lambda pair: (ORDER.index(_level(*pair)), pair[1].corrected, -strength(pair[1])))
    found = [r for r in private if r.verdict in ("poor", "middling")]
    top, claim = claims[0] if claims else (None, None)
    value = strength(claim) if claim is not None and found else 0.0
    tests = count(len(private), "copying test and attack", "copying tests and attacks")
    sentence = f"None of {tests} found anything"
    if found and top is not None:
        sentence = f"{len(found)} of {tests} found something. {top.sentence.removesuffix('.')}"
    elif top is not None and claim is not None and claim.corrected <= LEVEL:
        sentence += f" that matters; the strongest, {top.title.lower()}, is beyond chance"
        sentence += ", but may have another cause" if top.doubted else ", but weak"
    elif top is not None:
        sentence += " beyond chance once their number is allowed for"
    return result_of(
        "attack.worst",
        value,
        sentence + "." + (f" {overlap}" if overlap else ""),
        reference=0.0,
        verdict=worst_of([r.verdict for r in private]),
        detail={
            "effort": effort,
            "attack": "" if top is None else top.name,
            "title": "" if top is None else top.title,
            "claims": [
                {
                    "attack": r.name,
                    "title": r.title,
                    "measure": c.scale,
                    "of": c.of,
                    "effect": c.effect,
                    "low": c.low,
                    "high": c.high,
                    "p": c.p,
                    "p_corrected": c.corrected,
                    "verdict": _level(r, c),
                }
                for r, c in claims
            ],
            "not_tried": list(left),
            **({"overlap": overlap} if overlap else {}),
        },
    )


def summed_up(results: Sequence[Result]) -> list[Result]:
    """Judged results with ``attack.worst`` made anew, so that it repeats what they say now."""
    out = list(results)
    for i, old in enumerate(out):
        if old.name == "attack.worst":
            told = {"overlap": "", **old.detail}
            out[i] = strongest(results, told["effort"], told["not_tried"], told["overlap"])
    return out


def _level(result: Result, claim: Claim) -> str:
    """What a claim shows, but nothing worse than its result does, which may be doubted."""
    own = level_of(claim)
    return own if ORDER.index(own) >= ORDER.index(result.verdict) else result.verdict


def strength(claim: Claim) -> float:
    """Effect from 0 (chance) to 1 (certain), whatever its scale."""
    value = claim.effect
    if claim.scale in ("area", "outlying area"):
        value = 2 * value - 1
    elif claim.scale == "found at 1 %":
        value = (value - 0.01) / 0.99
    return float(min(1.0, max(0.0, value)))
