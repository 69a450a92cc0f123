"""One chain: a column order and the conditional of every column given the columns before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray, IntArray
from locum.models.tree.basis import apart
from locum.models.tree.conditional import Conditional
from locum.models.tree.experts import Experts
from locum.models.tree.extended import calculate_known, with_known
from locum.models.tree.grow import Input, grow
from locum.models.tree.inputs import Tables, View
from locum.models.tree.settings import TreeSettings
from locum.models.tree.tree import Tree
from locum.schema.domain import Calculated, CodedRows, Codes, Domain

#: Depth of a tree of residuals: what is left over of a number is simple.
RESIDUAL_DEPTH = 10


@dataclass(frozen=True, slots=True)
class Chain:
    """p(x) as a product of conditionals.

    Attributes
    ----------
    conditionals
        In the order in which attributes are drawn. Every attribute that is not calculated has one.
    """

    conditionals: tuple[Conditional, ...]

    @property
    def order(self) -> tuple[int, ...]:
        """Attribute indices, first drawn first."""
        return tuple(c.target for c in self.conditionals)

    @classmethod
    def fit(
        cls,
        data: CodedRows,
        rows: IntArray,
        order: Sequence[int],
        choice: Mapping[int, Sequence[int]],
        tables: Tables,
        settings: TreeSettings,
        xlogx: npt.NDArray[np.float32],
        experts: Experts | None,
        marginals: Sequence[FloatArray],
        rng: np.random.Generator,
    ) -> Chain:
        """Learn from some rows; `choice` lists, per attribute, the predictors it may use."""
        columns = [data.column(i)[rows].astype(np.int64) for i in range(len(data.domain))]
        calculated = data.domain.calculated
        chain_rows = None if experts is None else experts.chain_rows(data, rows, rng)
        conditionals = []
        for position, target in enumerate(order):
            attribute = data.domain.attributes[target]
            earlier = with_known(set(order[:position]), calculated, len(order))
            known = [p for p in choice[target] if p in earlier]
            grower = _Grower(data.domain, columns, target, known, tables, settings, xlogx)
            one = Conditional(target, grower.own_tree(), apart(attribute, marginals[target]))
            if experts is not None and chain_rows is not None and known and target in experts.targets:
                found = experts.fit(target, chain_rows, known, grower.tree, rng)
                one = replace(one, experts=found, weights=np.zeros((1, len(found))))
            conditionals.append(one)
        return cls(tuple(conditionals))

    def sample(
        self,
        n: int,
        view: View,
        cumulative: Sequence[FloatArray],
        calculated: Sequence[Calculated],
        rng: np.random.Generator,
    ) -> Codes:
        """Draw `n` rows; int32, Fortran order, calculated columns last."""
        out = np.zeros((n, len(self.conditionals) + len(calculated)), dtype=np.int32, order="F")
        known: set[int] = set()
        for one in self.conditionals:
            if len(cumulative[one.target]) > 1:
                out[:, one.target] = one.draw(out, view, cumulative[one.target], rng)
            known.add(one.target)
            calculate_known(out, calculated, one.target, known)
        return out

    def log_prob(self, codes: Codes, view: View, marginals: Sequence[FloatArray]) -> FloatArray:
        """Log-probability of each row; codes must lie in the domain."""
        total = np.zeros(len(codes))
        for one in self.conditionals:
            y = codes[:, one.target].astype(np.int64)
            with np.errstate(divide="ignore"):
                total += np.log(one.probability(codes, y, view, marginals[one.target]))
        return total


@dataclass(frozen=True, slots=True)
class _Grower:
    """Grows trees of one attribute on earlier ones."""

    domain: Domain
    columns: Sequence[IntArray]
    target: int
    known: Sequence[int]
    tables: Tables
    settings: TreeSettings
    xlogx: npt.NDArray[np.float32]

    def own_tree(self) -> Tree:
        """The tree of the attribute's codes."""
        attribute = self.domain.attributes[self.target]
        y, classes = self.columns[self.target], self.settings.classes
        classes = classes if attribute.ordered else 2 * classes
        return self._tree(None, y, classes, attribute.null, self.settings.max_depth)

    def tree(self, rows: IntArray, y: IntArray) -> Tree:
        """A tree of ordered classes of some rows."""
        depth = min(self.settings.max_depth, RESIDUAL_DEPTH)
        return self._tree(rows, y, self.settings.classes, None, depth)

    def _tree(self, rows: IntArray | None, y: IntArray, classes: int, null: int | None, depth: int) -> Tree:
        inputs = []
        for p in self.known if self.domain.sizes[self.target] > 1 else []:
            codes = self.columns[p] if rows is None else self.columns[p][rows]
            inputs.append(Input.of(p, self.tables[(p, self.target)], codes, self.domain))
        growth = grow(
            y,
            inputs,
            min_leaf=self.settings.min_leaf,
            penalty=self.settings.penalty,
            max_depth=depth,
            classes=classes,
            xlogx=self.xlogx,
            null=null,
        )
        return Tree.of(growth, y, self.settings.smoothing)
