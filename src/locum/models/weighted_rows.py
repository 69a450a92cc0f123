"""Code rows with weights: what a model is that reweights, or evolves, a list of rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.errors import NotFittedError, UsageError
from locum.models.base import ModelState
from locum.models.checks import broken, check_rows, exactly, tensor, within
from locum.randomness import check_seed, stream
from locum.schema.domain import Codes, Domain


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

    def tensors(self) -> Mapping[str, npt.NDArray[Any]]:
        """Arrays for a model file."""
        return {"rows": self.rows, "weights": self.weights}

    @classmethod
    def from_state(cls, state: ModelState, domain: Domain) -> WeightedRows:
        """Rebuild from arrays of an untrusted file; raises FileFormatError when they cannot be."""
        rows = tensor(state, "rows", np.int32, (None, len(domain)))
        weights = tensor(state, "weights", np.float64, (rows.shape[0],))
        if not len(domain) or not len(rows) or not within(rows, domain).all():
            raise broken("rows hold codes outside the domain, or there are none")
        fits = np.isfinite(weights).all() and weights.min() >= 0 and weights.max() <= 1
        if not fits or not 0 < float(weights.sum()) < 2.0:
            raise broken("weights are negative, not finite, or do not add up to one")
        return cls(rows, weights)


class RowsModel:
    """A generator whose model is a list of weighted rows; what `fit` leaves in ``_rows``."""

    name: ClassVar[str]
    has_density: ClassVar[bool] = False
    #: What the rows are, for messages.
    what: ClassVar[str] = "weighted"

    _rows: WeightedRows | None = None

    def sample(self, n: int, *, seed: int) -> Codes:
        """Draw `n` rows by weight; int32, shape (n, n_attributes), Fortran order."""
        rows = self._fitted()
        return rows.sample(check_rows(n), seed=check_seed(seed), name=self.name)

    def log_prob(self, codes: Codes) -> FloatArray:
        """Not defined, as all rows that are not in the list would be impossible; raises UsageError."""
        self._fitted()
        raise UsageError(f"{self.what} rows have no density", where=self.name, do="use aim or jam for one")

    def state(self) -> ModelState:
        """The rows and their weights."""
        return ModelState({}, self._fitted().tensors())

    @classmethod
    def from_state(cls, state: ModelState, domain: Domain) -> Self:
        """Rebuild from rows and weights; raises FileFormatError when they do not fit the domain."""
        exactly(state, set(), {"rows", "weights"})
        model = cls()
        model._rows = WeightedRows.from_state(state, domain)
        return model

    def _fitted(self) -> WeightedRows:
        if self._rows is None:
            raise NotFittedError("the model has not been fitted", where=self.name, do="call fit first")
        return self._rows
