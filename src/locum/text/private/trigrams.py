"""A trigram model of public texts that a private text can be shown to: a language model without weights."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np

from locum.arrays import FloatArray
from locum.errors import DataError
from locum.evaluation.text.words import split
from locum.text.private.masked_words import join
from locum.text.private.prediction import Tokens

#: Token that ends a text.
END = 0


class NGramModel:
    """Next words by counts, for `locum.text.private.prediction.predict`.

    Parameters
    ----------
    public
        Texts that owe nothing to the private ones. They give all counts and the whole vocabulary: no word of
        a private text that they lack can ever be written.
    weight
        Part of the next word that a shown private text decides.
    most
        Commonest words that are kept.

    Raises
    ------
    DataError
        When the public texts hold fewer than 100 words.

    Notes
    -----
    Public: trigrams mixed with bigrams and single words (Witten and Bell 1991). A private text adds
    `weight` times: words that follow the last word in it (7 of 10 parts, where that word is in it), and all
    its words (the rest). Ours; it stands in for a model that imitates an example in its prompt.
    """

    def __init__(self, public: Sequence[str], *, weight: float = 0.8, most: int = 5000) -> None:
        texts = [split(t) for t in public]
        counts = Counter(w for t in texts for w in t)
        if counts.total() < 100:
            raise DataError("the public texts are too short", where="public", expected="100 words or more")
        self._weight = weight
        self._words = ["", *(w for w, _ in counts.most_common(most))]
        self._place = {w: i for i, w in enumerate(self._words)}
        single = np.array([len(texts), *(counts[w] for w in self._words[1:])], dtype=np.float64)
        self._single = single / single.sum()
        self._after: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
        for text in texts:
            coded = [*self._code(text), END]
            for i, word in enumerate(coded):
                for n in (1, 2):
                    if i >= n and word >= 0:
                        self._after[tuple(coded[i - n : i])][word] += 1
        self._after.default_factory = None
        self._shown = lru_cache(maxsize=4096)(self._read)

    @property
    def end(self) -> frozenset[int]:
        """Tokens that end a text."""
        return frozenset((END,))

    def public(self, written: Sequence[int]) -> tuple[Tokens, FloatArray]:
        """All words and their log-probabilities after what was written."""
        chance = self._single
        for n in (1, 2):
            found = self._after.get(tuple(written[-n:])) if len(written) >= n else None
            if found:
                seen = np.zeros(len(chance))
                seen[list(found)] = list(found.values())
                chance = (seen + len(found) * chance) / (found.total() + len(found))
        return np.arange(len(chance), dtype=np.int64), np.log(chance)

    def private(self, text: str, written: Sequence[int], tokens: Tokens) -> FloatArray:
        """Log-probabilities of `tokens` when `text` was shown, up to a constant."""
        public = self.public(written)[1]
        all_words, follow = self._shown(text)
        shown = np.zeros(len(public))
        if all_words:
            near = follow.get(written[-1]) if written else None
            for part, found in ((0.3 if near else 1.0, all_words), (0.7, near)):
                if found:
                    shown[list(found)] += part * np.array(list(found.values())) / found.total()
        odds = self._weight / (1 - self._weight)
        return np.asarray((public + np.log1p(odds * shown / np.exp(public)))[tokens])

    def text(self, written: Sequence[int]) -> str:
        """Words as text."""
        return join([self._words[i] for i in written])

    def _code(self, words: Sequence[str]) -> list[int]:
        """Numbers of words; -1 for those that are not in the vocabulary."""
        return [self._place.get(w, -1) for w in words]

    def _read(self, text: str) -> tuple[Counter[int], dict[int, Counter[int]]]:
        coded = [*self._code(split(text)), END]
        follow: dict[int, Counter[int]] = {}
        for a, b in pairwise(coded):
            if a >= 0 and b >= 0:
                follow.setdefault(a, Counter())[b] += 1
        return Counter(w for w in coded if w >= 0), follow
