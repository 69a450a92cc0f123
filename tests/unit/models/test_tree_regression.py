"""Regressions that share numbers with trees: their density, their draws, their file, their use."""

from __future__ import annotations

import numpy as np
import pytest

from locum.errors import FileFormatError
from locum.models.base import ModelState
from locum.models.guide import FREE, Guide
from locum.models.tree.basis import Basis, apart, borders
from locum.models.tree.conditional import find_weights
from locum.models.tree.model import TreeModel
from locum.models.tree.softmax import fit_softmax
from locum.schema.domain import Attribute, Coded, Domain

#: Codes of a number, and of the label beside it.
CODES, LABELS = 12, 3


def numbers(n: int = 1500, *, missing: bool = True, spike: bool = False, seed: int = 0) -> Coded:
    """Two numbers of which the second is about the first, and a label that shifts it; some are missing.

    With a spike, a quarter of the first are 4 for no reason.
    """
    rng = np.random.default_rng(seed)
    a, label = rng.normal(size=n), rng.integers(0, LABELS, n)
    b = 0.9 * a + 0.4 * (label - 1) + 0.3 * rng.normal(size=n)
    codes = [np.clip(np.digitize(x, np.linspace(-1.8, 1.8, CODES - 1)), 0, CODES - 1) for x in (a, b)]
    if spike:
        codes[0] = np.where(rng.random(n) < 0.25, 4, codes[0])
    if missing:
        codes[1] = np.where(rng.random(n) < 0.1, CODES, codes[1])
    size = CODES + 1 if missing else CODES
    domain = Domain(
        (
            Attribute("a", "a", CODES, True),
            Attribute("b", "b", size, True, CODES if missing else None),
            Attribute("label", "label", LABELS, False),
        )
    )
    return Coded(domain, np.asfortranarray(np.stack([*codes, label], axis=1).astype(np.int32)))


def every_row(domain: Domain) -> np.ndarray:
    grid = np.meshgrid(*(range(s) for s in domain.sizes), indexing="ij")
    return np.asfortranarray(np.stack(grid, axis=-1).reshape(-1, len(domain)).astype(np.int32))


@pytest.mark.parametrize(("target", "spike"), [("", False), ("b", False), ("", True), ("a", True)])
def test_density_with_regressions_is_a_distribution_that_draws_follow(target: str, spike: bool) -> None:
    data = numbers(spike=spike)
    model = TreeModel(correction=False, margins=False, target=target).fit(data, seed=1)
    conditionals = [one for chain in model._mixture.chains for one in chain.conditionals]
    assert any(one.experts for one in conditionals)
    rows = every_row(data.domain)
    p = np.exp(model.log_prob(rows))
    assert abs(p.sum() - 1.0) < 1e-6
    drawn = model.sample(40_000, seed=2)
    sizes = data.domain.sizes
    cell = np.ravel_multi_index(tuple(drawn.T), sizes)
    share = np.bincount(cell, minlength=len(rows)) / len(drawn)
    # Over 468 cells of 40,000 draws half the sum of absolute errors is about 0.04, and never 0.06 by chance.
    assert 0.5 * np.abs(share - p).sum() < 0.06


def test_tables_and_probabilities_of_a_conditional_agree() -> None:
    data = numbers()
    model = TreeModel(correction=False, target="b").fit(data, seed=1)
    view, marginals = model._mixture.view, model._mixture.marginals
    codes = data.codes[:200]
    for one in model._mixture.chains[0].conditionals:
        table = one.table(codes, view, marginals[one.target])
        np.testing.assert_allclose(table.sum(axis=1), 1.0, atol=1e-6)
        y = codes[:, one.target].astype(np.int64)
        told = one.probability(codes, y, view, marginals[one.target])
        np.testing.assert_allclose(told, table[np.arange(len(y)), y], atol=1e-7)


