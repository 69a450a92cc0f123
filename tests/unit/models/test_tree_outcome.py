"""The boosted conditional of a named target."""

from __future__ import annotations

import numpy as np
import pytest

from locum.errors import FileFormatError
from locum.models.base import ModelState
from locum.models.tree.basis import Basis
from locum.models.tree.model import TreeModel
from locum.models.tree.scorer import Scorer
from locum.models.tree.target import (
    STRATA,
    TargetModel,
    _mean_of_turns,
    _slope,
    _stratify,
    fit_target_model,
)
from locum.models.tree.tree_sum import TreeSum
from locum.randomness import stream
from locum.schema.domain import Attribute, Coded, Domain


def table(n: int = 3000, classes: int = 2, seed: int = 0) -> Coded:
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 6, n), rng.integers(0, 4, n)
    score = (a >= 3).astype(int) + (b >= 2)
    y = np.minimum(np.where(rng.random(n) < 0.9, score, rng.integers(0, classes, n)), classes - 1)
    domain = Domain(
        (
            Attribute("a", "a", 6, True),
            Attribute("b", "b", 4, True),
            Attribute("y", "y", classes, False),
        )
    )
    return Coded(domain, np.asfortranarray(np.stack([a, b, y], axis=1).astype(np.int32)))


def basis(data: Coded) -> Basis:
    shares = [np.bincount(data.column(i), minlength=k) / data.n_rows for i, k in enumerate(data.domain.sizes)]
    return Basis.of(data.domain, shares)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_conditional_is_close_to_the_truth(classes: int) -> None:
    data = table(6000, classes)
    outcome = fit_target_model(data, 2, [], basis(data), 1, data.codes[:500])
    assert outcome is not None
    p = outcome.probability(data.codes)
    np.testing.assert_allclose(p.sum(axis=1), 1.0)
    for a in range(6):
        for b in range(4):
            cell = (data.codes[:, 0] == a) & (data.codes[:, 1] == b)
            truth = np.bincount(data.codes[cell, 2], minlength=classes) / cell.sum()
            # About 250 rows a cell: four standard errors.
            assert np.abs(p[cell].mean(axis=0) - truth).max() < 0.13


def test_the_targets_own_code_is_not_looked_at() -> None:
    data = table()
    outcome = fit_target_model(data, 2, [], basis(data), 1, data.codes[:500])
    other = data.codes.copy(order="F")
    other[:, 2] = 1 - other[:, 2]
    np.testing.assert_array_equal(outcome.probability(data.codes), outcome.probability(other))


def test_draws_follow_the_probabilities() -> None:
    codes = np.zeros((4000, 2), dtype=np.int32, order="F")
    TargetModel(1, (Scorer(TreeSum.constant(np.log(0.3 / 0.7))),), (1,)).draw(codes, stream(3, "t"))
    # Stratified: at most one row of STRATA may round either way, far less than binomial noise.
    assert abs(codes[:, 1].mean() - 0.3) < 1 / STRATA


def test_stratified_numbers_are_uniform_within_neighbours() -> None:
    u = _stratify(np.arange(10 * STRATA, dtype=float), stream(5, "u")).reshape(10, STRATA)
    np.testing.assert_array_equal(
        np.sort((u * STRATA).astype(int), axis=1), np.tile(np.arange(STRATA), (10, 1))
    )


def test_too_many_codes_or_too_few_rows_leave_the_chains_alone() -> None:
    assert fit_target_model(table(100), 2, [], basis(table(100)), 0, table(100).codes) is None
    wide = Domain((Attribute("a", "a", 4, True), Attribute("y", "y", 100, False)))
    data = Coded(wide, np.zeros((900, 2), dtype=np.int32, order="F"))
    assert fit_target_model(data, 1, [], basis(data), 0, data.codes) is None


