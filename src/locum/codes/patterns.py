"""Texts that follow a pattern of letters and digits, and draws without repeats."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from locum.arrays import IntArray

UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LOWER = "abcdefghijklmnopqrstuvwxyz"
DIGITS = "0123456789"
HEX = "0123456789abcdef"
#: A mask or prefix must be shared by so many values before it is kept.
SHARED = 3
#: Most masks that are kept, and their most characters.
MAX_MASKS, MAX_MASK = 50, 256


def to_mask(values: pa.Array) -> pa.Array:
    """Shape of each text: ``A`` for upper case, ``a`` for lower case, ``9`` for digits, the rest as it is."""
    masks = values
    for pattern, sign in ((r"[0-9]", "9"), (r"\p{Lu}", "A"), (r"\p{Ll}", "a")):
        masks = pc.replace_substring_regex(masks, pattern, sign)
    return masks


def shared_masks(masks: pa.Array) -> tuple[tuple[str, ...], IntArray]:
    """The masks that enough values share, the most frequent first."""
    tally = pc.value_counts(masks)
    texts, counts = tally.field("values"), np.asarray(tally.field("counts"), dtype=np.int64)
    lengths = np.asarray(pc.utf8_length(texts))
    order = np.argsort(-counts, kind="stable")[:MAX_MASKS]
    order = order[(counts[order] >= SHARED) & (lengths[order] <= MAX_MASK)]
    return tuple(texts.take(pa.array(order)).to_pylist()), counts[order]


def fill(mask: str, n: int, alphabet: str, rng: np.random.Generator) -> pa.Array:
    """`n` texts that follow a mask."""
    if not mask:
        return pa.array([""] * n, type=pa.string())
    letters = {"A": UPPER, "a": LOWER, "9": DIGITS, "*": alphabet}
    chars = np.empty((n, len(mask)), dtype=np.uint32)
    for i, sign in enumerate(mask):
        choices = np.array([ord(c) for c in letters.get(sign, sign)], dtype=np.uint32)
        chars[:, i] = choices[rng.integers(len(choices), size=n)] if len(choices) > 1 else choices[0]
    return pa.array(np.ascontiguousarray(chars).view(f"<U{len(mask)}").ravel(), type=pa.string())


def distinct_numbers(n: int, low: int, high: int, rng: np.random.Generator) -> IntArray:
    """`n` different numbers from low to high - 1, in random order; `high - low` is at least 4 n."""
    numbers = np.zeros(0, dtype=np.int64)
    while len(numbers) < n:
        drawn = rng.integers(low, high, size=n - len(numbers) + 16)
        _, first = np.unique(np.concatenate([numbers, drawn]), return_index=True)
        numbers = np.concatenate([numbers, drawn])[np.sort(first)]
    return numbers[:n]


def distinct_texts(
    n: int, make: Callable[[int, np.random.Generator], pa.Array], rng: np.random.Generator
) -> pa.Array:
    """`n` different texts; a counter is appended where the patterns do not hold that many."""
    texts = pa.array([], type=pa.string())
    for _ in range(8):
        texts = pc.unique(pa.concat_arrays([texts, make(n - len(texts), rng)]))
        if len(texts) >= n:
            return texts.slice(0, n)
    missing = n - len(texts)
    counted = pa.array(np.arange(missing)).cast(pa.string())
    more = pc.binary_join_element_wise(make(missing, rng), counted, "-")
    return pa.concat_arrays([texts, more])
