"""Looping text, the commonest fault of small models."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from locum.text.verify.base import Verdict


@dataclass(frozen=True, slots=True)
class NoLoop:
    """Passes texts that do not repeat themselves.

    Attributes
    ----------
    most
        Largest share of word 3-grams that are repeats of an earlier one.
    longest
        Most characters of a word, paths and addresses apart.
    """

    most: float = 0.25
    longest: int = 60

    def verify(self, item: Any, row: Mapping[str, Any]) -> Verdict:
        """See `Verifier`."""
        text = str(item)
        words = re.findall(r"\w+", text.lower())
        grams = list(zip(words, words[1:], words[2:], strict=False))
        if grams and 1 - len(set(grams)) / len(grams) > self.most:
            return Verdict(False, "repeats itself")
        if any(len(word) > self.longest and "/" not in word for word in text.split()):
            return Verdict(False, "a word without end")
        raw = text.encode()
        if len(raw) > 200 and len(zlib.compress(raw)) < 0.25 * len(raw):
            return Verdict(False, "repeats itself")
        return Verdict(True)
