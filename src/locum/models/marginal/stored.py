"""A fitted network as settings and arrays, and back again from an untrusted file."""

from __future__ import annotations

import itertools

import numpy as np

from locum.errors import UsageError
from locum.models.base import ModelState
from locum.models.checks import broken, exactly, tensor
from locum.models.marginal.coarse import Coarsening
from locum.models.marginal.network import Network
from locum.models.marginal.triangulate import Clique, Triangulator, canonical, volume
from locum.schema.domain import Domain

_ARRAYS = {"groups", "order", "cliques", "lengths", "weights", "impossible"}
#: Largest absolute log weight that a fit can give and a file may hold.
MOST_WEIGHT = 1e5
#: Cells of the largest tree that a file may ask for (1 GB of tables).
MOST_CELLS = 2**27


def store(network: Network, coarsening: Coarsening, total: float) -> ModelState:
    """Settings and arrays of a fitted model."""
    flat = np.concatenate([t.reshape(-1) for t in network.tables])
    impossible = np.isneginf(flat)
    return ModelState(
        {"total": float(total)},
        {
            "groups": np.concatenate(coarsening.groups).astype(np.int32),
            "order": np.array(network.tree.order, dtype=np.int32),
            "cliques": np.array([a for f in network.factors for a in f], dtype=np.int32),
            "lengths": np.array([len(f) for f in network.factors], dtype=np.int32),
            "weights": np.where(impossible, 0.0, np.clip(flat, -MOST_WEIGHT, MOST_WEIGHT)),
            "impossible": impossible,
        },
    )


def restore(state: ModelState, domain: Domain) -> tuple[Network, Coarsening, float]:
    """What `store` was given; raises FileFormatError on anything it cannot have written."""
    exactly(state, {"total"}, _ARRAYS)
    total = state.settings["total"]
    if type(total) is not float or not 1 <= total < 1e18:
        raise broken("the number of rows is out of range")
    coarsening = _coarsening(state, domain)
    sizes = coarsening.sizes
    order = tensor(state, "order", np.int32, (len(domain),)).tolist()
    if sorted(order) != list(range(len(domain))):
        raise broken("the elimination order is not one")
    factors = _factors(state, sizes)
    ends = list(itertools.accumulate(volume(f, sizes) for f in factors))
    if ends[-1] > MOST_CELLS:
        raise broken("the model is absurdly large")
    weights = tensor(state, "weights", np.float64, (ends[-1],))
    impossible = tensor(state, "impossible", np.bool_, (ends[-1],))
    if not (np.abs(weights) <= MOST_WEIGHT).all():
        raise broken("log weights are not finite, or out of range")
    if Triangulator(sizes).tree(factors, order).cells > MOST_CELLS:
        raise broken("the model is absurdly large")
    tables = np.split(np.where(impossible, -np.inf, weights), ends[:-1])
    try:
        return Network(sizes, factors, tables, order), coarsening, total
    except UsageError as error:
        raise broken("no row is possible") from error


def _coarsening(state: ModelState, domain: Domain) -> Coarsening:
    flat = tensor(state, "groups", np.int32, (sum(domain.sizes),))
    groups = tuple(np.split(flat, np.cumsum(domain.sizes)[:-1])) if len(domain) else ()
    if not groups:
        raise broken("there is no column")
    for group in groups:
        if group.min() < 0 or group.max() >= len(group) or np.bincount(group).min() == 0:
            raise broken("groups of codes are out of range")
    return Coarsening(groups)


def _factors(state: ModelState, sizes: tuple[int, ...]) -> list[Clique]:
    lengths = tensor(state, "lengths", np.int32, (None,)).tolist()
    if not lengths or min(lengths) < 1 or max(lengths) > len(sizes):
        raise broken("lengths of cliques are out of range")
    members = tensor(state, "cliques", np.int32, (sum(lengths),)).tolist()
    if min(members) < 0 or max(members) >= len(sizes):
        raise broken("cliques name attributes that are not there")
    ends = [0, *itertools.accumulate(lengths)]
    factors = [tuple(members[a:b]) for a, b in itertools.pairwise(ends)]
    if len(set(factors)) != len(factors) or any(f != canonical(f, sizes) for f in factors):
        raise broken("cliques are not in order, or come twice")
    return factors
