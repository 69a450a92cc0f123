"""Combining rules, prediction-powered and ensemble intervals: coverage against the published table."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from locum.errors import UsageError
from locum.evaluation.metrics.inference import ppi
from locum.evaluation.metrics.inference.combine import combine, naive_coverage, widening
from locum.evaluation.metrics.inference.ensemble import ensemble
from locum.evaluation.metrics.inference.naive import inference
from locum.evaluation.trial import Trial
from locum.schema.column import Column
from locum.schema.table import Schema

N, REPEATS = 100, 4_000


def synthetic_means(k: int, m: int, proper: bool, seed: int):
    """Means and squared standard errors of m tables of k rows, generators fitted to 100 N(0, 1) rows."""
    rng = np.random.default_rng(seed)
    real_mean = rng.normal(0, N**-0.5, REPEATS)
    real_var = rng.chisquare(N - 1, REPEATS) / (N - 1)
    mean, var = np.repeat(real_mean[:, None], m, 1), np.repeat(real_var[:, None], m, 1)
    if proper:
        var = var * (N - 1) / rng.chisquare(N - 1, var.shape)
        mean = mean + rng.normal(0, 1, mean.shape) * np.sqrt(var / N)
    estimates = mean + rng.normal(0, 1, mean.shape) * np.sqrt(var / k)
    within = var * rng.chisquare(k - 1, var.shape) / (k - 1) / k
    return estimates.T, within.T


def coverage(combined) -> float:
    return float(np.mean((combined.low <= 0) & (combined.high >= 0)))


# research: fairness-risk-data.md 2.4 (Gaussian mean, n = 100, 4000 repeats)
TABLE = [
    # k, m, proper, naive pooled (one table: that table), RRR, synthpop
    (100, 1, False, 0.836, None, 0.946),
    (1000, 1, False, 0.452, None, 0.949),
    (100, 5, False, 0.580, 0.779, 0.953),
    (100, 5, True, 0.551, 0.872, 0.947),
    (100, 20, True, 0.333, 0.896, 0.948),
    (1000, 20, True, 0.108, 0.931, 0.949),
]


@pytest.mark.statistical
@pytest.mark.parametrize(("k", "m", "proper", "naive", "rrr", "right"), TABLE)
def test_coverage_table(k, m, proper, naive, rrr, right):
    """Both our and the published share have a standard error of at most 0.008: 0.03 is 2.7 of the difference;
    seeds are fixed, false-alarm rate of the whole table below 5 % were they not."""
    q, u = synthetic_means(k, m, proper, seed=k + m + proper)
    common = {"n_real": N, "n_synthetic": k}
    assert coverage(combine(q, u, rule="naive", **common)) == pytest.approx(naive, abs=0.03)
    got = coverage(combine(q, u, rule="synthpop", proper=proper, **common))
    assert 0.93 <= got <= 0.97
    assert got == pytest.approx(right, abs=0.02)
    if rrr is not None:
        # The published rows used the normal quantile where the variance was positive; ours has df.
        assert coverage(combine(q, u, rule="rrr", **common)) >= rrr - 0.02


@pytest.mark.statistical
def test_incomplete_rule_covers_when_half_the_rows_are_real():
    """k = n rows, half real, half drawn anew from a model of that half; 4000 repeats, s.e. 0.0035."""
    rng = np.random.default_rng(5)
    m, q, u = 5, [], []
    real = rng.normal(0, 1, (REPEATS, N))
    half = N // 2
    kept, given = real[:, :half], real[:, half:]
    for _ in range(m):
        sd = given.std(axis=1, ddof=1) * np.sqrt((half - 1) / rng.chisquare(half - 1, REPEATS))
        mu = given.mean(axis=1) + sd / np.sqrt(half) * rng.normal(0, 1, REPEATS)
        drawn = mu[:, None] + sd[:, None] * rng.normal(0, 1, (REPEATS, N // 2))
        rows = np.concatenate([kept, drawn], axis=1)
        q.append(rows.mean(axis=1))
        u.append(rows.var(axis=1, ddof=1) / N)
    got = coverage(combine(np.array(q), np.array(u), n_real=N, n_synthetic=N, rule="incomplete"))
    assert 0.93 <= got <= 0.98


def test_naive_coverage_and_widening_closed_forms():
    assert naive_coverage(100, 100) == pytest.approx(0.834, abs=0.001)
    assert naive_coverage(100, 1000) == pytest.approx(0.4454, abs=0.001)
    assert naive_coverage(10**9, 1) == pytest.approx(0.95, abs=1e-6)
    assert widening(100, 300) == pytest.approx(2.0)
    # Widening a naive interval by that factor is synthpop's rule.
    naive, right = (
        combine([0.3], [0.01], n_real=100, n_synthetic=300, rule=r) for r in ("naive", "synthpop")
    )
    assert (right.high - right.low) / (naive.high - naive.low) == pytest.approx(2.0)


def test_rules_by_hand():
    q, u = [1.0, 2.0, 4.0], [0.1, 0.2, 0.3]
    n, k = 50, 100
    b, within = np.var(q, ddof=1), 0.2
    assert combine(q, u, n_real=n, n_synthetic=k).variance[0] == pytest.approx(0.4 * (1 + 0.5 / 3))
    proper = combine(q, u, n_real=n, n_synthetic=k, proper=True)
    assert proper.variance[0] == pytest.approx(0.4 * (1 + 1.5 / 3))
    rrr = combine(q, u, n_real=n, n_synthetic=k, rule="rrr")
    assert rrr.variance[0] == pytest.approx(4 / 3 * b - within)
    assert rrr.df[0] == pytest.approx(2 * (1 - 3 * within / (4 * b)) ** 2, rel=1e-9)
    negative = combine([1.0, 1.0], [0.1, 0.1], n_real=n, n_synthetic=k, rule="rrr")
    assert negative.variance[0] == pytest.approx(0.2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"estimates": [1.0, float("nan")], "variances": [1.0, 1.0]},
        {"estimates": [1.0], "variances": [1.0, 2.0]},
        {"estimates": [1.0], "variances": [-1.0]},
        {"estimates": [1.0], "variances": [1.0], "rule": "rrr"},
        {"estimates": [1.0], "variances": [1.0], "rule": "bogus"},
        {"estimates": [], "variances": []},
    ],
)
def test_bad_calls_are_refused_in_words(wrong):
    with pytest.raises(UsageError):
        combine(**wrong, n_real=10, n_synthetic=10)


@pytest.mark.statistical
def test_prediction_powered_mean_covers_at_half_the_width():
    """2000 repeats: coverage within 0.93-0.97 is 4 s.e.; naive pooling of biased predictions covers never."""
    rng = np.random.default_rng(3)
    hits = naive_hits = 0
    widths = []
    for _ in range(2_000):
        x, more = rng.normal(0, 1, 100), rng.normal(0, 1, 2_000)
        y = x + rng.normal(0, 0.5, 100)
        found = ppi.mean(y, x + 0.5, more + 0.5)
        hits += bool(found.low[0] <= 0 <= found.high[0])
        pooled = np.concatenate([y, more + 0.5])
        half = 1.96 * pooled.std() / np.sqrt(len(pooled))
        naive_hits += bool(abs(pooled.mean()) <= half)
        widths.append((found.high - found.low)[0] / (2 * 1.96 * y.std(ddof=1) / 10))
    assert 0.93 <= hits / 2_000 <= 0.97
    assert naive_hits == 0
    assert np.mean(widths) < 0.6


def test_useless_predictions_change_nothing():
    rng = np.random.default_rng(4)
    y = rng.normal(0, 1, 400)
    found = ppi.mean(y, np.zeros(400), np.zeros(900))
    assert found.weight == 0.0
    assert found.value[0] == pytest.approx(y.mean())
    assert found.error[0] == pytest.approx(y.std(ddof=1) / 20)


def _regression(rng, n, logistic):
    x = np.column_stack([np.ones(n), rng.normal(0, 1, n)])
    eta = x @ np.array([0.3, 0.8])
    y = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float) if logistic else eta + rng.normal(0, 1, n)
    predicted = 1 / (1 + np.exp(-(eta + 0.3))) if logistic else y * 0.8 + 0.4 + rng.normal(0, 0.4, n)
    return x, y, predicted


@pytest.mark.statistical
@pytest.mark.parametrize("kind", ["linear", "logistic"])
def test_prediction_powered_regression_covers(kind):
    """400 repeats x 2 coefficients: 0.915-0.985 is over 2.7 s.e. either side (n = 300 sandwich: 0.945)."""
    rng = np.random.default_rng(11)
    truth, hits, tighter = np.array([0.3, 0.8]), np.zeros(2), []
    for _ in range(400):
        x, y, f = _regression(rng, 300, kind == "logistic")
        x_more, _, f_more = _regression(rng, 3_000, kind == "logistic")
        found = getattr(ppi, kind)(x, y, f, x_more, f_more)
        only = getattr(ppi, kind)(x, y, f, x_more, f_more, weight=0.0)
        hits += (found.low <= truth) & (truth <= found.high)
        tighter.append((found.error / only.error).mean())
    assert ((hits / 400 >= 0.915) & (hits / 400 <= 0.985)).all(), hits / 400
    assert np.mean(tighter) < (0.8 if kind == "linear" else 1.001)


def test_weight_zero_is_least_squares_and_collinear_is_refused():
    rng = np.random.default_rng(1)
    x, y, f = _regression(rng, 200, False)
    found = ppi.linear(x, y, f, x, f, weight=0.0)
    assert found.value == pytest.approx(np.linalg.lstsq(x, y, rcond=None)[0])
    twice = np.column_stack([x, x[:, 1]])
    with pytest.raises(UsageError, match="cannot be determined"):
        ppi.linear(twice, y, f, twice, f)
    with pytest.raises(UsageError, match="0 or 1"):
        ppi.logistic(x, y, f, x, f)
    with pytest.raises(UsageError, match="cannot be determined"):
        ppi.logistic(x, (x[:, 1] > 0).astype(float), f, x, f, weight=0.0)


@pytest.mark.statistical
def test_ensemble_of_bootstrapped_generators_covers_and_one_of_seeds_does_not():
    """1500 repeats, s.e. 0.006; K = 10 generators, each a Gaussian fitted to a bootstrap of 100 rows; 100 or
    100,000 rows drawn from each."""
    rng = np.random.default_rng(9)
    real = rng.normal(0, 1, (1_500, 100))
    hits = {"few": 0, "many": 0, "seed": 0}
    for row in real:
        mu = row[rng.integers(100, size=(10, 100))].mean(axis=1)
        for name, centre, rows in (("few", mu, 1e2), ("many", mu, 1e5), ("seed", row.mean(), 1e2)):
            drawn = centre + rng.normal(0, rows**-0.5, 10)
            found = ensemble(drawn, refit="seed" if name == "seed" else "bootstrap")
            hits[name] += bool(found.low <= 0 <= found.high)
    shares = {name: n / 1_500 for name, n in hits.items()}
    assert 0.93 <= shares["many"] <= 0.975
    assert shares["few"] >= 0.97
    assert shares["seed"] < 0.75
    with pytest.raises(UsageError):
        ensemble([1.0])


SCHEMA = Schema((Column("x", "number"), Column("y", "number"), Column("c", "category")))


def _rows(n, seed, shift=0.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(shift, 1, n)
    return pa.table({"x": x, "y": x + rng.normal(0, 1, n), "c": np.where(x > 0.5, "a", "b").tolist()})


def test_the_evaluation_warns_of_naive_intervals():
    trial = Trial(SCHEMA, _rows(500, 1), _rows(5_000, 2), _rows(500, 3))
    naive, unbiased = inference(trial)
    assert naive.value == pytest.approx(naive_coverage(500, 5_000))
    assert "3.32" in naive.sentence
    assert unbiased.value >= 0.8
    shifted = inference(Trial(SCHEMA, _rows(500, 1), _rows(5_000, 2, shift=0.5), _rows(500, 3)))[1]
    assert shifted.high < 0.9
    assert shifted.value <= 0.3
    assert len(inference(Trial(SCHEMA, _rows(500, 1), _rows(50, 2)))) == 1


def test_columns_without_values_are_left_out():
    gone = pa.table({"x": pa.array([None] * 40, pa.float64()), "y": [1.0] * 40, "c": ["a"] * 40})
    assert [r.name for r in inference(Trial(SCHEMA, gone, gone, gone))] == ["inference.naive"]
