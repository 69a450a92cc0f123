"""The fitted parts of the tree model: chains, and what corrects them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.models.tree.chain import Chain
from locum.models.tree.extended import calculate, recalculated
from locum.models.tree.implied import Implied, mend
from locum.models.tree.inputs import View
from locum.models.tree.ratio import Ratio
from locum.models.tree.target import TargetModel
from locum.schema.domain import Calculated, Codes


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """Chains that count alike, a density ratio over their rows, and a model of the target.

    Attributes
    ----------
    chains
        At least one.
    view
        Earlier columns as later ones see them.
    marginals
        Distribution of each attribute over all training rows.
    ratio
        Correction of the chains' rows, if there is one.
    target
        What draws the target anew, if one was named.
    implied
        Codes that follow from codes.
    calculated
        Attributes that are calculated from the others; rows have them as their last columns.
    early
        Chains that draw the number to predict first, for rows in which it is given: the others draw it last.
    """

    chains: tuple[Chain, ...]
    view: View
    marginals: tuple[FloatArray, ...]
    ratio: Ratio | None = None
    target: TargetModel | None = None
    implied: tuple[Implied, ...] = ()
    calculated: tuple[Calculated, ...] = ()
    early: tuple[Chain, ...] = ()

    @property
    def all_chains(self) -> tuple[Chain, ...]:
        """Those that rows are drawn from, then the early ones."""
        return (*self.chains, *self.early)

    def sample_chains(self, n: int, rng: np.random.Generator) -> Codes:
        """Rows of the chains, uncorrected: equal shares of every chain, in random order."""
        cumulative = [np.cumsum(m) / m.sum() for m in self.marginals]
        share = rng.permutation(np.arange(n) % len(self.chains))
        out = np.empty((n, len(self.marginals)), dtype=np.int32, order="F")
        for i, chain in enumerate(self.chains):
            mine = np.flatnonzero(share == i)
            if len(mine):
                out[mine] = chain.sample(len(mine), self.view, cumulative, self.calculated, rng)
        if mend(out, self.implied):
            calculate(out, self.calculated)
        return out

    def log_prob(self, codes: Codes, without: npt.NDArray[np.bool_] | None = None) -> FloatArray:
        """Log-probability under the corrected chains, before the target is drawn anew.

        Calculated columns may be out of date: they are calculated again.
        `without`, shape (chains, rows), says which chains are left out for which rows.
        """
        codes = recalculated(codes, self.calculated)
        per_chain = np.stack([c.log_prob(codes, self.view, self.marginals) for c in self.chains])
        count = np.full(len(codes), len(self.chains))
        if without is not None:
            per_chain[without] = -np.inf
            count -= without.sum(axis=0)
        out: FloatArray = np.logaddexp.reduce(per_chain, axis=0) - np.log(count)
        return out if self.ratio is None else out + self.ratio.log_weight(codes)

    def used_view(self) -> View:
        """The view with those tables alone that a tree splits on."""
        used = {
            (int(p), one.target)
            for chain in self.all_chains
            for one in chain.conditionals
            for tree in one.trees
            for p in np.unique(tree.feature[tree.feature >= 0])
        }
        tables = {key: table for key, table in self.view.tables.items() if key in used}
        return replace(self.view, tables=tables)
