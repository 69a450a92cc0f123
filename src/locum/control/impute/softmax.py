"""Chances of labels by logistic equations with a ridge; their coefficients can be drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from locum.arrays import FloatArray, IntArray

#: Ridge on standardised features where there are many rows for each; weaker on intercepts.
RIDGE, LEVEL_RIDGE = 0.3, 1e-3
#: Steps of Newton's method at most, and the step that is small enough.
STEPS, SMALL = 25, 1e-4


@dataclass(frozen=True, slots=True)
class SoftmaxFit:
    """Fitted logistic equations.

    Attributes
    ----------
    weights
        Coefficients of each label but the first, intercept first; shape (1 + p, k - 1).
    root
        Upper Cholesky factor of the curvature.
    scores
        Each row's part in the gradient, scaled as `locum.control.impute.linear.LinearFit.residual` is.
    features
        The rows' features, a column of ones first.
    ridge
        On every coefficient.
    """

    weights: FloatArray
    root: FloatArray
    scores: FloatArray
    features: FloatArray
    ridge: FloatArray

    def drawn(self, rng: np.random.Generator) -> FloatArray:
        """Coefficients as uncertain as they are: one Newton step from a wild bootstrap of the gradient."""
        from scipy.linalg import cho_solve

        push = self.features.T @ (self.scores * rng.standard_normal(len(self.scores))[:, None])
        push += np.sqrt(self.ridge) * rng.standard_normal(self.ridge.shape)
        step = cho_solve((self.root, False), push.T.ravel())
        return np.asarray(self.weights + step.reshape(push.T.shape).T)


def fit_softmax(x: FloatArray, labels: IntArray, k: int, ridge: float = RIDGE) -> SoftmaxFit:
    """The likeliest coefficients under a normal prior, by Newton's method.

    Parameters
    ----------
    x
        Features, about standardised; shape (n, p).
    labels
        From 0 to k - 1; shape (n,).
    k
        Number of labels, 2 or more.
    ridge
        One over the prior variance of a coefficient.

    Notes
    -----
    Cost: n (p k)^2 a step; five to ten steps.
    """
    from scipy.linalg import cho_factor, cho_solve

    n = len(labels)
    features = np.column_stack([np.ones(n), x])
    p = features.shape[1]
    hot = (labels[:, None] == np.arange(1, k)).astype(np.float64)
    penalty = np.full((p, k - 1), ridge)
    penalty[0] = LEVEL_RIDGE
    weights = np.zeros((p, k - 1))
    share = (np.bincount(labels, minlength=k) + 0.5) / (n + k / 2)
    weights[0] = np.log(share[1:] / share[0])
    loss = _loss(features, labels, weights, penalty)
    root = np.eye(p * (k - 1))
    chance = chances(features @ weights)
    for _ in range(STEPS):
        root = cho_factor(_curvature(features, chance[:, 1:], penalty))[0]
        gradient = features.T @ (hot - chance[:, 1:]) - penalty * weights
        step = cho_solve((root, False), gradient.T.ravel()).reshape(k - 1, p).T
        size = 1.0
        while size > 1e-3:
            new = _loss(features, labels, weights + size * step, penalty)
            if new <= loss + 1e-9 * abs(loss):
                break
            size /= 2
        weights, loss = weights + size * step, new
        chance = chances(features @ weights)
        if np.abs(size * step).max() < SMALL:
            break
    # Leverage of a row: its part in the trace of the fitted chances, as if labels were separate equations.
    lever = np.minimum(_lever(features, chance, root, k), 0.9)
    scores = (hot - chance[:, 1:]) / np.sqrt(1 - lever)[:, None]
    return SoftmaxFit(weights, root, scores, features, penalty)


def chances(scores: FloatArray) -> FloatArray:
    """Chances of all labels, the first one's score being 0; shape (n, k)."""
    full = np.column_stack([np.zeros(len(scores)), scores])
    full -= full.max(axis=1, keepdims=True)
    np.exp(full, out=full)
    return np.asarray(full / full.sum(axis=1, keepdims=True))


def draw_labels(chance: FloatArray, rng: np.random.Generator) -> IntArray:
    """One label for each row, by its chances."""
    total = chance.cumsum(axis=1)
    at = (rng.random(len(chance))[:, None] * total[:, -1:] >= total).sum(axis=1)
    return np.asarray(np.minimum(at, chance.shape[1] - 1), dtype=np.int64)


def surprise(chance: FloatArray, labels: IntArray) -> FloatArray:
    """Minus the logarithm of the chance of each row's label."""
    return np.asarray(-np.log(np.maximum(chance[np.arange(len(labels)), labels], 1e-12)))


def _loss(features: FloatArray, labels: IntArray, weights: FloatArray, penalty: FloatArray) -> float:
    full = np.column_stack([np.zeros(len(labels)), features @ weights])
    top = full.max(axis=1)
    normal = top + np.log(np.exp(full - top[:, None]).sum(axis=1))
    return float((normal - full[np.arange(len(labels)), labels]).sum() + (penalty * weights**2).sum() / 2)


def _curvature(features: FloatArray, chance: FloatArray, penalty: FloatArray) -> FloatArray:
    """Second derivatives, label by label; shape (p (k - 1), p (k - 1))."""
    p, k = penalty.shape
    out = np.empty((k, p, k, p))
    for a in range(k):
        for b in range(a, k):
            weight = chance[:, a] * ((a == b) - chance[:, b])
            out[a, :, b] = features.T @ (features * weight[:, None])
            out[b, :, a] = out[a, :, b].T
    full = out.reshape(k * p, k * p)
    full[np.diag_indices(k * p)] += penalty.T.ravel() + 1e-9
    return full


def _lever(features: FloatArray, chance: FloatArray, root: FloatArray, k: int) -> FloatArray:
    from scipy.linalg import cho_solve

    p = features.shape[1]
    inverse = cho_solve((root, False), np.eye(p * (k - 1)))
    total = np.zeros(len(features))
    for a in range(k - 1):
        block = inverse[a * p : (a + 1) * p, a * p : (a + 1) * p]
        share = chance[:, a + 1] * (1 - chance[:, a + 1])
        total += share * np.einsum("ij,jk,ik->i", features, block, features, optimize=True)
    return total / (k - 1)
