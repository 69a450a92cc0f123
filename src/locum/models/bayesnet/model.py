"""A Bayesian network over codes: few direct dependences, exact conditional probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from locum.models.bayesnet.families import Families
from locum.models.bayesnet.search import GraphLimits, Parents, Search
from locum.models.marginal.coarse import Coarsening
from locum.models.marginal.network import Network
from locum.models.marginal.network_model import NetworkModel
from locum.models.marginal.triangulate import canonical
from locum.models.settings import ModelSettings, whole
from locum.progress import Event, Listener
from locum.randomness import stream
from locum.schema.domain import Coded, CodedRows

#: Rows that the graph is learned from; tables are filled from all rows.
SEARCH_ROWS = 100_000
#: Cells of the junction tree (8 MB).
TREE_CELLS = 2**20
#: Columns that may become a column's parents.
CANDIDATES = 32


@dataclass(frozen=True, kw_only=True)
class BayesNetSettings(ModelSettings):
    """How far the graph is searched."""

    max_parents: int = whole(5, 1, 8, "Most columns that a column may depend on directly.")
    rounds: int = whole(
        60,
        0,
        1000,
        "Times that the search begins again from a shaken graph; it ends early when it finds nothing better.",
    )


class BayesNetModel(NetworkModel):
    """Each column depends on a few others; the graph is searched, the tables are counted and smoothed.

    Made for tables of categories, where rare conditions are asked: what few rows say about a
    rare combination is put together from many rows about its parts, as the graph allows, and
    conditions are answered exactly in the junction tree. Columns of many codes cost it more than other
    generators, and a table in which everything depends on everything is beyond it. See
    `locum.models.bayesnet.search.Search` and `locum.models.bayesnet.families.Families`.
    """

    name: ClassVar[str] = "bayes-net"
    settings_type: ClassVar[type[ModelSettings]] = BayesNetSettings

    settings: BayesNetSettings

    def _learn(self, data: CodedRows, seed: int, progress: Listener) -> None:
        rng = stream(seed, self.name, "search")

        def heard(share: float) -> None:
            progress(Event("fit", 0.95 * share, 1.0, "dependences"))

        limits = GraphLimits(self.settings.max_parents, CANDIDATES, TREE_CELLS, self.settings.rounds)
        families = Families(_sample_rows(data, rng))
        parents = Search(families, limits, rng).run(heard)
        self._network = _network_of(families if data.n_rows <= SEARCH_ROWS else Families(data), parents)
        self._coarsening = Coarsening.none(data.domain.sizes)
        self._total = float(data.n_rows)
        progress(Event("fit", 1.0, 1.0))


def _sample_rows(data: CodedRows, rng: np.random.Generator) -> CodedRows:
    """At most `SEARCH_ROWS` rows, drawn without replacement."""
    if data.n_rows <= SEARCH_ROWS:
        return data
    rows = np.sort(rng.choice(data.n_rows, SEARCH_ROWS, replace=False))
    return Coded(data.domain, data.take(rows))


def _network_of(families: Families, parents: Parents) -> Network:
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
