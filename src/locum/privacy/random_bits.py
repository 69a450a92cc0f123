"""Where random bits come from: the operating system, or a seed for tests."""

from __future__ import annotations

import hashlib
import os
from typing import Protocol

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]


class Bits(Protocol):
    """A supply of uniform 64-bit words."""

    #: Whether the bits may protect anybody: False for seeded bits.
    private: bool

    def words(self, n: int) -> Words:
        """`n` independent uniform words; uint64, shape (n,)."""
        ...


class SystemBits:
    """Bits from the operating system's generator (``os.urandom``); about 0.3 GB a second."""

    private = True

    def words(self, n: int) -> Words:
        """`n` independent uniform words; uint64, shape (n,)."""
        return np.frombuffer(os.urandom(8 * n), dtype=np.uint64)


class SeededBits:
    """Bits that follow from a seed and names: for tests and teaching only, they protect nobody."""

    private = False

    def __init__(self, seed: int, *names: str | int) -> None:
        text = "\x1f".join(["locum-privacy", str(seed), *(str(n) for n in names)])
        key = np.frombuffer(hashlib.sha256(text.encode()).digest()[:16], dtype="<u8")
        self._generator = np.random.Philox(key=key)

    def words(self, n: int) -> Words:
        """The next `n` words; uint64, shape (n,)."""
        return self._generator.random_raw(n)
