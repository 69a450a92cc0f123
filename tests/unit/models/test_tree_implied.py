"""Codes that follow from codes: found where chance is ruled out, kept in drawn rows, nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from locum.errors import FileFormatError
from locum.models import registry
from locum.models.base import ModelState
from locum.models.tree.implied import find_implied, mend
from locum.schema.domain import Attribute, Coded, Domain

SIZES = (6, 4, 5, 12)


def coded(seed: int, rows: int, *, implied: bool) -> Coded:
    """Independent columns; with `implied` code 2 of the first always comes with code 0 of the second."""
    rng = np.random.default_rng(seed)
    codes = np.column_stack([rng.integers(0, size, rows) for size in SIZES]).astype(np.int32)
    if implied:
        codes[codes[:, 0] == 2, 1] = 0
    domain = Domain(tuple(Attribute(f"a{i}", f"a{i}", size, i > 1, None) for i, size in enumerate(SIZES)))
    return Coded(domain, np.asfortranarray(codes))


@pytest.mark.parametrize("seed", range(20))
def test_nothing_follows_between_independent_columns(seed: int) -> None:
    # false alarms are limited to one in a million a table
    assert find_implied(coded(seed, 2_000, implied=False)) == ()


def test_what_follows_is_found_with_its_codes() -> None:
    (one,) = find_implied(coded(1, 2_000, implied=True))
    assert (one.cause, one.effect) == (0, 1)
    assert one.code.tolist() == [-1, -1, 0, -1, -1, -1]


def test_few_rows_are_no_evidence() -> None:
    assert find_implied(coded(1, 200, implied=True)) == ()


def test_mending_changes_only_rows_that_are_wrong() -> None:
    implied = find_implied(coded(1, 2_000, implied=True))
    rows = coded(7, 1_000, implied=False).codes.copy(order="F")
    before = rows.copy()
    mend(rows, implied)
    wrong = (before[:, 0] == 2) & (before[:, 1] != 0)
    assert wrong.any()
    assert (rows[wrong, 1] == 0).all()
    assert np.array_equal(rows[~wrong], before[~wrong])


@pytest.mark.parametrize("name", ["tree", "tree-fast"])
def test_drawn_rows_keep_it_also_after_a_model_file(name: str) -> None:
    data = coded(3, 3_000, implied=True)
    model = registry.create(name).fit(data, seed=1)
    rows = model.sample(20_000, seed=2)
    assert (rows[rows[:, 0] == 2, 1] == 0).all()
    # the share of the cause is that of the data: five standard errors
    assert abs((rows[:, 0] == 2).mean() - (data.codes[:, 0] == 2).mean()) < 5 * np.sqrt(1 / 6 / 3_000)
    again = registry.get(name).from_state(model.state(), data.domain)
    assert np.array_equal(again.sample(500, seed=5), model.sample(500, seed=5))


def test_spoilt_codes_are_refused() -> None:
    data = coded(3, 3_000, implied=True)
    state = registry.create("tree-fast").fit(data, seed=1).state()
    spoilt = dict(state.tensors)
    spoilt["implied"] = np.array([[0, 2, 1, 99]], dtype=np.int32)
    with pytest.raises(FileFormatError):
        registry.get("tree-fast").from_state(ModelState(state.settings, spoilt), data.domain)
