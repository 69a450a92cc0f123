"""Regression of the label to predict: log-odds that are sums of functions of the other attributes.

Boosted trees need rows for every step of every input; where there are few rows, or few of one label, many
weak dependences that together tell much are beyond them. Here they add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from locum.arrays import FloatArray, IntArray
from locum.logistic import ridge_logistic
from locum.models.tree.additive import Additive
from locum.models.tree.basis import Basis
from locum.schema.domain import Codes

#: Penalties that are tried, a row; of the constant; and the change of a weight that is small enough.
PENALTIES, OF_CONSTANT, SMALL = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2), 1e-6, 1e-4
#: Log-odds are cut here, and shares are taken to be at least so large.
FARTHEST, LEAST_START = 12.0, 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Softmax:
    """The conditional distribution of the codes of an attribute with few of them.

    Attributes
    ----------
    target
        The attribute.
    start
        Log share of each code in the training rows.
    additive
        What some codes gain in log-odds in each row.
    codes
        These codes.
    """

    target: int
    start: FloatArray
    additive: Additive
    codes: tuple[int, ...]

    def table(self, codes: Codes, basis: Basis) -> FloatArray:
        """Probability of every code in each row; shape (n_rows, n_codes)."""
        odds = np.tile(self.start, (len(codes), 1))
        odds[:, self.codes] += np.clip(self.additive(codes, basis), -FARTHEST, FARTHEST)
        out = np.exp(odds - odds.max(axis=1, keepdims=True))
        return np.asarray(out / out.sum(axis=1, keepdims=True), dtype=np.float64)


def fit_softmax(
    target: int, codes: Codes, part: IntArray, share: FloatArray, inputs: Sequence[int], basis: Basis
) -> tuple[Softmax, FloatArray]:
    """A regression of an attribute, and its probabilities for each part of the rows when it is left out.

    Parameters
    ----------
    target
        The attribute.
    codes
        Training rows.
    part
        Part of each row; the penalty is the one that predicts parts left out best.
    share
        Share of each code of the attribute.
    inputs
        Attributes to look at.
    basis
        Their features.

    Notes
    -----
    Of more than two codes each gets a logistic regression against all others, made to sum to one: not the
    maximum of the joint likelihood, but close to it and cheaper.
    """
    start = np.log(np.maximum(share, LEAST_START))
    features = basis.rows(codes)[:, basis.of_attributes(inputs)]
    y = codes[:, target].astype(np.int64)
    at = np.arange(len(y)), y
    found = []
    for penalty in PENALTIES:
        apart = np.zeros((len(y), len(share)))
        for k in np.unique(part):
            inside = part != k
            one = _regress(target, features[inside], y[inside], start, inputs, penalty)
            apart[~inside] = one.table(codes[~inside], basis)
        found.append((float(np.log(np.maximum(apart[at], LEAST_START)).sum()), penalty, apart))
    _, penalty, apart = max(found, key=lambda item: item[0])
    return _regress(target, features, y, start, inputs, penalty), apart


def _regress(
    target: int, features: FloatArray, y: IntArray, start: FloatArray, inputs: Sequence[int], penalty: float
) -> Softmax:
    """Of two codes the less frequent one gains, of more every one."""
    share = np.exp(start)
    codes = tuple(range(len(start))) if len(start) > 2 else (int(share.argmin()),)
    gains = []
    x = np.hstack([features, np.ones((len(y), 1))])
    ridge = np.full(x.shape[1], penalty * len(y))
    ridge[-1] = OF_CONSTANT * len(y)
    for code in codes:
        beta = ridge_logistic(x, (y == code).astype(np.float64), ridge, small=SMALL)
        # A softmax starts from the shares: what a regression says on average is no gain.
        against = 1.0 - share[code] if len(start) == 2 else 1.0
        beta[-1] -= start[code] - np.log(max(against, LEAST_START))
        gains.append(beta)
    return Softmax(target, start, Additive(tuple(inputs), np.stack(gains, axis=1)), codes)
