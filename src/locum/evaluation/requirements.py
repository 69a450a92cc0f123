"""Do the results meet what a user demands: pass, unclear or fail, never without the reason."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Literal

from locum.evaluation.evidence import RequirementCheck
from locum.evaluation.result import Result
from locum.schema.require import Requirement, Requirements


def check(results: Sequence[Result], wanted: Requirements) -> tuple[RequirementCheck, ...]:
    """Hold results against limits.

    ``pass`` when the whole 95 % interval keeps the limit, ``fail`` when the whole interval breaks it,
    ``unclear`` when the limit lies inside; without an interval the value alone decides. A result that was not
    measured fails, for a demand that nobody tested is not met. Under `Requirements.strict` unclear is fail.
    """
    by_name = {r.name: r for r in results}
    return tuple(_check(by_name, limit, wanted.strict) for limit in wanted.limits)


def _check(by_name: dict[str, Result], wanted: Requirement, strict: bool) -> RequirementCheck:
    result = by_name.get(wanted.name)
    sign = "at most" if wanted.bound == "max" else "at least"
    if result is None:
        near = get_close_matches(wanted.name, list(by_name), n=1, cutoff=0.6)
        hint = f" Did you mean {near[0]}?" if near else ""
        return RequirementCheck(
            wanted.name, wanted.bound, wanted.limit, "fail",
            f"{wanted.name} was not measured, so nobody can say that it is {sign} {wanted.limit:g}.{hint}",
        )  # fmt: skip
    low = result.value if result.low is None else result.low
    high = result.value if result.high is None else result.high
    if wanted.bound == "max":
        kept, broken = high <= wanted.limit, low > wanted.limit
    else:
        kept, broken = low >= wanted.limit, high < wanted.limit
    value = f"{wanted.name} is {result.value:.4g}"
    if result.low is not None and result.high is not None:
        value += f" (95 % interval {low:.4g} to {high:.4g})"
    asked = f"{sign} {wanted.limit:g} is required"
    verdict: Literal["pass", "unclear", "fail"]
    if kept:
        verdict, sentence = "pass", f"{value}; {asked}."
    elif broken:
        verdict, sentence = "fail", f"{value}, but {asked}."
    else:
        verdict = "fail" if strict else "unclear"
        sentence = f"{value}; {asked}, and the rows do not suffice to tell."
        if strict:
            sentence = sentence[:-1] + ", which counts as failed (strict)."
    return RequirementCheck(
        wanted.name, wanted.bound, wanted.limit, verdict, sentence, result.value, result.low, result.high
    )  # fmt: skip
