"""ROUGE-L: likeness of two texts by their longest common subsequence of words (Lin 2004)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_WORD = re.compile(r"\w+")


def words(text: str, most: int = 400) -> list[str]:
    """Lower-case words, the first `most`."""
    return _WORD.findall(text.lower())[:most]


def rouge_l(one: Sequence[str], other: Sequence[str]) -> float:
    """F-measure of the longest common subsequence, 0 to 1; 0 when either is empty.

    Cost: one step of an integer as wide as `other` for each word of `one` (Crochemore et al. 2001).
    """
    if not one or not other:
        return 0.0
    places: dict[str, int] = {}
    for i, word in enumerate(other):
        places[word] = places.get(word, 0) | (1 << i)
    full = (1 << len(other)) - 1
    row = full
    for word in one:
        match = row & places.get(word, 0)
        row = ((row + match) | (row - match)) & full
    common = len(other) - row.bit_count()
    return 2 * common / (len(one) + len(other))


class Likeness:
    """Texts that were kept, to be asked how like a new one is to the likest of them.

    Parameters
    ----------
    threshold
        ROUGE-L from which on a text is too like; 0.7 in Self-Instruct.
    """

    def __init__(self, threshold: float = 0.7) -> None:
        self._threshold = threshold
        self._kept: list[tuple[list[str], Counter[str]]] = []

    def add(self, text: str) -> None:
        """Keep a text."""
        split = words(text)
        self._kept.append((split, Counter(split)))

    def new(self, text: str) -> bool:
        """Whether no kept text is too like; the text is kept then."""
        if self.too_like(text):
            return False
        self.add(text)
        return True

    def too_like(self, text: str) -> bool:
        """Whether a kept text is at the threshold or above.

        The words in common bound the subsequence, so most pairs cost one pass over their counts.
        """
        split = words(text)
        counts = Counter(split)
        for kept, their in self._kept:
            total = len(split) + len(kept)
            if not total:
                continue
            bound = 2 * min(len(split), len(kept)) / total
            if bound < self._threshold:
                continue
            if 2 * sum((counts & their).values()) / total < self._threshold:
                continue
            if rouge_l(split, kept) >= self._threshold:
                return True
        return False
