"""Budgets and conversions against literature, dp-accounting and direct integration."""

from __future__ import annotations

import math
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from locum.errors import FileFormatError, UsageError
from locum.privacy.budget import MAX_EPSILON, MOST_DELTA, Budget
from locum.privacy.conversions import (
    gdp_delta,
    gdp_epsilon,
    gdp_mu,
    log_tail,
    tail_quantile,
    zcdp_delta,
    zcdp_epsilon,
    zcdp_rho,
)
from locum.privacy.ledger import Ledger
from locum.runs.guarantee import account_of

epsilons = st.floats(0.01, 20)
deltas = st.floats(-12, -2).map(lambda x: 10**x)


@pytest.mark.parametrize(
    ("epsilon", "delta", "gain"),
    [(0.1, 1e-9, 0.12), (1, 1e-9, 0.11), (1, 1e-5, 0.18), (3, 1e-9, 0.10), (10, 1e-9, 0.08)],
)
def test_exact_gaussian_gives_the_known_gain_over_zcdp(epsilon: float, delta: float, gain: float) -> None:
    """Gains measured apart from this code (research notes on privacy, section 1.1)."""
    ratio = gdp_mu(epsilon, delta) ** 2 / 2 / zcdp_rho(epsilon, delta)
    assert ratio - 1 == pytest.approx(gain, abs=0.006)


@pytest.mark.parametrize("mu", [0.01, 0.3, 1.0, 4.0])
@pytest.mark.parametrize("factor", [0.0, 0.5, 3.0, 12.0])
def test_gaussian_delta_against_dp_accounting(mu: float, factor: float) -> None:
    from dp_accounting.pld import privacy_loss_mechanism

    epsilon = factor * mu
    theirs = privacy_loss_mechanism.GaussianPrivacyLoss(1 / mu).get_delta_for_epsilon(epsilon)
    ours = gdp_delta(mu, epsilon)
    assert ours == pytest.approx(theirs, rel=1e-6)
    assert ours >= theirs * (1 - 1e-12)


def test_zcdp_delta_is_the_least_over_orders() -> None:
    for rho, epsilon in ((0.001, 0.2), (0.05, 1.0), (1.0, 8.0)):

        def log_delta(x: float, rho: float = rho, epsilon: float = epsilon) -> float:
            a = 1 + math.exp(x)
            return (a - 1) * (a * rho - epsilon) - math.log(a - 1) + a * math.log1p(-1 / a)

        best = optimize.minimize_scalar(
            log_delta, bounds=(-6, 12), method="bounded", options={"xatol": 1e-10}
        )
        assert zcdp_delta(rho, epsilon) == pytest.approx(math.exp(best.fun), rel=1e-6)


def test_zcdp_rho_of_the_paper_code() -> None:
    """cdp_rho(1, 1e-9) and cdp_rho(1, 1e-5) of the reference script cdp2adp, to its digits."""
    assert zcdp_rho(1.0, 1e-9) == pytest.approx(0.01497, abs=1e-5)
    assert zcdp_rho(1.0, 1e-5) == pytest.approx(0.03056, abs=1e-5)


@settings(max_examples=25)
@given(epsilons, deltas)
def test_conversions_invert_each_other_on_the_safe_side(epsilon: float, delta: float) -> None:
    mu, rho = gdp_mu(epsilon, delta), zcdp_rho(epsilon, delta)
    assert gdp_delta(mu, epsilon) <= delta
    assert zcdp_delta(rho, epsilon) <= delta
    assert gdp_delta(mu * 1.0001, epsilon) > delta
    assert zcdp_delta(rho * 1.0001, epsilon) > delta
    assert gdp_epsilon(mu, delta) == pytest.approx(epsilon, rel=1e-6)
    assert zcdp_epsilon(rho, delta) == pytest.approx(epsilon, rel=1e-6)
    assert mu**2 / 2 >= rho


def test_tails_are_those_of_scipy() -> None:
    for x in (-8.0, 0.0, 3.0, 29.99, 30.01, 100.0):
        assert log_tail(x) == pytest.approx(float(stats.norm.logsf(x)), rel=1e-11)
    for p in (0.4, 1e-3, 1e-12, 1e-200):
        assert tail_quantile(p) == pytest.approx(float(stats.norm.isf(p)), rel=1e-9)


def test_nothing_spent_is_nothing_learnt() -> None:
    assert gdp_delta(0.0, 0.0) == 0.0
    assert zcdp_delta(0.0, 0.0) == 0.0
    assert gdp_epsilon(0.0, 1e-6) == 0.0
    assert zcdp_epsilon(0.0, 1e-6) == 0.0


