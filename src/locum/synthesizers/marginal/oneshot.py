"""One shot: score once, measure once, fit once.

In the manner of SWIFT (google/dpsynth, unpublished): the errors of all candidates against independent
columns are bought once; the largest junction tree that a size limit allows is grown greedily from the worst
pairs; the marginals that the tree can hold share the rest of the budget. Written from the idea; the choice
of marginals and the division of the budget are ours (see `_chosen`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from locum.synthesizers.marginal.aim import check_degree, start_model, workload_for
from locum.synthesizers.marginal.model import MarginalModel, Step
from locum.synthesizers.marginal.mst import pairs_of, top_up
from locum.synthesizers.marginal.rules import Impossible
from locum.synthesizers.marginal.session import Session
from locum.synthesizers.marginal.triangulate import Clique

#: Parts of the budget for single columns and for errors; the rest measures.
ONE_WAY, CHOICE = 0.12, 0.08


class OneShotModel(MarginalModel):
    """Scores all candidates once, measures the best once, and fits a graphical model once.

    For wide tables, and when an answer is wanted soon. Cost: two fits.

    Parameters
    ----------
    epsilon, delta
        Budget of `fit` (test mode, NOT PRIVATE); `fit_source` spends what its source has left.
    max_model_mb
        Largest junction tree, in units of 131,072 cells.
    degree
        Attributes in a marginal of the workload; None chooses 3, or 2 where there are very many triples.
    target
        Name of an attribute whose marginals count double.
    zeros
        Combinations known in advance to be impossible.
    """

    name: ClassVar[str] = "swift"

    def __init__(
        self,
        *,
        epsilon: float = 1.0,
        delta: float = 1e-6,
        max_model_mb: float = 1.0,
        degree: int | None = None,
        target: str | None = None,
        zeros: tuple[Impossible, ...] = (),
    ) -> None:
        super().__init__(epsilon=epsilon, delta=delta, max_model_mb=max_model_mb, zeros=zeros)
        self.degree, self.target = check_degree(degree), target

    def _spend(self, session: Session, step: Step) -> None:
        start_model(session, ONE_WAY, self.max_cells, extra=0.2)
        weights = workload_for(session, self.degree, self.target).weights
        candidates = [c for c in weights if len(c) > 1]
        if not candidates:
            top_up(session)
            return
        step(ONE_WAY, "errors of independent columns")
        sigma = session.error_sigma_for(session.budget * CHOICE, len(candidates))
        found = session.errors(candidates, sigma, "errors of independent columns")
        errors = dict(zip(candidates, found, strict=True))
        noise = session.sigma_for(session.left, max(1, 2 * len(session.live)))
        tree = grow(
            session, {c: weights[c] * (errors[c] - session.bias(c, noise)) for c in errors}, self.max_cells
        )
        spent = _chosen(session, tree, errors, weights)
        step(ONE_WAY + CHOICE, "marginals")
        if not spent:
            top_up(session)
            return
        rho = session.left
        for clique, part in spent.items():
            session.measure([clique], session.sigma_for(rho * part), "marginals")
        step(0.99, "model")
        session.refit()


def grow(session: Session, gains: dict[Clique, float], most: int) -> list[int]:
    """Add the pairs with the largest gains as long as the junction tree stays small; the graph reached."""
    graph = session.graph()
    pairs = sorted((c for c in gains if len(c) == 2 and gains[c] > 0), key=lambda c: (-gains[c], c))
    for c in pairs:
        if session.triangulator.cells_with(graph, c) <= most:
            graph = session.triangulator.joined(graph, c)
    return graph


def _chosen(
    session: Session, graph: list[int], errors: dict[Clique, float], weights: Mapping[Clique, int]
) -> dict[Clique, float]:
    """Which marginals to measure, and with what part of the budget.

    A marginal's reward is its weight times the error that it would take away; a triple's is what its pairs
    leave, taking squared errors to add up as divergences do. Its cost is the noise it brings in. For a set S
    the best division gives each marginal a part proportional to (weight times noise)^(2/3), and the reward
    less the noise is ``sum r - (sum y)^1.5 / sqrt(rho)``; marginals are added by reward over cost until
    that falls.
    """
    rho = session.left
    found: dict[Clique, tuple[float, float]] = {}
    for c in errors:
        if not all(graph[a] >> b & 1 for a, b in pairs_of(c)):
            continue
        left = errors[c]
        if len(c) > 2:
            left = math.sqrt(
                max(0.0, max(left, 0.0) ** 2 - sum(max(errors.get(p, 0.0), 0.0) ** 2 for p in pairs_of(c)))
            )
        noise = weights[c] * session.bias(c, session.source.sensitivity / math.sqrt(2.0))
        found[c] = (weights[c] * left, noise ** (2 / 3))
    chosen: list[Clique] = []
    reward = cost = 0.0
    for c in sorted(found, key=lambda c: (-found[c][0] / found[c][1], c)):
        r, y = found[c]
        before = reward - cost**1.5 / math.sqrt(rho)
        after = reward + r - (cost + y) ** 1.5 / math.sqrt(rho)
        if after <= before:
            break
        chosen.append(c)
        reward, cost = reward + r, cost + y
    return {c: found[c][1] / cost for c in chosen}
