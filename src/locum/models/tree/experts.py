"""Learning what trees share their columns with: regressions of numbers, weighed on held-out rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from locum.arrays import FloatArray, IntArray
from locum.models.tree.additive import Additive, Moments, fit_additive
from locum.models.tree.basis import borders, middles, scored
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
        Of the two; of all rows by None, and by attribute of the rows in which it is not missing.
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
            null = self.domain.attributes[target].null
            if null is not None:
                missing = [Moments.of(basis, x[x[:, target] == null]) for x in (codes, held)]
                moments[target] = both[0].without(missing[0]), both[1].without(missing[1])
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
        at = known_rows(rows.codes, target, attribute.null)
        codes_known = rows.codes[at]
        mean = expected(model.additive, None, codes_known, self.view)
        wider = float(np.clip(wider, 1.0, MOST_WIDER))
        found = [fit_regression(model, codes_known, mean, wider, lambda y: grow_tree(at, y), rng)]
        if target in self.boosted:
            boosted = self.boosted[target]
            model = replace(model, additive=boosted.additive, boosted=boosted.trees)
            at = at[np.isfinite(boosted.held_out[rows.rows[at]])]
            mean = boosted.held_out[rows.rows[at]]
            found.append(fit_regression(model, rows.codes[at], mean, 1.0, lambda y: grow_tree(at, y), rng))
        return tuple(found)

    def regression(self, target: int, additive: Additive) -> Regression:
        """A regression without residuals yet; its sums give normal scores and not centred ones."""
        attribute, marginal = self.domain.attributes[target], self.marginals[target]
        centre = middles(attribute, marginal)[0] - self.view.basis.tables[target][0, 0]
        coefficients = additive.coefficients.copy()
        coefficients[-1] += centre
        ends = borders(attribute, marginal)
        none = np.zeros(0)
        return Regression(
            target, ends, Additive(additive.inputs, coefficients), None, none, none, Tree.single()
        )


def known_rows(codes: Codes, target: int, null: int | None) -> IntArray:
    """Numbers of the rows in which an attribute is not missing."""
    return np.arange(len(codes)) if null is None else np.flatnonzero(codes[:, target] != null)


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
    parts: dict[int, list[FloatArray]] = {}
    for chain, rows in zip(conditionals, seen, strict=True):
        unseen = np.setdiff1d(np.arange(data.n_rows), rows, assume_unique=True)
        codes = data.take(unseen[:MOST_WEIGHED])
        for one in chain:
            known = known_rows(codes, one.target, one.null)
            if not one.experts or not len(known):
                continue
            y = codes[known, one.target].astype(np.int64)
            p = one.parts(codes[known], y, view, marginals[one.target])
            parts.setdefault(one.target, []).append(p)
    weights: dict[int, list[float]] = {}
    for target, found_parts in parts.items():
        most = max(len(p) for p in found_parts)
        alike = [p for p in found_parts if len(p) == most]
        found = find_weights(np.hstack(alike), ROUNDS, LEAST_WEIGHT, MOST_WEIGHT)
        weights[target] = found[1:].tolist()
    return [
        tuple(c.weighted(weights[c.target][: len(c.experts)]) if c.experts else c for c in chain)
        for chain in conditionals
    ]
