"""Regression of a label on earlier attributes: log-odds that are sums of functions of them.

A tree needs rows for every step of every input; many weak dependences, which together tell much, are beyond
it. Here they add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from locum.arrays import FloatArray, IntArray
from locum.models.tree.additive import Additive
from locum.models.tree.inputs import View
from locum.schema.domain import Codes

#: Factors tried on the step from the shares of all rows to those of one row.
SCALES = (0.0, 0.3, 0.5, 0.7, 0.85, 1.0, 1.15, 1.3, 1.6, 2.0)
#: Log-odds are cut here.
FARTHEST = 8.0


@dataclass(frozen=True, slots=True, eq=False)
class Softmax:
    """The conditional distribution of all codes of an attribute with few of them.

    Attributes
    ----------
    target
        The attribute.
    start
        Log share of each code in the training rows.
    additive
        What each code that has a feature gains in a row, as a difference of shares.
    codes
        These codes.
    scale
        Factor on the step.

    Notes
    -----
    The first Newton step of a multinomial logistic regression from the shares of all rows, which is a
    least-squares fit of the codes' indicators, its length chosen on held-out rows (Fisher's discriminant has
    the same direction). Cost: no iteration, and the sums of products that regressions need anyway.
    """

    target: int
    start: FloatArray
    additive: Additive
    codes: tuple[int, ...]
    scale: float

    def table(self, codes: Codes, view: View) -> FloatArray:
        """Probability of every code in each row; shape (n_rows, n_codes)."""
        return _shares(self.start, self.codes, self.additive(codes, view.basis), self.scale)

    def probability(self, codes: Codes, y: IntArray, view: View) -> FloatArray:
        """Probability of code `y` in each row."""
        return self.table(codes, view)[np.arange(len(y)), y]

    def draw(self, codes: Codes, view: View, rng: np.random.Generator) -> IntArray:
        """A code for each row."""
        total = np.cumsum(self.table(codes, view), axis=1)
        at: IntArray = (total < rng.random(len(codes))[:, None] * total[:, -1:]).sum(axis=1)
        return np.minimum(at, len(self.start) - 1)


def _shares(start: FloatArray, codes: Sequence[int], gain: FloatArray, scale: float) -> FloatArray:
    share = np.exp(start)
    step = np.zeros((len(gain), len(start)))
    step[:, codes] = gain / share[list(codes)]
    most = int(share.argmax())
    step[:, most] = -gain.sum(axis=1) / share[most]
    odds = start + np.clip(scale * step, -FARTHEST, FARTHEST)
    out = np.exp(odds - odds.max(axis=1, keepdims=True))
    return np.asarray(out / out.sum(axis=1, keepdims=True), dtype=np.float64)


def fit_softmax(
    target: int, share: FloatArray, codes: Sequence[int], additive: Additive, held: Codes, view: View
) -> Softmax | None:
    """The step with the length that predicts held-out rows best; None where none is better than no step.

    Parameters
    ----------
    target
        The attribute.
    share
        Shares of its codes in the training rows.
    codes
        Codes that `additive` has outputs for.
    additive
        Least-squares fit of their indicators.
    held
        Rows kept aside.
    view
        How columns are shown.
    """
    start = np.log(np.maximum(share, 1e-9))
    gain = additive(held, view.basis)
    y = held[:, target]
    at = np.arange(len(held)), y
    likelihood = [np.log(_shares(start, codes, gain, s)[at]).sum() for s in SCALES]
    scale = SCALES[int(np.argmax(likelihood))]
    return Softmax(target, start, additive, tuple(codes), scale) if scale > 0 else None
