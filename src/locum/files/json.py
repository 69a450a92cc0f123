"""JSON from files that nobody vouches for: size, nesting and number of parts are bounded before parsing."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

import numpy as np

from locum.errors import FileFormatError

#: No document of ours nests deeper than about ten.
MAX_DEPTH = 64
#: Upper bound on values in one document; parsed, each costs at most some 70 bytes.
MAX_VALUES = 4_000_000
_STEP = 1 << 20

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def dump(value: Any) -> bytes:
    """Compact UTF-8 JSON with sorted keys: the same value gives the same bytes.

    Raises
    ------
    ValueError
        For NaN and infinities, which JSON has no words for.
    """
    text = json.dumps(value, allow_nan=False, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return text.encode("ascii")


def pretty(value: Any) -> str:
    """JSON for people: indented, keys in the order given, one line end at the end."""
    return json.dumps(value, allow_nan=False, ensure_ascii=False, indent=2) + "\n"


def load(content: bytes, where: str) -> Any:
    """Parse JSON from an untrusted file.

    Memory is bounded by `MAX_VALUES` and the length of `content`; time is linear in the length.

    Raises
    ------
    FileFormatError
        When it is not JSON, nests deeper than `MAX_DEPTH`, holds more than `MAX_VALUES` values, a number that
        is not finite, or text that is no text (lone surrogates).
    """
    _check_structure(content, where)
    try:
        value = json.loads(content.decode("utf-8"), parse_float=_finite, parse_constant=_refuse)
        if _SURROGATE.search(content):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        # UnicodeDecodeError, UnicodeEncodeError and JSONDecodeError are ValueErrors; their words may quote
        # the content, so only the kind of error is passed on.
        reason = error.msg if isinstance(error, json.JSONDecodeError) else type(error).__name__
        raise FileFormatError(
            f"not readable as JSON: {reason}", where=where, do="use an intact file"
        ) from None
    return value


def _check_structure(content: bytes, where: str) -> None:
    """Count brackets and commas outside strings, in pieces, so that the check itself stays small.

    With escaped backslashes and escaped quotes gone, text is what lies behind an odd number of quotes. For
    bytes that are no JSON the count may be off, but it is right up to the place where the parser stops.
    """
    plain = np.frombuffer(content.replace(rb"\\", b"").replace(rb"\"", b""), dtype=np.uint8)
    quotes = depth = deepest = values = 0
    for start in range(0, plain.size, _STEP):
        part = plain[start : start + _STEP]
        behind = quotes + np.cumsum(part == ord('"'), dtype=np.int64)
        quotes = int(behind[-1])
        part = np.where(behind & 1, np.uint8(ord(" ")), part)
        opens = (part == ord("[")) | (part == ord("{"))
        closes = (part == ord("]")) | (part == ord("}"))
        levels = depth + np.cumsum(opens.astype(np.int8) - closes.astype(np.int8), dtype=np.int64)
        depth, deepest = int(levels[-1]), max(deepest, int(levels.max()))
        values += int(np.count_nonzero(part == ord(","))) + int(np.count_nonzero(opens))
    if deepest > MAX_DEPTH:
        raise FileFormatError(
            f"nested {deepest} levels deep",
            where=where,
            expected=f"at most {MAX_DEPTH}",
            do="use an intact file",
        )
    if values > MAX_VALUES:
        raise FileFormatError(
            f"{values:,} values", where=where, expected=f"at most {MAX_VALUES:,}", do="use an intact file"
        )


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("number out of range")
    return value


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")
