"""The tree model: density, correction, limits on memory, files."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from locum.errors import FileFormatError, UsageError
from locum.models.base import ModelState
from locum.models.tree.model import TreeModel
from locum.models.tree.ratio import fit_ratio, keep
from locum.models.tree.settings import TreeSettings
from locum.schema.domain import Attribute, Coded, Domain


def _domain(*sizes: int, ordered: bool = True) -> Domain:
    return Domain(tuple(Attribute(f"a{i}", f"a{i}", s, ordered) for i, s in enumerate(sizes)))


def _coded(columns: list[np.ndarray], sizes: tuple[int, ...], ordered: bool = True) -> Coded:
    return Coded(
        _domain(*sizes, ordered=ordered), np.asfortranarray(np.column_stack(columns).astype(np.int32))
    )


def _dependent(n: int, seed: int) -> Coded:
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 4, n)
    b = np.minimum(a + rng.integers(0, 3, n), 4)
    c = (a + b + (rng.random(n) < 0.2)) % 3
    return _coded([a, b, c], (4, 5, 3))


def test_chain_density_sums_to_one_over_the_whole_domain() -> None:
    data = _dependent(3000, 0)
    model = TreeModel(correction=False, margins=False).fit(data, seed=1)
    every = np.array(list(product(range(4), range(5), range(3))), dtype=np.int32)
    assert np.exp(model.log_prob(every)).sum() == pytest.approx(1.0, abs=1e-6)


def test_corrected_density_sums_to_one_and_the_sample_follows_it() -> None:
    data = _dependent(20_000, 0)
    model = TreeModel(penalty=30.0, members=2, order_spread=0.0).fit(data, seed=1)
    assert model._mixture.ratio is not None
    every = np.array(list(product(range(4), range(5), range(3))), dtype=np.int32)
    p = np.exp(model.log_prob(every))
    assert p.sum() == pytest.approx(1.0, abs=0.01)
    rows = model.sample(50_000, seed=2)
    seen = np.bincount(rows[:, 0] * 15 + rows[:, 1] * 3 + rows[:, 2], minlength=60) / 50_000
    # Total variation of a perfect sample of 50,000 rows over 60 cells is about 0.014.
    assert 0.5 * np.abs(seen - p / p.sum()).sum() < 0.03


def test_correction_brings_crippled_chains_nearer_to_the_data() -> None:
    data = _dependent(20_000, 3)
    cells = data.codes[:, 0] * 15 + data.codes[:, 1] * 3 + data.codes[:, 2]
    real = np.bincount(cells, minlength=60) / len(cells)

    def distance(**kw: float) -> float:
        rows = (
            TreeModel(penalty=200.0, members=2, experts=False, **kw).fit(data, seed=1).sample(20_000, seed=2)
        )
        seen = np.bincount(rows[:, 0] * 15 + rows[:, 1] * 3 + rows[:, 2], minlength=60) / 20_000
        return float(0.5 * np.abs(real - seen).sum())

    assert distance(correction=True) < 0.6 * distance(correction=False)


def test_a_function_between_columns_survives() -> None:
    rng = np.random.default_rng(5)
    a = rng.integers(0, 12, 5000)
    data = _coded([a, (a * 5) % 12], (12, 12), ordered=False)
    rows = TreeModel().fit(data, seed=0).sample(5000, seed=1)
    broken = (rows[:, 1] != (rows[:, 0] * 5) % 12).mean()
    assert broken < 0.01


def test_levels_of_few_people_are_not_keys_to_their_row() -> None:
    """With a level per row, nothing can be split on it: the drawn target is independent of the level."""
    rng = np.random.default_rng(6)
    data = _coded([np.arange(2000), rng.integers(0, 2, 2000)], (2000, 2), ordered=False)
    rows = TreeModel(order_spread=0.0, correction=False).fit(data, seed=0).sample(20_000, seed=1)
    matches = (data.codes[rows[:, 0], 1] == rows[:, 1]).mean()
    # 20,000 draws: six standard errors of a fair coin are 0.021.
    assert abs(matches - 0.5) < 0.06


def test_fresh_rows_are_as_likely_as_training_rows_of_noise() -> None:
    """On structureless data the mean log-probability of unseen rows is close to that of seen rows."""
    rng = np.random.default_rng(7)
    sizes = (30, 30, 30, 30)
    both = _coded([rng.integers(0, 30, 8000) for _ in sizes], sizes)
    seen = Coded(both.domain, np.asfortranarray(both.codes[:4000]))
    model = TreeModel().fit(seen, seed=0)
    gap = model.log_prob(both.codes[:4000]).mean() - model.log_prob(both.codes[4000:]).mean()
    assert 0 <= gap < 0.1


def test_keep_takes_rows_in_proportion_to_weight() -> None:
    rng = np.random.default_rng(8)
    weight = np.where(np.arange(40_000) % 2 == 0, 1.5, 0.5)
    picked = keep(np.log(weight), 20_000, rng)
    assert len(picked) == len(np.unique(picked)) == 20_000
    assert (picked % 2 == 0).mean() == pytest.approx(0.75, abs=1e-3)
    assert len(keep(np.zeros(3), 3, rng)) == 3
    assert len(keep(np.array([-700.0, 0.0, -700.0]), 2, rng)) == 2


@pytest.mark.parametrize("labels", [[], [0]])
def test_ratio_recovers_a_known_density_ratio(labels: list[int]) -> None:
    rng = np.random.default_rng(9)
    real = rng.choice(4, (30_000, 1), p=[0.4, 0.3, 0.2, 0.1]).astype(np.int32)
    chain = rng.choice(4, (30_000, 1)).astype(np.int32)
    score = fit_ratio(real, chain, labels, TreeSettings(rounds=200), 0)
    assert score is not None
    got = np.exp(score(np.arange(4, dtype=np.int32)[:, None]))
    assert got / got.mean() == pytest.approx([1.6, 1.2, 0.8, 0.4], rel=0.12)


def test_indistinguishable_samples_need_no_correction() -> None:
    rng = np.random.default_rng(10)
    real, chain = rng.integers(0, 4, (5000, 2)), rng.integers(0, 4, (5000, 2))
    score = fit_ratio(real.astype(np.int32), chain.astype(np.int32), [], TreeSettings(), 0)
    # Only differences count: a constant goes into the normalising constant.
    assert score is None or np.ptp(score(chain.astype(np.int32))) < 0.4


@pytest.mark.parametrize("change", ["order", "child", "nan", "code", "loop", "ratio", "extra", "table"])
def test_a_broken_state_is_refused(change: str) -> None:
    data = _dependent(5000, 0)
    model = TreeModel(members=2, penalty=8.0).fit(data, seed=0)
    state = model.state()
    tensors = {k: v.copy() for k, v in state.tensors.items()}
    inner = np.flatnonzero(tensors["tree.feature"] >= 0)
    if change == "order":
        tensors["order"][0, 0] = tensors["order"][0, 1]
    elif change == "child":
        tensors["tree.left"][inner[0]] = 10**6
    elif change == "loop":
        tensors["tree.left"][inner[0]] = 0
    elif change == "nan":
        tensors["tree.borrow"][0] = np.nan
    elif change == "code":
        tensors["tree.code"][0] = 99
    elif change == "ratio":
        tensors["ratio.left"][0] = 0
    elif change == "extra":
        tensors["more"] = np.zeros(1)
    elif change == "table":
        tensors["table.bins"] = tensors["table.bins"][:-1]
    TreeModel.from_state(state, data.domain)
    with pytest.raises(FileFormatError):
        TreeModel.from_state(ModelState(state.settings, tensors), data.domain)


def test_settings_out_of_range_say_so() -> None:
    with pytest.raises(UsageError, match="members=0"):
        TreeModel(members=0)
    with pytest.raises(UsageError, match="Did you mean max_depth"):
        TreeModel(max_depht=3)
    with pytest.raises(UsageError, match="Expected a number from 0"):
        TreeModel(share=2)
