"""The tree grower against brute force and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.models.tree.grow import Input, grow, local_classes, xlogx_table
from locum.models.tree.tree import Tree


def _grow(y: np.ndarray, columns: list[np.ndarray], **kw: object):
    inputs = [Input(i, c.astype(np.uint8), int(c.max()) + 1) for i, c in enumerate(columns)]
    options = {"min_leaf": 1, "penalty": 1.0, "max_depth": 8, "classes": 8, "xlogx": xlogx_table(len(y))}
    return grow(y, inputs, **{**options, **kw})


def _log_likelihood(y: np.ndarray) -> float:
    counts = np.bincount(y)
    counts = counts[counts > 0]
    return float((counts * np.log(counts / counts.sum())).sum())


def test_first_split_is_the_best_of_all_by_brute_force() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        y = rng.integers(0, 3, 60)
        columns = [rng.integers(0, 6, 60) for _ in range(3)]
        growth = _grow(y, columns, max_depth=1, penalty=0.0)
        best = max(
            (_log_likelihood(y[c <= cut]) + _log_likelihood(y[c > cut]), -i, -cut)
            for i, c in enumerate(columns)
            for cut in range(5)
            if (c <= cut).any() and (c > cut).any()
        )
        assert (growth.feature[0], growth.threshold[0]) == (-best[1], -best[2])


def test_every_leaf_has_the_least_rows_and_holds_the_rows_that_fall_into_it() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 20, 2000), rng.integers(0, 5, 2000)
    y = (a // 4 + b + rng.integers(0, 2, 2000)).astype(np.int64)
    growth = _grow(y, [a, b], min_leaf=17, penalty=0.1)
    leaf = growth.feature < 0
    assert leaf.sum() > 5
    assert (growth.stop - growth.start)[leaf].min() >= 17
    tree = Tree.of(growth, y, 0.0)
    at = tree.leaves(np.stack([a, b]).astype(np.uint8), np.maximum(tree.feature, 0))
    for node in np.flatnonzero(leaf):
        rows = np.sort(growth.permutation[growth.start[node] : growth.stop[node]])
        assert np.array_equal(rows, np.flatnonzero(at == node))


def test_a_function_is_found_exactly_and_noise_is_left_alone() -> None:
    rng = np.random.default_rng(2)
    a, noise = rng.integers(0, 6, 3000), rng.integers(0, 6, 3000)
    y = (a * 7) % 6
    growth = _grow(y, [noise, a], classes=8)
    assert set(growth.feature[growth.feature >= 0]) == {1}
    tree = Tree.of(growth, y, 0.0)
    drawn = tree.draw(
        tree.leaves(np.stack([noise, a]).astype(np.uint8), np.maximum(tree.feature, 0)), np.ones(6), rng
    )
    assert np.array_equal(drawn, y)
    # False-alarm rate: a split on pure noise needs a gain of 2 nats per parameter over 6 x 5 cuts.
    assert len(_grow(rng.integers(0, 6, 3000), [noise], penalty=2.0).feature) == 1


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=5),
    st.integers(2, 8),
    st.integers(1, 12),
    st.integers(0, 10**6),
)
@settings(max_examples=60)
def test_local_classes_keep_equal_codes_together_and_in_range(
    sizes: list[int], classes: int, n_codes: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.sort(rng.integers(0, n_codes, size)) for size in sizes]).astype(np.int64)
    node = np.repeat(np.arange(len(sizes)), sizes)
    offsets = np.append(0, np.cumsum(sizes))
    label = local_classes(y, node, np.array(sizes), offsets, classes)
    assert label.min() >= 0
    assert label.max() <= classes
    for k in range(len(sizes)):
        codes, labels = y[node == k], label[node == k]
        for code in np.unique(codes):
            assert len(np.unique(labels[codes == code])) == 1
        if len(np.unique(codes)) * 2 <= classes and len(np.unique(codes)) > 1:
            heavy = np.unique(codes, return_counts=True)[1] * classes > len(codes)
            assert len(np.unique(labels)) >= heavy.sum()


def test_local_classes_resolve_the_tail_behind_a_spike() -> None:
    y = np.concatenate([np.zeros(92, dtype=np.int64), np.arange(1, 9)])
    label = local_classes(y, np.zeros(100, dtype=np.int64), np.array([100]), np.array([0, 100]), 8)
    assert len(np.unique(label[92:])) == 7


@pytest.mark.parametrize("smoothing", [0.0, 0.5])
def test_draws_follow_the_probability_and_it_sums_to_one(smoothing: float) -> None:
    """Chi-square at 1e-4 per leaf distribution; seed fixed."""
    from scipy.stats import chisquare

    rng = np.random.default_rng(3)
    a = rng.integers(0, 4, 800)
    y = np.minimum(rng.poisson(1 + a), 9)
    tree = Tree.of(_grow(y, [a], min_leaf=20), y, smoothing)
    marginal = np.bincount(y, minlength=10) / len(y)
    for value in range(4):
        leaf = tree.leaves(np.array([[value]], dtype=np.uint8), np.zeros(len(tree.feature), dtype=np.int32))
        p = tree.probability(np.repeat(leaf, 10), np.arange(10), marginal)
        assert p.sum() == pytest.approx(1.0)
        drawn = tree.draw(np.repeat(leaf, 20_000), np.cumsum(marginal), rng)
        seen = np.bincount(drawn, minlength=10)
        assert (seen[p == 0] == 0).all()
        assert chisquare(seen[p > 0], p[p > 0] * seen.sum() / p[p > 0].sum()).pvalue > 1e-4