def test_a_sum_of_many_columns_is_kept_from_few_rows() -> None:
    """800 rows, six equal causes: trees alone lose a good part of what the sum says (fixed seed)."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(800, 6))
    y = x.sum(axis=1) + 0.8 * rng.normal(size=800)
    values = np.column_stack([x, y])
    rank = values.argsort(axis=0).argsort(axis=0) * 32 // 800
    domain = Domain(tuple(Attribute(f"v{i}", f"v{i}", 32, True) for i in range(7)))
    data = Coded(domain, np.asfortranarray(rank.astype(np.int32)))

    def kept(**settings: object) -> float:
        rows = TreeModel(correction=False, **settings).fit(data, seed=1).sample(4000, seed=2)
        return float(np.corrcoef(rows[:, :6].sum(axis=1), rows[:, 6])[0, 1])

    truth = float(np.corrcoef(rank[:, :6].sum(axis=1), rank[:, 6])[0, 1])
    assert kept(experts=False) < truth - 0.05
    assert kept() > truth - 0.04
    assert kept(target="v6") > truth - 0.04


def test_a_model_with_regressions_comes_back_from_its_state() -> None:
    for target in ("", "b", "label"):
        data = numbers(spike=target == "b")
        model = TreeModel(target=target, rounds=20).fit(data, seed=1)
        again = TreeModel.from_state(model.state(), data.domain)
        np.testing.assert_array_equal(model.sample(500, seed=3), again.sample(500, seed=3))
        np.testing.assert_array_equal(model.log_prob(data.codes), again.log_prob(data.codes))


def _states() -> list[tuple[str, ModelState]]:
    fitted = {t: TreeModel(target=t, correction=False).fit(numbers(), seed=1).state() for t in ("b", "label")}
    return list(fitted.items())


def test_harmed_regressions_are_refused_or_harmless() -> None:
    """Every array of a regression with its first or last value spoiled, or a value short."""
    data, looked_at = numbers(), 0
    for _, state in _states():
        names = [n for n in state.tensors if n.split(".")[0] in ("expert", "smooth", "residual", "number")]
        assert names
        for name in names:
            array = state.tensors[name]
            for spoiled in _spoiled(array):
                looked_at += 1
                tensors = {**state.tensors, name: spoiled}
                try:
                    model = TreeModel.from_state(ModelState(state.settings, tensors), data.domain)
                except FileFormatError:
                    continue
                rows = model.sample(50, seed=1)
                assert ((rows >= 0) & (rows < np.array(data.domain.sizes))).all()
                assert not np.isnan(model.log_prob(data.codes[:50])).any()
    assert looked_at > 200


def _spoiled(array: np.ndarray) -> list[np.ndarray]:
    out = [array[:-1]] if len(array) else []
    values = [-1, 0, 10**6] if array.dtype.kind in "iu" else [-1e12, 0.0, 2.0, np.nan, np.inf]
    for at in (0, -1):
        for value in values if len(array) else []:
            if array.dtype == np.uint8 and value not in (0, 1):
                continue
            bad = array.copy()
            bad[at] = value
            out.append(bad)
    return out


def test_weights_go_to_what_is_likely() -> None:
    good, bad = np.full(500, 0.3), np.full(500, 0.1)
    assert find_weights(np.stack([bad, good]), 50, 0.1, 0.98)[1] == pytest.approx(0.98)
    assert find_weights(np.stack([good, bad]), 50, 0.1, 0.98)[1] == 0.0
    half = np.tile([0.4, 0.05], 250), np.tile([0.05, 0.4], 250)
    assert find_weights(np.stack(half), 50, 0.1, 0.98)[1] == pytest.approx(0.5, abs=0.05)


def test_values_that_many_share_stand_apart_and_the_others_keep_their_order() -> None:
    share = np.array([0.4, *(0.05,) * 12])
    attribute = Attribute("a", "a", 13, True)
    assert apart(attribute, share) == (0,)
    ends = borders(attribute, share)
    assert ends[0] == ends[1] == -np.inf and (np.diff(ends[1:]) > 0).all()
    table = Basis.of(Domain((attribute,)), [share]).tables[0]
    # A flag says who has it; in the numbers it is worth their mean.
    np.testing.assert_allclose(table[0, :-1], share[1:] @ table[1:, :-1] / 0.6, atol=1e-12)
    assert table[0, -1] > 0 > table[1, -1]
    counts = np.array([0.3, 0.25, 0.15, 0.1, 0.08, 0.05, 0.03, 0.02, 0.01, 0.01])
    assert apart(Attribute("b", "b", 10, True), counts) == ()


def test_a_number_that_is_zero_for_no_reason_is_kept_where_it_is_not() -> None:
    """Two numbers that are nearly one, a third of the second zero by chance (fixed seed)."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=1500)
    y = x + 0.1 * rng.normal(size=1500)
    codes = np.stack([v.argsort().argsort() * 30 // 1500 for v in (x, y)], axis=1)
    codes[:, 1] = np.where(rng.random(1500) < 0.33, 0, codes[:, 1] + 1)
    domain = Domain((Attribute("x", "x", 30, True), Attribute("y", "y", 31, True)))
    data = Coded(domain, np.asfortranarray(codes.astype(np.int32)))
    rows = TreeModel(target="y").fit(data, seed=1).sample(4000, seed=2)
    number = rows[:, 1] > 0
    assert abs(number.mean() - 0.67) < 0.03
    off = np.abs(rows[number, 0] - rows[number, 1] + 1)
    held = codes[:, 1] > 0
    assert off.mean() < 1.5 * np.abs(codes[held, 0] - codes[held, 1] + 1).mean()


def test_a_regression_of_labels_has_their_shares_and_their_causes() -> None:
    data = numbers(2000, missing=False)
    shares = [np.bincount(data.column(i), minlength=k) / data.n_rows for i, k in enumerate(data.domain.sizes)]
    basis = Basis.of(data.domain, shares)
    part = np.arange(data.n_rows) % 4
    model, apart = fit_softmax(2, data.codes, part, shares[2], [0, 1], basis)
    np.testing.assert_allclose(apart.sum(axis=1), 1.0)
    told = model.table(data.codes, basis)
    # One code against all others is near the joint maximum only: `calibrate` sets shares right afterwards.
    np.testing.assert_allclose(told.mean(axis=0), shares[2], atol=0.08)
    own = np.arange(data.n_rows), data.codes[:, 2]
    assert np.log(apart[own]).mean() > np.log(shares[2][data.codes[:, 2]]).mean() + 0.2


def test_a_number_to_predict_can_be_given_too() -> None:
    """Its chains draw it last; rows in which it is given are as they are where it is (fixed seed)."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(1500, 3))
    y = x.sum(axis=1) + 0.2 * rng.normal(size=1500)
    values = np.column_stack([x, y])
    codes = values.argsort(axis=0).argsort(axis=0) * 32 // 1500
    domain = Domain(tuple(Attribute(f"v{i}", f"v{i}", 32, True) for i in range(4)))
    data = Coded(domain, np.asfortranarray(codes.astype(np.int32)))
    model = TreeModel(target="v3").fit(data, seed=1)
    fixed = np.full((600, 4), FREE, dtype=np.int32)
    fixed[:, 3] = codes[:600, 3]
    drawn, weight = model.sample_guided(600 * 16, Guide({}, (), fixed=fixed), seed=2)
    log = weight.reshape(600, 16)
    p = np.exp(log - log.max(axis=1, keepdims=True))
    sums = (p * drawn[:, :3].sum(axis=1).reshape(600, 16)).sum(axis=1) / p.sum(axis=1)
    truth = codes[:600, :3].sum(axis=1)
    slope = np.polyfit(codes[:600, 3], truth, 1)[0]
    assert np.polyfit(codes[:600, 3], sums, 1)[0] == pytest.approx(slope, rel=0.08)
