"""What a user demands of the evidence, and whether it is met: pass, unclear or fail, with the reason.

Limits on named results are written as in ``[require]`` of ``locum.toml``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Literal, get_args

from locum.errors import SchemaError
from locum.evaluation.evidence import Evidence, RequirementCheck
from locum.evaluation.result import Result
from locum.evaluation.use_rules import PREFIX, check_use, read_demand, read_rules, rules_as_json
from locum.evaluation.uses import USES, UseRule, UseWord, uses

Bound = Literal["max", "min"]
BOUNDS: tuple[Bound, ...] = get_args(Bound)


@dataclass(frozen=True, slots=True)
class Requirement:
    """One limit.

    Attributes
    ----------
    name
        Name of a result, e.g. ``c2st`` or ``utility.kept``.
    bound, limit
        ``max``: the result must not be above `limit`; ``min``: not below.
    """

    name: str
    bound: Bound
    limit: float

    @property
    def text(self) -> str:
        """As it is written: ``c2st.max = 0.6``."""
        return f"{self.name}.{self.bound} = {self.limit:g}"


@dataclass(frozen=True, slots=True)
class Requirements:
    """What is demanded. False when nothing is, and no rule is the user's own.

    Attributes
    ----------
    limits
        On results.
    strict
        Lets an unclear one count as failed.
    uses
        Uses, and the least word that each must have.
    rules
        The user's own rules of uses; they demand nothing by themselves.
    """

    limits: tuple[Requirement, ...] = ()
    strict: bool = False
    uses: tuple[tuple[str, UseWord], ...] = ()
    rules: tuple[UseRule, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.limits or self.uses or self.rules)

    def under(self, rules: Sequence[UseRule]) -> Requirements:
        """The same demands with some rules of uses, where there are none of its own."""
        return self if self.rules else replace(self, rules=tuple(rules))

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dictionary, which `requirements` reads."""
        found: dict[str, Any] = {"strict": self.strict}
        found |= {f"{r.name}.{r.bound}": r.limit for r in self.limits}
        found |= {PREFIX + use: word for use, word in self.uses}
        return {**found, "rules": rules_as_json(self.rules)} if self.rules else found


def requirements(given: Requirements | Mapping[str, Any]) -> Requirements:
    """Read limits from nested or dotted keys: ``{"c2st": {"max": 0.6}}`` or ``{"c2st.max": 0.6}``.

    The key ``strict`` alone is a switch, and ``rules`` holds rules of uses (`read_rules`). A key that begins
    with ``use.`` demands ``yes`` or ``with care`` of a use. The last part of every other key is ``max`` or
    ``min``.

    Raises
    ------
    SchemaError
        For another last part, a limit that is not a finite number, or a use that there is not; the message
        names the key.
    """
    if isinstance(given, Requirements):
        return given
    strict = given.get("strict", False)
    if not isinstance(strict, bool):
        raise SchemaError("this value is not possible", where="require.strict", expected="true or false")
    rules = read_rules(given.get("rules", {}))
    rest = list(_flat({key: value for key, value in given.items() if key not in ("strict", "rules")}))
    limits = tuple(_read(key, value) for key, value in rest if not key.startswith(PREFIX))
    demands = tuple(read_demand(key, value) for key, value in rest if key.startswith(PREFIX))
    return Requirements(limits, strict, demands, rules)


def parse_limits(texts: Sequence[str], strict: bool = False) -> Requirements:
    """Read limits as a command line has them: ``c2st.max=0.6``, ``train_model`` or ``teach=with care``.

    Raises
    ------
    SchemaError
        For a text without ``=`` that names no use, or as in `requirements`.
    """
    found: dict[str, Any] = {"strict": strict}
    for text in texts:
        name, equals, number = text.partition("=")
        use = name.strip().removeprefix(PREFIX).replace("-", "_")
        if use in USES or name.strip().startswith(PREFIX):
            found[PREFIX + use] = number.strip() or "yes"
            continue
        try:
            found[name.strip()] = float(number)
        except ValueError as error:
            what = "is no number" if equals else "has no limit"
            raise SchemaError(
                f"{text!r} {what}",
                where="require",
                expected=f"name.max=number, name.min=number, or a use ({', '.join(USES)})",
            ) from error
    return requirements(found)


def _flat(given: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in given.items():
        name = f"{above}.{key}" if above else str(key)
        if isinstance(value, Mapping):
            yield from _flat(value, name)
        else:
            yield name, value


def _read(key: str, value: Any) -> Requirement:
    name, _, bound = key.rpartition(".")
    known = next((b for b in BOUNDS if b == bound), None)
    if not name or known is None:
        raise SchemaError(
            "a requirement ends in max or min", where=f"require.{key}", do=f"write {key}.max or {key}.min"
        )
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise SchemaError("the limit is no number", where=f"require.{key}", expected="a finite number")
    return Requirement(name, known, float(value))


def with_demands(evidence: Evidence, wanted: Requirements) -> Evidence:
    """The evidence with its uses, and held against what is demanded of it (`check`, `check_use`)."""
    found = uses(evidence.answers, evidence.results, wanted.rules)
    of_uses = (check_use(found, use, least, wanted.strict) for use, least in wanted.uses)
    return replace(evidence, uses=found, requirements=(*check(evidence.results, wanted), *of_uses))


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
            wanted.name,
            wanted.bound,
            wanted.limit,
            "fail",
            f"{wanted.name} was not measured, so nobody can say that it is {sign} {wanted.limit:g}.{hint}",
        )
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
    )
