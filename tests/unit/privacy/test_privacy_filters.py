"""Steps that are chosen after answers were seen: the total holds whatever an adversary does.

The theorems and their conditions are in docs/decisions/0020-filters.md; each condition has a test here.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum.errors import BudgetError, UsageError
from locum.privacy.accountant import THEOREMS, Total
from locum.privacy.budget import Accounting, Budget
from locum.privacy.conversions import gdp_delta, gdp_mu
from locum.privacy.ledger import UNSPENT, Ledger
from locum.privacy.noise import Noise, gaussian_slack
from locum.privacy.unit import Unit

DELTA = 1e-6


def step(ledger: Ledger, scale: float, mechanism: str = "gaussian", **options: float) -> Noise:
    return ledger.spend(mechanism, [("a",)], sensitivity=1.0, scale=scale, purpose="x", **options)


class Adversary:
    """Chooses every step by all answers so far, by a rule that hypothesis draws."""

    def __init__(self, ledger: Ledger, choices: list[tuple[int, float, int]]) -> None:
        self.ledger, self.choices, self.state = ledger, choices, 0
        self.refused = 0

    def play(self) -> None:
        kinds = ["gaussian", "gaussian-argmax", "gaussian-threshold"]
        if self.ledger.accounting == "zcdp":
            kinds = ["discrete-gaussian", "discrete-laplace", "exponential", *kinds]
        for kind, base, twist in self.choices:
            # what the answers so far add up to decides the mechanism, its scale, and how often
            mechanism = kinds[(kind + self.state) % len(kinds)]
            scale = base * (1 + (self.state * twist) % 7)
            steps = 1 + (self.state + twist) % 4
            scale = 1 / scale if mechanism == "exponential" else scale
            delta = 1e-9 * (1 + self.state % 3) if mechanism == "gaussian-threshold" else 0.0
            try:
                noise = step(
                    self.ledger,
                    scale,
                    mechanism,
                    steps=steps,
                    delta=delta,
                    slack=gaussian_slack(max(scale, 1)),
                )
            except BudgetError:
                self.refused += 1
                self.state += 1
                continue
            self.state += int(noise.gaussian(5.0, 1)[0]) % 100
            if self.state % 11 == 0:
                # all that is left, as generators do
                left = self.ledger.remaining_rho
                if left > 0 and self.ledger.accounting == "gdp":
                    step(self.ledger, 1 / math.sqrt(2 * left) * (1 + 1e-12))


plays = st.lists(
    st.tuples(st.integers(0, 5), st.floats(0.3, 60), st.integers(0, 1000)), min_size=1, max_size=25
)


@given(plays, st.sampled_from([0.1, 1.0, 10.0]), st.sampled_from(["gdp", "zcdp"]), st.booleans())
@settings(max_examples=60)
def test_an_adversary_never_passes_the_total(
    choices: list[tuple[int, float, int]], epsilon: float, accounting: Accounting, close: bool
) -> None:
    ledger = Ledger.memory(Budget.approx(epsilon, DELTA), accounting=accounting, reserve=0.1)
    Adversary(ledger, choices).play()
    if close:
        ledger.close()
    assert ledger.total.epsilon(DELTA) <= epsilon * (1 + 1e-9)
    assert ledger.total.rho <= ledger.budget.rho(accounting, 0.1) * (1 + 1e-9)
    assert ledger.total.delta <= 0.1 * DELTA * (1 + 1e-9)


@given(plays, plays, st.sampled_from(["gdp", "zcdp"]))
@settings(max_examples=30)
def test_what_a_run_that_is_over_spent_was_fixed_before_it_began(
    some: list[tuple[int, float, int]], others: list[tuple[int, float, int]], accounting: Accounting
) -> None:
    spent = []
    for choices in (some, others):
        ledger = Ledger.memory(
            Budget.approx(3.0, DELTA),
            accounting=accounting,
            reserve=0.1,
            limit=Budget.approx(1.0, DELTA),
            run="one",
        )
        Adversary(ledger, choices).play()
        ledger.close()
        ledger.close()
        assert sum(e.purpose == UNSPENT for e in ledger.entries) <= 1
        assert ledger.limit is not None
        spent.append(ledger.total.rho)
        assert spent[-1] == pytest.approx(ledger.limit.rho(accounting, 0.1), rel=1e-8)
        with pytest.raises(BudgetError):
            step(ledger, 100.0, "gaussian")
    assert spent[0] == pytest.approx(spent[1], rel=1e-8)


def test_closing_pays_for_the_unit_and_nothing_is_paid_twice() -> None:
    ledger = Ledger.memory(Budget.approx(1.0, DELTA), Unit("who", 3), reserve=0.1)
    step(ledger, 50.0)
    ledger.close()
    last = ledger.entries[-1]
    assert (last.purpose, last.sensitivity, last.columns) == (UNSPENT, 3.0, ())
    spent = Ledger.memory(Budget.approx(1.0, DELTA), reserve=0.1)
    step(spent, 1 / math.sqrt(2 * spent.remaining_rho))
    spent.close()
    assert len(spent.entries) == 1


# The theorem itself, for the conversion that is used. World 1 adds 1 to every answer. The adversary sees the
# log-likelihood ratio so far and chooses the next mu by it; what it ends with is held against the bound at
# four deviations of the estimate, so that a right bound is found at fault about once in 30,000 seeds.
TRIALS, EPSILON = 40_000, 1.0
MU = gdp_mu(EPSILON, 0.05)


def greedy(seen: np.ndarray, left: np.ndarray, turn: int) -> np.ndarray:
    """Little where it is ahead, much where it is behind."""
    return np.where(seen > 0.3, 0.05, 0.5) * left + (turn == 9) * 0.5 * left


def patient(seen: np.ndarray, left: np.ndarray, turn: int) -> np.ndarray:
    """Nothing more once it is sure."""
    return np.where(seen > EPSILON, 0.0, 0.2) * left


def doubling(seen: np.ndarray, left: np.ndarray, turn: int) -> np.ndarray:
    return left * np.clip(np.abs(seen), 0.01, 0.9)


def advantage(
    play: Callable[[np.ndarray, np.ndarray, int], np.ndarray], over: float = 1.0
) -> tuple[float, float]:
    """Mean and error of ``1 - exp(EPSILON - ratio)`` where above 0, in world 1: the delta at EPSILON."""
    rng = np.random.default_rng([ord(play.__name__[0]), TRIALS])
    seen, left = np.zeros(TRIALS), np.full(TRIALS, MU**2 * over)
    for turn in range(10):
        square = np.minimum(play(seen, left, turn), left)
        mu = np.sqrt(square)
        seen += mu * rng.normal(size=TRIALS) + square / 2
        left -= square
    losses = np.maximum(0.0, -np.expm1(EPSILON - seen))
    return float(losses.mean()), float(losses.std() / math.sqrt(TRIALS))


@pytest.mark.parametrize("play", [greedy, patient, doubling])
def test_the_gaussian_filter_holds_against_scales_chosen_by_answers(play) -> None:
    found, error = advantage(play)
    assert found <= gdp_delta(MU, EPSILON) + 4 * error


def test_an_adversary_that_overspends_would_be_noticed() -> None:
    found, error = advantage(greedy, over=1.3)
    assert found > gdp_delta(MU, EPSILON) + 4 * error


def test_each_ledger_names_its_theorem() -> None:
    assert "Smith and Thakurta 2022" in THEOREMS["gdp"] and "Feldman and Zrnic 2021" in THEOREMS["zcdp"]
    # a ledger that adds up mu takes no step that is not Gaussian: that is a condition of its theorem
    ledger = Ledger.memory(Budget.approx(1.0, DELTA))
    for mechanism in ("exponential", "discrete-gaussian", "discrete-laplace"):
        with pytest.raises(UsageError, match="Gaussian steps only"):
            step(ledger, 50.0, mechanism)
    assert Total.of(ledger.entries).rho == 0
