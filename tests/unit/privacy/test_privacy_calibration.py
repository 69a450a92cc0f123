"""The price of noise, against the definition, the ledger and a library for accounting."""

from __future__ import annotations

import math

import pytest
from dp_accounting import dp_event, rdp

from locum.privacy.calibration import MEAN_NOISE, choice_epsilon_for, sigma_for
from locum.privacy.entry import Entry


def test_noise_by_hand() -> None:
    # one release of sensitivity 1 and rho 1/2 takes unit noise; eight of sensitivity 3 take 3 sqrt 8 of it
    assert sigma_for(0.5) == 1.0
    assert sigma_for(0.5, 3.0, 8) == pytest.approx(3 * math.sqrt(8))
    assert sigma_for(2.0, releases=4) == sigma_for(0.5)
    assert choice_epsilon_for(0.125) == 1.0


@pytest.mark.parametrize(
    ("rho", "sensitivity", "releases"), [(0.03, 1.0, 1), (0.5, math.sqrt(2), 7), (4.0, 5.0, 300)]
)
def test_releases_at_the_price_cost_that_price(rho: float, sensitivity: float, releases: int) -> None:
    sigma = sigma_for(rho, sensitivity, releases)
    for mechanism in ("gaussian", "discrete-gaussian"):
        spent = Entry(mechanism, (("a",),), sensitivity, sigma, releases, 0.0, 0.0, "test", "run")
        assert spent.rho == pytest.approx(rho, rel=1e-12)
    # Renyi divergence of order a is a rho for Gaussian noise, so the library must find the same epsilon as
    # for one step of rho-zCDP
    orders = [1.1, 1.5, 2, 4, 8, 16, 32, 64, 128]
    ours, zcdp = rdp.RdpAccountant(orders), rdp.RdpAccountant(orders)
    ours.compose(dp_event.SelfComposedDpEvent(dp_event.GaussianDpEvent(sigma / sensitivity), releases))
    zcdp.compose(dp_event.ZCDpEvent(rho=rho))
    assert ours.get_epsilon(1e-6) == pytest.approx(zcdp.get_epsilon(1e-6), rel=1e-9)


def test_a_choice_at_the_price_costs_that_price() -> None:
    step = Entry("exponential", (("a",),), 1.0, choice_epsilon_for(0.02), 1, 0.0, 0.0, "test", "run")
    assert step.rho == pytest.approx(0.02, rel=1e-12)


def test_mean_noise_is_that_of_a_normal_number() -> None:
    from scipy.integrate import quad
    from scipy.stats import norm

    assert pytest.approx(quad(lambda x: abs(x) * norm.pdf(x), -12, 12, points=[0])[0], rel=1e-9) == MEAN_NOISE
