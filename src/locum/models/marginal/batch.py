"""Many marginals at once: which of them fit into one junction tree, and what each should cost."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

from locum.models.marginal.session import Session
from locum.models.marginal.triangulate import Clique

#: Pairs in a row that are too large for the tree before it counts as full.
MISFITS = 150


def buy(
    session: Session, errors: Mapping[Clique, float], weights: Mapping[Clique, int], rho: float, cells: int
) -> list[Clique]:
    """Measure the marginals that promise most, together for `rho`, and fit the model once.

    Parameters
    ----------
    session
        With a model of independent columns.
    errors
        Noisy L1 errors of candidates under that model.
    weights
        How much each candidate matters.
    rho
        Budget for all of them.
    cells
        Most cells of the junction tree.

    Returns
    -------
    list
        What was measured; empty when nothing promised more than noise.
    """
    noise = session.sigma_for(rho, max(1, 2 * len(session.live)))
    gains = {c: weights[c] * (e - session.bias(c, noise)) for c, e in errors.items()}
    chosen = divide_budget(session, grow_graph(session, gains, cells), errors, weights, rho)
    for clique, part in chosen.items():
        session.measure([clique], session.sigma_for(rho * part), "marginals")
    if chosen:
        session.refit()
    return list(chosen)


def grow_graph(session: Session, gains: Mapping[Clique, float], cells: int) -> list[int]:
    """Add the pairs with the largest gains as long as the junction tree stays small; the graph reached.

    Ends when the tree is full: when `MISFITS` pairs in a row were too large for it. In a table of 200 columns
    there are 20,000 pairs, and looking up what a pair needs takes some 20 ms there.
    """
    graph = session.graph()
    pairs = sorted((c for c in gains if len(c) == 2 and gains[c] > 0), key=lambda c: (-gains[c], c))
    misfits = 0
    for c in pairs:
        if session.triangulator.cells_with(graph, c) <= cells:
            graph, misfits = session.triangulator.join(graph, c), 0
        else:
            misfits += 1
            if misfits == MISFITS:
                break
    return graph


def divide_budget(
    session: Session,
    graph: list[int],
    errors: Mapping[Clique, float],
    weights: Mapping[Clique, int],
    rho: float,
) -> dict[Clique, float]:
    """Which marginals inside a graph to measure, and with what part of the budget.

    A marginal's reward is its weight times the error that it would take away; a triple's is what its pairs
    leave, taking squared errors to add up as divergences do. Its cost is the noise it brings in. For a set S
    the best division gives each marginal a part proportional to (weight times noise)^(2/3), and the reward
    less the noise is ``sum r - (sum y)^1.5 / sqrt(rho)``; marginals are added by reward over cost until that
    falls. Only noisy numbers are used.
    """
    found: dict[Clique, tuple[float, float]] = {}
    for c, error in errors.items():
        pairs = list(itertools.combinations(c, 2))
        if not pairs or not all(graph[a] >> b & 1 for a, b in pairs):
            continue
        left = max(error, 0.0)
        if len(c) > 2:
            explained = sum(max(errors.get(p, 0.0), 0.0) ** 2 for p in pairs)
            left = math.sqrt(max(0.0, left**2 - explained))
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
