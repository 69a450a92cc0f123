"""Audits of privacy claims: known mechanisms are certified below their epsilon, broken ones are caught."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from locum.errors import UsageError
from locum.evaluation.attacks.dp_audit import audit_runs, audit_scores, gaussian_epsilon
from locum.evaluation.attacks.one_run import audit_guesses, audit_one_run, p_value

DELTA = 1e-5


def mu_of(epsilon: float, delta: float = DELTA) -> float:
    return optimize.brentq(lambda mu: gaussian_epsilon(mu, delta) - epsilon, 1e-6, 50)


def gaussian(mu: float, seed: int):
    """Likelihood-ratio scores of a mu-GDP mechanism in two worlds."""
    rng = np.random.default_rng(seed)
    return (
        lambda n: rng.normal(-mu * mu / 2, mu, n),
        lambda n: rng.normal(mu * mu / 2, mu, n),
    )


@pytest.mark.parametrize(("epsilon", "delta"), [(0.1, 1e-9), (1, 1e-5), (3, 1e-6), (10, 1e-9)])
def test_epsilon_of_a_gaussian_solves_its_defining_equation(epsilon: float, delta: float) -> None:
    mu = mu_of(epsilon, delta)
    back = gaussian_epsilon(mu, delta)
    spent = stats.norm.cdf(mu / 2 - back / mu) - math.exp(back) * stats.norm.cdf(-mu / 2 - back / mu)
    assert math.isclose(back, epsilon, rel_tol=1e-6) and math.isclose(spent, delta, rel_tol=1e-4)
    assert gaussian_epsilon(0.0, delta) == 0.0 and gaussian_epsilon(1e-12, delta) == 0.0


@pytest.mark.statistical
@pytest.mark.parametrize(("epsilon", "certified"), [(1, 0.60), (3, 2.5), (8, 7.3)])
@pytest.mark.parametrize("threshold", [0.0, None])
def test_a_true_claim_stands_and_is_nearly_reached(epsilon: float, certified: float, threshold) -> None:
    """5,000 runs a world; false alarm 1 in 10,000 per case by the audit's confidence; seeds are fixed."""
    found = audit_runs(*gaussian(mu_of(epsilon), seed=4), delta=DELTA, confidence=0.9999, threshold=threshold)
    assert not found.refutes(epsilon)
    usual = [
        audit_runs(*gaussian(mu_of(epsilon), seed), delta=DELTA, threshold=threshold) for seed in range(9)
    ]
    assert certified < np.mean([u.epsilon for u in usual])
    assert all(u.epsilon_any < epsilon for u in usual)
    assert usual[0].runs == (5_000 if threshold == 0.0 else 4_500)


@pytest.mark.statistical
def test_half_the_noise_is_caught() -> None:
    """Power, not false alarm: with 5,000 runs the miss rate is far below 1 in 10,000."""
    for epsilon in (1.0, 3.0, 8.0):
        broken = gaussian(2 * mu_of(epsilon), seed=6)
        found = audit_runs(*broken, delta=DELTA, confidence=0.9999)
        assert found.refutes(epsilon) and found.refutes_mu(mu_of(epsilon))


@pytest.mark.statistical
def test_the_bound_covers_as_often_as_it_says() -> None:
    """400 audits at 95 %: more than 33 misses has chance 1 in 400 (binomial); the seed is fixed."""
    mu = 1.0
    missed = sum(audit_runs(*gaussian(mu, seed), runs=300).refutes_mu(mu) for seed in range(400))
    assert missed <= 33


@pytest.mark.statistical
def test_randomised_response_is_judged_without_assuming_a_gaussian() -> None:
    """Pure epsilon 1; false alarm 1 in 10,000; the seed is fixed."""
    rng = np.random.default_rng(3)
    stay = math.e / (1 + math.e)
    found = audit_runs(
        lambda n: (rng.random(n) > stay).astype(float),
        lambda n: (rng.random(n) < stay).astype(float),
        runs=20_000,
        threshold=0.5,
        confidence=0.9999,
    )
    assert 0.85 < found.epsilon_any < 1.0


