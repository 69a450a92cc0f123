"""Variations of a text without a model to download: words are masked and filled in from public texts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from locum.errors import DataError
from locum.evaluation.text.words import Words, split


class Varier(Protocol):
    """Writes texts and rewrites them. Sees public texts and earlier candidates, never a private text."""

    def write(self, label: str, n: int, rng: np.random.Generator) -> list[str]:
        """`n` fresh texts of a class."""
        ...

    def vary(self, text: str, label: str, n: int, rng: np.random.Generator) -> list[str]:
        """`n` variations of a text."""
        ...


class NGramFiller:
    """A trigram model of public texts that writes texts and fills in masked words.

    Parameters
    ----------
    public
        Texts that owe nothing to the private ones: of another source, or declared public.
    share
        Part of the words that is masked in one variation; 0.5 in Aug-PE.
    length
        Words of a fresh text; of several numbers one is drawn for each text.

    Raises
    ------
    DataError
        When the public texts hold fewer than 100 words.

    Notes
    -----
    A masked word is drawn in proportion to how often it follows the two words to its left (the new ones),
    times 5 where it also comes before the word to its right. After unknown words the last word alone counts,
    then single words. Source: fill-in-the-blanks of Aug-PE (Xie et al. 2024) and PrE-Text (Hou et al. 2024),
    with counts in place of a masked language model.
    """

    def __init__(
        self, public: Sequence[str], *, share: float = 0.5, length: int | Sequence[int] = 40
    ) -> None:
        self._share, self._lengths = share, [length] if isinstance(length, int) else list(length)
        self._after: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        total = 0
        for text in public:
            words = split(text)
            total += len(words)
            for i, word in enumerate(words):
                for n in (0, 1, 2):
                    if i >= n:
                        self._after[tuple(words[i - n : i])][word] += 1
        if total < 100:
            raise DataError("the public texts are too short", where="public", expected="100 words or more")
        self._after.default_factory = None
        self._words = list(self._after[()])
        self._ends = np.cumsum(np.array(list(self._after[()].values()), dtype=np.float64))

    def write(self, label: str, n: int, rng: np.random.Generator) -> list[str]:
        """`n` texts by the model; the class plays no part, its votes alone shape the texts."""
        several = len(self._lengths) > 1
        lengths = (int(rng.choice(self._lengths)) if several else self._lengths[0] for _ in range(n))
        return [join(self._fill([None] * length, rng)) for length in lengths]

    def vary(self, text: str, label: str, n: int, rng: np.random.Generator) -> list[str]:
        """`n` texts, each with another `share` of the words filled in anew."""
        words = split(text)
        out = []
        for _ in range(n):
            keep = rng.random(len(words)) >= self._share
            out.append(join(self._fill([w if k else None for w, k in zip(words, keep, strict=True)], rng)))
        return out

    def _fill(self, words: Sequence[str | None], rng: np.random.Generator) -> Words:
        done: Words = []
        for i, word in enumerate(words):
            right = words[i + 1] if i + 1 < len(words) else None
            done.append(word if word is not None else self._draw(done, right, rng))
        return done

    def _draw(self, left: Words, right: str | None, rng: np.random.Generator) -> str:
        for n in (2, 1):
            found = self._after.get(tuple(left[-n:])) if len(left) >= n else None
            # a single continuation would copy the public text word for word
            if found is not None and (len(found) > 1 or n == 1):
                names = list(found)
                weights = np.array(list(found.values()), dtype=np.float64)
                if right is not None:
                    weights *= [5.0 if right in self._after.get((w,), ()) else 1.0 for w in names]
                return names[int(rng.choice(len(names), p=weights / weights.sum()))]
        place = int(np.searchsorted(self._ends, rng.random() * self._ends[-1], side="right"))
        return self._words[min(place, len(self._words) - 1)]


def join(words: Words) -> str:
    """Words as a text, marks of punctuation next to the word before."""
    out = ""
    for word in words:
        out += word if not out or word in ".,!?;:)%" else " " + word
    return out
