"""The nine laws of self-consumption (C1-C9): simulation against closed form, within 3 standard errors.

Each comparison is of a mean over independent runs with its law; with about 20 comparisons at 3 standard
errors (0.27 % each, two-sided) the false-alarm rate of the file would be about 5 % under fresh seeds; seeds
are fixed.
"""

from __future__ import annotations

import numpy as np
import pytest

from locum.randomness import stream
from locum.studies.collapse import laws, toys
from locum.studies.mix import weights

pytestmark = pytest.mark.statistical


def close(values: np.ndarray, law: float, extra: float = 0.0) -> None:
    error = values.std(ddof=1) / np.sqrt(len(values))
    assert abs(values.mean() - law) <= 3 * error + extra, (values.mean(), law, error)


@pytest.mark.parametrize("rounds", [10, 50, 100])
def test_c1_replaced_variance_decays(rounds: int) -> None:
    _, variance = toys.gaussian_loop(100, rounds, 20_000, stream(1, "c1"))
    close(variance[-1], laws.replaced_variance(100, rounds))
    assert laws.replaced_variance(100, 100) == pytest.approx(0.366, abs=5e-4)


def test_c2_the_unbiased_variance_keeps_its_mean_and_loses_its_median() -> None:
    mean, variance = toys.gaussian_loop(100, 100, 40_000, stream(2, "c2"), unbiased=True)
    close(variance[-1], 1.0)
    close(mean[-1] ** 2, laws.replaced_drift(100, 100))
    # The note's 115 runs gave .365; the log of the variance drifts by about -1/n a round.
    assert np.median(variance[-1]) == pytest.approx(0.365, abs=0.02)


@pytest.mark.parametrize("n", [10, 100])
def test_c3_accumulated_rows_stop_the_decay(n: int) -> None:
    mean, variance = toys.gaussian_loop(n, 400, 20_000, stream(3, "c3", n), mode="accumulate")
    close(variance[-1], laws.accumulated_variance(n, 400))
    # The drift's own law uses the shrinking variance; the limit is for variance 1, so it is an upper line.
    shrunk = sum(laws.accumulated_variance(n, t - 1) / (n * t * t) for t in range(1, 401))
    close(mean[-1] ** 2, shrunk)
    assert shrunk < laws.accumulated_drift(n) < shrunk * (1 + 2 / n) + 1e-3


def test_c4_linear_regression() -> None:
    replaced = toys.regression_loop(100, 10, 100, 400, stream(4, "r"), accumulate=False)
    close(replaced, laws.regression_risk(100, 10, 100))
    kept = toys.regression_loop(100, 10, 100, 1500, stream(4, "a"), accumulate=True)
    bound = laws.accumulated_regression_bound(100, 10)
    finite = bound * sum(1 / t**2 for t in range(1, 101)) / (np.pi**2 / 6)
    close(kept, finite)
    assert finite < bound < 0.02 * replaced.mean()


def test_c5_tails_follow_their_exponents() -> None:
    rows = np.logspace(2, 4, 9)
    for b, slope in ((1.5, -0.338), (2.0, -0.500)):
        p = laws.zipf(1_000_000, b)
        loss = laws.tail_loss(p, p, rows)
        found = np.polyfit(np.log(rows), np.log(loss), 1)[0]
        assert found == pytest.approx(slope, abs=0.01)
        assert found == pytest.approx(-laws.tail_slope(b), abs=0.01)
    p = laws.zipf(1_000_000, 1.5)
    cut = np.where(np.arange(len(p)) < 100, p, 0.0)
    plateau = laws.tail_loss(p, cut / cut.sum(), np.array([1e7]))
    assert plateau[0] == pytest.approx(p[100:].sum(), rel=1e-3)
    assert plateau[0] == pytest.approx(0.0757, abs=0.001)


def test_c5_a_generators_rows_set_a_floor() -> None:
    p = laws.zipf(100_000, 1.5)
    rng = stream(5, "floor")
    floors = []
    for _ in range(40):
        q = rng.multinomial(1000, p) / 1000
        floors.append(laws.tail_loss(p, q, np.array([1e7]))[0])
    # What T0 rows have missed is what real rows would still miss after T0.
    close(np.array(floors), laws.tail_loss(p, p, np.array([1000.0]))[0])
    assert np.mean(floors) == pytest.approx(0.0942, abs=0.002)


def test_c6_diversity_is_lost_by_drift() -> None:
    p = np.full(10, 0.1)
    shares = toys.discrete_loop(p, 100, 50, 4000, stream(6, "h"))
    for t in (10, 50):
        left = (1 - (shares[t] ** 2).sum(axis=1)) / 0.9
        close(left, laws.heterozygosity(100, t))
    rounds = toys.fixation(p, 100, 1500, stream(6, "f"), 5000)
    # The diffusion limit is off by O(1/n) of itself.
    close(rounds, laws.fixation_rounds(100, p), extra=0.02 * laws.fixation_rounds(100, p))
    assert rounds.mean() == pytest.approx(2 * 100, rel=0.1)


def test_c7_fresh_rows_hold_the_loop() -> None:
    mean, variance = toys.gaussian_loop(90, 200, 20_000, stream(7, "c7"), mode="fresh", real=10)
    close(mean[-1] ** 2, laws.fresh_drift(10, 90, variance=float(variance[-1].mean())), extra=2e-4)
    assert variance[-1].mean() == pytest.approx(0.941, abs=0.01)
    assert laws.fresh_drift(0, 100) == np.inf


def test_c8_a_verifier_moves_the_threshold() -> None:
    rng = stream(8, "c8")
    assert laws.verification_threshold(1.0, 1.0) == 0.5
    assert (
        toys.verified_accuracy(0.45, 1, 1, rng).mean()
        > 0.6
        > 0.4
        > toys.verified_accuracy(0.55, 1, 1, rng).mean()
    )
    assert laws.verification_threshold(0.9, 0.1) == pytest.approx(0.9)
    assert toys.verified_accuracy(0.85, 0.9, 0.1, rng).mean() > 0.6
    assert toys.verified_accuracy(0.95, 0.9, 0.1, rng).mean() < 0.4


@pytest.mark.parametrize(("k", "law"), [(1.0, 0.618), (2.0, 0.5), (4.0, 0.390), (0.5, 0.732)])
def test_c9_golden_ratio(k: float, law: float) -> None:
    w = weights.fresh_weight(k)
    assert w == pytest.approx(law, abs=5e-4)
    assert weights.recursive_variance(w, k) == pytest.approx(w)
    close(toys.recursive_mean(k, w, 50, 40, 40_000, stream(9, "c9", str(k))), w)
    for other in (0.8 * w, min(1.0, 1.2 * w)):
        assert weights.recursive_variance(other, k) > weights.recursive_variance(w, k)


def test_the_best_weight_of_surrogate_rows() -> None:
    a = weights.best_weight(50, 500, bias=0.3)
    assert a == pytest.approx(0.179, abs=5e-4)
    risk = {w: weights.mean_risk(w, 50, 500, bias=0.3) for w in (a, 0.0, 500 / 550)}
    assert risk[a] == pytest.approx(0.0164, abs=5e-5)
    assert risk[0.0] == pytest.approx(0.02)
    assert risk[500 / 550] == pytest.approx(0.0762, abs=5e-5)
    same = weights.mixed_risk(a, real=1 / 50, synthetic=0.09 + 1 / 500, synthetic_limit=0.09)
    assert same == pytest.approx(risk[a])
