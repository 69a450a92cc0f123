"""Sums of steps: never less than the true loss, added up in any order and grouping, equal to known values."""

from __future__ import annotations

import math

import pytest
from dp_accounting.pld import privacy_loss_distribution as losses
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.privacy.accountant import Total
from locum.privacy.conversions import gdp_epsilon, zcdp_epsilon
from locum.privacy.entry import Entry
from locum.privacy.recount import recount

scales = st.floats(0.8, 60)
kinds = st.sampled_from(
    ["gaussian", "gaussian-scores", "discrete-gaussian", "discrete-laplace", "exponential"]
)
deltas = st.sampled_from([1e-4, 1e-6, 1e-9])


def step(
    mechanism: str, scale: float, *, steps: int = 1, sensitivity: float = 1.0, delta: float = 0.0
) -> Entry:
    # the scale of the exponential mechanism is its epsilon: large where that of noise is small
    scale = 1 / scale if mechanism == "exponential" else scale
    return Entry(mechanism, (("a",),), sensitivity, scale, steps, delta, 0.0, "test")


several = st.lists(st.builds(step, kinds, scales, steps=st.integers(1, 5)), min_size=1, max_size=8)


def least_epsilon(entries: list[Entry], delta: float) -> float:
    """The true epsilon from below: distributions of the privacy loss of one count, rounded optimistically."""
    total = None
    for e in entries:
        options = {"sensitivity": 1, "pessimistic_estimate": False, "value_discretization_interval": 1e-3}
        if e.mechanism == "discrete-laplace":
            one = losses.from_discrete_laplace_mechanism(1 / e.scale, **options)
        elif e.mechanism == "discrete-gaussian":
            one = losses.from_discrete_gaussian_mechanism(e.scale, **options)
        else:
            one = losses.from_gaussian_mechanism(e.scale, **options)
        one = one.self_compose(e.steps) if e.steps > 1 else one
        total = one if total is None else total.compose(one)
    assert total is not None
    return float(total.get_epsilon_for_delta(delta))


@pytest.mark.parametrize(
    "mixture",
    [
        [("gaussian", 4.0, 3)],
        [("gaussian", 30.0, 5), ("discrete-gaussian", 8.0, 2)],
        [("discrete-gaussian", 3.0, 1), ("discrete-laplace", 9.0, 2)],
        [("gaussian", 12.0, 2), ("discrete-laplace", 40.0, 4), ("discrete-gaussian", 20.0, 3)],
        [("discrete-laplace", 2.0, 1)],
    ],
)
@pytest.mark.parametrize("delta", [1e-5, 1e-9])
def test_mixed_steps_never_cost_less_than_their_losses(
    mixture: list[tuple[str, float, int]], delta: float
) -> None:
    entries = [step(name, scale, steps=n) for name, scale, n in mixture]
    claimed, true = Total.of(entries).epsilon(delta), least_epsilon(entries, delta)
    assert claimed >= true * (1 - 1e-4)
    # and where all is Gaussian nothing is wasted; the grid of the other side explains the rest
    if all(e.gaussian for e in entries):
        assert claimed <= true * 1.002 + 2e-3


@given(several, deltas)
@settings(max_examples=40)
def test_costs_add_up_in_any_order_and_grouping(entries: list[Entry], delta: float) -> None:
    whole = Total.of(entries)
    assert Total.of(entries[::-1]).rho == pytest.approx(whole.rho, rel=1e-12)
    spread = [
        Entry(e.mechanism, e.columns, e.sensitivity, e.scale, 1, 0.0, 0.0, "x")
        for e in entries
        for _ in range(e.steps)
    ]
    assert Total.of(spread).rho == pytest.approx(whole.rho, rel=1e-12)
    parts = [Total.of(entries[:1]), Total.of(entries[1:])]
    assert math.fsum(p.rho for p in parts) == pytest.approx(whole.rho, rel=1e-12)
    together = sum(p.epsilon(delta / 2, "zcdp") for p in parts)
    assert whole.epsilon(delta, "zcdp") <= together + 1e-9


@given(several, st.builds(step, kinds, scales), deltas)
@settings(max_examples=40)
def test_one_step_more_never_makes_it_cheaper(entries: list[Entry], more: Entry, delta: float) -> None:
    before, after = Total.of(entries), Total.of([*entries, more])
    assert after.epsilon(delta, "zcdp") >= before.epsilon(delta, "zcdp")
    # one step that is not Gaussian loses the exact sum for all of them, and never the other way round
    assert after.epsilon(delta) >= before.epsilon(delta) * (1 - 1e-9)
    assert after.epsilon(delta) <= after.epsilon(delta, "zcdp") * (1 + 1e-9)


@given(several, deltas)
@settings(max_examples=12)
def test_the_second_accountant_comes_to_the_same_sum(entries: list[Entry], delta: float) -> None:
    assert recount(entries, delta).agree


def test_known_values() -> None:
    """Closed forms, and Mironov's and Balle and Wang's numbers for one Gaussian step."""
    one = Total.of([step("gaussian", 1.0)])
    assert one.rho == 0.5 and one.mu == 1.0
    assert one.epsilon(1e-5) == gdp_epsilon(1.0, 1e-5) == pytest.approx(4.377, abs=1e-3)
    laplace = Total.of([step("discrete-laplace", 2.0)])
    assert laplace.rho == 0.125 and laplace.mu is None
    assert laplace.epsilon(1e-5) == zcdp_epsilon(0.125, 1e-5)
    choice = Total.of([step("exponential", 1.0)])
    assert choice.rho == 0.125
    units = Total.of([step("gaussian", 4.0, sensitivity=2.0, steps=4)])
    assert units.mu == pytest.approx(1.0)


def test_thresholds_come_on_top_and_may_take_everything() -> None:
    entries = [step("gaussian", 3.0), step("gaussian-threshold", 3.0, delta=4e-7)]
    without = Total.of([step("gaussian", 3.0), step("gaussian-threshold", 3.0)])
    assert Total.of(entries).epsilon(1e-6) == pytest.approx(without.epsilon(6e-7), rel=1e-9)
    assert Total.of(entries).epsilon(3.9e-7) == math.inf
