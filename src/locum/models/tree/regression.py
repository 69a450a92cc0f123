"""Regression of an ordered attribute on earlier ones, with residuals that are drawn.

A tree cuts its inputs into steps, and a smooth dependence on several columns takes more steps than rows can
pay for. Here the normal score of the attribute is a sum of smooth functions of the earlier ones, and what
they leave over is drawn from the leaves of a tree, which sees where it is wide, narrow or bent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr, ndtri

from locum.arrays import FloatArray, IntArray
from locum.models.tree.additive import Additive
from locum.models.tree.basis import LEAST_TAIL
from locum.models.tree.dense import leaf_matrix
from locum.models.tree.inputs import View
from locum.models.tree.scorer import Scorer
from locum.models.tree.tree import Tree
from locum.schema.domain import Codes

#: Classes of residuals: fewest, most, and rows for each.
CLASSES, CLASS_ROWS = (8, 64), 25
#: How far the outermost classes reach beyond the outermost residuals, in standard deviations.
BEYOND = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Regression:
    """The conditional distribution of the codes of an ordered attribute, null aside.

    Attributes
    ----------
    target
        The attribute.
    borders
        Normal scores between its codes; infinite at both ends, shape (n_codes + 1,).
    additive
        Expected score as a sum over earlier attributes.
    boosted
        What boosted trees add to it, if anything.
    edges
        Ends of the classes of residuals; shape (n_classes + 1,).
    share
        Share of each class in the training rows.
    residuals
        Tree whose codes are the classes.
    """

    target: int
    borders: FloatArray
    additive: Additive
    boosted: Scorer | None
    edges: FloatArray
    share: FloatArray
    residuals: Tree

    def draw(self, codes: Codes, view: View, rng: np.random.Generator) -> IntArray:
        """A code for each row."""
        leaf = view.leaves(self.residuals, self.target, codes)
        kind = self.residuals.draw(leaf, np.cumsum(self.share) / self.share.sum(), rng)
        low, high = self.edges[kind], self.edges[kind + 1]
        score = expected(self.additive, self.boosted, codes, view) + low
        score += rng.random(len(codes)) * (high - low)
        out: IntArray = np.searchsorted(self.borders[1:-1], score, side="right")
        return out

    def probability(self, codes: Codes, y: IntArray, view: View) -> FloatArray:
        """Probability of code `y` in each row."""
        mean = expected(self.additive, self.boosted, codes, view)
        line, total = self._totals(codes, view)
        low, high = (self._below(line, total, self.borders[at] - mean) for at in (y, y + 1))
        return high - low

    def table(self, codes: Codes, view: View) -> FloatArray:
        """Probability of every code in each row; shape (n_rows, n_codes without null)."""
        mean = expected(self.additive, self.boosted, codes, view)
        line, total = self._totals(codes, view)
        at = self.borders[None, :] - mean[:, None]
        below = self._below(np.repeat(line, at.shape[1]), total, at.ravel()).reshape(at.shape)
        out: FloatArray = np.diff(below, axis=1)
        return out

    def _totals(self, codes: Codes, view: View) -> tuple[IntArray, FloatArray]:
        """Line of each row in a table of cumulative shares of the classes."""
        leaves, line = np.unique(view.leaves(self.residuals, self.target, codes), return_inverse=True)
        total = np.cumsum(leaf_matrix(self.residuals, leaves, self.share), axis=1)
        total /= total[:, -1:]
        return line, np.hstack([np.zeros((len(leaves), 1)), total])

    def _below(self, line: IntArray, total: FloatArray, at: FloatArray) -> FloatArray:
        """Probability of a residual below `at`."""
        at = np.clip(at, self.edges[0], self.edges[-1])
        kind = np.clip(np.searchsorted(self.edges, at, side="right") - 1, 0, len(self.edges) - 2)
        inside = (at - self.edges[kind]) / (self.edges[kind + 1] - self.edges[kind])
        out: FloatArray = total[line, kind] * (1 - inside) + total[line, kind + 1] * inside
        return out


def expected(additive: Additive, boosted: Scorer | None, codes: Codes, view: View) -> FloatArray:
    """Expected score of each row."""
    mean = additive(codes, view.basis)[:, 0]
    return mean if boosted is None else mean + boosted(codes)


def fit_regression(
    model: Regression,
    codes: Codes,
    mean: FloatArray,
    wider: float,
    grow_tree: Callable[[IntArray], Tree],
    rng: np.random.Generator,
) -> Regression:
    """The same expected scores with residuals learned from rows in which the target is not missing.

    A row's score is drawn within its code's share, so that a frequent value comes back as a share and not
    as a lump of residuals.

    Parameters
    ----------
    model
        Expected scores.
    codes
        The rows.
    mean
        Expected score of each row, best from a model that did not see it.
    wider
        Factor on the residuals, for what rows learned from keep too little of.
    grow_tree
        Grows a tree that tells the classes of the rows' residuals apart.
    rng
        For places within shares.
    """
    y = codes[:, model.target]
    low, high = ndtr(model.borders[y]), ndtr(model.borders[y + 1])
    inside = np.clip(low + rng.random(len(y)) * (high - low), LEAST_TAIL, 1 - LEAST_TAIL)
    residual = (ndtri(inside) - mean) * wider
    classes = int(np.clip(len(y) // CLASS_ROWS, *CLASSES))
    edges = np.quantile(residual, np.linspace(0, 1, classes + 1))
    spread = max(float(residual.std()), 1e-6)
    edges[0] -= BEYOND * spread
    edges[-1] += BEYOND * spread
    # No class is empty of room: a score falls into one of them by its place alone.
    edges = np.maximum.accumulate(edges) + np.arange(classes + 1) * (1e-9 * spread)
    kind = np.clip(np.searchsorted(edges, residual, side="right") - 1, 0, classes - 1)
    share = np.bincount(kind, minlength=classes) / len(kind)
    return replace(model, edges=edges, share=share, residuals=grow_tree(kind))