@pytest.mark.parametrize("epsilon", [0, -1, math.inf, -math.inf, math.nan, "1e-", "", None, True, "abc"])
def test_epsilons_that_are_none_are_refused_by_name(epsilon: object) -> None:
    with pytest.raises(UsageError) as caught:
        Budget.approx(epsilon, 1e-6)  # type: ignore[arg-type]
    assert caught.value.where == "epsilon"
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("delta", [0, 1, -1e-6, 1.5, math.nan, "1e-", math.inf])
def test_deltas_outside_0_and_1_are_refused_by_name(delta: object) -> None:
    with pytest.raises(UsageError) as caught:
        Budget.approx(1, delta)  # type: ignore[arg-type]
    assert caught.value.where == "delta"


def test_text_is_read() -> None:
    assert Budget.approx("0.5", "1e-6") == Budget.approx(0.5, 1e-6)


def test_delta_must_be_below_one_over_the_rows() -> None:
    budget = Budget.approx(1, 1e-3)
    budget.check_rows(999)
    with pytest.raises(UsageError, match=r"less than 1 / rows, here 1.0e-03.*Use delta 0.0001"):
        budget.check_rows(1000)
    with pytest.raises(UsageError, match="too large"):
        budget.check_rows(36_631)
    budget.check_rows(-5)


def test_each_language_amounts_to_the_same() -> None:
    by_epsilon = Budget.approx(1.0, 1e-6)
    by_mu = Budget.gaussian(gdp_mu(1.0, 1e-6), 1e-6)
    by_rho = Budget.zcdp(zcdp_rho(1.0, 1e-6), 1e-6)
    assert by_epsilon.rho("gdp") == pytest.approx(by_mu.rho("gdp"))
    assert by_epsilon.rho("zcdp") == pytest.approx(by_rho.rho("zcdp"))
    assert by_mu.epsilon("gdp") == pytest.approx(1.0, rel=1e-6)
    assert by_rho.epsilon("zcdp") == pytest.approx(1.0, rel=1e-6)
    assert by_epsilon.rho("gdp", reserve=0.5) == pytest.approx(Budget.approx(1.0, 5e-7).rho("gdp"))


@given(st.sampled_from(["approx", "rho", "mu"]), st.floats(0.001, 100), deltas)
def test_json_brings_a_budget_back(kind: str, amount: float, delta: float) -> None:
    budget = Budget(kind, amount, delta)  # type: ignore[arg-type]
    assert Budget.from_json(budget.to_json()) == budget


@pytest.mark.parametrize(
    "obj",
    [None, [], {}, {"kind": "x", "amount": 1, "delta": 0.1}, {"kind": "rho", "amount": -1, "delta": 0.1}],
)
def test_other_json_is_refused(obj: object) -> None:
    with pytest.raises(FileFormatError):
        Budget.from_json(obj)


@pytest.mark.parametrize("accounting", ["gdp", "zcdp"])
def test_budgets_that_protect_nobody_are_refused_where_noise_is_real(
    accounting: Literal["gdp", "zcdp"],
) -> None:
    for epsilon in (0.01, 1.0, 10.0, MAX_EPSILON):
        Budget.approx(epsilon, 1e-9).check_limits(accounting)
        Ledger.memory(Budget.approx(epsilon, 1e-9), accounting=accounting)
    large = (Budget.approx(20.1, 1e-6), Budget.approx(50, 1e-6), Budget.zcdp(15), Budget.gaussian(5.0))
    for budget in (*large, Budget.zcdp(1e300), Budget.gaussian(1e300), Budget.approx(1e300, 1e-6)):
        with pytest.raises(
            UsageError, match=r"protects nobody. Expected an epsilon of at most 20.*10 or less"
        ):
            budget.check_limits(accounting)
        with pytest.raises(UsageError, match="protects nobody"):
            Ledger.memory(budget, accounting=accounting)
        with pytest.raises(UsageError, match="protects nobody"):
            Ledger.memory(Budget.approx(1, 1e-6), accounting=accounting, limit=budget)
    for budget in large:
        Ledger.test(budget, seed=1, accounting=accounting)
    for delta in (MOST_DELTA, 0.5):
        with pytest.raises(UsageError, match="too large for any table or set of texts"):
            Ledger.memory(Budget.approx(1, delta), accounting=accounting)


def test_nothing_is_stated_before_delta_was_held_against_the_rows() -> None:
    ledger = Ledger.memory(Budget.approx(1, 1e-3))
    with pytest.raises(UsageError, match="not held against a number of rows"):
        account_of(ledger)
    with pytest.raises(UsageError, match="too large for this many rows"):
        ledger.settle(1_000, 3.0)
    with pytest.raises(UsageError, match="not held against"):
        _ = ledger.size
    ledger.settle(900, 3.0)
    assert account_of(ledger)["rows"] == {"noisy": 900, "sigma": 3.0}
    ledger.settle(900)
    assert account_of(ledger)["rows"] == {"declared": 900}
