"""Sums of functions of earlier attributes, by least squares with a ridge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from locum.arrays import FloatArray
from locum.models.tree.basis import Basis
from locum.schema.domain import Codes

#: Penalties tried, per row.
PENALTIES = (1e-4, 1e-3, 1e-2, 5e-2, 0.2)
#: Rows whose features are held at a time.
BLOCK = 16_384


@dataclass(frozen=True, slots=True, eq=False)
class Additive:
    """One or several sums over attributes.

    Attributes
    ----------
    inputs
        Attributes that it looks at.
    coefficients
        Of their features, and last the constant; shape (n_features + 1, n_outputs).
    """

    inputs: tuple[int, ...]
    coefficients: FloatArray

    def __call__(self, codes: Codes, basis: Basis) -> FloatArray:
        """Values for some rows; shape (n_rows, n_outputs)."""
        out = np.tile(self.coefficients[-1], (len(codes), 1))
        at = 0
        for i in self.inputs:
            table = basis.tables[i]
            out += (table @ self.coefficients[at : at + table.shape[1]])[codes[:, i]]
            at += table.shape[1]
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Sums of products of features over some rows: all that least squares needs.

    Attributes
    ----------
    product
        Shape (n_features + 1, n_features + 1); the last feature is 1.
    """

    product: FloatArray

    @classmethod
    def of(cls, basis: Basis, codes: Codes) -> Moments:
        """Cost: rows x features squared."""
        size = basis.first[-1] + 1
        total: FloatArray = np.zeros((size, size))
        for start in range(0, len(codes), BLOCK):
            x = basis.rows(codes[start : start + BLOCK])
            x = np.hstack([x, np.ones((len(x), 1))])
            total += np.asarray(x.T @ x, dtype=np.float64)
        return cls(total)

    @property
    def rows(self) -> float:
        """Number of rows."""
        return float(self.product[-1, -1])

    def without(self, other: Moments) -> Moments:
        """The moments of the rows that are not among those of `other`."""
        return Moments(self.product - other.product)

    def solve(self, inputs: Sequence[int], outputs: Sequence[int], penalty: float) -> FloatArray:
        """Ridge coefficients of the features `inputs` and, last, the constant, for the features `outputs`."""
        at = [*inputs, len(self.product) - 1]
        a = self.product[np.ix_(at, at)] / self.rows
        a[np.diag_indices(len(inputs))] += penalty
        out: FloatArray = np.linalg.solve(a, self.product[np.ix_(at, outputs)] / self.rows).astype(np.float64)
        return out

    def loss(self, inputs: Sequence[int], outputs: Sequence[int], coefficients: FloatArray) -> FloatArray:
        """Mean square error for each of the features `outputs`."""
        at = [*inputs, len(self.product) - 1]
        fit = ((self.product[np.ix_(at, at)] @ coefficients) * coefficients).sum(axis=0)
        cross = (coefficients * self.product[np.ix_(at, outputs)]).sum(axis=0)
        total = fit - 2 * cross + self.product[outputs, outputs]
        return np.asarray(total / max(self.rows, 1.0), dtype=np.float64)


def fit_additive(
    basis: Basis, moments: Moments, held: Moments, inputs: Sequence[int], outputs: Sequence[int]
) -> tuple[Additive, float]:
    """The sums with the penalty that predicts held-out rows best.

    Parameters
    ----------
    basis
        Features of the attributes.
    moments, held
        Of the rows learned from, and of rows kept aside.
    inputs
        Attributes to look at.
    outputs
        Features to predict.

    Returns
    -------
    additive
        The sums.
    wider
        How many times farther from their values held-out rows lie than the rows learned from.
    """
    features = basis.of_attributes(inputs)
    tried = [moments.solve(features, outputs, penalty) for penalty in PENALTIES]
    spread = np.maximum(np.diag(moments.product)[list(outputs)] / moments.rows, 1e-12)
    best = min(tried, key=lambda c: float((held.loss(features, outputs, c) / spread).sum()))
    near, far = (m.loss(features, outputs, best) / spread for m in (moments, held))
    return Additive(tuple(inputs), best), float(np.sqrt(max(far.sum(), 1e-12) / max(near.sum(), 1e-12)))
