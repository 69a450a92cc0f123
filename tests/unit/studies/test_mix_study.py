"""Whether mixing helps: verdicts on synthetic rows whose worth is known."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from locum.errors import DataError, UsageError
from locum.pipeline.mix import mix
from locum.report.mixing import render
from locum.schema.column import Column
from locum.schema.table import Schema
from locum.studies.mix.arms import Block, Goal, balanced_accuracy, calibration_error, smote
from locum.studies.mix.contrast import corrected
from locum.studies.mix.study import MIXES, Question, exchange, optimum, study

SCHEMA = Schema(
    (*(Column(f"x{i}", "number") for i in range(6)), Column("g", "category"), Column("y", "category")),
    name="t",
    target="y",
)


def world(n: int, rng: np.random.Generator, flip: float = 0.0) -> pa.Table:
    x = rng.normal(size=(n, 6))
    g = rng.random(n) < 0.3
    p = 1 / (1 + np.exp(-(x.sum(axis=1) + g)))
    y = (rng.random(n) < p) ^ (rng.random(n) < flip)
    columns = {f"x{i}": x[:, i] for i in range(6)}
    return pa.table({**columns, "g": np.where(g, "a", "b").tolist(), "y": np.where(y, "yes", "no").tolist()})


def ask(make, *, n: int = 150, seed: int = 0, splits: int = 6, **more: object):
    real = world(n, np.random.default_rng(seed))
    return study(
        Question(SCHEMA, real, "y", make, seed=seed, splits=splits, **more), name="t", synthesizer="own"
    )


def truth(learn: pa.Table, n: int, seed: int) -> pa.Table:
    return world(4 * n, np.random.default_rng(seed))


def wrong(learn: pa.Table, n: int, seed: int) -> pa.Table:
    return world(n, np.random.default_rng(seed), flip=0.9)


def copy(learn: pa.Table, n: int, seed: int) -> pa.Table:
    return learn.take(np.random.default_rng(seed).integers(learn.num_rows, size=n))


def test_rows_from_the_true_law_help() -> None:
    found = ask(truth, n=60, splits=10, holdout=world(1500, np.random.default_rng(99)))
    assert found.verdict == "helps"
    assert found.gain.low > 0
    assert found.worth is None or found.worth[0] > 0


def test_wrong_rows_never_help_and_full_weight_harms() -> None:
    found = ask(wrong)
    assert found.verdict != "helps"
    assert found.arm("2 x synthetic, weight 1").gain.high < 0


@pytest.mark.statistical
@pytest.mark.parametrize(
    ("seeds", "least"), [(2, 2), pytest.param(10, 9, marks=pytest.mark.slow)], ids=["two", "ten"]
)
def test_a_plain_copy_is_no_evidence(seeds: int, least: int) -> None:
    """At least 9 of 10 seeds; the two intervals together err in fewer than 2.5 % of seeds on this side."""
    verdicts = [ask(copy, seed=seed, n=120, splits=4).verdict for seed in range(seeds)]
    assert verdicts.count("no evidence") >= least


def test_groups_cost_and_page() -> None:
    found = ask(truth, n=400, splits=3, protected=("g",))
    assert {g.level for g in found.groups} == {"a", "b"}
    assert found.copying is not None
    assert abs(found.copying[0] - 0.5) < 0.1
    page = render(found)
    assert "SMOTE" in page
    assert "<script" not in page


def test_corrected_interval_is_wider_than_the_naive_one() -> None:
    d = np.array([0.01, 0.02, 0.03, 0.02])
    wide, naive = corrected(d, 3 / 7), corrected(d, 0.0)
    assert wide.value == naive.value == pytest.approx(0.02)
    assert wide.high - wide.low == pytest.approx((naive.high - naive.low) * np.sqrt(1 + 4 * 3 / 7))
    assert wide.detectable > wide.high - wide.value


def test_the_fitted_optimum_and_the_exchange_rate() -> None:
    s = np.array([r * w / (1 + r * w) for _, r, w in MIXES])
    assert optimum(0.8 * s - s * s) == pytest.approx(0.4)
    assert optimum(-s) == 0.0
    shortfall = {n: n**-0.5 for n in (100, 200, 400)}
    curve = [(n, 1 - e) for n, e in shortfall.items()]
    gain = type(corrected([0.0, 1.0], 0.1))(400**-0.5 - 900**-0.5, 0.0, 0.01, 0.0)
    worth = exchange(curve, gain)
    assert worth is not None
    assert worth[0] == pytest.approx(500, rel=1e-6)
    assert worth[1] == pytest.approx(0, abs=1e-6)
    assert exchange([(100, 0.8), (200, 0.8), (400, 0.8)], gain) is None


def test_smote_lies_between_rows_of_its_class() -> None:
    rng = np.random.default_rng(1)
    x = np.column_stack([rng.normal(size=60), rng.integers(0, 3, 60)])
    y = np.r_[np.zeros(50), np.ones(10)]
    x[50:, 0] += 10
    made = smote(Goal("binary", 2, (1,)), Block(x, y), rng)
    assert len(made) == 40
    assert (made.y == 1).all()
    assert made.x[:, 0].min() >= x[50:, 0].min()
    assert set(made.x[:, 1]) <= set(x[50:, 1])


def test_calibration_and_balanced_accuracy() -> None:
    truth_ = np.array([0.0, 0.0, 1.0, 1.0])
    assert calibration_error(truth_, np.array([0.0, 0.0, 1.0, 1.0])) == 0.0
    assert calibration_error(truth_, np.full(4, 0.9)) == pytest.approx(0.4)
    assert balanced_accuracy(truth_, np.array([0.1, 0.9, 0.9, 0.9])) == pytest.approx(0.75)


def test_bad_input_is_told_in_a_sentence(tmp_path) -> None:
    with pytest.raises(DataError, match="10 rows are too few"):
        ask(truth, n=10)
    one = world(60, np.random.default_rng(0)).set_column(7, "y", pa.array(["yes"] * 60))
    with pytest.raises(UsageError, match="only one value"):
        study(Question(SCHEMA, one, "y", truth), name="t", synthesizer="own")
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "\n".join(f"{i % 3},{i % 5}" for i in range(100)))
    with pytest.raises(UsageError, match="nobody said what is to be predicted"):
        mix(path)
    other = tmp_path / "other.csv"
    other.write_text("c,d\n" + "\n".join(f"{i % 3},{i % 5}" for i in range(100)))
    with pytest.raises(DataError):
        mix(path, target="b", synthetic=other)
