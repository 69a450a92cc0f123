"""What a column's parents are worth, and its table given them: everything that is counted from rows."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.special import gammaln

from locum.arrays import FloatArray, IntArray
from locum.schema.domain import CodedRows

#: Most cells of one family's table.
MOST_CELLS = 2**17
#: Rows of belief in the prior of the score, per family (equivalent sample size of BDeu).
PRIOR_ROWS = 1.0
#: Rows of belief in the column's own shares that a table may have per combination of parents.
STRENGTHS = (0.02, 0.1, 0.5, 2.0, 8.0)


class Families:
    """Scores of families (a column and its parents) on some rows, each counted once.

    The score is BDeu: the log of the probability of the column's codes given its parents' when all
    tables are equally likely beforehand, with `PRIOR_ROWS` rows of belief a family (Heckerman, Geiger and
    Chickering 1995, equation 30). Two graphs that say the same about independence have the same score.

    Parameters
    ----------
    data
        Rows to count. Codes must lie in the domain.

    Notes
    -----
    One score costs a pass over the rows and one over the family's cells; families of more than
    `MOST_CELLS` cells, or of more than four cells a row, are not considered (-inf).
    """

    def __init__(self, data: CodedRows) -> None:
        self.sizes = data.domain.sizes
        self._columns = [data.column(i).astype(np.int64) for i in range(len(data.domain))]
        self._rows = data.n_rows
        self._known: dict[tuple[int, frozenset[int]], float] = {}

    def cells(self, child: int, parents: Iterable[int]) -> int:
        """Cells of a family's table."""
        cells = self.sizes[child]
        for p in parents:
            cells *= self.sizes[p]
        return cells

    def score(self, child: int, parents: frozenset[int]) -> float:
        """Log marginal likelihood of a column given its parents; -inf for families that are too large."""
        key = (child, parents)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._compute_score(child, parents)
        return known

    def _compute_score(self, child: int, parents: frozenset[int]) -> float:
        cells = self.cells(child, parents)
        if parents and cells > min(MOST_CELLS, 4 * self._rows):
            return -np.inf
        counts = self.counts(child, sorted(parents))
        sums = counts.sum(axis=1)
        some, sums = counts[counts > 0], sums[sums > 0]
        a, b = PRIOR_ROWS * self.sizes[child] / cells, PRIOR_ROWS / cells
        gain = (gammaln(some + b) - gammaln(b)).sum() - (gammaln(sums + a) - gammaln(a)).sum()
        return float(gain)

    def counts(self, child: int, parents: Iterable[int]) -> IntArray:
        """Rows of each combination of parents and code; shape (combinations, size), last parent fastest."""
        key, width = np.zeros(self._rows, dtype=np.int64), 1
        for p in parents:
            key = key * self.sizes[p] + self._columns[p]
            width *= self.sizes[p]
        size = self.sizes[child]
        found = np.bincount(key * size + self._columns[child], minlength=width * size)
        return found.reshape(width, size)

    def table(self, child: int, parents: Iterable[int]) -> FloatArray:
        """P(code | parents), rows adding up to 1; shape as `counts`.

        Counts plus some rows' worth of the column's own shares, so that codes never seen stay impossible and
        a combination never seen follows the column as a whole. How many rows' worth is chosen out of
        `STRENGTHS` by leaving each row out in turn: columns that follow strictly from their parents are
        hardly smoothed, vague ones more.
        """
        counts = self.counts(child, parents).astype(np.float64)
        shares = counts.sum(axis=0) / counts.sum()
        sums = counts.sum(axis=1, keepdims=True)
        if len(counts) == 1:
            alone: FloatArray = shares[None]
            return alone
        at = np.nonzero(counts)
        seen, prior, rest = counts[at], shares[at[1]], np.broadcast_to(sums, counts.shape)[at] - 1.0
        left_out = [float((seen * np.log((seen - 1.0 + s * prior) / (rest + s))).sum()) for s in STRENGTHS]
        strength = STRENGTHS[int(np.argmax(left_out))]
        filled: FloatArray = (counts + strength * shares) / (sums + strength)
        return filled
