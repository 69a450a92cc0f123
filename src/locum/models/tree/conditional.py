"""The conditional distribution of one attribute in a chain: a tree, or a tree and regressions mixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from locum.arrays import FloatArray, IntArray
from locum.models.tree.dense import leaf_matrix
from locum.models.tree.inputs import View
from locum.models.tree.regression import Regression
from locum.models.tree.tree import Tree
from locum.schema.domain import Codes


@dataclass(frozen=True, slots=True, eq=False)
class Conditional:
    """p(target | earlier attributes).

    Attributes
    ----------
    target
        Attribute that is drawn.
    tree
        Leaves that are distributions over its codes.
    null
        Its code for missing values, where the tree alone says who has it: experts tell of the other rows.
    experts
        Regressions that give its codes too.
    weights
        Share of each expert; what is left to one is the tree's.
    """

    target: int
    tree: Tree
    null: int | None = None
    experts: tuple[Regression, ...] = ()
    weights: tuple[float, ...] = ()

    @property
    def trees(self) -> tuple[Tree, ...]:
        """Every tree that it looks into."""
        return (self.tree, *(e.residuals for e in self.experts))

    def weighted(self, weights: Sequence[float]) -> Conditional:
        """The same experts with other weights, without those that have none."""
        kept = [i for i, w in enumerate(weights) if w > 0]
        return replace(
            self,
            experts=tuple(self.experts[i] for i in kept),
            weights=tuple(float(weights[i]) for i in kept),
        )

    def draw(self, codes: Codes, view: View, cumulative: FloatArray, rng: np.random.Generator) -> IntArray:
        """A code for each row; `cumulative` is the attribute's distribution over all training rows."""
        out = self.tree.draw(view.leaves(self.tree, self.target, codes), cumulative, rng)
        if not self.experts:
            return out
        chosen = np.searchsorted(np.cumsum(self.weights), rng.random(len(out)), side="right")
        if self.null is not None:
            chosen[out == self.null] = len(self.experts)
        for i, expert in enumerate(self.experts):
            rows = np.flatnonzero(chosen == i)
            if len(rows):
                out[rows] = expert.draw(codes[rows], view, rng)
        return out

    def parts(self, codes: Codes, y: IntArray, view: View, marginal: FloatArray) -> FloatArray:
        """Probability of code `y` by the tree and by each expert; shape (1 + n_experts, n_rows)."""
        leaf = view.leaves(self.tree, self.target, codes)
        out = np.tile(self.tree.probability(leaf, y, marginal), (1 + len(self.experts), 1))
        rows = np.arange(len(y)) if self.null is None else np.flatnonzero(y != self.null)
        if not self.experts or not len(rows):
            return out
        known, wanted = codes[rows], y[rows]
        held = np.ones(len(rows))
        if self.null is not None:
            missing = self.tree.probability(leaf[rows], np.full(len(rows), self.null), marginal)
            held = np.maximum(held - missing, 0.0)
        for i, expert in enumerate(self.experts):
            out[1 + i, rows] = held * expert.probability(known, wanted, view)
        return out

    def probability(self, codes: Codes, y: IntArray, view: View, marginal: FloatArray) -> FloatArray:
        """Probability of code `y` in each row."""
        out: FloatArray = self._mix @ self.parts(codes, y, view, marginal)
        return out

    def table(self, codes: Codes, view: View, marginal: FloatArray) -> FloatArray:
        """Probability of every code in each row; shape (n_rows, n_codes)."""
        out = leaf_matrix(self.tree, view.leaves(self.tree, self.target, codes), marginal)
        if not self.experts:
            return out
        size = out.shape[1] if self.null is None else self.null
        held = out[:, :size].sum(axis=1, keepdims=True)
        mix = self._mix
        out[:, :size] *= mix[0]
        for weight, expert in zip(mix[1:], self.experts, strict=True):
            out[:, :size] += weight * held * expert.table(codes, view)
        return out

    @property
    def _mix(self) -> FloatArray:
        return np.array([1.0 - sum(self.weights), *self.weights])


def find_weights(parts: FloatArray, rounds: int, least: float, most: float) -> FloatArray:
    """Weights of experts, the tree's first, that make held-out codes most likely; they add up to one.

    Parameters
    ----------
    parts
        Probability of each held-out code by each of them; shape (1 + n_experts, n_rows).
    rounds
        Rounds of expectation and maximisation.
    least, most
        Experts with less weight get none; all together get at most so much.
    """
    parts = np.maximum(parts, 1e-12)
    weight = np.full(len(parts), 1.0 / len(parts))
    for _ in range(rounds):
        share = weight[:, None] * parts
        share /= share.sum(axis=0)
        # One row for each, as if it had been seen: few rows say little.
        weight = (share.sum(axis=1) + 1.0) / (parts.shape[1] + len(parts))
    weight[1:][weight[1:] < least] = 0.0
    others = weight[1:].sum()
    if others > 0:
        weight[1:] *= min(1.0, most / others)
    weight[0] = 1.0 - weight[1:].sum()
    return weight
