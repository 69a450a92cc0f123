"""What all generators on a graphical model share: rows, conditions, density and file of a fitted network."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from locum.arrays import FloatArray
from locum.errors import UsageError
from locum.models.base import ModelState
from locum.models.checks import broken
from locum.models.codec import ArraySpec, Layout, StateReader, flatten
from locum.models.fitted_model import GuidedModel
from locum.models.guide import Guide
from locum.models.marginal.coarse import Coarsening
from locum.models.marginal.conditional import sample_guided
from locum.models.marginal.network import Network
from locum.models.marginal.triangulate import Clique, Triangulator, canonical, volume
from locum.randomness import stream
from locum.schema.domain import Codes, Domain

#: Largest absolute log weight that a fit can give and a file may hold.
MOST_WEIGHT = 1e5
#: Cells of the largest tree that a file may ask for (1 GB of tables).
MOST_CELLS = 2**27
_LAYOUT = Layout(
    {
        "groups": ArraySpec(np.int32, low=0),
        "order": ArraySpec(np.int32, low=0),
        "cliques": ArraySpec(np.int32, low=0),
        "lengths": ArraySpec(np.int32, low=1),
        "weights": ArraySpec(np.float64, -MOST_WEIGHT, MOST_WEIGHT),
        "impossible": ArraySpec(np.bool_),
    },
    frozenset({"total"}),
)


class NetworkModel(GuidedModel):
    """A fitted network over groups of codes; a fit leaves its parts in ``_network`` and ``_coarsening``.

    Its file holds log weights of every factor, the elimination order of the tree, and the groups of codes.
    """

    _network: Network
    _coarsening: Coarsening
    _total: float

    @property
    def network(self) -> Network:
        """The fitted distribution over groups of codes; see `coarsening`."""
        self._fitted()
        return self._network

    def _draw(self, n: int, seed: int) -> Codes:
        rng = stream(seed, self.name, "sample")
        return self._coarsening.refine(self._network.sample(n, rng), rng)

    def _draw_guided(self, n: int, guide: Guide, seed: int) -> tuple[Codes, FloatArray]:
        """Exact by evidence in the junction tree; only pair factors are left to the weights."""
        rng = stream(seed, self.name, "guided")
        return sample_guided(self._network, self._coarsening, n, guide, rng)

    def _log_prob(self, codes: Codes) -> FloatArray:
        log_prob = self._network.log_prob(self._coarsening.coarsen(codes))
        return log_prob + self._coarsening.log_share(codes)

    def _store(self) -> ModelState:
        network = self._network
        flat = flatten(network.tables)
        impossible = np.isneginf(flat)
        arrays = {
            "groups": flatten(self._coarsening.groups),
            "order": network.tree.order,
            "cliques": [a for f in network.factors for a in f],
            "lengths": [len(f) for f in network.factors],
            "weights": np.where(impossible, 0.0, np.clip(flat, -MOST_WEIGHT, MOST_WEIGHT)),
            "impossible": impossible,
        }
        return _LAYOUT.write(arrays, total=float(self._total))

    def _restore(self, state: ModelState, domain: Domain) -> None:
        file = StateReader(state, domain, _LAYOUT)
        self._total = file.settings.number("total", low=1.0, high=1e18)
        groups = file.per_attribute("groups")
        for group in groups:
            if group.max() >= len(group) or np.bincount(group).min() == 0:
                raise broken("groups of codes are out of range")
        self._coarsening = Coarsening(groups)
        sizes, order = self._coarsening.sizes, file.order("order")
        factors = _factors(file, sizes)
        volumes = [volume(f, sizes) for f in factors]
        if sum(volumes) > MOST_CELLS or Triangulator(sizes).tree(factors, order).cells > MOST_CELLS:
            raise broken("the model is absurdly large")
        weights = file.array("weights", sum(volumes))
        impossible = file.array("impossible", sum(volumes))
        tables = np.split(np.where(impossible, -np.inf, weights), np.cumsum(volumes)[:-1])
        try:
            self._network = Network(sizes, factors, tables, order)
        except UsageError as error:
            raise broken("no row is possible") from error


def _factors(file: StateReader, sizes: Sequence[int]) -> list[Clique]:
    lengths = file.array("lengths", None).tolist()
    if not lengths or max(lengths) > len(sizes):
        raise broken("lengths of cliques are out of range")
    members = file.array("cliques", sum(lengths)).tolist()
    if max(members) >= len(sizes):
        raise broken("cliques name attributes that are not there")
    ends = [0, *itertools.accumulate(lengths)]
    factors = [tuple(members[a:b]) for a, b in itertools.pairwise(ends)]
    if len(set(factors)) != len(factors) or any(f != canonical(f, sizes) for f in factors):
        raise broken("cliques are not in order, or come twice")
    return factors
