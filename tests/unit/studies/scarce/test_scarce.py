"""Few rows: borrowing, more rows of one level, and the few-shot model."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from locum.errors import UsageError
from locum.models.fewshot import FewShotModel
from locum.schema.column import Column
from locum.schema.domain import Attribute, Coded, Domain
from locum.schema.table import Schema
from locum.studies.scarce.borrow import borrow, ratio_weights
from locum.synthesizer.table import Synthesizer

SCHEMA = Schema((Column(name="x", kind="number"), Column(name="y", kind="category")), target="y")


def table(n: int, seed: int, wrong: float = 0.0, shift: float = 0.0) -> pa.Table:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n) + shift
    y = (x > 0) ^ (rng.random(n) < wrong)
    return pa.table({"x": x, "y": pa.array(np.array(["no", "yes"])[y.astype(int)])})


def test_density_ratios_bring_the_other_table_s_mean_nearer():
    own, other = table(300, 3), table(3000, 4, shift=1.0)
    weights = ratio_weights(own, other, SCHEMA)
    x = other.column("x").to_numpy()
    assert abs(np.average(x, weights=weights) - own.column("x").to_numpy().mean()) < 0.35
    assert x.mean() > 0.9
    got = borrow(own, other, SCHEMA, 500)
    assert got.table.column("domain").to_pylist().count("other") == 500
    assert got.schema.names == ("x", "y", "domain")
    assert 1 < got.effective < 3000


def test_borrowing_refuses_a_taken_name():
    with pytest.raises(UsageError, match="already"):
        borrow(table(9, 1), table(9, 2), SCHEMA, 5, domain="x")


def test_rows_of_a_minority_have_the_level_and_differ():
    synth = Synthesizer("few-shot", seed=1).fit_table(table(100, 5), SCHEMA)
    rows = synth.draw(40, where="y = 'yes'", seed=0).table
    assert rows.column("y").to_pylist() == ["yes"] * 40
    assert len(set(rows.column("x").to_pylist())) > 10
    with pytest.raises(UsageError, match="there is no column"):
        synth.draw(4, where="z = 'yes'", seed=0)


def coded(n: int) -> Coded:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, n)
    a = np.where(rng.random(n) < 0.9, y, 1 - y)
    b = np.where(rng.random(n) < 0.9, a, 1 - a)
    c = rng.integers(0, 4, n)
    domain = Domain(tuple(Attribute(k, k, s, False) for k, s in zip("yabc", (2, 2, 2, 4), strict=True)))
    return Coded(domain, np.asfortranarray(np.stack([y, a, b, c], 1).astype(np.int32)))


@pytest.mark.parametrize("target", [None, "y"])
def test_few_shot_probabilities_add_up_and_samples_follow_them(target):
    model = FewShotModel(target=target).fit(coded(60), seed=0)
    every = np.stack(np.meshgrid(*map(np.arange, (2, 2, 2, 4)), indexing="ij"), -1).reshape(-1, 4)
    p = np.exp(model.log_prob(every.astype(np.int32)))
    assert abs(p.sum() - 1) < 1e-9
    rows = model.sample(40_000, seed=1)
    share = np.bincount(np.ravel_multi_index(rows.T, (2, 2, 2, 4)), minlength=32) / 40_000
    assert np.abs(share - p).max() < 0.01


def test_strength_pulls_towards_independence():
    data = coded(60)
    gaps = []
    for strength in (0.1, 1e5):
        rows = FewShotModel(target="y", strength=strength).fit(data, seed=0).sample(20_000, seed=1)
        gaps.append(abs(np.corrcoef(rows[:, 0], rows[:, 1])[0, 1]))
    assert gaps[0] > 0.6
    assert gaps[1] < 0.05
