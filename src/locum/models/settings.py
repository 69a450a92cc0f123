"""Settings of generators: one frozen dataclass per model, with what each setting may be as data.

The same data give the checks, the error texts, the repr and the tables of the reference.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from types import MappingProxyType
from typing import Any, Literal, Self

from locum.errors import UsageError

Kind = Literal["whole", "number", "flag", "text", "object"]
#: Types of each kind, and what to call them.
_KINDS: Mapping[Kind, tuple[Any, str]] = MappingProxyType(
    {
        "whole": (int, "a whole number"),
        "number": (int | float, "a number"),
        "flag": (bool, "true or false"),
        "text": (str, "text"),
        "object": (object, "an object"),
    }
)


@dataclass(frozen=True, slots=True)
class Constraint:
    """What a setting may be, and what it does.

    Attributes
    ----------
    kind
        Its type.
    sentence
        What it does, for the reference.
    low, high
        Range of a number.
    outside
        Ends of the range that do not belong to it: some of ``low``, ``high``.
    choices
        The only possible values, if they can be listed.
    optional
        Whether it may be None.
    """

    kind: Kind
    sentence: str
    low: float = -math.inf
    high: float = math.inf
    outside: tuple[str, ...] = ()
    choices: tuple[Any, ...] = ()
    optional: bool = False

    def allows(self, value: object) -> bool:
        """Whether a value will do."""
        if value is None:
            return self.optional
        numeric = self.kind in ("whole", "number")
        if not isinstance(value, _KINDS[self.kind][0]) or (numeric and isinstance(value, bool)):
            return False
        if self.choices or not numeric:
            return not self.choices or value in self.choices
        above = value > self.low if "low" in self.outside else value >= self.low
        return bool(above and (value < self.high if "high" in self.outside else value <= self.high))

    @property
    def expected(self) -> str:
        """The values that will do, in words."""
        text = " or ".join(str(c) for c in self.choices) or _KINDS[self.kind][1]
        if not self.choices and math.isfinite(self.low):
            text += f" {'above' if 'low' in self.outside else 'from'} {_plain(self.low)}"
        if not self.choices and math.isfinite(self.high):
            before = " and below" if "high" in self.outside else ", at most" if self.outside else " to"
            text += f"{before} {_plain(self.high)}"
        return f"{text}, or None" if self.optional else text


def _plain(value: float) -> str:
    return f"{int(value):,}" if value == value // 1 else f"{value:g}"


def setting(default: Any, kind: Kind, sentence: str, **constraint: Any) -> Any:
    """A field of a `ModelSettings` class; `constraint` as for `Constraint`."""
    return field(default=default, metadata={"constraint": Constraint(kind, sentence, **constraint)})


def whole(default: int | None, low: int, high: int, sentence: str, **more: Any) -> Any:
    """A field for a whole number from `low` to `high`."""
    return setting(default, "whole", sentence, low=low, high=high, **more)


def number(default: float, low: float, high: float, sentence: str, **more: Any) -> Any:
    """A field for a number from `low` to `high`."""
    return setting(default, "number", sentence, low=low, high=high, **more)


def with_default(made_by: type[ModelSettings], name: str, default: Any) -> Any:
    """A field of `made_by` with another default, for a subclass."""
    return field(default=default, metadata={"constraint": made_by.constraints()[name]})


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """Settings of a generator; a subclass names them with `setting`. Nothing can be set here.

    Raises
    ------
    UsageError
        For a value that its constraint does not allow.
    """

    def __post_init__(self) -> None:
        for name, constraint in self.constraints().items():
            value = getattr(self, name)
            if not constraint.allows(value):
                raise UsageError(
                    f"{name}={value!r} is not usable", where="setting", expected=constraint.expected
                )

    @classmethod
    def constraints(cls) -> dict[str, Constraint]:
        """What each setting may be, by name."""
        return {f.name: f.metadata["constraint"] for f in fields(cls)}

    @classmethod
    def of(cls, given: Mapping[str, Any], where: str) -> Self:
        """Settings by name; raises UsageError for an unknown one, with the nearest known one.

        `where` says in the error whose settings they are.
        """
        known = list(cls.constraints())
        for name in given:
            if name not in known:
                close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
                raise UsageError(
                    f"there is no setting {name!r}",
                    where=where,
                    expected=f"one of {', '.join(known)}" if known else "no settings at all",
                    do=f"did you mean {close[0]}?" if close else "leave it out",
                )
        return cls(**given)

    def non_defaults(self) -> dict[str, Any]:
        """The settings that are not at their defaults."""
        return {f.name: v for f in fields(self) if (v := getattr(self, f.name)) != f.default}

    def to_json(self) -> dict[str, Any]:
        """All settings, JSON-ready where their values are."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class BudgetSettings(ModelSettings):
    """Settings of every private generator."""

    epsilon: float = setting(
        1.0,
        "number",
        "Budget of a fit on plain rows (seeded noise, NOT PRIVATE); a ledger's own budget wins over it.",
        low=0.0,
        outside=("low",),
    )
    delta: float = setting(1e-6, "number", "Its delta, likewise.", low=0.0, high=1.0, outside=("low", "high"))
