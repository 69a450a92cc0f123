"""Names of the kinds of arrays that are passed about, and two small sums on them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Int32Array = npt.NDArray[np.int32]


def largest_remainders(ideal: FloatArray) -> IntArray:
    """Whole numbers next to ideal ones, of the same sum (rounded) and shape; the first of equals goes up.

    Hamilton's rule: every number is rounded down, and those that lose most by it are rounded up.
    """
    whole = np.floor(ideal + 1e-9).astype(np.int64)
    lost, short = (ideal - whole).ravel(), round(float(ideal.sum())) - int(whole.sum())
    whole.ravel()[np.argsort(-lost, kind="stable")[: max(0, short)]] += 1
    return whole


def effective_size(weights: FloatArray) -> float:
    """How many rows of equal weight weighted rows are worth (Kish 1965): ``(sum w)**2 / sum w**2``."""
    return float(weights.sum() ** 2 / (weights**2).sum())
