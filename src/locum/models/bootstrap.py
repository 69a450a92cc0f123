"""Training rows drawn again: the generator that copies, kept to show that copying is noticed."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.errors import NotFittedError
from locum.models.base import ModelState
from locum.models.checks import (
    broken,
    check_guide,
    check_rows,
    check_training,
    check_width,
    exactly,
    tensor,
    within,
)
from locum.models.guide import FREE, Guide
from locum.progress import Event, Listener, silent
from locum.randomness import check_seed, stream
from locum.schema.domain import Coded, Codes, Domain


class BootstrapModel:
    """Draws code rows of the training table with replacement.

    A negative control: as faithful as can be, and every test of copying must flag it. A saved model holds the
    (coded) training rows. The density is the exact empirical one: a row's share among the training rows.
    Fitting costs O(rows x attributes) and a sort of the rows; sampling O(n x attributes).
    """

    name: ClassVar[str] = "bootstrap"
    has_density: ClassVar[bool] = True

    def __init__(self) -> None:
        self._rows: Codes = np.empty((0, 0), dtype=np.int32)
        self._counts: npt.NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._domain: Domain | None = None

    def fit(self, data: Coded, *, seed: int, progress: Listener = silent) -> Self:
        """Keep the distinct rows and how often each appears; `seed` is checked but not needed."""
        check_seed(seed)
        check_training(data)
        progress(Event("fit", 0, 1))
        keys, counts = np.unique(_keys(data.codes), return_counts=True)
        self._rows = _rows(keys, len(data.domain))
        self._counts, self._domain = counts.astype(np.int64), data.domain
        progress(Event("fit", 1, 1))
        return self

    def sample(self, n: int, *, seed: int) -> Codes:
        """Draw `n` rows; int32, shape (n, n_attributes), Fortran order."""
        self._fitted()
        n, seed = check_rows(n), check_seed(seed)
        steps = np.cumsum(self._counts)
        draws = stream(seed, "bootstrap", "sample").integers(int(steps[-1]), size=n)
        return np.asfortranarray(self._rows[np.searchsorted(steps, draws, side="right")])

    def sample_guided(self, n: int, guide: Guide, *, seed: int) -> tuple[Codes, FloatArray]:
        """Draw rows under a condition, with log weights; see `locum.models.base.Guided`.

        Exact: training rows are drawn in proportion to count times factors, and all drawn rows (of a block)
        have one weight. A block that no training row fits gets weight 0. Cost: one pass over the training
        rows per distinct row of ``fixed``.
        """
        domain = self._fitted()
        n, seed = check_rows(n), check_seed(seed)
        check_guide(guide, n, domain)
        rng = stream(seed, "bootstrap", "guided")
        chance = self._counts ** (1.0 / guide.temperature)
        chance = chance / chance.sum() * np.exp(guide.log_factor(self._rows))
        fixed = np.full((1, len(domain)), FREE, dtype=np.int32) if guide.fixed is None else guide.fixed
        wanted, which = np.unique(fixed, axis=0, return_inverse=True)
        block = np.repeat(which.reshape(-1), n // len(fixed))
        out = np.empty((n, len(domain)), dtype=np.int32, order="F")
        log_weight = np.full(n, -np.inf)
        for i, cells in enumerate(wanted):
            mine, known = np.flatnonzero(block == i), cells != FREE
            fits = (self._rows[:, known] == cells[known]).all(axis=1)
            steps = np.cumsum(np.where(fits, chance, 0.0))
            out[mine] = np.where(known, cells, 0)
            if steps[-1] > 0:
                at = np.searchsorted(steps, rng.random(len(mine)) * steps[-1], side="right")
                out[mine] = self._rows[np.minimum(at, np.searchsorted(steps, steps[-1]))]
                log_weight[mine] = np.log(steps[-1])
        return out, log_weight

    def log_prob(self, codes: Codes) -> FloatArray:
        """Log of each row's share among the training rows; -inf for rows that are not among them."""
        domain = self._fitted()
        check_width(codes, domain)
        known, asked = _keys(self._rows), _keys(codes)
        at = np.minimum(np.searchsorted(known, asked), len(known) - 1)
        with np.errstate(divide="ignore"):
            found = np.log(np.where(known[at] == asked, self._counts[at], 0))
        return np.asarray(found - np.log(self._counts.sum()), dtype=np.float64)

    def state(self) -> ModelState:
        """The distinct rows, in order, and their counts."""
        self._fitted()
        return ModelState({}, {"rows": self._rows, "counts": self._counts})

    @classmethod
    def from_state(cls, state: ModelState, domain: Domain) -> Self:
        """Rebuild from rows and counts; raises FileFormatError when they do not fit the domain."""
        exactly(state, set(), {"rows", "counts"})
        rows = tensor(state, "rows", np.int32, (None, len(domain)))
        counts = tensor(state, "counts", np.int64, (rows.shape[0],))
        if not len(domain) or not within(rows, domain).all():
            raise broken("rows hold codes outside the domain")
        if counts.min(initial=1) < 1 or not 0 < sum(counts.tolist()) < 2**62:
            raise broken("counts are negative, zero or absurdly large")
        keys = _keys(rows)
        if (keys[1:] <= keys[:-1]).any():
            raise broken("rows are not in order")
        model = cls()
        model._rows, model._counts, model._domain = rows, counts, domain
        return model

    def _fitted(self) -> Domain:
        if self._domain is None:
            raise NotFittedError("the model has not been fitted", where=self.name, do="call fit first")
        return self._domain


def _keys(codes: Codes) -> npt.NDArray[np.bytes_]:
    """One byte string per row; all have one length, so numpy's padding zeros change no comparison."""
    rows = np.ascontiguousarray(codes, dtype="<i4")
    return rows.view(f"S{4 * rows.shape[1]}").reshape(-1)


def _rows(keys: npt.NDArray[np.bytes_], width: int) -> Codes:
    return np.ascontiguousarray(keys).view("<i4").reshape(-1, width)