def test_a_mechanism_that_gives_itself_away_and_one_that_says_nothing() -> None:
    sure = audit_scores(np.zeros(1_000), np.ones(1_000), threshold=0.5)
    assert sure.epsilon > 10 and sure.epsilon_any > 5
    deaf = audit_scores(np.zeros(1_000), np.zeros(1_000))
    assert deaf.epsilon == deaf.epsilon_any == deaf.mu == 0.0
    endless = audit_scores(np.full(100, -np.inf), np.full(100, np.inf))
    assert endless.mu > 2


@pytest.mark.parametrize(
    "call",
    [
        lambda: audit_scores([1.0], [1.0, 2.0]),
        lambda: audit_scores([[1.0, 2.0]], [1.0, 2.0]),
        lambda: audit_scores([1.0, math.nan], [1.0, 2.0]),
        lambda: audit_scores([1.0, 2.0], [1.0, 2.0], delta=0),
        lambda: audit_scores([1.0, 2.0], [1.0, 2.0], confidence=1),
        lambda: audit_runs(np.zeros, np.zeros, runs=1),
        lambda: audit_guesses([1.0, 2.0], [True]),
        lambda: audit_guesses([1.0, math.nan], [True, False]),
        lambda: audit_guesses([1.0, 2.0], [True, False], guesses=3),
        lambda: audit_guesses([1.0, 2.0], [True, False], delta=2),
        lambda: audit_one_run(lambda mask: mask, 0, seed=1),
    ],
)
def test_calls_that_make_no_sense(call) -> None:
    with pytest.raises(UsageError):
        call()


def p_value_by_hand(m: int, r: int, v: int, epsilon: float, delta: float) -> float:
    """The theorem, term by term, with binomial coefficients."""
    q = math.exp(epsilon) / (1 + math.exp(epsilon))
    mass = [math.comb(r, k) * q**k * (1 - q) ** (r - k) for k in range(r + 1)]
    tail = sum(mass[v:])
    worst = max((sum(mass[max(0, v - i) : v]) / i for i in range(1, m + 1)), default=0.0)
    return min(1.0, tail + 2 * m * delta * worst)


@settings(max_examples=60)
@given(st.data())
def test_the_p_value_is_the_theorems(data) -> None:
    m = data.draw(st.integers(1, 30))
    r = data.draw(st.integers(1, m))
    v = data.draw(st.integers(1, r))
    epsilon, delta = data.draw(st.floats(0, 6)), data.draw(st.sampled_from([1e-9, 1e-5, 1e-2, 0.3]))
    assert math.isclose(
        p_value(m, r, v, epsilon, delta), p_value_by_hand(m, r, v, epsilon, delta), rel_tol=1e-9
    )


@pytest.mark.statistical
@pytest.mark.parametrize(("epsilon", "certified"), [(3, 0.7), (8, 2.2)])
def test_one_run_with_canaries(epsilon: float, certified: float) -> None:
    """A thousand canaries, each its own Gaussian release; false alarm 1 in 10,000; seeds are fixed."""
    mu, rng = mu_of(epsilon), np.random.default_rng(8)

    def run(mask):
        return rng.normal(size=len(mask)) + mu * mask

    found = audit_one_run(run, 1_000, seed=1, guesses=300, delta=DELTA, confidence=0.9999)
    assert not found.refutes(epsilon)
    assert audit_one_run(run, 1_000, seed=2, guesses=300, delta=DELTA).epsilon > certified
    plain = audit_one_run(lambda mask: mask, 1_000, seed=3, delta=DELTA)
    assert plain.correct == plain.guesses == 500 and plain.refutes(4)
    assert audit_one_run(lambda mask: np.zeros(len(mask)), 1_000, seed=3).epsilon < 0.3
