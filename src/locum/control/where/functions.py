"""The functions that a condition may use: what each takes and what it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from locum.control.where.names import Sort

#: What an argument may be: a sort of value, ``text`` (a label, a text, or a whole number written out), or a
#: literal that is given with the call.
Argument = Literal["number", "moment", "text", "literal number", "literal text"]

#: Argument in words.
WORDS: Mapping[Argument, str] = {
    "number": "a number",
    "moment": "a date",
    "text": "a text or a label",
    "literal number": "a whole number such as 3",
    "literal text": "a text in single quotes",
}


@dataclass(frozen=True, slots=True)
class Function:
    """One function.

    Attributes
    ----------
    arguments
        What each place takes.
    gives
        What comes out.
    least
        Fewest arguments; None when every place must be filled.
    repeats
        Whether the last place can be filled any number of times.
    """

    arguments: tuple[Argument, ...]
    gives: Sort
    least: int | None = None
    repeats: bool = False

    def argument(self, place: int) -> Argument:
        """What the argument at a place, from 0, may be."""
        return self.arguments[min(place, len(self.arguments) - 1)]

    def takes(self, count: int) -> bool:
        """Whether it can be called with so many arguments."""
        least = len(self.arguments) if self.least is None else self.least
        return least <= count and (self.repeats or count <= len(self.arguments))


_PART = Function(("moment",), "number")
_CLOCK: tuple[Argument, ...] = ("number",) * 6
_CHANGE = Function(("text",), "label")

#: Parts of a date, as numbers.
DATE_PARTS = (
    "year",
    "quarter",
    "month",
    "week",
    "day",
    "weekday",
    "dayofyear",
    "hour",
    "minute",
    "second",
)

FUNCTIONS: Mapping[str, Function] = {
    **dict.fromkeys(DATE_PARTS, _PART),
    "date": Function(("moment",), "moment"),
    "age": Function(("moment", "moment"), "number"),
    "moment": Function(_CLOCK, "moment", least=3),
    "exists": Function(_CLOCK, "truth", least=3),
    "number": Function(("text",), "number"),
    "floor": Function(("number",), "number"),
    "abs": Function(("number",), "number"),
    "concat": Function(("text",), "label", repeats=True),
    "lower": _CHANGE,
    "upper": _CHANGE,
    "ascii": _CHANGE,
    "left": Function(("text", "literal number"), "label"),
    "right": Function(("text", "literal number"), "label"),
    "word": Function(("text", "literal number"), "label"),
    "before": Function(("text", "literal text"), "label"),
    "after": Function(("text", "literal text"), "label"),
    "pad": Function(("text", "literal number"), "label"),
}


def nearest_functions(name: str) -> Sequence[str]:
    """Functions whose name looks like `name`, at most one."""
    return get_close_matches(name.lower(), FUNCTIONS, n=1, cutoff=0.6)
