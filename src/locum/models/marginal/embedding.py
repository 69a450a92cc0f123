"""A small table inside a larger one: add it, multiply by it, sum down to it, without slow inner loops."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray

#: The innermost block is made at least this long, so that NumPy's inner loops are long enough to be fast.
_BLOCK = 32
#: Up to this block length the sum over its inner axes is a product with a 0/1 matrix, else a plain reduction.
_MATRIX = 256


class CliqueEmbedding:
    """Axes `kept` of a table of shape `shape`.

    Parameters
    ----------
    shape
        Shape of the large table (C order, contiguous).
    kept
        Which of its axes the small table has, ascending.

    Notes
    -----
    NumPy's broadcasting is slow when the innermost axis has two or three codes. The trailing axes are
    therefore taken together as one block: the small table is first spread over the block (small), then added
    along the leading axes (fast); sums go the other way round. Cost: about one pass over the large table.
    """

    def __init__(self, shape: Sequence[int], kept: Sequence[int]) -> None:
        keep = [i in set(kept) for i in range(len(shape))]
        self.shape = tuple(shape[i] for i in range(len(shape)) if keep[i])
        self._whole = tuple(shape)
        self._away = tuple(i for i, k in enumerate(keep) if not k)
        start = len(shape)
        while start and math.prod(shape[start:]) < _BLOCK:
            start -= 1
        self._block = math.prod(shape[start:])
        self._tail_shape, tail_keep = tuple(shape[start:]), keep[start:]
        self._tail_dropped = tuple(i for i, k in enumerate(tail_keep) if not k)
        self._small_tail = math.prod(s for s, k in zip(shape[start:], tail_keep, strict=True) if k)
        lead: list[int] = []
        flags: list[bool] = []
        for k, run in itertools.groupby(range(start), key=lambda i: keep[i]):
            lead.append(math.prod(shape[i] for i in run))
            flags.append(k)
        self._lead = tuple(lead)
        self._dropped = tuple(i for i, k in enumerate(flags) if not k)
        self._spread = tuple(n if k else 1 for n, k in zip(lead, flags, strict=True))
        self._small_lead = math.prod(self._spread)
        self._trivial = all(keep)
        self._all_tail = not self._tail_dropped
        self._no_tail = self._small_tail == 1 and len(self._tail_dropped) == len(self._tail_shape)
        self._index, self._matrix = self._tail_maps()

    def _tail_maps(self) -> tuple[npt.NDArray[np.intp] | None, FloatArray | None]:
        if self._all_tail or self._no_tail:
            return None, None
        numbers = np.arange(self._small_tail).reshape(
            [1 if i in self._tail_dropped else s for i, s in enumerate(self._tail_shape)]
        )
        index = np.ascontiguousarray(np.broadcast_to(numbers, self._tail_shape)).reshape(-1)
        if self._block > _MATRIX:
            return index, None
        matrix = np.zeros((self._block, self._small_tail))
        matrix[np.arange(self._block), index] = 1.0
        return index, matrix

    def project(self, large: FloatArray) -> FloatArray:
        """Sum the large table down to the small one; shape `shape`, freshly made."""
        if self._trivial:
            return large.reshape(self.shape).copy()
        x = large.reshape(*self._lead, self._block)
        if self._dropped:
            x = np.add.reduce(x, axis=self._dropped)
        if not self._all_tail:
            x = x.reshape(self._small_lead, self._block)
            if self._no_tail:
                x = np.add.reduce(x, axis=1)
            elif self._matrix is not None:
                x = x @ self._matrix
            else:
                inner = x.reshape(self._small_lead, *self._tail_shape)
                x = np.add.reduce(inner, axis=tuple(i + 1 for i in self._tail_dropped))
        return x.reshape(self.shape)

    def maximum(self, large: FloatArray) -> FloatArray:
        """Largest value of the large table for each cell of the small one."""
        if not self._away:
            return large.reshape(self.shape).copy()
        largest: FloatArray = np.maximum.reduce(large.reshape(self._whole), axis=self._away)
        return largest

    def combine(self, by: np.ufunc, large: FloatArray, small: FloatArray) -> None:
        """Add, subtract or multiply (`by`) the small table into the large one, in place."""
        view = large.reshape(*self._lead, self._block)
        by(view, self._ready(small), out=view)

    def assign(self, large: FloatArray, small: FloatArray) -> None:
        """Write the small table all over the large one."""
        large.reshape(*self._lead, self._block)[...] = self._ready(small)

    def _ready(self, small: FloatArray) -> FloatArray:
        x = small.reshape(self._small_lead, self._small_tail)
        if self._index is not None:
            x = np.take(x, self._index, axis=1)
        return x.reshape(*self._spread, x.shape[1])
