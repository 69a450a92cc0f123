"""The inference engine against joint tables worked out cell by cell."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.errors import FeasibilityError, UsageError
from locum.models.marginal.embedding import CliqueEmbedding
from locum.models.marginal.network import Network
from locum.models.marginal.propagation import Propagation
from locum.models.marginal.query import Query
from locum.models.marginal.triangulate import Triangulator, canonical, volume

_spec = importlib.util.spec_from_file_location("marginal_brute", Path(__file__).with_name("brute.py"))
assert _spec and _spec.loader
brute = importlib.util.module_from_spec(_spec)
sys.modules["marginal_brute"] = brute
_spec.loader.exec_module(brute)
SIZES = brute.SIZES


@given(st.lists(st.integers(1, 5), min_size=1, max_size=5), st.data())
@settings(max_examples=80)
def test_an_embedding_is_broadcasting(shape: list[int], data: st.DataObject) -> None:
    kept = sorted(data.draw(st.sets(st.integers(0, len(shape) - 1))))
    away = tuple(i for i in range(len(shape)) if i not in kept)
    rng = np.random.default_rng(len(shape))
    large = rng.normal(size=shape)
    e = CliqueEmbedding(shape, kept)
    small = rng.normal(size=e.shape)
    spread = small.reshape([s if i in kept else 1 for i, s in enumerate(shape)])
    np.testing.assert_allclose(e.project(large), large.sum(axis=away), atol=1e-12)
    np.testing.assert_allclose(e.maximum(large), large.max(axis=away) if away else large)
    for method, expected in (
        (partial(e.combine, np.add), large + spread),
        (partial(e.combine, np.subtract), large - spread),
        (partial(e.combine, np.multiply), large * spread),
        (e.assign, np.broadcast_to(spread, shape)),
    ):
        work = large.copy()
        method(work, small)
        np.testing.assert_array_equal(work, expected)


def test_long_blocks_take_the_other_path() -> None:
    """An inner block above the matrix limit is summed by plain reductions."""
    rng = np.random.default_rng(1)
    large = rng.normal(size=(3, 20, 25))
    for kept in ([0], [1], [2], [0, 1], [0, 2], [1, 2], []):
        away = tuple(i for i in range(3) if i not in kept)
        np.testing.assert_allclose(
            CliqueEmbedding((3, 20, 25), kept).project(large), large.sum(axis=away), atol=1e-10
        )


@pytest.mark.parametrize("seed", range(12))
def test_trees_have_the_running_intersection_property(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = tuple(rng.integers(1, 6, 9).tolist())
    cliques = brute.random_cliques(rng, sizes, number=9)
    triangulator = Triangulator(sizes)
    tree = triangulator.tree(cliques)
    assert tree.cells == triangulator.cells(cliques) == sum(volume(c, sizes) for c in tree.cliques)
    assert all(tree.holder(c) is not None for c in cliques)
    assert triangulator.cells_with(triangulator.graph(cliques[1:]), cliques[0]) == tree.cells
    again = triangulator.tree(cliques, tree.order)
    assert again == tree
    for a in range(len(sizes)):
        # the cliques with an attribute hang together: all but one of them have it in their separator
        holding = [i for i, c in enumerate(tree.cliques) if a in c]
        assert sum(a not in tree.separators[i] for i in holding) == 1
    for i, parent in enumerate(tree.parents):
        assert parent < i
        if parent >= 0:
            assert set(tree.separators[i]) == set(tree.cliques[i]) & set(tree.cliques[parent])


@pytest.mark.parametrize("seed", range(20))
def test_beliefs_are_the_marginals_of_the_joint(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cliques = brute.random_cliques(rng)
    tree = Triangulator(SIZES).tree(cliques)
    engine = Propagation(tree, cliques)
    for _ in range(3):  # the engine remembers shifts between runs
        tables = brute.random_tables(rng, cliques, spread=rng.choice([0.1, 3, 60]))
        if seed % 2:
            tables[0].flat[: tables[0].size // 2] = -np.inf
        p, log_z = brute.joint(cliques, tables)
        beliefs = engine.run(tables)
        assert beliefs.log_partition == pytest.approx(log_z, abs=1e-8)
        for clique, table in zip(cliques, engine.marginals(beliefs), strict=True):
            np.testing.assert_allclose(table, brute.marginal(p, clique), atol=1e-11)
        for clique, table in zip(tree.cliques, beliefs.cliques, strict=True):
            np.testing.assert_allclose(table, brute.marginal(p, clique), atol=1e-11)


@pytest.mark.parametrize("seed", range(8))
def test_any_set_of_attributes_can_be_asked_for(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cliques = brute.random_cliques(rng, widest=2, number=5)
    tables = brute.random_tables(rng, cliques)
    if seed % 2:
        tables[0].flat[: tables[0].size // 2] = -np.inf
    p, _ = brute.joint(cliques, tables)
    tree = Triangulator(SIZES).tree(cliques)
    query = Query(tree, Propagation(tree, cliques).run(tables))
    for r in range(1, len(SIZES) + 1):
        for c in itertools.combinations(range(len(SIZES)), r):
            clique = canonical(c, SIZES)
            np.testing.assert_allclose(query.marginal(clique), brute.marginal(p, clique), atol=1e-12)


def test_a_table_too_large_is_refused_before_it_is_made() -> None:
    network = Network([2000] * 3, [(0,), (1,), (2,)], [np.zeros(2000)] * 3)
    with pytest.raises(FeasibilityError, match="8,000,000,000 cells"):
        network.marginal([0, 1, 2])


@pytest.mark.parametrize("seed", range(6))
def test_conditions_are_bayes_rule(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cliques = brute.random_cliques(rng)
    tables = brute.random_tables(rng, cliques, spread=1.0)
    p, _ = brute.joint(cliques, tables)
    network = Network(SIZES, cliques, tables)
    hard, soft = np.array([0.0, 1.0, 1.0]), rng.random(5)
    given_ = network.condition({1: hard, 5: soft})
    q = p * hard[None, :, None, None, None, None] * soft
    assert given_.log_partition - network.log_partition == pytest.approx(np.log(q.sum()), abs=1e-10)
    clique = canonical((0, 1, 5), SIZES)
    np.testing.assert_allclose(given_.marginal(clique), brute.marginal(q / q.sum(), clique), atol=1e-12)


def test_evidence_that_cannot_be() -> None:
    network = Network((2, 3), [(0, 1)], [np.zeros((2, 3))])
    with pytest.raises(UsageError, match="no row is possible"):
        network.condition({0: [0, 0]})
    for bad in ([1, 1, 1], [-1, 1], [np.nan, 1], [np.inf, 1]):
        with pytest.raises(UsageError, match="one weight a code"):
            network.condition({0: bad})


def test_log_prob_is_exact_where_probabilities_underflow() -> None:
    network = Network((2, 2), [(0,), (0, 1)], [np.array([0.0, -900.0]), np.zeros((2, 2))])
    log_prob = network.log_prob(np.array([[0, 0], [1, 1]]))
    np.testing.assert_allclose(log_prob, [-np.log(2), -900 - np.log(2)])


def test_rows_come_as_often_as_they_should_up_to_rounding() -> None:
    """Within the first clique, systematic drawing gives each cell its expected number, up to one."""
    rng = np.random.default_rng(3)
    cliques = [(0, 1), (1, 2)]
    sizes = (3, 4, 5)
    tables = brute.random_tables(rng, cliques, sizes, spread=1.0)
    p, _ = brute.joint(cliques, tables, sizes)
    network = Network(sizes, cliques, tables)
    n = 5000
    rows = network.sample(n, np.random.default_rng(0))
    counts = np.zeros(sizes)
    np.add.at(counts, tuple(rows.T), 1)
    root = network.tree.cliques[0]
    away = tuple(a for a in range(3) if a not in root)
    assert np.abs(counts.sum(axis=away) - n * p.sum(axis=away)).max() < 1.0 + 1e-6
    # and so do the rows of each separator's cell in the next one
    (shared,) = network.tree.separators[1]
    other = network.tree.cliques[1]
    drawn = counts.sum(axis=tuple(a for a in range(3) if a not in other))
    model = p.sum(axis=tuple(a for a in range(3) if a not in other))
    along = sorted(other).index(shared)
    given_shared = model / model.sum(axis=1 - along, keepdims=True)
    assert np.abs(drawn - drawn.sum(axis=1 - along, keepdims=True) * given_shared).max() < 1.0 + 1e-6
    for row in range(20):  # no order is left over from the dealing
        assert rows[row * 100 : row * 100 + 100, 0].std() > 0


@pytest.mark.statistical
def test_each_row_alone_follows_the_distribution() -> None:
    """The first row of 4,000 small samples; chi-square, false alarm 1 in 10,000, and the seed is fixed."""
    from scipy import stats

    rng = np.random.default_rng(4)
    cliques = [(0, 1), (1, 2)]
    tables = brute.random_tables(rng, cliques, (2, 3, 3), spread=1.0)
    p, _ = brute.joint(cliques, tables, (2, 3, 3))
    network = Network((2, 3, 3), cliques, tables)
    counts = np.zeros((2, 3, 3))
    for seed in range(4000):
        counts[tuple(network.sample(7, np.random.default_rng(seed))[0])] += 1
    expected = 4000 * p
    assert expected.min() > 4
    statistic = float(((counts - expected) ** 2 / expected).sum())
    assert stats.chi2.sf(statistic, df=p.size - 1) > 1e-4
