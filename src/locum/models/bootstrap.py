"""Training rows drawn again: the generator that copies, kept to show that copying is noticed."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.models.base import ModelState
from locum.models.checks import broken
from locum.models.codec import ArraySpec, Layout, StateReader
from locum.models.fitted_model import GuidedModel
from locum.models.guide import FREE, Guide
from locum.progress import Event, Listener
from locum.randomness import stream
from locum.schema.domain import CodedRows, Codes, Domain

_LAYOUT = Layout({"rows": ArraySpec(np.int32, low=0, ndim=2), "counts": ArraySpec(np.int64, low=1)})
#: Rows turned into keys at a time.
_BLOCK = 1 << 16


class BootstrapModel(GuidedModel):
    """Draws code rows of the training table with replacement.

    A negative control: as faithful as can be, and every test of copying must flag it. A saved model holds the
    (coded) training rows. The density is the exact empirical one: a row's share among the training rows.
    Fitting costs O(rows x attributes) and a sort of the rows; sampling O(n x attributes).
    """

    name: ClassVar[str] = "bootstrap"

    _rows: Codes
    _counts: npt.NDArray[np.int64]

    def _learn(self, data: CodedRows, seed: int, progress: Listener) -> None:
        """Keep the distinct rows and how often each appears."""
        progress(Event("fit", 0, 1))
        every = np.concatenate([_keys(block) for block in data.blocks(_BLOCK)])
        keys, counts = np.unique(every, return_counts=True)
        self._rows, self._counts = _rows(keys, len(data.domain)), counts.astype(np.int64)
        progress(Event("fit", 1, 1))

    def _draw(self, n: int, seed: int) -> Codes:
        steps = np.cumsum(self._counts)
        draws = stream(seed, "bootstrap", "sample").integers(int(steps[-1]), size=n)
        return np.asfortranarray(self._rows[np.searchsorted(steps, draws, side="right")])

    def _draw_guided(self, n: int, guide: Guide, seed: int) -> tuple[Codes, FloatArray]:
        """Exact: training rows are drawn in proportion to count times factors.

        All drawn rows (of a block) have one weight. A block that no training row fits gets weight 0. Cost:
        one pass over the training rows per distinct row of ``fixed``.
        """
        rng = stream(seed, "bootstrap", "guided")
        chance = self._counts ** (1.0 / guide.temperature)
        chance = chance / chance.sum() * np.exp(guide.log_factor(self._rows))
        fixed = (
            np.full((1, self._rows.shape[1]), FREE, dtype=np.int32) if guide.fixed is None else guide.fixed
        )
        wanted, which = np.unique(fixed, axis=0, return_inverse=True)
        block = np.repeat(which.reshape(-1), n // len(fixed))
        out = np.empty((n, self._rows.shape[1]), dtype=np.int32, order="F")
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

    def _log_prob(self, codes: Codes) -> FloatArray:
        """Log of each row's share among the training rows; -inf for rows that are not among them."""
        known, asked = _keys(self._rows), _keys(codes)
        at = np.minimum(np.searchsorted(known, asked), len(known) - 1)
        with np.errstate(divide="ignore"):
            found = np.log(np.where(known[at] == asked, self._counts[at], 0))
        return np.asarray(found - np.log(self._counts.sum()), dtype=np.float64)

    def _store(self) -> ModelState:
        """The distinct rows, in order, and their counts."""
        return _LAYOUT.write({"rows": self._rows, "counts": self._counts})

    def _restore(self, state: ModelState, domain: Domain) -> None:
        file = StateReader(state, domain, _LAYOUT)
        self._rows = file.rows("rows")
        self._counts = file.counts("counts", len(self._rows))
        keys = _keys(self._rows)
        if (keys[1:] <= keys[:-1]).any():
            raise broken("rows are not in order")


def _keys(codes: Codes) -> npt.NDArray[np.bytes_]:
    """One byte string per row; all have one length, so numpy's padding zeros change no comparison."""
    rows = np.ascontiguousarray(codes, dtype="<i4")
    return rows.view(f"S{4 * rows.shape[1]}").reshape(-1)


def _rows(keys: npt.NDArray[np.bytes_], width: int) -> Codes:
    return np.ascontiguousarray(keys).view("<i4").reshape(-1, width)
