"""Trees that look at what follows from codes, and margins of the rows that rules leave over."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from locum.errors import FileFormatError
from locum.models.tree.extended import ExtendedRows, extend
from locum.models.tree.model import TreeModel
from locum.schema.domain import Attribute, Calculated, Coded, Codes, Domain

GROUPS, PLACES = 3, 8


def domain() -> Domain:
    """A group, a place whose meaning hangs on the group, and something that hangs on the meaning alone."""
    attributes = (
        Attribute("group", "group", GROUPS, False),
        Attribute("place", "place", PLACES, False),
        Attribute("far", "far", 10, True),
    )
    # the meaning of a place is another one in every group
    table = np.array([[(5 * p + 3 * g) % PLACES for p in range(PLACES)] for g in range(GROUPS)], np.int32)
    cells = np.arange(GROUPS, dtype=np.int32), np.arange(PLACES, dtype=np.int32)
    meaning = Calculated(Attribute("meaning", "miles", PLACES, True), (0, 1), cells, table)
    return Domain(attributes, (meaning,))


def rows(n: int = 4_000, seed: int = 0) -> Coded:
    rng = np.random.default_rng(seed)
    group, place = rng.integers(0, GROUPS, n), rng.integers(0, PLACES, n)
    (meaning,) = domain().calculated
    codes = np.column_stack([group, place, 0 * group]).astype(np.int32)
    codes[:, 2] = np.clip(meaning(codes) + rng.integers(0, 2, n), 0, 9)
    return Coded(domain(), np.asfortranarray(codes))


def test_rows_have_the_calculated_columns_last() -> None:
    data = ExtendedRows(rows(100))
    assert data.domain.names == ("group", "place", "far", "meaning")
    own = extend(rows(100).codes, domain().calculated)
    assert np.array_equal(data.take(np.arange(100)), own)
    assert np.array_equal(data.column(3), own[:, 3])
    assert np.array_equal(np.vstack(list(data.blocks(30))), own)


def test_what_hangs_on_the_meaning_is_learned_with_fewer_rows() -> None:
    data = rows(1_500)
    plain = Coded(Domain(data.domain.attributes), data.codes)
    settings = {"members": 4, "correction": False, "margins": False, "min_leaf": 60}
    fresh = rows(3_000, seed=1).codes
    seen = TreeModel(**settings).fit(data, seed=1).log_prob(fresh).mean()
    unseen = TreeModel(**settings).fit(plain, seed=1).log_prob(fresh).mean()
    assert seen > unseen + 0.05


@pytest.mark.parametrize("target", ["", "far", "place"])
def test_the_density_adds_up_and_is_that_of_the_draws(target: str) -> None:
    more = {"target": target} if target else {}
    model = TreeModel(members=3, rounds=30, correction=False, margins=False, **more).fit(rows(), seed=1)
    every = np.array(list(itertools.product(*map(range, domain().sizes))), np.int32)
    density = np.exp(model.log_prob(np.asfortranarray(every)))
    assert density.sum() == pytest.approx(1.0, abs=1e-6)
    drawn = model.sample(40_000, seed=2)
    assert drawn.shape == (40_000, 3)
    number = np.ravel_multi_index(tuple(drawn.T), domain().sizes)
    share = np.bincount(number, minlength=len(every)) / len(drawn)
    error = np.sqrt(density * (1 - density) / len(drawn))
    # 240 cells: five standard errors are passed by chance once in 7,000 such tests
    assert (np.abs(share - density) <= 5 * error + 1e-9).all()


def test_a_file_without_what_its_table_offers_is_refused() -> None:
    model = TreeModel(members=2, rounds=20, target="far").fit(rows(), seed=1)
    again = TreeModel.from_state(model.state(), domain())
    assert np.array_equal(again.sample(500, seed=3), model.sample(500, seed=3))
    with pytest.raises(FileFormatError):
        TreeModel.from_state(model.state(), Domain(domain().attributes))


def test_a_file_from_before_is_read_without_calculating() -> None:
    data = rows()
    old = TreeModel(members=2, rounds=20).fit(Coded(Domain(data.domain.attributes), data.codes), seed=1)
    again = TreeModel.from_state(old.state(), domain())
    assert np.array_equal(again.sample(500, seed=3), old.sample(500, seed=3))


def kept(codes: Codes) -> np.ndarray:
    """A rule about three columns, of which no two say anything."""
    return (codes[:, 0] == 0) | ((codes[:, 1] < 5) == (codes[:, 2] < 3))


@pytest.mark.parametrize("target", ["", "place"])
def test_margins_are_those_of_the_rows_that_are_left(target: str) -> None:
    data = rows(6_000)
    real = data.codes[kept(data.codes)]
    # chains that know nothing of the rule, because they are allowed no split
    settings = {"members": 3, "rounds": 20, "min_leaf": 100_000, "correction": False, "experts": False}
    more = {"target": target} if target else {}
    coded = Coded(data.domain, np.asfortranarray(real))
    plain = TreeModel(**settings, **more).fit(coded, seed=1).sample(20_000, seed=2)
    fitted = TreeModel(**settings, **more).expect(kept).fit(coded, seed=1).sample(20_000, seed=2)

    def farthest(drawn: Codes) -> float:
        left = drawn[kept(drawn)]
        worst = 0.0
        for i, size in enumerate(domain().sizes):
            truth = np.bincount(real[:, i], minlength=size) / len(real)
            share = np.bincount(left[:, i], minlength=size) / len(left)
            worst = max(worst, float(np.abs(truth - share).max()))
        return worst

    assert farthest(plain) > 0.05
    # a share of a third of 10,000 rows that are left varies by 0.005; a target's own model knows the rule too
    assert farthest(fitted) < (0.04 if target else 0.016)
