"""A second, separate computation of what a list of steps amounts to, for whoever does not trust the first.

Nothing is taken over from `locum.privacy.accountant`: costs come from sensitivity and scale in exact
rationals, and the conversion from Google's dp-accounting (privacy loss distributions for Gaussian steps,
Renyi divergences otherwise).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from locum.errors import UsageError
from locum.privacy.accountant import Total
from locum.privacy.entry import Entry

#: Largest relative and absolute difference between the two that rounding and grids explain.
TOLERANCE, FLOOR = 0.005, 5e-4


@dataclass(frozen=True, slots=True)
class Recount:
    """Two computations of one total.

    Attributes
    ----------
    delta
        Where epsilon is taken.
    first, second
        Epsilon by `locum.privacy.accountant` and by dp-accounting.
    """

    delta: float
    first: float
    second: float

    @property
    def agree(self) -> bool:
        """Whether the two are the same but for rounding and grids."""
        return abs(self.first - self.second) <= max(FLOOR, TOLERANCE * self.second)


def recount(entries: Iterable[Entry], delta: float) -> Recount:
    """Compute epsilon at `delta` twice.

    Raises
    ------
    UsageError
        When thresholds and samplers take more than `delta`, so that there is no epsilon.

    Notes
    -----
    Cost: about half a second, most of it the import of dp-accounting.
    """
    listed = list(entries)
    first = Total.of(listed).epsilon(delta)
    if not math.isfinite(first):
        raise UsageError("thresholds took more than delta", where="recount", do="take a larger delta")
    extra = sum((Fraction(e.delta) for e in listed), Fraction(0))
    slack = sum((Fraction(e.slack) for e in listed), Fraction(0))
    left = float(Fraction(delta) - extra) - (1 + math.exp(first)) * float(slack)
    if not listed:
        return Recount(delta, first, 0.0)
    if all(e.mechanism.startswith("gaussian") for e in listed):
        return Recount(delta, first, _gaussian(listed, left, first))
    return Recount(delta, first, _renyi(listed, left))


def _gaussian(entries: list[Entry], delta: float, near: float) -> float:
    """Epsilon of Gaussian steps by the distribution of their privacy loss."""
    from dp_accounting.pld import privacy_loss_distribution

    squares = sum(
        (e.steps * (Fraction(e.sensitivity) / Fraction(e.scale)) ** 2 for e in entries), Fraction(0)
    )
    grid = min(1e-3, max(1e-6, near / 2000))
    loss = privacy_loss_distribution.from_gaussian_mechanism(
        1 / math.sqrt(squares), value_discretization_interval=grid
    )
    return float(loss.get_epsilon_for_delta(delta))


def _renyi(entries: list[Entry], delta: float) -> float:
    """Epsilon of any steps by Renyi divergences, each step an event of its own."""
    from dp_accounting import dp_event, rdp

    orders = [1 + 10 ** (k / 100) for k in range(-300, 601)]
    accountant = rdp.RdpAccountant(orders=orders)
    for e in entries:
        if e.mechanism == "exponential":
            event: dp_event.DpEvent = dp_event.ZCDpEvent(rho=e.scale**2 / 8)
        elif e.mechanism == "discrete-laplace" or e.mechanism == "discrete-gaussian":
            event = dp_event.ZCDpEvent(rho=(e.sensitivity / e.scale) ** 2 / 2)
        else:
            event = dp_event.GaussianDpEvent(e.scale / e.sensitivity)
        accountant.compose(event, e.steps)
    return float(accountant.get_epsilon(delta))
