"""Verifiers by name, so that a plan in TOML can use them; recipes register theirs with `register`."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from locum.text.failures import Lost, PlanError
from locum.text.plan.structured import read_json
from locum.text.plan.template import Template
from locum.text.verify.base import AskingVerifier, Verdict, Verifier

#: Longest text that a regular expression is tried on: the time of some grows faster than the length.
_MAX_REGEX_TEXT = 20_000

Maker = Callable[..., Verifier | AskingVerifier]


@dataclass(frozen=True, slots=True)
class Regex:
    """Passes what a regular expression finds anywhere, or matches whole, or (`absent`) does not find."""

    pattern: str
    whole: bool = False
    absent: bool = False

    def verify(self, item: Any, row: Mapping[str, Any]) -> Verdict:
        """See `Verifier`."""
        text = str(item)
        if len(text) > _MAX_REGEX_TEXT:
            return Verdict(False, f"longer than {_MAX_REGEX_TEXT} characters")
        try:
            found = (re.fullmatch if self.whole else re.search)(self.pattern, text)
        except re.error as error:
            return Verdict(False, f"no regular expression: {error}")
        if (found is None) == self.absent:
            return Verdict(True)
        return Verdict(False, "matches what it must not" if self.absent else "does not match")


@dataclass(frozen=True, slots=True)
class Length:
    """Passes texts of so many characters and words; both ends are in it."""

    min_chars: int = 0
    max_chars: int = 1_000_000_000
    min_words: int = 0
    max_words: int = 1_000_000_000

    def verify(self, item: Any, row: Mapping[str, Any]) -> Verdict:
        """See `Verifier`."""
        text = str(item)
        chars, words = len(text), len(text.split())
        if not self.min_chars <= chars <= self.max_chars:
            return Verdict(False, f"{chars} characters")
        if not self.min_words <= words <= self.max_words:
            return Verdict(False, f"{words} words")
        return Verdict(True)


@dataclass(frozen=True, slots=True)
class JsonSchema:
    """Passes JSON (a value, or text that holds one) of a schema."""

    schema: dict[str, Any]

    def verify(self, item: Any, row: Mapping[str, Any]) -> Verdict:
        """See `Verifier`."""
        import json

        try:
            read_json(item if isinstance(item, str) else json.dumps(item), self.schema)
        except Lost as lost:
            return Verdict(False, str(lost))
        return Verdict(True)


class ExpressionCheck:
    """Passes when a Jinja expression over ``value`` and the other columns is true."""

    def __init__(self, expression: str) -> None:
        self._holds = Template(expression, "check", expression=True)

    def verify(self, item: Any, row: Mapping[str, Any]) -> Verdict:
        """See `Verifier`."""
        try:
            holds = self._holds({**row, "value": item})
        except Lost as lost:
            return Verdict(False, lost.detail)
        return Verdict(bool(holds), "" if holds else "the expression does not hold")


class PythonSyntax:
    """Passes text that parses as Python. Nothing is run."""

    def verify(self, item: Any, row: Mapping[str, Any]) -> Verdict:
        """See `Verifier`."""
        fault = python_fault(str(item))
        return Verdict(not fault, fault)


def python_fault(source: str) -> str:
    """Why a text is no Python module; empty when it is one with at least one statement. Nothing is run."""
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"{type(error).__name__} in line {getattr(error, 'lineno', None) or '?'}"
    return "" if tree.body else "no statement"


_MAKERS: dict[str, Maker] = {
    "regex": Regex,
    "length": Length,
    "json_schema": JsonSchema,
    "expression": ExpressionCheck,
    "python": PythonSyntax,
}

#: Verifiers that are loaded when a plan first names them.
_ELSEWHERE: Mapping[str, str] = {
    "language": "verify.language.Language",
    "equations": "verify.arithmetic.EquationCheck",
    "answer": "verify.arithmetic.NumericAnswer",
    "tests": "verify.code.PassesTests",
    "label": "verify.classifier.Label",
    "sentiment": "verify.phrases.Sentiment",
    "civil": "verify.phrases.Civil",
    "no_personal_data": "verify.phrases.NoPersonalData",
    "refusal": "verify.phrases.Refusal",
    "no_loop": "verify.repetition.NoLoop",
    "judge": "verify.by_model.JudgeVerifier",
    "round_trip": "verify.by_model.RoundTrip",
    "agrees": "verify.by_model.Agrees",
    "attributes": "verify.attributes.HasAttributes",
    "uncontaminated": "curate.overlap.Uncontaminated",
}


def register(name: str, maker: Maker) -> None:
    """Offer a verifier to plans under a name. `maker` takes the check's parameters by keyword.

    Meant to be called where the verifier is defined, once; the same name again must mean the same maker.

    Raises
    ------
    PlanError
        When the name is taken.
    """
    if name in _ELSEWHERE or _MAKERS.get(name, maker) is not maker:
        raise PlanError(f"the verifier {name!r} exists already", where="verifiers")
    _MAKERS[name] = maker


def names() -> tuple[str, ...]:
    """Names of all verifiers."""
    return (*_MAKERS, *_ELSEWHERE)


def make(name: str, params: Mapping[str, Any]) -> Verifier | AskingVerifier:
    """The verifier of that name with those parameters.

    Raises
    ------
    PlanError
        For an unknown name or parameters that do not fit.
    """
    if name not in names():
        raise PlanError(f"there is no verifier {name!r}", where="checks", expected=", ".join(names()))
    maker = _MAKERS.get(name)
    if maker is None:
        module, _, attribute = _ELSEWHERE[name].rpartition(".")
        maker = getattr(import_module(f"locum.text.{module}"), attribute)
    try:
        return maker(**params)
    except TypeError as error:
        raise PlanError(f"the parameters of {name!r} do not fit: {error}", where="checks") from error
