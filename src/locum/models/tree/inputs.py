"""How an earlier column is shown to a later one: a table from its codes to a few ordered bins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from locum.arrays import IntArray
from locum.models.tree.basis import Basis
from locum.models.tree.tree import Tree
from locum.schema.domain import Attribute, CodedRows, Codes

Bins = npt.NDArray[np.uint8]
#: Bin tables by (predictor, target); ordered predictors share one table whatever the target.
Tables = Mapping[tuple[int, int], Bins]

#: Rows on which the orders of levels and the strength of dependence are computed.
SAMPLE_ROWS = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """How earlier columns are shown to later ones.

    Attributes
    ----------
    tables
        To trees: a few ordered bins.
    basis
        To additive models: features.
    """

    tables: Tables
    basis: Basis

    def leaves(self, tree: Tree, target: int, codes: Codes) -> IntArray:
        """Leaf of each row in a tree of `target`; only columns that the tree splits on are looked at."""
        used = np.unique(tree.feature[tree.feature >= 0])
        if len(used) == 0:
            return np.zeros(len(codes), dtype=np.int64)
        bins = np.empty((len(used), len(codes)), dtype=np.uint8)
        for i, predictor in enumerate(used):
            bins[i] = self.tables[(int(predictor), target)][codes[:, predictor]]
        slot = np.searchsorted(used, tree.feature).astype(np.int32)
        return tree.leaves(bins, np.minimum(slot, len(used) - 1))


def mass_groups(counts: IntArray, groups: int, power: float = 1.0) -> IntArray:
    """Cut codes, in order, into at most `groups` runs of about equal ``count ** power``.

    `power` 0.5 keeps resolution in thin tails, where a quantile cut would put everything in one group.
    Codes that hold more than a fair share alone are groups of their own. Returns the group of each code.
    """
    if len(counts) <= groups:
        return np.arange(len(counts))
    mass = np.maximum(counts, 0).astype(np.float64) ** power
    middle = np.cumsum(mass) - mass / 2
    raw = np.minimum((middle / max(mass.sum(), 1e-300) * groups).astype(np.int64), groups - 1)
    return np.cumsum(np.diff(raw, prepend=raw[0]) > 0)


def level_order(
    predictor: Codes, size: int, target_group: IntArray, n_groups: int, rare: int
) -> npt.NDArray[np.float64]:
    """Score of each level of `predictor` on the first axis of its correspondence with the target.

    Sorting levels by it lets one threshold do what a subset split would (Fisher 1958 for two classes;
    Coppersmith et al. 1999 for more). Levels with fewer than `rare` rows get the neutral score, so that a
    level of few people cannot become a key to their target value.
    """
    table = np.bincount(predictor * n_groups + target_group, minlength=size * n_groups)
    counts = table.reshape(size, n_groups).astype(np.float64)
    rows = counts.sum(axis=1)
    share = counts.sum(axis=0) / max(counts.sum(), 1.0)
    profile = (counts + 2.0 * share) / (rows + 2.0)[:, None] - share
    profile /= np.sqrt(share + 1e-12)
    profile[rows < rare] = 0.0
    weighted = profile * np.sqrt(rows)[:, None]
    _, axes = np.linalg.eigh(weighted.T @ weighted)
    axis = axes[:, -1]
    # The sign of an eigenvector is arbitrary; fix it so that results do not depend on the platform.
    axis = axis * (np.sign(axis[np.abs(axis).argmax()]) or 1.0)
    scores: npt.NDArray[np.float64] = profile @ axis
    return scores


def target_groups(codes: Codes, size: int, groups: int = 24) -> tuple[IntArray, int]:
    """Coarse classes of a target column for ordering levels: frequent codes alone, others by rank."""
    counts = np.bincount(codes, minlength=size)
    group = mass_groups(counts, groups)
    return group[codes], int(group.max()) + 1


def bin_table(
    attribute: Attribute, codes: Codes, max_bins: int, target: tuple[IntArray, int] | None, rare: int
) -> Bins:
    """Bin of every code of `attribute`; uint8, shape (size,).

    Ordered attributes keep their order; labels are ordered by `level_order` against the target's groups.
    Codes that no row has fall into the bin of their neighbour.
    """
    counts = np.bincount(codes, minlength=attribute.size)
    if attribute.ordered or attribute.size <= 2 or target is None:
        if attribute.null is None or attribute.size <= max_bins:
            return mass_groups(counts, max_bins, 0.5).astype(np.uint8)
        # Missing is not the largest value: it has a bin of its own, so that a split can tell it apart.
        valued = mass_groups(counts[:-1], max_bins - 1, 0.5)
        return np.append(valued, valued[-1] + 1).astype(np.uint8)
    score = level_order(codes, attribute.size, *target, rare=rare)
    order = np.argsort(score, kind="stable")
    ranked = mass_groups(np.where(counts[order] < rare, 0, counts[order]), max_bins, 0.5)
    out = np.empty(attribute.size, dtype=np.uint8)
    out[order] = ranked
    return out


def dependence(data: CodedRows, groups: int = 12) -> npt.NDArray[np.float64]:
    """Strength of dependence of every pair of attributes, for choosing inputs on wide tables.

    G statistic per degree of freedom on coarse groups of at most `SAMPLE_ROWS` rows; symmetric.
    Cost: O(pairs x rows).
    """
    step = max(1, data.n_rows // SAMPLE_ROWS)
    coarse = []
    for i, attribute in enumerate(data.domain):
        coarse.append(target_groups(np.ascontiguousarray(data.column(i)[::step]), attribute.size, groups))
    n = len(coarse)
    out = np.zeros((n, n))
    for i in range(n):
        a, size_a = coarse[i]
        for j in range(i):
            b, size_b = coarse[j]
            table = np.bincount(a * size_b + b, minlength=size_a * size_b).reshape(size_a, size_b)
            out[i, j] = out[j, i] = _g_per_freedom(table)
    return out


def _g_per_freedom(table: IntArray) -> float:
    total = table.sum()
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / max(total, 1)
    seen = table > 0
    g = 2.0 * (table[seen] * np.log(table[seen] / expected[seen])).sum()
    return float(g / max((table.shape[0] - 1) * (table.shape[1] - 1), 1))
