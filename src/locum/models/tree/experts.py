"""Learning what trees share their columns with: regressions of numbers, weighed on held-out rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from locum.arrays import FloatArray, IntArray
from locum.models.tree.additive import Additive, Moments, fit_additive
from locum.models.tree.basis import Basis, apart, borders, middles, scored
from locum.models.tree.boosted import Boosted
from locum.models.tree.conditional import Conditional, find_weights
from locum.models.tree.inputs import View
from locum.models.tree.regression import Regression, expected, fit_regression
from locum.models.tree.tree import Tree
from locum.schema.domain import CodedRows, Codes, Domain

#: Fewest rows to learn from and to be held out.
FEWEST_ROWS, FEWEST_HELD = 100, 20
#: Most held-out rows that choose penalties, and that weigh the experts of each chain.
MOST_HELD, MOST_WEIGHED = 2_000, 500
#: Weight below which an expert is dropped, most that all experts of a column get, and rounds of weighing.
LEAST_WEIGHT, MOST_WEIGHT, ROUNDS = 0.1, 0.98, 50
#: Leaves are grouped by their entropy, at these shares of the held-out rows; rows that what holds everywhere
#: is worth in each group.
GROUP_ENDS, PRIOR_ROWS = (0.25, 0.5, 0.75), 25.0
GROUPS = len(GROUP_ENDS) + 1
#: Residuals are taken for at most so many times as wide as on the rows learned from.
MOST_WIDER = 1.5

#: Grows a tree of classes on rows by number.
GrowTree = Callable[[IntArray, IntArray], Tree]


@dataclass(frozen=True, slots=True, eq=False)
class ChainRows:
    """The rows of one chain and rows that it does not see, with their moments.

    Attributes
    ----------
    rows
        Numbers of the rows learned from.
    codes, held
        Rows learned from and rows kept aside.
    moments
        Of the two; of all rows by None, and by attribute of the rows in which it is a number like others.
    """

    rows: IntArray
    codes: Codes
    held: Codes
    moments: Mapping[int | None, tuple[Moments, Moments]]


@dataclass(frozen=True, slots=True, eq=False)
class Experts:
    """What experts need to know of a table.

    Attributes
    ----------
    domain
        Attributes, the calculated ones included.
    marginals
        Shares of their codes.
    view
        How columns are shown.
    targets
        Attributes that may have experts besides their tree.
    boosted
        Expectation of the attribute that a user wants to predict, if it is a number.
    """

    domain: Domain
    marginals: Sequence[FloatArray]
    view: View
    targets: Collection[int]
    boosted: Mapping[int, Boosted] = field(default_factory=dict)

    @classmethod
    def of(cls, domain: Domain, marginals: Sequence[FloatArray], view: View) -> Experts:
        """All attributes that are seen as numbers."""
        own = len(domain) - len(domain.calculated)
        targets = {i for i, a in enumerate(domain.attributes[:own]) if scored(a)}
        return cls(domain, marginals, view, targets)

    def chain_rows(self, data: CodedRows, rows: IntArray, rng: np.random.Generator) -> ChainRows | None:
        """What one chain learns from; None where there are too few rows."""
        unseen = np.setdiff1d(np.arange(data.n_rows), rows, assume_unique=True)
        if len(rows) < FEWEST_ROWS or len(unseen) < FEWEST_HELD or not self.targets:
            return None
        unseen = rng.permutation(unseen)[:MOST_HELD]
        codes, held = data.take(rows), data.take(unseen)
        basis = self.view.basis
        both = Moments.of(basis, codes), Moments.of(basis, held)
        moments: dict[int | None, tuple[Moments, Moments]] = {None: both}
        for target in self.targets:
            others = apart(self.domain.attributes[target], self.marginals[target])
            if others:
                first, second = (
                    _of_numbers(m, basis, x, target, others) for m, x in zip(both, (codes, held), strict=True)
                )
                moments[target] = first, second
        return ChainRows(rows, codes, held, moments)

    def fit(
        self,
        target: int,
        rows: ChainRows,
        inputs: Sequence[int],
        grow_tree: GrowTree,
        rng: np.random.Generator,
    ) -> tuple[Regression, ...]:
        """The regressions of an attribute on some earlier ones."""
        attribute, basis = self.domain.attributes[target], self.view.basis
        learned, held = rows.moments.get(target, rows.moments[None])
        if learned.rows < FEWEST_ROWS or held.rows < FEWEST_HELD or not basis.of_attributes(inputs):
            return ()
        first = basis.first[target]
        additive, wider = fit_additive(basis, learned, held, inputs, [first])
        model = self.regression(target, additive)
        at = numbers(rows.codes, target, apart(attribute, self.marginals[target]))
        codes_known = rows.codes[at]
        mean = expected(model.additive, None, codes_known, self.view)
        wider = float(np.clip(wider, 1.0, MOST_WIDER))
        found = [fit_regression(model, codes_known, mean, wider, lambda y: grow_tree(at, y), rng)]
        if target in self.boosted:
            boosted = self.boosted[target]
            model = replace(model, additive=boosted.additive, boosted=boosted.trees)
            at = at[np.isfinite(boosted.held_out[rows.rows[at]])]
            mean = boosted.held_out[rows.rows[at]]
            scale = boosted.narrower
            found.append(fit_regression(model, rows.codes[at], mean, scale, lambda y: grow_tree(at, y), rng))
        return tuple(found)

    def regression(self, target: int, additive: Additive) -> Regression:
        """A regression without residuals yet; its sums give normal scores and not centred ones."""
        attribute, marginal = self.domain.attributes[target], self.marginals[target]
        others = apart(attribute, marginal)
        number = next(code for code in range(attribute.size) if code not in others)
        centre = middles(attribute, marginal)[number] - self.view.basis.tables[target][number, 0]
        coefficients = additive.coefficients.copy()
        coefficients[-1] += centre
        ends = borders(attribute, marginal)
        none = np.zeros(0)
        return Regression(
            target, ends, Additive(additive.inputs, coefficients), None, none, none, Tree.single()
        )


def numbers(codes: Codes, target: int, others: Sequence[int]) -> IntArray:
    """Rows in which an attribute has none of some codes."""
    return np.flatnonzero(~np.isin(codes[:, target], others))


def _of_numbers(moments: Moments, basis: Basis, codes: Codes, target: int, others: Sequence[int]) -> Moments:
    """Moments of the rows in which an attribute has none of some codes; `moments` are those of all rows."""
    at = numbers(codes, target, others)
    if 2 * len(at) < len(codes):
        return Moments.of(basis, codes[at])
    return moments.without(Moments.of(basis, np.delete(codes, at, axis=0)))


def weigh(
    data: CodedRows,
    conditionals: Sequence[Sequence[Conditional]],
    seen: Sequence[IntArray],
    view: View,
    marginals: Sequence[FloatArray],
) -> list[tuple[Conditional, ...]]:
    """The conditionals of all chains with their experts' weights, found for each attribute over all chains.

    Parameters
    ----------
    data
        Training rows.
    conditionals
        Of each chain.
    seen
        Rows that each chain has learned from; up to `MOST_WEIGHED` others judge it.
    view, marginals
        How columns are shown, and shares of their codes.
    """
    found: dict[int, list[_Judged]] = {}
    for m, (chain, rows) in enumerate(zip(conditionals, seen, strict=True)):
        unseen = np.setdiff1d(np.arange(data.n_rows), rows, assume_unique=True)
        codes = data.take(unseen[:MOST_WEIGHED])
        for one in chain:
            if one.experts:
                found.setdefault(one.target, []).append(
                    _Judged.of(m, one, codes, view, marginals[one.target])
                )
    out = [list(chain) for chain in conditionals]
    place = [{one.target: i for i, one in enumerate(chain)} for chain in conditionals]
    for target, judged in found.items():
        everywhere, ends = _weights(judged)
        for verdict in judged:
            of_chain, at = out[verdict.member], place[verdict.member][target]
            own = verdict.weights(everywhere, ends)
            of_chain[at] = of_chain[at].weighted(own, ends, verdict.node_entropy)
    return [tuple(chain) for chain in out]


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """What rows that a chain has not seen say of one of its conditionals.

    Attributes
    ----------
    member
        The chain.
    parts
        Probability of each row's code by the tree and by each expert.
    node_entropy, leaf
        Entropy of each node of the tree, and the leaf of each row.
    """

    member: int
    parts: FloatArray
    node_entropy: FloatArray
    leaf: IntArray

    @classmethod
    def of(cls, member: int, one: Conditional, codes: Codes, view: View, marginal: FloatArray) -> _Judged:
        known = codes[numbers(codes, one.target, one.apart)]
        parts = one.parts(known, known[:, one.target].astype(np.int64), view, marginal)
        return cls(member, parts, one.entropy(marginal), view.leaves(one.tree, one.target, known))

    def weights(self, everywhere: FloatArray, ends: FloatArray) -> FloatArray:
        """Weights of its experts in each group of leaves, not far from those in all chains without need."""
        group = np.searchsorted(ends, self.node_entropy[self.leaf], side="right")
        found = []
        for k, weight in enumerate(everywhere[:, : len(self.parts)]):
            prior = weight / max(weight.sum(), 1e-12) * PRIOR_ROWS
            found.append(find_weights(self.parts[:, group == k], ROUNDS, LEAST_WEIGHT, MOST_WEIGHT, prior))
        return np.stack(found)[:, 1:]


def _weights(judged: Sequence[_Judged]) -> tuple[FloatArray, FloatArray]:
    """Weights of tree and experts in each group of leaves, and the entropies between groups."""
    most = max(len(one.parts) for one in judged)
    alike = [one for one in judged if len(one.parts) == most]
    parts = np.hstack([one.parts for one in alike])
    entropy = np.concatenate([one.node_entropy[one.leaf] for one in alike])
    everywhere = find_weights(parts, ROUNDS, LEAST_WEIGHT, MOST_WEIGHT)
    ends = np.quantile(entropy, GROUP_ENDS) if len(entropy) else np.zeros(len(GROUP_ENDS))
    group = np.searchsorted(ends, entropy, side="right")
    prior = everywhere * PRIOR_ROWS
    found = [
        find_weights(parts[:, group == k], ROUNDS, 0.0, MOST_WEIGHT, prior) for k in range(len(ends) + 1)
    ]
    return np.stack(found), ends
