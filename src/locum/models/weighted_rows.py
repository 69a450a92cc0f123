"""Code rows with weights: what a model is that reweights, or evolves, a list of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.models.base import ModelState
from locum.models.codec import ArraySpec, Layout, StateReader, check_shares
from locum.models.fitted_model import FittedModel
from locum.randomness import stream
from locum.schema.domain import Codes, Domain

_LAYOUT = Layout({"rows": ArraySpec(np.int32, low=0, ndim=2), "weights": ArraySpec(np.float64, 0, 1)})


@dataclass(frozen=True, slots=True)
class WeightedRows:
    """Distinct code rows and how much of the distribution each of them is.

    Attributes
    ----------
    rows
        int32, shape (n_rows, n_attributes), at least one row.
    weights
        Non-negative, shape (n_rows,), sum 1.
    """

    rows: Codes
    weights: FloatArray

    @classmethod
    def of(cls, codes: Codes) -> WeightedRows:
        """The distinct rows of `codes`, weighted by how often each appears; at least one row."""
        rows, counts = np.unique(codes, axis=0, return_counts=True)
        return cls(np.ascontiguousarray(rows, dtype=np.int32), counts / counts.sum())

    def cells(self, columns: list[int], sizes: tuple[int, ...]) -> npt.NDArray[np.int64]:
        """Flat cell of each row in the table over some columns, C order; zeros for no column."""
        place = np.zeros(len(self.rows), dtype=np.int64)
        for i in columns:
            place = place * sizes[i] + self.rows[:, i]
        return place

    def sample(self, n: int, *, seed: int, name: str) -> Codes:
        """Draw `n` rows, each about ``n * weight`` times (systematic sampling), in random order.

        The number of times is off by less than one, instead of the square root of plain drawing.
        """
        rng = stream(seed, name, "sample")
        steps = np.cumsum(self.weights)
        points = (np.arange(n) + rng.random()) * (float(steps[-1]) / n)
        picked = np.minimum(np.searchsorted(steps, points, side="right"), np.flatnonzero(self.weights)[-1])
        return np.asfortranarray(self.rows[picked[rng.permutation(n)]])


class WeightedRowsModel(FittedModel):
    """A generator whose model is a list of weighted rows; what a fit leaves in ``_rows``.

    It has no density, as all rows that are not in the list would be impossible.
    """

    has_density: ClassVar[bool] = False

    _rows: WeightedRows

    def _draw(self, n: int, seed: int) -> Codes:
        return self._rows.sample(n, seed=seed, name=self.name)

    def _store(self) -> ModelState:
        return _LAYOUT.write({"rows": self._rows.rows, "weights": self._rows.weights})

    def _restore(self, state: ModelState, domain: Domain) -> None:
        file = StateReader(state, domain, _LAYOUT)
        rows = file.rows("rows")
        weights = file.array("weights", len(rows))
        check_shares([weights], 0.0, 2.0)
        self._rows = WeightedRows(rows, weights)
