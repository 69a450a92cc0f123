"""Rules of uses as a user writes them in ``[use]`` of ``locum.toml``, and what is demanded of a use."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Literal

from locum.errors import SchemaError
from locum.evaluation.evidence import RequirementCheck, UseAnswer
from locum.evaluation.uses import USE_WORDS, USES, Need, UseRule, UseWord, ValueNeed

_BOUND = re.compile(r"(>=|<=)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*")
#: Words that a rule may ask for, from the best; each is met by those before it.
_ASKED = ("good", "middling")
#: Words that count as good where copying is asked for.
_CLEAR = ("guaranteed", "none found")
#: How a demand on a use begins where limits are written.
PREFIX = "use."


def read_rules(given: Mapping[str, Any]) -> tuple[UseRule, ...]:
    """Rules out of a section such as ``{"train_model": {"utility.kept": ">= .95", "faithful": "good"}}``.

    A rule takes the place of the one that comes with locum. A measure is asked for a value (``>= .95``,
    ``<= .6``: the whole interval has to lie there), a question or a measure for a word: ``good``, or
    ``middling`` for at least that; where copying is asked for, also ``guaranteed``.

    Raises
    ------
    SchemaError
        For a use that there is not, or a demand that cannot be read; the message names the key.
    """
    return tuple(_rule(use_of(key, "use"), wanted) for key, wanted in given.items())


def use_of(key: str, where: str) -> UseRule:
    """The use of that name; raises SchemaError, with the nearest name, when there is none."""
    if key in USES:
        return USES[key]
    near = get_close_matches(key, USES, n=1)
    raise SchemaError(
        f"there is no use {key!r}",
        where=where,
        expected=f"one of {', '.join(USES)}",
        do=f"did you mean {near[0]!r}?" if near else "",
    )


def _rule(use: UseRule, wanted: Any) -> UseRule:
    where = f"use.{use.key}"
    if not isinstance(wanted, Mapping) or not wanted:
        raise SchemaError(
            "a use needs a rule",
            where=where,
            expected='measures and what is asked of each, such as {utility.kept = ">= 0.95"}',
        )
    needs = tuple(_need(name, value, f"{where}.{name}") for name, value in _flat(wanted))
    return UseRule(use.key, use.title, needs)


def _flat(given: Mapping[str, Any], above: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in given.items():
        name = f"{above}.{key}" if above else str(key)
        found += _flat(value, name) if isinstance(value, Mapping) else [(name, value)]
    return found


def _need(name: str, value: Any, where: str) -> Need | ValueNeed:
    text = value.strip() if isinstance(value, str) else ""
    bound = _BOUND.fullmatch(text)
    if bound is not None and math.isfinite(float(bound[2])):
        sign: Literal[">=", "<="] = ">=" if bound[1] == ">=" else "<="
        return ValueNeed(name, sign, float(bound[2]))
    if text not in (*_ASKED, "guaranteed"):
        raise SchemaError(
            f"{value!r} is nothing that can be asked of a measure",
            where=where,
            expected='a limit such as ">= 0.95" or "<= 0.6", or "good" or "middling"',
        )
    fine = {text} if text == "guaranteed" else {*_ASKED[: _ASKED.index(text) + 1], *_CLEAR}
    makes: dict[str, UseWord] = {v: "no" for v in (*_ASKED, *_CLEAR, "poor") if v not in fine}
    makes |= dict.fromkeys(("unclear", "not measured", "not judged"), "not known")
    return Need(name, MappingProxyType(makes))


def rules_as_json(rules: Sequence[UseRule]) -> dict[str, dict[str, str]]:
    """Rules of a user as `read_rules` takes them."""
    return {rule.key: {need.measure: _as_text(need) for need in rule.needs} for rule in rules}


def _as_text(need: Need | ValueNeed) -> str:
    if isinstance(need, ValueNeed):
        return f"{need.sign} {need.limit:.15g}"
    return next((word for word in ("middling", "good") if word not in need.makes), "guaranteed")


def read_demand(name: str, value: Any) -> tuple[str, UseWord]:
    """The use and the least word out of a demand such as ``use.train_model = "with care"``.

    Raises
    ------
    SchemaError
        For a use that there is not, or a word that cannot be demanded.
    """
    key = use_of(name.removeprefix(PREFIX), f"require.{name}").key
    if value not in ("yes", "with care"):
        raise SchemaError(
            f"{value!r} cannot be demanded of a use", where=f"require.{name}", expected='"yes" or "with care"'
        )
    return key, next(word for word in USE_WORDS if word == value)


def check_use(found: Sequence[UseAnswer], key: str, least: UseWord, strict: bool) -> RequirementCheck:
    """Hold one use against a demand: ``unclear`` where it is not known, or ``fail`` if strict."""
    answer = next(a for a in found if a.use == key)
    said = f"{answer.title}: {answer.word}. {answer.sentence}"
    verdict: Literal["pass", "unclear", "fail"]
    if answer.word == "yes" or answer.word == least:
        verdict = "pass"
    elif answer.word == "not known" and not strict:
        verdict = "unclear"
    else:
        verdict = "fail"
        said += f' "{least}" is required.'
    return RequirementCheck(PREFIX + key, "least", least, verdict, said)
