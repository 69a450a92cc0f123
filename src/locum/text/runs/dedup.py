"""Rows like one that was kept, found while the run goes on: equal, nearly equal, or of the same meaning.

Near-equality by MinHash (Broder 1997) with multiply-shift hashing (Dietzfelbinger et al. 1997) over 5-grams
of bytes, and banding (Indyk & Motwani 1998). Own code in NumPy: datasketch takes 0.7 ms for 80 grams that
it hashes one by one. The bands are one dictionary of 64-bit numbers: 100,000 rows in about 150 MB.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from locum.randomness import stream
from locum.text.failures import Lost, Reason
from locum.text.plan.plan import Dedup

_HASHES = 128
_NOT_WORDS = re.compile(r"[\W_]+")
_GRAM = 5
#: Grams hashed at once, so that a long text takes little memory.
_BLOCK = 4096


class Duplicates:
    """Remembers what was kept, and refuses what is like it.

    Parameters
    ----------
    settings
        Which tests, and how strict.
    columns
        Columns whose texts are compared, joined.
    """

    def __init__(self, settings: Dedup, columns: Sequence[str]) -> None:
        self._settings, self._columns = settings, tuple(columns)
        self._exact: set[bytes] = set()
        self._near = NearDuplicates(settings.minhash) if settings.minhash else None
        self._vectors = _Vectors() if settings.embedding else None

    def add(self, values: Mapping[str, Any]) -> None:
        """Remember a row, or refuse it.

        Raises
        ------
        Lost
            ``duplicate``, ``near_duplicate`` or ``same_meaning``; nothing is remembered then.
        """
        text = normal(" ".join(str(values.get(name, "")) for name in self._columns))
        digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
        if self._settings.exact and digest in self._exact:
            raise Lost(Reason.DUPLICATE, stage="dedup")
        signature, bands = None, []
        if self._near is not None:
            signature = self._near.signature(text)
            bands = self._near.bands(signature)
            similarity = self._near.nearest(signature, bands)
            if similarity >= self._settings.minhash:
                raise Lost(Reason.NEAR_DUPLICATE, f"similarity {similarity:.2f}", stage="dedup")
        if self._vectors is not None:
            similarity = self._vectors.add_unless(text, self._settings.embedding)
            if similarity >= self._settings.embedding:
                raise Lost(Reason.SAME_MEANING, f"similarity {similarity:.2f}", stage="dedup")
        self._exact.add(digest)
        if self._near is not None and signature is not None:
            self._near.add(signature, bands)


class NearDuplicates:
    """Texts by similarity of their sets of 5-grams.

    Parameters
    ----------
    threshold
        Jaccard similarity that shall be found; the bands are chosen so that at the threshold at least 95 %
        of the pairs meet in one.
    """

    def __init__(self, threshold: float) -> None:
        draws = stream(0, "text", "minhash").integers(0, 2**64, size=(2, _HASHES, 1), dtype=np.uint64)
        self._factor, self._shift = draws[0] | np.uint64(1), draws[1]
        rows = next(r for r in (16, 8, 4, 2, 1) if 1 - (1 - threshold**r) ** (_HASHES // r) >= 0.95)
        self._rows, self._bands = rows, _HASHES // rows
        self._salt = np.arange(1, self._bands + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        self._mix = np.array([pow(1_000_003, k + 1, 2**64) for k in range(rows)], dtype=np.uint64)
        self._place: dict[int, int] = {}
        self._kept = np.empty((1024, _HASHES), dtype=np.uint32)
        self._n = 0

    def signature(self, text: str) -> npt.NDArray[np.uint32]:
        """128 hashes; about 0.1 ms for 300 characters."""
        raw = np.frombuffer(text.encode().ljust(_GRAM), dtype=np.uint8).astype(np.uint64)
        grams = np.zeros(len(raw) - _GRAM + 1, dtype=np.uint64)
        for k in range(_GRAM):
            grams |= raw[k : k + len(grams)] << np.uint64(8 * k)
        grams = np.unique(grams)
        with np.errstate(over="ignore"):
            mixed = grams * np.uint64(0x9E3779B97F4A7C15)
            mixed ^= mixed >> np.uint64(29)
            lowest = np.full((_HASHES, 1), ~np.uint64(0))
            for start in range(0, len(mixed), _BLOCK):
                hashed = mixed[start : start + _BLOCK] * self._factor + self._shift
                lowest = np.minimum(lowest, hashed.min(axis=1, keepdims=True))
        return (lowest[:, 0] >> np.uint64(32)).astype(np.uint32)

    def nearest(self, signature: npt.NDArray[np.uint32], bands: Sequence[int]) -> float:
        """Estimated similarity to the most similar kept text that shares a band; 0 when there is none."""
        rows = {self._place[band] for band in bands if band in self._place}
        if not rows:
            return 0.0
        same = self._kept[sorted(rows)] == signature
        return float(same.mean(axis=1).max())

    def add(self, signature: npt.NDArray[np.uint32], bands: Sequence[int]) -> None:
        """Keep a text."""
        if self._n == len(self._kept):
            self._kept = np.concatenate([self._kept, np.empty_like(self._kept)])
        self._kept[self._n] = signature
        for band in bands:
            self._place.setdefault(band, self._n)
        self._n += 1

    def bands(self, signature: npt.NDArray[np.uint32]) -> list[int]:
        """Keys of the bands of a signature."""
        parts = signature.reshape(self._bands, self._rows).astype(np.uint64)
        with np.errstate(over="ignore"):
            mixed = (parts * self._mix).sum(axis=1, dtype=np.uint64) ^ self._salt
        keys: list[int] = mixed.tolist()
        return keys


class _Vectors:
    """Kept vectors in half precision: 512 bytes a row."""

    def __init__(self) -> None:
        from locum.evaluation.learn.embedding import DIMENSIONS

        self._kept = np.empty((1024, DIMENSIONS), dtype=np.float16)
        self._n = 0

    def add_unless(self, text: str, threshold: float) -> float:
        from locum.evaluation.learn.embedding import embed

        vector = embed([text])[0]
        best = -1.0
        for start in range(0, self._n, 8192):
            block = self._kept[start : min(start + 8192, self._n)].astype(np.float32)
            best = max(best, float((block @ vector).max()))
        if best < threshold:
            if self._n == len(self._kept):
                self._kept = np.concatenate([self._kept, np.empty_like(self._kept)])
            self._kept[self._n] = vector
            self._n += 1
        return best


def normal(text: str) -> str:
    """Lower case, without punctuation, single spaces: what `exact` compares."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _NOT_WORDS.sub(" ", folded).strip()
