"""The baselines against answers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from locum.errors import FileFormatError
from locum.models.base import ModelState
from locum.models.bootstrap import BootstrapModel
from locum.models.independent import IndependentModel
from locum.schema.domain import Attribute, Coded, Domain

ROWS = np.asfortranarray([[0, 0], [0, 0], [2, 1], [1, 1]], dtype=np.int32)
DOMAIN = Domain((Attribute("a", "a", 3, False), Attribute("b", "b", 2, False)))
ASKED = np.array([[0, 0], [0, 1], [2, 1], [1, 0], [3, 0]], dtype=np.int32)


def test_independent_multiplies_the_shares_of_columns():
    model = IndependentModel().fit(Coded(DOMAIN, ROWS), seed=0)
    expected = np.array([0.5 * 0.5, 0.5 * 0.5, 0.25 * 0.5, 0.25 * 0.5, 0.0])
    np.testing.assert_allclose(np.exp(model.log_prob(ASKED)), expected, rtol=1e-12)


def test_bootstrap_counts_whole_rows():
    model = BootstrapModel().fit(Coded(DOMAIN, ROWS), seed=0)
    np.testing.assert_allclose(np.exp(model.log_prob(ASKED)), [0.5, 0, 0.25, 0, 0], rtol=1e-12)
    drawn = {tuple(row) for row in model.sample(200, seed=1).tolist()}
    assert drawn == {tuple(row) for row in ROWS.tolist()}


def test_independent_mixes_and_bootstrap_does_not():
    rng = np.random.default_rng(0)
    codes = np.asfortranarray(np.repeat(rng.integers(0, 9, (2000, 1)), 2, axis=1), dtype=np.int32)
    data = Coded(Domain((Attribute("a", "a", 9, False), Attribute("b", "b", 9, False))), codes)
    mixed = IndependentModel().fit(data, seed=0).sample(4000, seed=2)
    copied = BootstrapModel().fit(data, seed=0).sample(4000, seed=2)
    assert abs(np.mean(mixed[:, 0] == mixed[:, 1]) - 1 / 9) < 0.03
    assert (copied[:, 0] == copied[:, 1]).all()


@given(arrays(np.int32, st.tuples(st.integers(1, 30), st.integers(1, 4)), elements=st.integers(0, 300)))
def test_bootstrap_density_agrees_with_counting(rows):
    domain = Domain(tuple(Attribute(str(i), str(i), 301, False) for i in range(rows.shape[1])))
    model = BootstrapModel().fit(Coded(domain, np.asfortranarray(rows)), seed=0)
    again = BootstrapModel.from_state(model.state(), domain)
    share = [(rows == row).all(axis=1).mean() for row in rows]
    np.testing.assert_allclose(np.exp(again.log_prob(rows)), share, rtol=1e-12)


@pytest.mark.parametrize(
    "counts",
    [[2, 1, 1, 2, -2], [0, 0, 0, 2, 2], [2**62, 2**62, 2**62, 1, 1], [2, 1, 1, 2], [2, 1, 1, 2, 2, 2]],
)
def test_counts_that_cannot_be(counts):
    state = ModelState({}, {"counts": np.array(counts, dtype=np.int64)})
    with pytest.raises(FileFormatError):
        IndependentModel.from_state(state, DOMAIN)


@pytest.mark.parametrize(
    ("rows", "counts"),
    [
        ([[0, 0], [0, 0]], [1, 1]),
        ([[1, 0], [0, 0]], [1, 1]),
        ([[0, 0], [0, 2]], [1, 1]),
        ([[0, 0], [-1, 1]], [1, 1]),
        ([[0, 0], [0, 1]], [1, 0]),
        ([[0, 0], [0, 1]], [1]),
    ],
)
def test_rows_that_cannot_be(rows, counts):
    tensors = {"rows": np.array(rows, dtype=np.int32), "counts": np.array(counts, dtype=np.int64)}
    with pytest.raises(FileFormatError):
        BootstrapModel.from_state(ModelState({}, tensors), DOMAIN)
