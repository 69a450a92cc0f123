"""Texts as words: variety of wording, word order, and runs of words that two collections share."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

Words = list[str]

_WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")


def split(text: str) -> Words:
    """Lower-case words and marks of punctuation, in order."""
    return _WORD.findall(text.lower())


def ngrams(words: Sequence[str], n: int) -> Iterator[tuple[str, ...]]:
    """All runs of `n` words; none when there are fewer."""
    return zip(*(words[i:] for i in range(n)), strict=False)


def distinct(texts: Iterable[Sequence[str]], n: int, most: int) -> float:
    """Share of different runs of `n` words among the first `most` such runs; NaN without any.

    The share falls with the number of runs, so that values are comparable at the same `most` only.
    Source: Li et al. (2016), with a fixed number of runs in place of all.
    """
    seen: set[tuple[str, ...]] = set()
    count = 0
    for words in texts:
        for gram in ngrams(words, n):
            if count == most:
                break
            seen.add(gram)
            count += 1
    return len(seen) / count if count else math.nan


def bleu(words: Sequence[str], most: dict[tuple[str, ...], int], lengths: Sequence[int], n: int = 4) -> float:
    """BLEU of a text against references that are given by the most often each run of words is in one of them.

    Precisions of runs of 1 to `n` words with one added to hits and runs above one word (Lin and Och 2004,
    smoothing 1 of Chen and Cherry is not used), brevity penalty of the closest length. 0 for an empty text.
    """
    if not words or not lengths:
        return 0.0
    total = 0.0
    for size in range(1, n + 1):
        counts = Counter(ngrams(words, size))
        hits = sum(min(c, most.get(g, 0)) for g, c in counts.items())
        runs = sum(counts.values())
        extra = 0 if size == 1 else 1
        if hits + extra == 0:
            return 0.0
        total += math.log((hits + extra) / (runs + extra))
    closest = min(lengths, key=lambda length: (abs(length - len(words)), length))
    return math.exp(total / n + min(0.0, 1 - closest / len(words)))


def self_bleu(texts: Sequence[Sequence[str]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """BLEU of each text with all others as references, float64, shape (n,): high means alike.

    Source: Zhu et al. (2018), Texygen. The highest and second highest count of each run of words make the
    references "all others" cost one pass. Cost grows with the number of words, not with pairs of texts.
    """
    first: dict[tuple[str, ...], int] = {}
    second: dict[tuple[str, ...], int] = {}
    counted = [Counter(g for n in range(1, 5) for g in ngrams(t, n)) for t in texts]
    for counts in counted:
        for gram, c in counts.items():
            top = first.get(gram, 0)
            if c > top:
                first[gram], second[gram] = c, top
            elif c > second.get(gram, 0):
                second[gram] = c
    lengths = [len(t) for t in texts]
    scores = np.zeros(len(texts))
    for i, (words, counts) in enumerate(zip(texts, counted, strict=True)):
        others = {g: second[g] if c == first[g] else first[g] for g, c in counts.items()}
        scores[i] = bleu(words, others, lengths[:i] + lengths[i + 1 :])
    return scores


def known_pairs(texts: Sequence[Sequence[str]], known: set[tuple[str, ...]]) -> float:
    """Share of pairs of neighbouring words that are in `known`; NaN without a pair."""
    hits = runs = 0
    for words in texts:
        for gram in ngrams(words, 2):
            hits += gram in known
            runs += 1
    return hits / runs if runs else math.nan


def runs_of(texts: Iterable[Sequence[str]], n: int) -> set[tuple[str, ...]]:
    """All different runs of `n` words."""
    return {gram for words in texts for gram in ngrams(words, n)}


def longest_shared(texts: Sequence[Sequence[str]], others: Sequence[Sequence[str]], most: int = 512) -> int:
    """Words in the longest run that is both in one of `texts` and in one of `others`, at most `most`.

    A shared run of n words holds one of n - 1, so that the length is found by bisection.
    """
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if runs_of(texts, middle).isdisjoint(runs_of(others, middle)):
            high = middle - 1
        else:
            low = middle
    return low
