"""The fit against its own optimality conditions, a general optimiser, and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

from locum.models.marginal.fit import FitSettings, fit
from locum.models.marginal.measured import MeasuredTable, pool, total_of
from locum.models.marginal.propagation import Propagation
from locum.models.marginal.triangulate import Triangulator

SIZES = (3, 4, 2)
CLIQUES = [(2, 0), (0, 1), (2,)]
HARD = FitSettings(tolerance=1e-6, steps=2000)


def measured(clique, counts, variance: float) -> MeasuredTable:
    counts = np.asarray(counts, dtype=float)
    return MeasuredTable(clique, counts, np.full(counts.size, variance))


def noisy_tables(seed: int, sigma: float = 5.0, rows: int = 1000) -> list[MeasuredTable]:
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(24)).reshape(SIZES)
    tables = [p.sum(axis=1).T, p.sum(axis=2), p.sum(axis=(0, 1))]
    return [
        measured(c, (rows * t + rng.normal(0, sigma, t.shape)).reshape(-1), sigma**2)
        for c, t in zip(CLIQUES, tables, strict=True)
    ]


def engine_of(cliques=CLIQUES, sizes=SIZES) -> Propagation:
    return Propagation(Triangulator(sizes).tree(cliques), cliques)


@pytest.mark.parametrize("seed", range(4))
def test_the_fit_minimises_the_primal(seed: int) -> None:
    """Any other distribution, found by a general optimiser on all 24 cells, is no better."""
    tables = pool(noisy_tables(seed))
    total = total_of(tables)
    settings = FitSettings(entropy=0.3, entropy_one=0.3, tolerance=1e-6, steps=2000)
    engine = engine_of()
    fitted = fit(engine, tables, total, settings)
    sigma = 5.0
    logits = sum(
        t.transpose(np.argsort(c)).reshape([SIZES[a] if a in c else 1 for a in range(3)])
        for c, t in zip(CLIQUES, fitted.tables, strict=True)
    )

    def primal(x: np.ndarray) -> float:
        p = np.exp(x - x.max())
        p = (p / p.sum()).reshape(SIZES)
        loss = (0.3 / sigma) * total * float((p * np.log(np.maximum(p, 1e-300))).sum())
        for m, axis, turn in ((tables[0], 1, True), (tables[1], 2, False), (tables[2], (0, 1), False)):
            q = p.sum(axis=axis)
            target = m.counts + (total - m.counts.sum()) / m.counts.size
            loss += float((((total * (q.T if turn else q)).reshape(-1) - target) ** 2).sum()) / (2 * sigma**2)
        return loss

    ours = primal(logits.reshape(-1))
    found = optimize.minimize(primal, logits.reshape(-1) + 0.1, method="L-BFGS-B", options={"maxiter": 3000})
    assert ours <= found.fun + 1e-3
    assert fitted.gap <= 1e-6


def test_without_noise_the_marginals_are_met() -> None:
    tables = pool(noisy_tables(1, sigma=1e-3))
    engine = engine_of()
    fitted = fit(
        engine, tables, 1000.0, FitSettings(entropy=1e-4, entropy_one=1e-4, tolerance=0.1, steps=4000)
    )
    for m, t in zip(tables, engine.marginals(fitted.beliefs), strict=True):
        np.testing.assert_allclose(1000 * t.reshape(-1), m.counts, atol=0.2)


def test_a_warm_start_at_the_optimum_is_done_at_once() -> None:
    tables = pool(noisy_tables(2))
    first = fit(engine_of(), tables, 1000.0, FitSettings(tolerance=1e-4, steps=2000))
    again = fit(engine_of(), tables, 1000.0, FitSettings(tolerance=1e-3), warm=first.weights)
    assert first.steps > 5 and again.steps == 1


def test_what_cannot_happen_gets_nothing_and_the_rest_is_still_fitted() -> None:
    tables = pool(noisy_tables(3))
    mask = np.zeros((3, 4))
    mask[1, 2] = mask[0, :3] = -np.inf
    lone = np.zeros((2, 4))
    lone[1, 3] = -np.inf
    engine = engine_of([*CLIQUES, (2, 1)])
    fitted = fit(engine, tables, 1000.0, HARD, fixed={(0, 1): mask, (2, 1): lone})
    marginals = engine.marginals(fitted.beliefs)
    assert (marginals[1][np.isneginf(mask)] == 0).all() and marginals[3][1, 3] == 0
    assert marginals[1][0, 3] > 0 and fitted.gap < 1e-5


def test_the_total_is_the_precision_weighted_mean_of_sums() -> None:
    a, b = measured((0,), [10.0, 20.0], 1.0), measured((1,), np.full(4, 10.0), 4.0)
    # variances of the sums: 2 and 16
    assert total_of(pool([a, b])) == pytest.approx((30 / 2 + 40 / 16) / (1 / 2 + 1 / 16))
    assert total_of(pool([measured((0,), [-10.0, 2.0], 1.0)])) == 1.0 == total_of([])


def test_two_tables_of_one_clique_become_one() -> None:
    a, b = measured((0,), [10.0, 0.0], 1.0), measured((0,), [20.0, 4.0], 3.0)
    (both,) = pool([a, b])
    np.testing.assert_allclose(both.counts, [12.5, 1.0])
    np.testing.assert_allclose(both.variance, 0.75)
