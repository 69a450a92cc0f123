"""The exceptions that locum raises, and nothing else.

::

    LocumError
    ├── UsageError        the call itself is off (bad option, negative seed, --rows 0)        exit 2
    │   ├── FolderError   an output place cannot be used (exists, not writable, no space)     exit 2
    │   └── ContentError  too little is known of private columns; nothing was spent           exit 2
    ├── DataError         the data cannot be read or does not fit the schema                  exit 1
    │   └── SchemaError   a schema contradicts itself or the data                             exit 1
    ├── FileFormatError   a model file or run folder is broken, hostile or from the future    exit 1
    ├── BudgetError       a step costs more privacy budget than is left; nothing was touched     exit 1
    ├── LeakError         something would leave that was not declared, public or paid for       exit 1
    ├── FeasibilityError  the request would not finish in the given time or memory            exit 1
    └── NotFittedError    sample or save before fit                                           exit 2

Every message answers four questions: where, what, what was expected, what to do. Build it with the
keyword arguments so that the command line, JSON output and Python all show the same words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar


class LocumError(Exception):
    """Base class: what went wrong, where, and what to do about it.

    Parameters
    ----------
    what
        One plain sentence without a final stop, e.g. ``312 of 40,000 values are not dates``.
    where
        The place: file, table, column, option. Empty when there is none.
    examples
        Up to three offending values, already masked by :func:`mask` when they come from data.
    expected
        What would have been right.
    do
        What the user can do next, as an imperative.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self, what: str, *, where: str = "", examples: Sequence[str] = (), expected: str = "", do: str = ""
    ) -> None:
        self.what = what
        self.where = where
        self.examples = tuple(examples[:3])
        self.expected = expected
        self.do = do
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The whole message on one line."""
        text = f"{self.where}: {self.what}" if self.where else self.what
        if self.examples:
            text += f" (e.g. {', '.join(self.examples)})"
        parts = [text]
        if self.expected:
            parts.append(f"Expected {self.expected}")
        if self.do:
            parts.append(self.do[:1].upper() + self.do[1:])
        return " ".join(part if part.endswith((".", "?", "!")) else f"{part}." for part in parts)

    def to_json(self) -> dict[str, object]:
        """The same message as a JSON-ready dictionary."""
        return {
            "error": type(self).__name__,
            "what": self.what,
            "where": self.where,
            "examples": list(self.examples),
            "expected": self.expected,
            "do": self.do,
        }


class UsageError(LocumError):
    """The call itself is off: a bad option, a negative seed, zero rows."""

    exit_code = 2


class FolderError(UsageError):
    """An output place cannot be used: it exists, is not writable, or is full."""


class ContentError(UsageError):
    """Too little is known of what private columns may hold; nothing was spent. `gaps` names the columns."""

    def __init__(self, what: str, *, gaps: Sequence[str] = (), **told: Any) -> None:
        self.gaps = tuple(gaps)
        super().__init__(what, **told)


class NotFittedError(UsageError):
    """A method that needs a fitted object was called before ``fit``."""


class DataError(LocumError):
    """The data cannot be read, or does not fit what was said about it."""


class SealedError(DataError):
    """Work on private rows failed; what exactly is kept back, for it may quote a value."""


class SchemaError(DataError):
    """A schema contradicts itself or the data."""


class FileFormatError(LocumError):
    """A model file or run folder is broken, hostile, or from a newer version."""


class LineageWarning(UserWarning):
    """A generator is about to learn from rows that a generator made and nobody verified."""


class ReadingWarning(UserWarning):
    """Something of the data was read in a way that should be known, or will not come back as it was."""


class GuaranteeWarning(UserWarning):
    """Rows of a model under a guarantee of privacy have lost it, because other rows went in."""


class BudgetError(LocumError):
    """A step would cost more of the privacy budget than is left; the data were not touched for it."""


class LeakError(LocumError):
    """Something would leave that was neither declared, nor public, nor paid for out of the budget."""


class FeasibilityError(LocumError):
    """The request would not finish in the time or memory given."""


def mask(value: object, keep: int = 2) -> str:
    """Show the shape of a value without showing the value.

    Letters become ``x``, digits ``9``; the first `keep` characters stay, at most 24 are shown.

    >>> mask("alice@example.org")
    '"alxxx@xxxxxxx.xxx"'
    """
    text = str(value)[:24]
    head, tail = text[:keep], text[keep:]
    hidden = "".join("9" if c.isdigit() else "x" if c.isalpha() else c for c in tail)
    return f'"{head}{hidden}"'
