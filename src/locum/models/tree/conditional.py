"""The conditional distribution of one attribute in a chain: a tree, or a tree and regressions mixed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

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
    apart
        Codes that stand apart from its numbers: the tree alone says who has them, experts tell of the others.
    experts
        Regressions that give its codes too.
    weights
        Share of each expert in each group of leaves, shape (n_groups, n_experts); what is left to one is the
        tree's.
    group
        Group of each node of the tree, by how sure its codes are: a tree knows spikes and steps best, a
        regression what is smooth. Empty where all leaves are one group.
    """

    target: int
    tree: Tree
    apart: tuple[int, ...] = ()
    experts: tuple[Regression, ...] = ()
    weights: FloatArray = field(default_factory=lambda: np.zeros((1, 0)))
    group: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, dtype=np.uint8))

    @property
    def trees(self) -> tuple[Tree, ...]:
        """Every tree that it looks into."""
        return (self.tree, *(e.residuals for e in self.experts))

    def weighted(self, weights: FloatArray, ends: FloatArray, entropy: FloatArray) -> Conditional:
        """The same experts with other weights, without those that have none.

        Parameters
        ----------
        weights
            Share of each expert in each group; shape (n_groups, n_experts).
        ends
            Entropies between groups; shape (n_groups - 1,).
        entropy
            Entropy of each node.
        """
        kept = np.flatnonzero(weights.any(axis=0))
        group = np.searchsorted(ends, entropy, side="right").astype(np.uint8)
        experts = tuple(self.experts[i] for i in kept)
        return replace(self, experts=experts, weights=weights[:, kept], group=group[: len(kept) * len(group)])

    def entropy(self, marginal: FloatArray) -> FloatArray:
        """Entropy of the codes in each leaf of the tree, in nats; 0 for nodes that are none."""
        leaves = np.flatnonzero(self.tree.feature < 0)
        p = leaf_matrix(self.tree, leaves, marginal)
        out = np.zeros(len(self.tree.feature))
        out[leaves] = -np.where(p > 0, p * np.log(np.maximum(p, 1e-300)), 0.0).sum(axis=1)
        return out

    def draw(self, codes: Codes, view: View, cumulative: FloatArray, rng: np.random.Generator) -> IntArray:
        """A code for each row; `cumulative` is the attribute's distribution over all training rows."""
        leaf = view.leaves(self.tree, self.target, codes)
        out = self.tree.draw(leaf, cumulative, rng)
        if not self.experts:
            return out
        steps = np.cumsum(self.weights, axis=1)[self._groups(leaf)]
        chosen = (steps <= rng.random(len(out))[:, None]).sum(axis=1)
        chosen[np.isin(out, self.apart)] = len(self.experts)
        for i, expert in enumerate(self.experts):
            rows = np.flatnonzero(chosen == i)
            if len(rows):
                out[rows] = expert.draw(codes[rows], view, rng)
        return out

    def parts(self, codes: Codes, y: IntArray, view: View, marginal: FloatArray) -> FloatArray:
        """Probability of code `y` by the tree and by each expert; shape (1 + n_experts, n_rows)."""
        leaf = view.leaves(self.tree, self.target, codes)
        out = np.tile(self.tree.probability(leaf, y, marginal), (1 + len(self.experts), 1))
        rows = np.flatnonzero(~np.isin(y, self.apart))
        if not self.experts or not len(rows):
            return out
        known, wanted = codes[rows], y[rows]
        held = np.ones(len(rows))
        for code in self.apart:
            held -= self.tree.probability(leaf[rows], np.full(len(rows), code), marginal)
        held = np.maximum(held, 0.0)
        for i, expert in enumerate(self.experts):
            out[1 + i, rows] = held * expert.probability(known, wanted, view)
        return out

    def probability(self, codes: Codes, y: IntArray, view: View, marginal: FloatArray) -> FloatArray:
        """Probability of code `y` in each row."""
        parts = self.parts(codes, y, view, marginal)
        mix = self._mix(view.leaves(self.tree, self.target, codes))
        out: FloatArray = (mix * parts.T).sum(axis=1)
        return out

    def table(self, codes: Codes, view: View, marginal: FloatArray) -> FloatArray:
        """Probability of every code in each row; shape (n_rows, n_codes)."""
        leaf = view.leaves(self.tree, self.target, codes)
        out = leaf_matrix(self.tree, leaf, marginal)
        if not self.experts:
            return out
        numbers = np.setdiff1d(np.arange(out.shape[1]), self.apart)
        held = out[:, numbers].sum(axis=1, keepdims=True)
        mix = self._mix(leaf)
        out[:, numbers] *= mix[:, :1]
        for weight, expert in zip(mix[:, 1:].T, self.experts, strict=True):
            out[:, numbers] += weight[:, None] * held * expert.table(codes, view)[:, numbers]
        return out

    def _groups(self, leaf: IntArray) -> IntArray:
        """Group of each leaf."""
        return self.group[leaf].astype(np.int64) if len(self.group) else np.zeros(len(leaf), dtype=np.int64)

    def _mix(self, leaf: IntArray) -> FloatArray:
        """Share of the tree and of each expert in each row; shape (n_rows, 1 + n_experts)."""
        shares = np.column_stack([1.0 - self.weights.sum(axis=1), self.weights])
        out: FloatArray = shares[self._groups(leaf)]
        return out


def find_weights(
    parts: FloatArray, rounds: int, least: float, most: float, prior: FloatArray | None = None
) -> FloatArray:
    """Weights of experts, the tree's first, that make held-out codes most likely; they add up to one.

    Parameters
    ----------
    parts
        Probability of each held-out code by each of them; shape (1 + n_experts, n_rows).
    rounds
        Rounds of expectation and maximisation.
    least, most
        Experts with less weight get none; all together get at most so much.
    prior
        Rows that each of them has explained before; one each by default. Who has none gets no weight.
    """
    parts = np.maximum(parts, 1e-12)
    prior = np.ones(len(parts)) if prior is None else prior
    weight: FloatArray = prior / prior.sum()
    for _ in range(rounds):
        share = weight[:, None] * parts
        share /= share.sum(axis=0)
        weight = (share.sum(axis=1) + prior) / (parts.shape[1] + prior.sum())
    weight[1:][weight[1:] < least] = 0.0
    others = weight[1:].sum()
    if others > 0:
        weight[1:] *= min(1.0, most / others)
    weight[0] = 1.0 - weight[1:].sum()
    return weight
