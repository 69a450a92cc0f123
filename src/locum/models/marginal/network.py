"""A fitted graphical model: probabilities, marginals, conditions and rows, all exact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.errors import UsageError
from locum.models.marginal.draw import draw
from locum.models.marginal.propagation import Beliefs, Propagation
from locum.models.marginal.query import Query
from locum.models.marginal.triangulate import Clique, JunctionTree, Triangulator
from locum.schema.domain import Codes


class Network:
    """The distribution ``p(x) = exp(sum_f table_f(x_f)) / Z``.

    Parameters
    ----------
    sizes
        Number of codes of each attribute.
    factors
        Cliques of the tables, canonical, each once.
    tables
        Log weights, one array a factor; -inf where impossible.
    order
        Elimination order of the junction tree; None looks for one.

    Raises
    ------
    UsageError
        When no row at all is possible.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        factors: Sequence[Clique],
        tables: Sequence[FloatArray],
        order: Sequence[int] | None = None,
    ) -> None:
        self.sizes = tuple(sizes)
        self.factors = tuple(factors)
        self.tables = tuple(
            np.asarray(t, dtype=float).reshape([sizes[a] for a in f])
            for f, t in zip(factors, tables, strict=True)
        )
        self.tree: JunctionTree = Triangulator(self.sizes).tree(self.factors, order)
        engine = Propagation(self.tree, self.factors)
        self._beliefs: Beliefs = engine.run(self.tables)
        self._query = Query(self.tree, self._beliefs)
        if not np.isfinite(self.log_partition):
            raise UsageError("no row is possible under these conditions", where="conditions", do="relax one")

    @property
    def log_partition(self) -> float:
        """Log Z."""
        return self._beliefs.log_partition

    def log_prob(self, codes: npt.NDArray[np.integer]) -> FloatArray:
        """Natural log of the probability of each row of codes, all within the domain; shape (n_rows,)."""
        total = np.full(codes.shape[0], -self.log_partition)
        for factor, table in zip(self.factors, self.tables, strict=True):
            total += table[tuple(codes[:, a] for a in factor)]
        return total

    def marginal(self, attributes: Iterable[int]) -> FloatArray:
        """Probability table of some attributes, in canonical order; see `Query.marginal`."""
        return self._query.marginal(attributes)

    def condition(self, evidence: Mapping[int, npt.ArrayLike]) -> Network:
        """The distribution given evidence.

        Parameters
        ----------
        evidence
            For some attributes a weight of each code, 0 or more: 0/1 weights say which codes are possible,
            others are likelihoods (soft evidence). Probabilities are multiplied by them and renormalised.

        Returns
        -------
        Network
            Its `log_partition` less this one's is the log of the mean weight: of the evidence's probability
            where the weights are 0 and 1.

        Raises
        ------
        UsageError
            When the evidence is impossible, or weights are negative, not finite or of another number.
        """
        tables = dict(zip(self.factors, self.tables, strict=True))
        for attribute, weights in evidence.items():
            w = np.asarray(weights, dtype=float)
            if w.shape != (self.sizes[attribute],) or not np.isfinite(w).all() or w.min(initial=0.0) < 0:
                raise UsageError("evidence must be one weight a code, 0 or more", where="evidence")
            with np.errstate(divide="ignore"):
                log_weights = np.log(w)
            known = tables.get((attribute,))
            tables[attribute,] = log_weights if known is None else known + log_weights
        return Network(self.sizes, list(tables), list(tables.values()), self.tree.order)

    def sample(self, n: int, rng: np.random.Generator) -> Codes:
        """Draw `n` rows; see `locum.models.marginal.draw.draw`."""
        return draw(self.tree, self._beliefs, n, rng)
