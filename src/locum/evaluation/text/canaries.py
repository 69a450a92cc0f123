"""Canaries: unusual texts that are planted before a generator learns, and looked for in what it writes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from locum.arrays import FloatArray
from locum.errors import DataError, FileFormatError, UsageError
from locum.evaluation.intervals import auc_interval, rate_at
from locum.evaluation.learn.embedding import embed as static
from locum.evaluation.registry import result_of
from locum.evaluation.result import Result, Verdict
from locum.evaluation.text.copying import Bigrams
from locum.evaluation.text.trial import Embed
from locum.evaluation.text.words import split
from locum.randomness import stream

#: Canaries planted, and like ones that are not; words of prefix and suffix.
PLANTED, SPARED, PREFIX, SUFFIX = 50, 1000, 12, 12
#: Nearest synthetic texts whose similarity is averaged.
NEAREST = 5
#: Mean exposure of a canary whose rank is chance, in bits: the mean of log2(1 / u).
CHANCE_BITS = 1 / math.log(2)


@dataclass(frozen=True, slots=True)
class TextCanaries:
    """Texts made for the test: those that were planted, and their like that were not.

    Keep them from the generator: to anybody who has not seen the planted table both are the same.
    """

    planted: tuple[str, ...] = field(repr=False)
    spared: tuple[str, ...] = field(repr=False)
    copies: int = 1

    def to_json(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "what": "text canaries",
            "format": 1,
            "copies": self.copies,
            "planted": list(self.planted),
            "spared": list(self.spared),
        }

    @classmethod
    def from_json(cls, told: object) -> TextCanaries:
        """Rebuild them; raises FileFormatError for anything else than `to_json` writes."""
        if not isinstance(told, Mapping) or told.get("what") != "text canaries" or told.get("format") != 1:
            raise FileFormatError(
                "holds no canaries", where="canaries", do="make them with `locum text plant`"
            )
        lists = told.get("planted"), told.get("spared")
        copies = told.get("copies")
        if not all(isinstance(x, list) and x and all(isinstance(t, str) for t in x) for x in lists):
            raise FileFormatError("lacks planted or spared texts", where="canaries")
        if not isinstance(copies, int) or copies < 1:
            raise FileFormatError("has no number of copies", where="canaries")
        return cls(tuple(lists[0] or ()), tuple(lists[1] or ()), copies)


def make(
    texts: Sequence[str], *, seed: int, planted: int = PLANTED, spared: int = SPARED, copies: int = 1
) -> TextCanaries:
    """Canaries after real texts: an in-distribution prefix and a suffix of high perplexity.

    The prefix are the first `PREFIX` words of a random real text, the suffix `SUFFIX` words of the texts
    drawn evenly from all different ones, so that mostly rare words stand side by side. Which canaries are
    planted is chance.

    Raises
    ------
    UsageError
        When fewer than one is to be planted or spared, or there are no copies.
    DataError
        When the texts have fewer than 20 different words.

    Notes
    -----
    Source: Meeus et al. (2025), who find that such canaries leave the most traces in synthetic text; theirs
    are written by a language model to a wanted perplexity, ours by even draws of words.
    """
    if planted < 1 or spared < 1 or copies < 1:
        raise UsageError("canaries and copies must be at least 1", where="planted, spared, copies")
    coded = [t.split() for t in texts if t.strip()]
    words = sorted({w for t in coded for w in t if w.strip(".,!?;:\"'()").isalpha()})
    if len(words) < 20:
        raise DataError(
            f"the texts have {len(words)} different words", where="canaries", expected="20 or more"
        )
    rng = stream(seed, "text", "canaries")
    made: list[str] = []
    for _ in range(planted + spared):
        prefix = coded[int(rng.integers(len(coded)))][:PREFIX]
        made.append(" ".join([*prefix, *rng.choice(words, size=SUFFIX)]))
    order = rng.permutation(len(made))
    return TextCanaries(
        tuple(made[i] for i in order[:planted]), tuple(made[i] for i in order[planted:]), copies
    )


def places(rows: int, canaries: TextCanaries, seed: int) -> list[int]:
    """Where rows and canaries go: row numbers, and ``-1 - i`` for planted canary `i`; in random order."""
    inside = [-1 - i for i in range(len(canaries.planted)) for _ in range(canaries.copies)]
    order = stream(seed, "text", "canaries", "places").permutation(rows + len(inside))
    both = [*range(rows), *inside]
    return [both[i] for i in order]


def exposure(inside: FloatArray, outside: FloatArray) -> FloatArray:
    """Bits of each planted canary: log2 of the number of candidates over its rank among them, by score.

    The candidates are the spared canaries and the one in question; of equal scores it has the middle rank.
    Mean by chance about `CHANCE_BITS`, at most log2(spared + 1). Source: Carlini et al. (2019).
    """
    ordered = np.sort(outside)
    above = len(ordered) - np.searchsorted(ordered, inside, "right")
    equal = np.searchsorted(ordered, inside, "right") - np.searchsorted(ordered, inside, "left")
    return np.asarray(np.log2((len(ordered) + 1) / (above + equal / 2 + 1)), dtype=np.float64)


def find(
    canaries: TextCanaries,
    synthetic: Sequence[str],
    *,
    reference: Sequence[str] | None = None,
    embed: Embed = static,
) -> list[Result]:
    """Whether planted canaries can be told from spared ones by the synthetic texts alone.

    Two scores of a canary: mean log-likelihood of its words in a bigram model of the synthetic texts (less
    that in a model of `reference`, real texts that were not learned from, where there are any),
    ``text.canaries.likelihood``, and mean cosine similarity of its `NEAREST` synthetic texts,
    ``text.canaries.nearest``. Of each the area under the ROC curve, the share found at one false alarm in
    100, and the mean exposure in bits. Good when the 95 % interval of the area holds 0.5 (a generator that
    never saw them is called otherwise in at most 5 of 200 cases), poor from 0.6 on.
    Empty without synthetic texts.

    Nothing real is published: ``reads_private`` is still set, for the canaries were made after real texts.
    """
    made = [split(t) for t in synthetic if t.strip()]
    if not made:
        return []
    model = Bigrams(made)
    base = Bigrams([split(t) for t in reference if t.strip()]) if reference else None
    near = embed(list(synthetic)).astype(np.float64)

    def likely(texts: Sequence[str]) -> FloatArray:
        coded = [split(t) for t in texts]
        return np.array([model.mean(t) - (base.mean(t) if base else 0.0) for t in coded])

    def nearest(texts: Sequence[str]) -> FloatArray:
        alike = embed(list(texts)).astype(np.float64) @ near.T
        k = min(NEAREST, alike.shape[1])
        return np.asarray(np.partition(alike, -k, axis=1)[:, -k:].mean(axis=1), dtype=np.float64)

    return [
        _result(key, score(canaries.planted), score(canaries.spared), canaries.copies)
        for key, score in (("likelihood", likely), ("nearest", nearest))
    ]


def _result(key: str, inside: FloatArray, outside: FloatArray, copies: int) -> Result:
    value, low, high = auc_interval(inside, outside)
    verdict: Verdict = "good" if low <= 0.5 else "poor" if value >= 0.6 else "middling"
    bits = exposure(inside, outside)
    error = float(bits.std(ddof=1) / math.sqrt(len(bits))) if len(bits) > 1 else math.inf
    found = rate_at(inside, outside)
    times = "once" if copies == 1 else f"{copies} times"
    return result_of(
        f"text.canaries.{key}",
        value,
        f"{len(inside)} unusual texts planted {times} are told from {len(outside)} like ones "
        f"{100 * value:.0f} times in 100 (50 is guessing); at one false alarm in 100, "
        f"{100 * found:.0f} of 100 are found; mean exposure {bits.mean():.1f} bits (chance "
        f"{CHANCE_BITS:.1f}, at most {math.log2(len(outside) + 1):.1f}).",
        low=low,
        high=high,
        reference=0.5,
        verdict=verdict,
        headline=verdict == "poor",
        detail={
            "planted": len(inside),
            "spared": len(outside),
            "copies": copies,
            "found_at_1_percent": found,
            "exposure_bits": float(bits.mean()),
            "exposure_error": error,
            "exposure_largest": float(bits.max()),
            "exposure_chance": CHANCE_BITS,
        },
    )
