"""Beliefs, fits and model sizes against mbi, the reference of Private-PGM (a test oracle only)."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from locum.models.marginal.fit import FitSettings, fit
from locum.models.marginal.measured import MeasuredTable, pool
from locum.models.marginal.propagation import Propagation
from locum.models.marginal.triangulate import Triangulator

SIZES = (4, 3, 5, 2)
CLIQUES = [(1, 0), (0, 2), (3, 1), (1,)]


@pytest.fixture(scope="module")
def mbi():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        jax = pytest.importorskip("jax")
        jax.config.update("jax_enable_x64", True)
        return pytest.importorskip("mbi")


def test_the_model_size_is_that_of_mbi(mbi) -> None:
    from mbi import junction_tree

    domain = mbi.Domain(tuple("abcd"), SIZES)
    size = junction_tree.hypothetical_model_size(domain, [tuple("abcd"[a] for a in c) for c in CLIQUES])
    assert Triangulator(SIZES).cells(CLIQUES) * 8 / 2**20 == pytest.approx(size)


def test_with_next_to_no_entropy_the_fit_is_that_of_mbi(mbi) -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(120)).reshape(SIZES)
    noisy = []
    for c in CLIQUES:
        away = tuple(a for a in range(4) if a not in c)
        table = p.sum(axis=away).transpose([sorted(c).index(a) for a in c])
        counts = (5000 * table + rng.normal(0, 5, table.shape)).reshape(-1)
        noisy.append(MeasuredTable(c, counts, np.full(counts.size, 25.0)))
    engine = Propagation(Triangulator(SIZES).tree(CLIQUES), CLIQUES)
    settings = FitSettings(entropy=1e-3, entropy_one=1e-3, tolerance=1e-3, steps=3000)
    fitted = fit(engine, pool(noisy), 5000.0, settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        domain = mbi.Domain(tuple("abcd"), SIZES)
        measured = [
            mbi.LinearMeasurement(m.counts, tuple("abcd"[a] for a in m.clique), stddev=5.0) for m in noisy
        ]
        theirs = mbi.estimation.MirrorDescent().estimate(domain, measured, known_total=5000.0, iters=3000)
        for clique, ours in zip(CLIQUES, engine.marginals(fitted.beliefs), strict=True):
            answer = np.asarray(theirs.project(tuple("abcd"[a] for a in clique)).datavector())
            np.testing.assert_allclose(5000 * ours.reshape(-1), answer, atol=1.0)
