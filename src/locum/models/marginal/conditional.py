"""Rows of a graphical model under a guide: conditions enter the factor graph as evidence, exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.errors import UsageError
from locum.models.guide import FREE, Guide, nearest
from locum.models.marginal.coarse import Coarsening
from locum.models.marginal.network import Network
from locum.schema.domain import Codes

#: Different rows of given cells up to which each gets a propagation of its own; beyond, the nearest rows of a
#: pool of so many are taken.
EXACT_ROWS, DECK = 300, 20_000


def sample_guided(
    network: Network, coarsening: Coarsening, n: int, guide: Guide, rng: np.random.Generator
) -> tuple[Codes, FloatArray]:
    """Rows and log weights; the contract is that of `locum.models.base.Guided`.

    Weights of codes, given cells and temperature are exact: all rows (of a block) have one weight. Pair
    factors are left to the log weights. With more than `EXACT_ROWS` different rows of given cells, each is
    completed from the most similar of `DECK` rows instead.
    """
    if guide.temperature != 1.0:
        network = _temper(network, coarsening, guide.temperature)
    pairs = replace(guide, weights={})
    if guide.fixed is None:
        codes, log_mass = _given(network, coarsening, n, guide, None, rng)
        return codes, log_mass + pairs.log_factor(codes)
    wanted, which = np.unique(guide.fixed, axis=0, return_inverse=True)
    if len(wanted) > EXACT_ROWS:
        pool, _ = _given(network, coarsening, DECK, guide, None, rng)
        codes = nearest(pool, guide.fixed, n // len(guide.fixed), rng)
        return codes, guide.log_factor(codes)
    block = np.repeat(which.reshape(-1), n // len(guide.fixed))
    codes = np.empty((n, guide.fixed.shape[1]), dtype=np.int32, order="F")
    log_weight = np.empty(n)
    for i, cells in enumerate(wanted):
        mine = np.flatnonzero(block == i)
        codes[mine], log_weight[mine] = _given(network, coarsening, len(mine), guide, cells, rng)
    return codes, log_weight + pairs.log_factor(codes)


def _given(
    network: Network,
    coarsening: Coarsening,
    n: int,
    guide: Guide,
    cells: npt.NDArray[np.int32] | None,
    rng: np.random.Generator,
) -> tuple[Codes, float]:
    """Rows under weights of codes and given cells, and the log of the mass of that."""
    inside: dict[int, FloatArray] = {}
    for a, group in enumerate(coarsening.groups):
        fixed = cells is not None and cells[a] != FREE
        if a not in guide.weights and not fixed:
            continue
        weight = np.asarray(guide.weights.get(a, np.ones(len(group))), dtype=float)
        if fixed and cells is not None:
            weight = weight * (np.arange(len(group)) == cells[a])
        inside[a] = weight
    evidence = {
        a: np.bincount(coarsening.groups[a], weights=w) / coarsening.counts(a) for a, w in inside.items()
    }
    try:
        held = network.condition(evidence) if evidence else network
    except UsageError:
        codes = coarsening.refine(network.sample(n, rng), rng)
        if cells is not None:
            codes[:, cells != FREE] = cells[cells != FREE]
        return codes, -np.inf
    groups = held.sample(n, rng)
    codes = coarsening.refine(groups, rng)
    for a, weight in inside.items():
        codes[:, a] = _within(coarsening.groups[a], weight, groups[:, a], rng)
    return codes, held.log_partition - network.log_partition


def _within(
    group: npt.NDArray[np.int32], weight: FloatArray, chosen: npt.NDArray[np.int32], rng: np.random.Generator
) -> npt.NDArray[np.int32]:
    """A code of each chosen group in proportion to its weight."""
    order = np.argsort(group, kind="stable")
    steps = np.append(0.0, np.cumsum(weight[order]))
    first = np.searchsorted(group[order], chosen, side="left")
    last = np.searchsorted(group[order], chosen, side="right")
    mark = steps[first] + rng.random(len(chosen)) * (steps[last] - steps[first])
    at = np.clip(np.searchsorted(steps, mark, side="right") - 1, first, last - 1)
    out: npt.NDArray[np.int32] = order[at].astype(np.int32)
    return out


def _temper(network: Network, coarsening: Coarsening, temperature: float) -> Network:
    """The distribution over codes raised to ``1 / temperature``, as a network over groups."""
    power = 1.0 / temperature
    tables = {f: t * power for f, t in zip(network.factors, network.tables, strict=True)}
    for a in range(len(coarsening.groups)):
        size = np.log(coarsening.counts(a).astype(float)) * (1.0 - power)
        if size.any():
            tables[(a,)] = tables[(a,)] + size if (a,) in tables else size
    return Network(network.sizes, list(tables), list(tables.values()), network.tree.order)
