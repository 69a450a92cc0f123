"""One chain: a column order and a tree per column given the columns before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray, IntArray
from locum.models.tree.extended import calculate_known, with_known
from locum.models.tree.grow import Input, grow
from locum.models.tree.inputs import Bins
from locum.models.tree.settings import TreeSettings
from locum.models.tree.tree import Tree
from locum.schema.domain import Calculated, CodedRows, Codes

#: Bin tables by (predictor, target); ordered predictors share one table whatever the target.
Tables = Mapping[tuple[int, int], Bins]


@dataclass(frozen=True, slots=True)
class Chain:
    """p(x) as a product of conditionals in `order`, each a `Tree`.

    Attributes
    ----------
    order
        Attribute indices, first drawn first. Every attribute that is not calculated appears once.
    trees
        One per position of `order`.
    """

    order: tuple[int, ...]
    trees: tuple[Tree, ...]

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
    ) -> Chain:
        """Grow the trees on some rows; `choice` lists, per attribute, the predictors it may use."""
        columns = [data.column(i)[rows].astype(np.int64) for i in range(len(data.domain))]
        calculated = data.domain.calculated
        trees = []
        for position, target in enumerate(order):
            earlier = with_known(set(order[:position]), calculated, len(order))
            inputs = []
            for predictor in choice[target]:
                if predictor in earlier:
                    table = tables[(predictor, target)]
                    inputs.append(Input.of(predictor, table, columns[predictor], data.domain))
            growth = grow(
                columns[target],
                inputs if data.domain.sizes[target] > 1 else [],
                min_leaf=settings.min_leaf,
                penalty=settings.penalty,
                max_depth=settings.max_depth,
                classes=settings.classes if data.domain.attributes[target].ordered else 2 * settings.classes,
                xlogx=xlogx,
                null=data.domain.attributes[target].null,
            )
            trees.append(Tree.of(growth, columns[target], settings.smoothing))
        return cls(tuple(order), tuple(trees))

    def sample(
        self,
        n: int,
        tables: Tables,
        cumulative: Sequence[FloatArray],
        calculated: Sequence[Calculated],
        rng: np.random.Generator,
    ) -> Codes:
        """Draw `n` rows; int32, Fortran order, calculated columns last."""
        out = np.zeros((n, len(self.order) + len(calculated)), dtype=np.int32, order="F")
        known: set[int] = set()
        for target, tree in zip(self.order, self.trees, strict=True):
            if len(cumulative[target]) > 1:
                out[:, target] = tree.draw(leaves_of(tree, target, out, tables), cumulative[target], rng)
            known.add(target)
            calculate_known(out, calculated, target, known)
        return out

    def log_prob(self, codes: Codes, tables: Tables, marginals: Sequence[FloatArray]) -> FloatArray:
        """Log-probability of each row; codes must lie in the domain."""
        total = np.zeros(len(codes))
        for target, tree in zip(self.order, self.trees, strict=True):
            leaf = leaves_of(tree, target, codes, tables)
            y = codes[:, target].astype(np.int64)
            with np.errstate(divide="ignore"):
                total += np.log(tree.probability(leaf, y, marginals[target]))
        return total


def leaves_of(tree: Tree, target: int, codes: Codes, tables: Tables) -> IntArray:
    """Leaf of each row in the tree of `target`; only columns that the tree splits on are looked at."""
    used = np.unique(tree.feature[tree.feature >= 0])
    if len(used) == 0:
        return np.zeros(len(codes), dtype=np.int64)
    bins = np.empty((len(used), len(codes)), dtype=np.uint8)
    for i, predictor in enumerate(used):
        bins[i] = tables[(int(predictor), target)][codes[:, predictor]]
    slot = np.searchsorted(used, tree.feature).astype(np.int32)
    return tree.leaves(bins, np.minimum(slot, len(used) - 1))