def test_the_slope_is_the_steepest_that_rows_do_not_refute() -> None:
    """Labels of probabilities that are right: many rows allow hardly more than a slope of one."""
    rng = np.random.default_rng(0)

    def slope(n: int, told: float) -> float:
        odds = 1.5 * rng.normal(size=n)
        y = (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(np.int32)
        p = 1 / (1 + np.exp(-told * odds))
        return _slope(np.column_stack([1 - p, p]), y)

    assert 1.0 <= slope(100_000, 1.0) <= 1.06
    assert 1.1 <= slope(300, 1.0) <= 1.5
    # Log-odds that were told too flat are made steeper, those too steep are left as they are.
    assert 1.2 <= slope(100_000, 0.8) <= 1.32
    assert slope(100_000, 1.4) == 1.0


def test_a_mean_of_models_is_as_wide_as_one_of_them() -> None:
    def model(jump: float) -> tuple[Scorer, ...]:
        none = np.zeros(0, dtype=np.int32)
        one = np.ones(1, dtype=np.int32)
        tree = TreeSum(
            2 * one,
            0 * one,
            0 * one,
            -one,
            -2 * one,
            0 * one,
            np.array([-jump, jump]) + 0.7,
            0 * one,
            none,
            none,
        )
        return (Scorer(tree),)

    fresh = np.asfortranarray(np.array([[0, 0], [1, 0]] * 50, dtype=np.int32))
    (together,) = _mean_of_turns([model(1.0), model(2.0)], fresh)
    # Variances of one model: 1 and 4, of their mean 2.25: wider by 2.5 / 2.25 around the same centre.
    np.testing.assert_allclose(together(fresh)[:2], 0.7 + np.array([-1.5, 1.5]) * 2.5 / 2.25)


@pytest.mark.parametrize("classes", [2, 3])
def test_density_with_a_target_is_a_distribution_and_survives_a_file(classes: int) -> None:
    data = table(2500, classes)
    model = TreeModel(target="y", members=2, rounds=20).fit(data, seed=4)
    rows = np.stack(np.meshgrid(range(6), range(4), range(classes), indexing="ij"), axis=-1).reshape(-1, 3)
    every = np.asfortranarray(rows.astype(np.int32))
    # The normalising constant of the ratio is itself an estimate, good to about one in a hundred here.
    assert np.exp(model.log_prob(every)).sum() == pytest.approx(1.0, abs=0.02)
    back = TreeModel.from_state(model.state(), data.domain)
    np.testing.assert_array_equal(back.sample(500, seed=2), model.sample(500, seed=2))
    np.testing.assert_array_equal(back.log_prob(every), model.log_prob(every))


@pytest.mark.parametrize(
    "said",
    [
        None,
        7,
        {"column": 9, "scores": 1},
        {"column": 2, "scores": 2},
        {"column": True, "scores": 1},
        {"column": 2},
    ],
)
def test_a_hostile_outcome_is_refused(said: object) -> None:
    data = table(2500)
    state = TreeModel(target="y", members=1, rounds=5).fit(data, seed=4).state()
    with pytest.raises(FileFormatError):
        TreeModel.from_state(ModelState({**state.settings, "outcome": said}, state.tensors), data.domain)


def weak_causes(n: int, k: int) -> tuple[np.ndarray, np.ndarray, Coded]:
    rng = np.random.default_rng(2)
    x = rng.integers(0, 2, (n, k))
    y = rng.random(n) < 1 / (1 + np.exp(-(x - 0.5).sum(axis=1)))
    domain = Domain(tuple(Attribute(name, name, 2, False) for name in [f"x{i}" for i in range(k)] + ["y"]))
    return x, y, Coded(domain, np.asfortranarray(np.column_stack([x, y]).astype(np.int32)))


def test_the_target_depends_on_many_columns_better_than_chains_alone() -> None:
    """With 24 weak causes the boosted conditional keeps more of the signal (fixed seed)."""
    x, y, data = weak_causes(6000, 24)

    def slope(target: str) -> float:
        alone = {"members": 3, "correction": False, "experts": False}
        rows = TreeModel(target=target, **alone).fit(data, seed=1).sample(6000, seed=2)
        return float(np.cov(rows[:, :24].sum(axis=1), rows[:, 24])[0, 1])

    truth = float(np.cov(x.sum(axis=1), y)[0, 1])
    assert abs(slope("y") - truth) < 0.5 * abs(slope("") - truth)


def test_a_file_from_before_there_was_a_slope_still_loads() -> None:
    data = weak_causes(2000, 12)[2]
    state = TreeModel(target="y", members=2, experts=False).fit(data, seed=4).state()
    outcome = {k: v for k, v in state.settings["outcome"].items() if k != "slope"}
    old = ModelState({**state.settings, "outcome": outcome}, state.tensors)
    model = TreeModel.from_state(old, data.domain)
    assert model._mixture.target is not None and model._mixture.target.slope == 1.0
    assert len(model.sample(50, seed=1)) == 50
