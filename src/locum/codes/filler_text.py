"""Neutral running text with about the lengths of the real one. No real word is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.arrays import IntArray
from locum.codes.json_fields import JsonFields, Wire

#: Neutral filler in the tradition of printers.
VOCABULARY: tuple[str, ...] = (
    "lorem",
    "ipsum",
    "dolor",
    "sit",
    "amet",
    "consectetur",
    "adipiscing",
    "elit",
    "sed",
    "do",
    "eiusmod",
    "tempor",
    "incididunt",
    "ut",
    "labore",
    "et",
    "dolore",
    "magna",
    "aliqua",
    "enim",
    "ad",
    "minim",
    "veniam",
    "quis",
    "nostrud",
    "exercitation",
    "ullamco",
    "laboris",
    "nisi",
    "aliquip",
    "ex",
    "ea",
    "commodo",
    "consequat",
    "duis",
    "aute",
    "irure",
    "in",
    "reprehenderit",
    "voluptate",
    "velit",
    "esse",
    "cillum",
    "eu",
    "fugiat",
    "nulla",
    "pariatur",
    "excepteur",
    "sint",
    "occaecat",
    "cupidatat",
    "non",
    "proident",
    "sunt",
    "culpa",
    "qui",
    "officia",
    "deserunt",
    "mollit",
    "anim",
    "id",
    "est",
    "laborum",
    "at",
    "vero",
    "eos",
    "accusam",
    "justo",
    "duo",
    "dolores",
    "rebum",
    "stet",
    "clita",
    "kasd",
    "gubergren",
    "no",
    "sea",
    "takimata",
    "sanctus",
)
_QUANTILES = np.linspace(0.0, 1.0, 11)
#: Longer texts are cut to so many words; different texts are made up to so many words in all.
_MAX_WORDS, _MAX_TOTAL = 2_000, 5_000_000


@dataclass(frozen=True, slots=True)
class TextMaker(JsonFields):
    """Maker of texts.

    Attributes
    ----------
    words
        Quantiles 0, 0.1, ..., 1 of the number of words; the two ends are the 5th from the end (fewer in
        small tables), so that no single text gives them.
    """

    words: tuple[int, ...]

    @classmethod
    def fit(cls, values: pa.Array) -> TextMaker:
        """Measure lengths; `values` are strings without nulls, at least one."""
        trimmed = pc.utf8_trim_whitespace(values)
        gaps = np.asarray(pc.count_substring_regex(trimmed, r"\s+"))
        lengths = np.sort(np.where(np.asarray(pc.utf8_length(trimmed)) > 0, gaps + 1, 0))
        cut = int(np.clip(len(lengths) // 20, 1, 5)) - 1
        inner = lengths[cut : len(lengths) - cut]
        quantiles = np.minimum(np.round(np.quantile(inner, _QUANTILES)), _MAX_WORDS)
        return cls(tuple(int(q) for q in quantiles))

    @property
    def most(self) -> int:
        """How many different texts to make at most, before they are used again."""
        return min(20_000, _MAX_TOTAL // max(1, self.words[-1]))

    def make(self, n: int, rng: np.random.Generator) -> pa.Array:
        """`n` texts; different as far as their lengths allow."""
        lengths = np.round(np.interp(rng.random(n), _QUANTILES, self.words)).astype(np.int64)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        words = rng.integers(len(VOCABULARY), size=int(offsets[-1])).astype(np.int32)
        return pc.binary_join(_lists(offsets, words), " ")

    def describe(self) -> str:
        """What is made, as a clause."""
        return "filler text with about the same number of words"

    @classmethod
    def from_json(cls, wire: Wire) -> TextMaker:
        """Read back what `to_json` gave; FileFormatError on anything else."""
        words = wire.integers("words", length=len(_QUANTILES), low=0, high=_MAX_WORDS)
        if (np.diff(words) < 0).any():
            raise wire.fail("words", "ascending quantiles")
        return cls(tuple(words.tolist()))


def _lists(offsets: IntArray, words: Any) -> pa.Array:
    texts = pa.array(VOCABULARY, type=pa.string()).take(pa.array(words))
    return pa.LargeListArray.from_arrays(pa.array(offsets), texts)
