"""From one language of guarantees to another: mu (Gaussian), rho (zero-concentrated) and (epsilon, delta).

All conversions err on the safe side: an epsilon or delta is rounded up, an allowance of mu or rho down.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from locum.errors import UsageError

#: Relative margin that covers the rounding of double arithmetic in the formulas below.
_MARGIN = 1e-9


def gdp_delta(mu: float, epsilon: float) -> float:
    """The delta at `epsilon` of a mu-Gaussian-private mechanism: exact, rounded up.

    Source: Balle and Wang (2018), theorem 8; Dong, Roth and Su (2022), corollary 2.13:
    ``Phi(mu/2 - epsilon/mu) - exp(epsilon) Phi(-mu/2 - epsilon/mu)``, taken in logarithms.
    """
    if mu <= 0:
        return 0.0
    first = log_tail(epsilon / mu - mu / 2)
    gap = epsilon + log_tail(epsilon / mu + mu / 2) - first
    # the gap is below 0; rounding may carry it to 0 where delta is far below anything of use
    gap = min(gap, 0.0) - 1e-12
    return min(1.0, math.exp(first) * -math.expm1(gap) * (1 + _MARGIN))


def gdp_epsilon(mu: float, delta: float) -> float:
    """The smallest epsilon at `delta` of a mu-Gaussian-private mechanism, rounded up."""
    _check_delta(delta)
    if mu <= 0 or gdp_delta(mu, 0.0) <= delta:
        return 0.0
    return _least(lambda epsilon: gdp_delta(mu, epsilon) <= delta)


def gdp_mu(epsilon: float, delta: float) -> float:
    """The largest mu that is (epsilon, delta)-private, rounded down."""
    _check_delta(delta)
    return _most(lambda mu: gdp_delta(mu, epsilon) <= delta)


def zcdp_delta(rho: float, epsilon: float) -> float:
    """The delta at `epsilon` of a rho-zero-concentrated-private mechanism, rounded up.

    Source: Canonne, Kamath and Steinke (2020), corollary 13: the least over alpha > 1 of
    ``exp((alpha - 1)(alpha rho - epsilon)) / (alpha - 1) * (1 - 1/alpha)**alpha``. Any alpha is safe, so
    that an unfinished search costs accuracy only.
    """
    if rho <= 0:
        return 0.0

    def value(alpha: float) -> float:
        return (alpha - 1) * (alpha * rho - epsilon) - math.log(alpha - 1) + alpha * math.log1p(-1 / alpha)

    def slope(alpha: float) -> float:
        return (2 * alpha - 1) * rho - epsilon + math.log1p(-1 / alpha)

    low, high = 1.0 + 1e-9, (epsilon + 1) / (2 * rho) + 2
    for _ in range(200):
        middle = (low + high) / 2
        if slope(middle) < 0:
            low = middle
        else:
            high = middle
    return min(1.0, math.exp(min(0.0, value(high))) * (1 + _MARGIN))


def zcdp_epsilon(rho: float, delta: float) -> float:
    """The smallest epsilon at `delta` of a rho-zero-concentrated-private mechanism, rounded up."""
    _check_delta(delta)
    if rho <= 0:
        return 0.0
    return _least(lambda epsilon: zcdp_delta(rho, epsilon) <= delta)


def zcdp_rho(epsilon: float, delta: float) -> float:
    """The largest rho that is (epsilon, delta)-private, rounded down."""
    _check_delta(delta)
    return _most(lambda rho: zcdp_delta(rho, epsilon) <= delta)


def log_tail(x: float) -> float:
    """Natural log of the probability that a standard normal variable exceeds `x`."""
    if x < 30:
        return math.log(math.erfc(x / math.sqrt(2)) / 2)
    # asymptotic series of Mills' ratio; at x = 30 the first term left out is below 1e-13
    series = 1 - 1 / x**2 + 3 / x**4 - 15 / x**6 + 105 / x**8 - 945 / x**10
    return -x * x / 2 - math.log(x * math.sqrt(2 * math.pi)) + math.log(series)


def tail_quantile(p: float) -> float:
    """The x that a standard normal variable exceeds with probability at most `p` (0 < p < 1), rounded up."""
    return _least_real(lambda x: log_tail(x) <= math.log(p), -40.0, 60.0)


def _check_delta(delta: float) -> None:
    if not 0 < delta < 1:
        raise UsageError("delta is not usable", where="delta", expected="a number above 0 and below 1")


def _least(holds: Callable[[float], bool]) -> float:
    """Smallest positive number for which a monotone statement holds, rounded up."""
    high = 1.0
    while not holds(high):
        high *= 2
    return _least_real(holds, 0.0, high)


def _most(holds: Callable[[float], bool]) -> float:
    """Largest positive number for which a monotone statement holds, rounded down."""
    high = 1.0
    while holds(high):
        high *= 2
    low = high / 2
    while not holds(low) and low > 1e-300:
        low /= 2
    if not holds(low):
        return 0.0
    high = 2 * low
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _least_real(holds: Callable[[float], bool], low: float, high: float) -> float:
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
