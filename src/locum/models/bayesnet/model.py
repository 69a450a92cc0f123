"""A Bayesian network over codes: few direct dependences, exact conditional probabilities."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np

from locum.arrays import FloatArray
from locum.errors import NotFittedError, UsageError
from locum.models.base import ModelState
from locum.models.bayesnet.families import Families
from locum.models.bayesnet.search import Limits, Parents, Search
from locum.models.checks import check_guide, check_rows, check_training, check_width, within
from locum.models.guide import Guide
from locum.models.marginal.coarse import Coarsening
from locum.models.marginal.conditional import sample_guided
from locum.models.marginal.network import Network
from locum.models.marginal.stored import restore, store
from locum.models.marginal.triangulate import canonical
from locum.progress import Event, Listener, silent
from locum.randomness import check_seed, stream
from locum.schema.domain import Coded, Codes, Domain

#: Rows that the graph is learned from; tables are filled from all rows.
SEARCH_ROWS = 100_000
#: Cells of the junction tree (8 MB).
TREE_CELLS = 2**20
#: Columns that may become a column's parents.
CANDIDATES = 32


class BayesNetModel:
    """Each column depends on a few others; the graph is searched, the tables are counted and smoothed.

    Made for tables of categories, where rare conditions are asked: what few rows say about a
    rare combination is put together from many rows about its parts, as the graph allows, and
    conditions are answered exactly in the junction tree. Columns of many codes cost it more than other
    generators, and a table in which everything depends on everything is beyond it. See
    `locum.models.bayesnet.search.Search` and `locum.models.bayesnet.families.Families`.

    Parameters
    ----------
    max_parents
        Most columns that a column may depend on directly, 1 to 8.
    rounds
        Times that the search begins again from a shaken graph, 0 to 1000; it ends early when it finds
        nothing better.
    """

    name: ClassVar[str] = "bayes-net"
    has_density: ClassVar[bool] = True

    def __init__(self, max_parents: int = 5, rounds: int = 60) -> None:
        for key, value, low, high in (("max_parents", max_parents, 1, 8), ("rounds", rounds, 0, 1000)):
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise UsageError(
                    f"{value!r} is not usable", where=key, expected=f"a whole number from {low} to {high}"
                )
        self._limits = Limits(max_parents, CANDIDATES, TREE_CELLS, rounds)
        self._network: Network | None = None
        self._coarsening = Coarsening(())
        self._domain: Domain | None = None
        self._total = 0.0

    def fit(self, data: Coded, *, seed: int, progress: Listener = silent) -> Self:
        """Search the graph and fill its tables."""
        seed = check_seed(seed)
        check_training(data)
        rng = stream(seed, self.name, "search")

        def heard(share: float) -> None:
            progress(Event("fit", 0.95 * share, 1.0, "dependences"))

        families = Families(_some(data, rng))
        parents = Search(families, self._limits, rng).run(heard)
        self._network = _filled(families if data.n_rows <= SEARCH_ROWS else Families(data), parents)
        self._coarsening = Coarsening.none(data.domain.sizes)
        self._domain, self._total = data.domain, float(data.n_rows)
        progress(Event("fit", 1.0, 1.0))
        return self

    @property
    def network(self) -> Network:
        """The fitted distribution."""
        self._fitted()
        assert self._network is not None
        return self._network

    def sample(self, n: int, *, seed: int) -> Codes:
        """Draw `n` rows; int32, shape (n, n_attributes), Fortran order."""
        self._fitted()
        rng = stream(check_seed(seed), self.name, "sample")
        return self.network.sample(check_rows(n), rng)

    def sample_guided(self, n: int, guide: Guide, *, seed: int) -> tuple[Codes, FloatArray]:
        """Draw rows under a condition, with log weights; see `locum.models.base.Guided`.

        Exact by evidence in the junction tree; only pair factors are left to the weights.
        """
        domain = self._fitted()
        n, rng = check_rows(n), stream(check_seed(seed), self.name, "guided")
        check_guide(guide, n, domain)
        return sample_guided(self.network, self._coarsening, n, guide, rng)

    def log_prob(self, codes: Codes) -> FloatArray:
        """Natural log of each row's probability; -inf for impossible rows and unknown codes."""
        domain = self._fitted()
        check_width(codes, domain)
        inside = within(codes, domain)
        total = np.full(codes.shape[0], -np.inf)
        total[inside] = np.minimum(self.network.log_prob(codes[inside]), 0.0)
        return total

    def state(self) -> ModelState:
        """Log of every table, and the elimination order of the junction tree."""
        self._fitted()
        return store(self.network, self._coarsening, self._total)

    @classmethod
    def from_state(cls, state: ModelState, domain: Domain) -> Self:
        """Rebuild a fitted model; raises FileFormatError on anything `state` cannot have written."""
        model = cls()
        model._network, model._coarsening, model._total = restore(state, domain)
        model._domain = domain
        return model

    def _fitted(self) -> Domain:
        if self._domain is None:
            raise NotFittedError("the model has not been fitted", where=self.name, do="call fit first")
        return self._domain


def _some(data: Coded, rng: np.random.Generator) -> Coded:
    """At most `SEARCH_ROWS` rows, drawn without replacement."""
    if data.n_rows <= SEARCH_ROWS:
        return data
    rows = np.sort(rng.choice(data.n_rows, SEARCH_ROWS, replace=False))
    return Coded(data.domain, np.asfortranarray(data.codes[rows]))


def _filled(families: Families, parents: Parents) -> Network:
    """The network of these families' tables; each table with its axes in canonical order."""
    sizes, factors, tables = families.sizes, [], []
    for v, above in enumerate(parents):
        axes = [*sorted(above), v]
        clique = canonical(axes, sizes)
        table = families.table(v, axes[:-1]).reshape([sizes[a] for a in axes])
        with np.errstate(divide="ignore"):
            tables.append(np.log(table.transpose([axes.index(a) for a in clique])))
        factors.append(clique)
    return Network(sizes, factors, tables)
