"""Named child streams of one seed, so that adding a random step never shifts another one."""

from __future__ import annotations

import hashlib
import secrets

import numpy as np

from locum.errors import UsageError


def check_seed(seed: int | None) -> int:
    """Return a usable seed; None draws a fresh one from the operating system.

    Raises
    ------
    UsageError
        If the seed is negative, too large (2**63 or more) or not a whole number.
    """
    if seed is None:
        return secrets.randbits(32)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
        raise UsageError(
            f"seed {seed!r} is not usable", where="seed", expected="a whole number from 0 to 2**63 - 1"
        )
    return int(seed)


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """The generator that belongs to `names` under `seed`.

    The same seed and names give the same numbers on every platform; different names give streams
    that are independent for all practical purposes (SHA-256 of the names feeds a SeedSequence).

    >>> bool(stream(7, "fit", "age").integers(100) == stream(7, "fit", "age").integers(100))
    True
    """
    digest = hashlib.sha256("\x1f".join(str(name) for name in names).encode()).digest()
    words = np.frombuffer(digest, dtype="<u4").tolist()
    return np.random.default_rng(np.random.SeedSequence([seed & 0xFFFFFFFF, seed >> 32, *words]))


def child_seed(seed: int, *names: str | int) -> int:
    """A 32-bit seed for a library that takes only an integer (LightGBM, Faker)."""
    return int(stream(seed, *names).integers(2**31 - 1))
