"""SMOTE against the paper's own example, its definition, and imbalanced-learn."""

from __future__ import annotations

import numpy as np
import pytest

from locum.errors import DataError
from locum.models.smote import distances, smote


def test_distances_are_those_of_the_example_in_the_paper() -> None:
    """Chawla et al. 2002, section 6.1: F1 = 1 2 3 A B C, F2 = 4 6 5 A D E, F3 = 3 5 6 A B K."""
    numbers = np.array([[1.0, 2, 3], [4, 6, 5], [3, 5, 6]])
    levels = np.array([[0.0, 0, 0], [0, 1, 1], [0, 0, 2]])
    median = 1.7
    got = distances(numbers[:1], numbers, levels[:1], levels, median)[0]
    two = (4 - 1) ** 2 + (6 - 2) ** 2 + (5 - 3) ** 2 + 2 * median**2
    three = (3 - 1) ** 2 + (5 - 2) ** 2 + (6 - 3) ** 2 + median**2
    assert got == pytest.approx([0.0, two, three])


def test_levels_are_the_majority_of_the_neighbours() -> None:
    # Six rows in a cluster; whichever one starts, four or five of its five neighbours have level 7.
    x = np.array([[0.0, 7], [0.1, 7], [0.2, 7], [0.3, 7], [0.4, 7], [0.5, 3]])
    assert (smote(x, 200, np.random.default_rng(0), categorical=[1])[:, 1] == 7).all()


def test_rows_lie_on_segments_to_the_nearest_neighbours() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 2)) * [1.0, 50.0]
    scale = x.std(axis=0)
    made = smote(x, 300, rng, scale=scale, neighbours=3)
    z, points = x / scale, made / scale
    d = np.linalg.norm(z[:, None] - z[None], axis=2)
    near = np.argsort(d, axis=1)[:, 1:4]
    for point in points:
        to = np.linalg.norm(z - point, axis=1)
        ways = [(to[i] + to[j] - d[i, j]) for i in range(40) for j in near[i]]
        assert min(ways) < 1e-9


def test_neighbours_and_law_are_those_of_imbalanced_learn() -> None:
    """Fixed seeds; two samples of 4,000 whose means differ by a standard error or two."""
    from imblearn.over_sampling import SMOTE

    rng = np.random.default_rng(1)
    small, large = rng.normal(size=(25, 3)), rng.normal(size=(4_025, 3)) + 9
    x, y = np.vstack([small, large]), np.r_[np.ones(25), np.zeros(4_025)]
    theirs = SMOTE(k_neighbors=5, random_state=0).fit_resample(x, y)[0][len(x) :]
    ours = smote(small, 4_000, np.random.default_rng(2))
    error = theirs.std(axis=0) * np.sqrt(2 / 4_000)
    assert len(theirs) == 4_000
    assert (np.abs(ours.mean(axis=0) - theirs.mean(axis=0)) < 4 * error).all()
    assert ours.std(axis=0) == pytest.approx(theirs.std(axis=0), rel=0.05)
    assert np.corrcoef(ours.T) == pytest.approx(np.corrcoef(theirs.T), abs=0.06)


def test_missing_values_stay_missing_and_missing_levels_are_a_level() -> None:
    x = np.array([[0.0, 1.0], [np.nan, np.nan], [0.2, np.nan], [0.1, np.nan]])
    made = smote(x, 100, np.random.default_rng(3), categorical=[1])
    assert np.isnan(made[:, 0]).any() and not np.isnan(made[:, 0]).all()
    assert np.isnan(made[:, 1]).all()  # two of the three neighbours of every row, or all of them


def test_a_row_alone_is_repeated_and_none_is_refused() -> None:
    rng = np.random.default_rng(0)
    assert (smote(np.ones((1, 3)), 3, rng, categorical=[2]) == 1).all()
    assert smote(np.arange(4.0)[:, None], 9, rng, categorical=[0]).shape == (9, 1)
    with pytest.raises(DataError, match="no row"):
        smote(np.ones((0, 2)), 3, rng)
