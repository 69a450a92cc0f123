"""Joint shares, distances and their expectation, against brute force and simulation."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.evaluation.joints import (
    DENSE_CELLS,
    CellGrid,
    coarsen,
    expected_tv,
    mutual_information,
    scan_pairs,
    size_factor,
    subsets,
    total_variation,
    worst,
)


def grid(sizes: tuple[int, ...], rows: dict[str, int], seed: int = 0) -> CellGrid:
    rng = np.random.default_rng(seed)
    parts = {
        name: np.asfortranarray(np.column_stack([rng.integers(s, size=n) for s in sizes]).astype(np.int32))
        for name, n in rows.items()
    }
    return CellGrid(sizes, parts)


def brute_tv(a: np.ndarray, b: np.ndarray) -> float:
    count_a, count_b = Counter(map(tuple, a.tolist())), Counter(map(tuple, b.tolist()))
    return 0.5 * sum(abs(count_a[k] / len(a) - count_b[k] / len(b)) for k in count_a | count_b)


@pytest.mark.parametrize("sizes", [(3, 4, 2), (90, 80, 70)])
def test_shares_and_distance_by_brute_force(sizes: tuple[int, ...]) -> None:
    g = grid(sizes, {"train": 200, "synthetic": 150})
    assert (np.prod(sizes) > DENSE_CELLS) == (sizes[0] == 90)  # both ways of counting are on trial
    for subset in [(0,), (2, 0), (0, 1, 2)]:
        shares = g.shares(subset)
        assert shares["train"].sum() == pytest.approx(1)
        expected = brute_tv(*(g.parts[p][:, list(subset)] for p in ("train", "synthetic")))
        assert total_variation(shares["train"], shares["synthetic"]) == pytest.approx(expected)


def test_dense_and_sparse_counts_agree_on_empty_parts() -> None:
    g = CellGrid((3,), {"train": np.zeros((0, 1), np.int32), "test": np.array([[2]], np.int32)})
    assert g.shares((0,))["train"].tolist() == [0, 0, 0]


@pytest.mark.statistical
@pytest.mark.parametrize(
    ("shares", "n", "m"),
    [
        (np.full(10, 0.1), 400, 400),
        (np.full(500, 1 / 500), 300, 300),
        (np.full(500, 1 / 500), 150, 900),
        (np.array([0.92, 0.05, 0.02, 0.01]), 500, 1500),
        (1 / np.arange(1, 2001) / (1 / np.arange(1, 2001)).sum(), 800, 200),
    ],
)
def test_expected_distance_by_simulation(shares: np.ndarray, n: int, m: int) -> None:
    """Within 6 %: the mean of 200 simulated distances has a standard error of at most 1 %."""
    rng = np.random.default_rng(5)
    simulated = np.mean(
        [
            0.5 * np.abs(rng.multinomial(n, shares) / n - rng.multinomial(m, shares) / m).sum()
            for _ in range(200)
        ]
    )
    assert expected_tv(shares, n, m) == pytest.approx(simulated, rel=0.06)


def test_size_factor_limits() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(4, size=(4000, 1)).astype(np.int32)
    parts = {"train": codes[:3000], "learning": codes[:3000], "test": codes[3000:], "synthetic": codes[:3000]}
    # Well-filled cells and a 75/25 split: root of (2/3000) / (1/3000 + 1/1000).
    assert size_factor(CellGrid((4,), parts), [(0,)]) == pytest.approx(np.sqrt(0.5), abs=0.01)
    # Every row its own cell: all rows differ whatever the sizes, so little is scaled.
    many = np.arange(4000, dtype=np.int32)[:, None]
    parts = {"train": many[:3000], "learning": many[:3000], "test": many[3000:], "synthetic": many[:3000]}
    assert size_factor(CellGrid((4000,), parts), [(0,)]) > 0.8
    empty = {**parts, "test": many[:0]}
    assert size_factor(CellGrid((4000,), empty), [(0,)]) == 1.0


@given(st.integers(0, 9), st.integers(1, 4), st.integers(1, 40))
def test_subsets_are_all_or_a_sample(d: int, k: int, limit: int) -> None:
    every = list(combinations(range(d), k))
    found = subsets(d, k, limit, np.random.default_rng(0))
    assert len(found) == len(set(found)) == min(limit, len(every))
    assert set(found) <= set(every)


def test_subsets_of_many_columns_are_drawn_without_listing_all() -> None:
    found = subsets(1000, 3, 300, np.random.default_rng(0))
    assert len(set(found)) == 300
    assert all(a < b < c < 1000 for a, b, c in found)


def test_information_of_a_bijection_and_of_nothing() -> None:
    n = 10**6
    assert mutual_information(np.eye(4).ravel() / 4, 4, 4, n) == pytest.approx(1, abs=1e-4)
    assert mutual_information(np.full(12, 1 / 12), 3, 4, n) == pytest.approx(0, abs=1e-6)
    assert mutual_information(np.array([0.5, 0.5]), 1, 2, n) == 0.0


def test_information_of_independent_samples_is_not_biased_up() -> None:
    rng = np.random.default_rng(0)
    values = []
    for _ in range(60):
        joint = np.bincount(rng.integers(100, size=500), minlength=100) / 500
        values.append(mutual_information(joint, 10, 10, 500))
    raw_bias = 81 / (2 * 500) / np.log(10)  # what the plain estimate would give
    assert np.mean(values) < 0.2 * raw_bias


def test_pair_scan_tells_shuffled_from_true() -> None:
    rng = np.random.default_rng(3)
    a = rng.integers(5, size=2000)
    real = np.column_stack([a, (a + (rng.random(2000) < 0.1)) % 5]).astype(np.int32)
    loose = real.copy()
    loose[:, 1] = rng.permutation(loose[:, 1])
    parts = {"train": real[:1500], "learning": real[:1500], "test": real[1500:], "synthetic": real[:1500]}
    scan = scan_pairs(CellGrid((5, 5), {**parts, "independent": loose[:1500]}), [True, True], [(0, 1)])
    assert scan.tv[0] == 0
    assert scan.tv_reference[0] < 0.1 < 0.5 < scan.tv_floor[0]
    assert scan.nmi["train"][0] > 0.6 > 0.01 > scan.nmi["independent"][0]


def test_pairs_of_many_levels_are_compared_on_coarse_cells() -> None:
    g = grid((600, 700), dict.fromkeys(("train", "synthetic", "learning", "test", "independent"), 300))
    scan = scan_pairs(g, [True, False], [(0, 1)])
    assert 0.9 < scan.tv[0] <= 1
    assert 0 <= scan.nmi["train"][0] <= 1


@given(st.integers(2, 60), st.integers(1, 12), st.booleans())
def test_coarse_cells_keep_order_and_null(size: int, keep: int, ordered: bool) -> None:
    codes, new_size = coarsen(np.arange(size, dtype=np.int32), size, keep, ordered)
    assert codes[-1] == new_size - 1  # null stays last
    assert new_size <= max(keep + 1, 2)
    assert (np.diff(codes) >= 0).all() and set(codes.tolist()) == set(range(new_size))


def test_worst_are_largest_first() -> None:
    assert worst(["a", "b", "c"], [1, 3, 2], 2) == [("b", 3.0), ("c", 2.0)]
