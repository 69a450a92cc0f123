"""Cutting the text of a condition into tokens, each with its place in the text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from locum.errors import UsageError

TokenKind = Literal["name", "number", "text", "word", "op", "end"]

#: Words with a meaning of their own, whatever their case. A column so named is written in double quotes.
WORDS = frozenset(
    {"and", "or", "not", "in", "between", "is", "null", "true", "false", "if", "then", "implies", "unique"}
)
#: Words that mean something only in their place (``a exactly if b``); columns so named are quoted as well.
PHRASES = frozenset({"exactly", "follows", "from", "missing", "together", "within"})
#: Units of a span of time and their length in microseconds; a final ``s`` may follow.
UNITS = {
    "second": 10**6,
    "minute": 60 * 10**6,
    "hour": 3600 * 10**6,
    "day": 86_400 * 10**6,
    "week": 7 * 86_400 * 10**6,
}

_SPACE = re.compile(r"\s+")
_NUMBER = re.compile(r"\d+(?:_\d+)*(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?")
_NAME = re.compile(r"[^\W\d]\w*(?::\w+)?")
_TEXT = re.compile(r"'((?:[^']|'')*)'")
_QUOTED = re.compile(r'"((?:[^"]|"")*)"|`([^`]*)`')
_OP = re.compile(r"<=|>=|<>|!=|==|[=<>+\-*/(),%≤≥≠]")
_SAME = {"==": "=", "<>": "!=", "≤": "<=", "≥": ">=", "≠": "!="}


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of the text.

    Attributes
    ----------
    kind
        What it is; ``word`` is one of `WORDS` in lower case.
    value
        Name, text without quotes, number as written, word or operator.
    start, stop
        Place in the text.
    """

    kind: TokenKind
    value: str
    start: int
    stop: int


def tokens(text: str, columns: Iterable[str] = ()) -> list[Token]:
    """Cut a condition into tokens; the last one is ``end``.

    Parameters
    ----------
    text
        The condition.
    columns
        Column names. Where one of them stands in the text as it is, the longest is taken, so that
        ``hours-per-week >= 40`` needs no quotes; ``a - b`` with blanks is always a difference.

    Raises
    ------
    UsageError
        At a character that cannot begin anything, or a quote that does not end; with the place.
    """
    known = sorted({c for c in columns if c and not _NAME.fullmatch(c)}, key=len, reverse=True)
    out: list[Token] = []
    at = 0
    while at < len(text):
        space = _SPACE.match(text, at)
        if space:
            at = space.end()
            continue
        token = _bare_name(text, at, known) or _plain(text, at)
        if token is None:
            raise fault(text, at, at + 1, _hint(text[at]))
        out.append(token)
        at = token.stop
    out.append(Token("end", "", len(text), len(text)))
    return out


def fault(text: str, start: int, stop: int, what: str, do: str = "", expected: str = "") -> UsageError:
    """The error for a place in a condition, with the place marked by brackets."""
    before, here, after = text[:start], text[start:stop], text[stop:]
    shown = f"{before[-40:]}[{here[:40]}]{after[:40]}".strip()
    return UsageError(what, where=f"{shown}, place {start + 1}", expected=expected, do=do)


def _hint(char: str) -> str:
    if char == "'":
        return "a quoted text does not end"
    if char in '"`':
        return "a quoted column name does not end"
    return f"{char!r} cannot stand here"


def _bare_name(text: str, at: int, columns: list[str]) -> Token | None:
    """A column name with blanks or signs in it, written without quotes."""
    if at and (text[at - 1].isalnum() or text[at - 1] == "_"):
        return None
    for name in columns:
        stop = at + len(name)
        if text.startswith(name, at) and not (
            stop < len(text) and (text[stop].isalnum() or text[stop] == "_")
        ):
            # A name that looks like an expression of its own (a sign first, a number) needs quotes.
            return Token("name", name, at, stop) if name[0].isalpha() or name[0] == "_" else None
    return None


def _plain(text: str, at: int) -> Token | None:
    if match := _TEXT.match(text, at):
        return Token("text", match[1].replace("''", "'"), at, match.end())
    if match := _QUOTED.match(text, at):
        name = match[2] if match[1] is None else match[1].replace('""', '"')
        return Token("name", name, at, match.end())
    if match := _NUMBER.match(text, at):
        return Token("number", match[0].replace("_", ""), at, match.end())
    if match := _NAME.match(text, at):
        word = match[0].lower()
        kind: TokenKind = "word" if word in WORDS else "name"
        return Token(kind, word if kind == "word" else match[0], at, match.end())
    if match := _OP.match(text, at):
        return Token("op", _SAME.get(match[0], match[0]), at, match.end())
    return None


def quote(name: str) -> str:
    """A column name as it is written in a condition."""
    plain = name.replace("_", "a").isalnum() and not name[0].isdigit()
    plain = plain and name.lower() not in WORDS | PHRASES and name.lower().removesuffix("s") not in UNITS
    return name if plain else '"' + name.replace('"', '""') + '"'


def literal(value: Any) -> str:
    """A label, truth value or number as it is written in a condition."""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, int | float) else "'" + str(value).replace("'", "''") + "'"
