"""Trees as look-up tables score as LightGBM does."""

from __future__ import annotations

import numpy as np
import pytest

from locum.models.tree import scorer
from locum.models.tree.scorer import Scorer
from locum.models.tree.tree_sum import TreeSum

SIZES = (70, 9, 300, 2, 41, 6)
LABELS = [1, 4]


def booster(leaves: int, rounds: int = 7, seed: int = 0):  # type: ignore[no-untyped-def]
    import lightgbm

    rng = np.random.default_rng(seed)
    x = np.stack([rng.integers(0, size, 3000) for size in SIZES], axis=1).astype(np.int32)
    y = rng.random(3000) < np.where((x[:, 1] % 3 == 0) ^ (x[:, 2] > 150), 0.7, 0.3)
    parameters = {"objective": "binary", "verbose": -1, "num_threads": 1, "num_leaves": leaves, "seed": seed,
                  "min_data_in_leaf": 5, "max_bin": 127}  # fmt: skip
    data = lightgbm.Dataset(x.astype(np.float32), y, categorical_feature=LABELS)
    return lightgbm.train(parameters, data, rounds)


def rows(n: int, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.asfortranarray(np.stack([rng.integers(0, s + 3, n) for s in SIZES], axis=1).astype(np.int32))


@pytest.mark.parametrize("leaves", [2, 15, 32, 33, 64])
@pytest.mark.parametrize("rounds", [1, 7])
def test_scores_are_those_of_the_booster(leaves: int, rounds: int) -> None:
    # Codes beyond those that were seen are asked for, too.
    made = booster(leaves, rounds)
    codes = rows(5000)
    wanted = made.predict(codes.astype(np.float32), raw_score=True, num_threads=1)
    trees = TreeSum.from_lightgbm(made.model_to_string())
    assert len(trees.leaves) == rounds and trees.by_set.any() >= (leaves > 2)
    np.testing.assert_allclose(Scorer(trees)(codes), wanted, atol=1e-12)
    np.testing.assert_array_equal(Scorer(trees)(np.ascontiguousarray(codes)), Scorer(trees)(codes))


def test_blocks_and_shared_tables_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    trees = TreeSum.from_lightgbm(booster(31).model_to_string())
    codes = rows(1000)
    wanted = Scorer(trees)(codes)
    monkeypatch.setattr(scorer, "BLOCK", 77)
    np.testing.assert_array_equal(Scorer(trees)(codes), wanted)
    monkeypatch.setattr(scorer, "MOST_JOINT", 1)
    np.testing.assert_array_equal(Scorer(trees)(codes), wanted)


def test_trees_of_one_leaf_are_a_constant() -> None:
    np.testing.assert_array_equal(Scorer(TreeSum.constant(0.25))(rows(3)), np.full(3, 0.25))


def test_a_cut_and_a_set_on_one_column() -> None:
    # LightGBM makes no such tree, but a file may hold one: first 5 | rest, then of the rest {6, 40} | others.
    trees = TreeSum(
        leaves=np.array([3], dtype=np.int32),
        feature=np.zeros(2, dtype=np.int32),
        threshold=np.array([5, 0], dtype=np.int32),
        left=np.array([~0, ~1], dtype=np.int32),
        right=np.array([1, ~2], dtype=np.int32),
        by_set=np.array([0, 1], dtype=np.uint8),
        value=np.array([1.0, 2.0, 4.0]),
        sets=np.ones(1, dtype=np.int32),
        set_words=np.array([2], dtype=np.int32),
        words=np.array([1 << 6, 1 << 8], dtype=np.int64),
    )
    codes = np.array([[0], [5], [6], [7], [40], [63], [64], [900]], dtype=np.int32)
    np.testing.assert_array_equal(Scorer(trees)(codes), [1, 1, 2, 4, 2, 4, 4, 4])
    assert scorer.cells(trees) == 65
