"""Guided draws against the model's own probabilities, summed over every possible row."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from locum.errors import UsageError
from locum.models import registry
from locum.models.base import Guided
from locum.models.bootstrap import BootstrapModel
from locum.models.guide import FREE, Guide, Pair, effective, log_mean, split, systematic
from locum.models.independent import IndependentModel
from locum.models.tree.model import TreeModel
from locum.schema.domain import Attribute, Coded, Domain

SIZES = (3, 3, 8, 2)
ROWS = np.array(list(itertools.product(*map(range, SIZES))), dtype=np.int32)
ORDER = (np.arange(3)[:, None] <= np.arange(8)[None] / 3).astype(float)
GUIDES = {
    "one": Guide({2: (np.arange(8) >= 6) * 1.0}),
    "soft": Guide({3: np.array([0, 1.0]), 2: np.array([1, 0, 0, 0, 0, 0, 0.5, 1])}),
    "pair": Guide({}, (Pair(0, 2, ORDER),)),
    "both": Guide(
        {1: np.array([0, 1.0, 0])}, (Pair(0, 2, ORDER), Pair(2, 3, np.linspace(0, 1, 16).reshape(8, 2)))
    ),
}


@pytest.fixture(scope="module")
def data() -> Coded:
    rng = np.random.default_rng(0)
    n = 6000
    a = rng.integers(0, 3, n)
    b = (a + rng.integers(0, 2, n)) % 3
    c = np.minimum(rng.poisson(1 + 2 * b), 7)
    d = (rng.random(n) < 0.1 + 0.1 * a * (c > 4)).astype(int)
    named = zip("abcd", SIZES, (False, False, True, False), strict=True)
    domain = Domain(tuple(Attribute(x, x, s, o) for x, s, o in named))
    return Coded(domain, np.asfortranarray(np.stack([a, b, c, d], 1).astype(np.int32)))


MODELS = {
    "independent": IndependentModel,
    "bootstrap": BootstrapModel,
    "tree": lambda: TreeModel(correction=False),
    "tree with ratio": TreeModel,
    "tree with target": lambda: TreeModel(target="d"),
    "mst": lambda: registry.create("mst", epsilon=20.0),
}


@pytest.fixture(scope="module", params=list(MODELS))
def model(request: pytest.FixtureRequest, data: Coded):
    return MODELS[request.param]().fit(data, seed=1)


def _shares(codes: np.ndarray, weight: np.ndarray) -> np.ndarray:
    at = np.ravel_multi_index(codes.T, SIZES)
    share = np.bincount(at, weights=weight, minlength=len(ROWS))
    return share / share.sum()


@pytest.mark.statistical
@pytest.mark.parametrize("name", list(GUIDES))
def test_weighted_rows_follow_model_times_guide(model, name: str) -> None:
    """Total variation of 20,000 weighted rows over 144 cells; alarms under 1e-4: thrice the expected one.

    The mean weight must give the exact probability within 4 % (the chains are mixed by a few of them only).
    """
    guide = GUIDES[name]
    assert isinstance(model, Guided)
    exact = np.exp(model.log_prob(ROWS) + guide.log_factor(ROWS))
    total = exact.sum()
    codes, log_weight = model.sample_guided(20_000, guide, seed=3)
    assert np.exp(log_mean(log_weight)) == pytest.approx(total, rel=0.04)
    gap = 0.5 * np.abs(_shares(codes, np.exp(log_weight)) - exact / total).sum()
    assert gap < 3 * 0.4 * np.sqrt(np.count_nonzero(exact) / effective(log_weight))


@pytest.mark.statistical
def test_given_cells_are_kept_and_the_rest_follows_the_conditional(model) -> None:
    """Per row of given cells, TV to the exact conditional below 0.08 with 8,000 draws (false alarms < 1e-4).

    Rows are served by a few chains each, whose conditional differs a little from the mixture's.
    """
    fixed = np.array([[1, FREE, 6, FREE], [FREE, FREE, FREE, 1], [2, 2, FREE, FREE]], dtype=np.int32)
    codes, log_weight = model.sample_guided(24_000, Guide({}, (), fixed), seed=2)
    p = np.exp(model.log_prob(ROWS))
    for i, cells in enumerate(fixed):
        mine = slice(i * 8000, (i + 1) * 8000)
        known = cells != FREE
        assert (codes[mine][:, known] == cells[known]).all()
        exact = p * (ROWS[:, known] == cells[known]).all(axis=1)
        gap = 0.5 * np.abs(_shares(codes[mine], np.exp(log_weight[mine])) - exact / exact.sum()).sum()
        assert gap < 0.08
        assert np.exp(log_mean(log_weight[mine])) == pytest.approx(exact.sum(), rel=0.1)


def test_forbidden_codes_never_come_and_the_seed_decides(model) -> None:
    guide = GUIDES["both"]
    codes, log_weight = model.sample_guided(3000, guide, seed=5)
    alive = np.isfinite(log_weight)
    assert alive.any()
    assert np.isfinite(guide.log_factor(codes[alive])).all()
    again, weight = model.sample_guided(3000, guide, seed=5)
    assert np.array_equal(codes, again) and np.array_equal(log_weight, weight)
    assert not np.array_equal(codes, model.sample_guided(3000, guide, seed=6)[0])


def test_an_impossible_guide_gives_no_weight(model) -> None:
    _, log_weight = model.sample_guided(600, Guide({0: np.zeros(3)}), seed=0)
    assert not np.isfinite(log_weight).any()


def test_temperature_sharpens(model) -> None:
    cold, weight = model.sample_guided(5000, Guide(temperature=0.2), seed=1)
    plain = model.sample(5000, seed=1)
    share = np.bincount(cold[:, 3], weights=np.exp(weight), minlength=2)
    assert share[1] / share.sum() < (plain[:, 3] == 1).mean()


def test_a_guide_of_another_shape_is_refused(model) -> None:
    for guide in (Guide({0: np.ones(4)}), Guide({}, (Pair(0, 0, np.ones((3, 3))),)), Guide(temperature=0.0)):
        with pytest.raises(UsageError):
            model.sample_guided(10, guide, seed=0)


def test_systematic_resampling_gives_every_row_its_share_within_one() -> None:
    rng = np.random.default_rng(0)
    log_weight = rng.normal(size=(3, 200))
    log_weight[2] = -np.inf
    picked = systematic(log_weight.ravel(), 3, rng).reshape(3, 200)
    for group in range(2):
        weight = np.exp(log_weight[group])
        expected = 200 * weight / weight.sum()
        count = np.bincount(picked[group] - 200 * group, minlength=200)
        assert (np.abs(count - expected) < 1).all()
    assert np.array_equal(picked[2], np.arange(400, 600))


def test_split_parts_sum_to_the_whole() -> None:
    assert sum(split(1001, [0.2, 0.5, 1e-9, 3.0])) == 1001
