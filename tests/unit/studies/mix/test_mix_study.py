"""Whether mixing helps: verdicts on synthetic rows whose worth is known."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from locum.errors import DataError, UsageError
from locum.schema.column import Column
from locum.schema.table import Schema
from locum.studies.mix.arms import (
    THRESHOLD,
    Block,
    Goal,
    Mix,
    Outcome,
    balanced_accuracy,
    calibration_error,
    mixes,
    oversample,
)
from locum.studies.mix.conclude import CURVE, Run, decide, exchange, exchange_words, optimum
from locum.studies.mix.contrast import corrected_difference
from locum.studies.mix.mix import mix
from locum.studies.mix.page import render
from locum.studies.mix.result import Contrast
from locum.studies.mix.study import Question, study

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


def independent(learn: pa.Table, n: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    columns = [c.take(pa.array(rng.integers(learn.num_rows, size=n))) for c in learn.columns]
    return pa.table(columns, names=learn.column_names)


def copy(learn: pa.Table, n: int, seed: int) -> pa.Table:
    return learn.take(np.random.default_rng(seed).integers(learn.num_rows, size=n))


def test_rows_from_the_true_law_help() -> None:
    found = ask(truth, n=60, splits=10, holdout=world(1500, np.random.default_rng(99)))
    assert found.verdict == "helps"
    assert found.gain.low > 0
    assert found.worth is None or found.worth[0] > 0


def test_wrong_rows_never_help_and_full_weight_harms() -> None:
    found = ask(wrong, n=300)
    assert found.verdict == "harms"
    assert "harms" in found.sentence
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
    wide, naive = corrected_difference(d, 3 / 7), corrected_difference(d, 0.0)
    assert wide.value == naive.value == pytest.approx(0.02)
    assert wide.high - wide.low == pytest.approx((naive.high - naive.low) * np.sqrt(1 + 4 * 3 / 7))
    assert wide.detectable > wide.high - wide.value


def test_the_fitted_optimum_and_the_exchange_rate() -> None:
    tried = mixes(1_000)
    s = np.array([m.share for m in tried])
    assert optimum(tried, 0.8 * s - s * s) == pytest.approx(0.4)
    assert optimum(tried, -s) == 0.0


def runs_of(exponents: list[float], real: int = 400) -> list[Run]:
    """Splits whose real rows score 1 - n**-c."""
    return [
        Run(
            {"real": Outcome(np.empty(0), 1 - real**-c, None, None)}, {},
            tuple((round(s * real), 1 - (s * real) ** -c) for s in CURVE), real, real // 4,
        )
        for c in exponents
    ]  # fmt: skip


def test_mixes_stay_within_a_file_and_within_cost() -> None:
    assert max(m.ratio for m in mixes(5_000)) == 5.0
    assert max(m.ratio for m in mixes(5_001)) == 2.0
    assert {m.ratio for m in mixes(1_000, 1_500)} == {0.5, 1.0}
    assert mixes(1_000, 250) == (Mix(0.25, 0.3), Mix(0.25, 1.0))


def test_a_short_file_is_told() -> None:
    rng = np.random.default_rng(3)
    found = mix(world(200, rng), target="y", synthetic=world(50, rng), holdout=world(100, rng), splits=2)
    assert {a.ratio for a in found.arms if a.kind == "mix"} == {50 / 160}
    assert "The file holds 50 synthetic rows, so that at most 0.312" in found.warnings[-1]


def test_rows_of_a_file_are_not_said_to_be_learned_from_yours() -> None:
    rng = np.random.default_rng(4)
    real, file, fresh = (world(n, rng) for n in (120, 120, 60))
    found = mix(real, target="y", synthetic=file, holdout=fresh, splits=2, title="Two schools")
    page = render(found)
    assert "<title>locum mix: Two schools</title>" in page
    assert found.copying is not None
    assert "one of your rows and one of the hold-out apart" in page
    assert "a row that the generator learned from" not in page
    alone = mix(real, target="y", synthetic=file, splits=2)
    assert alone.copying is None
    assert "Give real rows that it never saw as a hold-out" in render(alone)
    fitted = mix(real, target="y", synthesizer="independent", splits=2)
    assert "a row that the generator learned from and one that it never saw apart" in render(fitted)


def test_the_exchange_rate_reads_real_rows_off_the_learning_curve() -> None:
    gain = Contrast(400**-0.5 - 900**-0.5, 0.0, 400**-0.5 - 1600**-0.5, 0.0)
    worth = exchange(runs_of([0.5] * 4), gain, 0.25)
    assert worth == pytest.approx((500, 0, 1200), rel=1e-6)
    assert "800 synthetic rows are worth about 500" in exchange_words(worth, 400, 2.0)
    unsure = exchange(runs_of([0.4, 0.5, 0.6]), gain, 0.25)
    assert unsure is not None
    assert unsure[2] > 1200
    far = exchange(runs_of([0.05] * 4), Contrast(0.3, 0.2, 0.4, 0.1), 0.25)
    assert far is not None
    assert far[0] == np.inf
    assert "worth more than 4,000 further" in exchange_words(far, 400, 1.0)
    assert exchange(runs_of([-0.1] * 4), gain, 0.25) is None
    assert "cannot be said" in exchange_words(None, 400, 1.0)


def test_the_verdict_needs_both_intervals_and_knows_careless_pooling() -> None:
    up, down, flat = Contrast(0.02, 0.01, 0.03, 0), Contrast(-0.02, -0.03, -0.01, 0), Contrast(0, -1, 1, 0)
    slight = Contrast(-0.001, -0.0015, -0.0005, 0)
    assert decide(up, up, flat, flat, 0.4) == "helps"
    assert decide(up, flat, up, up, 0.4) == "no evidence"
    assert decide(down, down, flat, flat, 0.4) == "harms"
    assert decide(down, flat, flat, flat, 0.4) == "no evidence"
    assert decide(flat, flat, down, down, 0.4) == "harms"
    assert decide(flat, flat, down, flat, 0.4) == "no evidence"
    assert decide(flat, flat, slight, slight, 0.4) == "no evidence"
    assert decide(up, up, down, down, 0.4) == "helps"


def test_a_moved_threshold_changes_decisions_only() -> None:
    """The rival's score and calibration are those of the real rows; balanced accuracy is not."""
    found = ask(independent, n=300, splits=3)
    real, moved = found.arm("real"), found.arm(THRESHOLD)
    assert (moved.score, moved.calibration) == (real.score, real.calibration)
    assert moved.balanced != real.balanced
    assert moved.gain == Contrast(0.0, 0.0, 0.0, 0.0)


def test_smote_lies_between_rows_of_its_class() -> None:
    rng = np.random.default_rng(1)
    x = np.column_stack([rng.normal(size=60), rng.integers(0, 3, 60)])
    y = np.r_[np.zeros(50), np.ones(10)]
    x[50:, 0] += 10
    made = oversample(Goal("binary", 2, (1,)), Block(x, y), rng)
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
