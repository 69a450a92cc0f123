"""Audit of a privacy claim by many runs: how large epsilon must at least be, given what came out.

A mechanism is run many times on each of two neighbouring data sets ("worlds"); whoever can tell the worlds
apart too well has refuted the claim. An audit can refute a guarantee, it can never prove one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.errors import UsageError

#: One world: a number of runs in, one score per run out (higher: more like the second world).
World = Callable[[int], FloatArray]

#: Share of the runs that only choose the threshold, where none is given.
PILOT = 0.1
#: Most thresholds that are compared on the pilot runs.
THRESHOLDS = 200


@dataclass(frozen=True, slots=True)
class Audit:
    """What a number of runs proves about a mechanism, at one level of confidence.

    Attributes
    ----------
    epsilon
        Lower bound of epsilon at `delta`, if the mechanism is Gaussian differentially private (mu-GDP).
    epsilon_any
        Lower bound of epsilon at `delta` that assumes nothing about the mechanism; never above `epsilon`
        for Gaussian noise, and the right one for the exponential mechanism or Laplace noise.
    mu
        Lower bound of mu, if the mechanism is mu-GDP.
    delta, confidence
        The delta that was asked about; the chance that the bounds hold is at least `confidence`.
    threshold
        Scores at or above it were read as the second world.
    false_positive, false_negative
        Upper confidence bounds of the two error rates (jointly at `confidence`).
    runs
        Certifying runs per world.
    """

    epsilon: float
    epsilon_any: float
    mu: float
    delta: float
    confidence: float
    threshold: float
    false_positive: float
    false_negative: float
    runs: int

    def refutes(self, epsilon: float) -> bool:
        """Whether a claim of (epsilon, delta) for a Gaussian mechanism cannot be true at this confidence."""
        return self.epsilon > epsilon

    def refutes_mu(self, mu: float) -> bool:
        """Whether a claim of mu-GDP cannot be true at this confidence."""
        return self.mu > mu


def audit_runs(
    without: World,
    within: World,
    *,
    runs: int = 5_000,
    delta: float = 1e-5,
    confidence: float = 0.95,
    threshold: float | None = None,
) -> Audit:
    """Run both worlds `runs` times and bound epsilon from below; see `audit_scores`.

    Raises
    ------
    UsageError
        If a world gives anything but `runs` finite or infinite numbers, or a number makes no sense.
    """
    if isinstance(runs, bool) or not isinstance(runs, int) or runs < 2:
        raise UsageError(f"{runs!r} runs cannot be audited", where="runs", expected="a whole number above 1")
    return audit_scores(without(runs), within(runs), delta=delta, confidence=confidence, threshold=threshold)


def audit_scores(
    without: npt.ArrayLike,
    within: npt.ArrayLike,
    *,
    delta: float = 1e-5,
    confidence: float = 0.95,
    threshold: float | None = None,
) -> Audit:
    """Bound epsilon from below, from the scores of independent runs in two neighbouring worlds.

    The error rates of the test "score >= threshold" get one-sided Clopper-Pearson upper bounds at half the
    error probability each. A mu-GDP mechanism has mu >= Phi^-1(1 - FPR) - Phi^-1(FNR) (Dong, Roth, Su 2022;
    Nasr et al. 2023), any (epsilon, delta)-DP one has epsilon >= log((1 - delta - FNR) / FPR) and the same
    with the errors swapped (Kairouz et al. 2015). The best score is the likelihood ratio of the outputs; then
    0 is the threshold to give, and every run certifies.

    Parameters
    ----------
    without, within
        One score per run, shape (runs,), the two may differ in length. NaN is refused.
    delta
        Delta of the claim, strictly between 0 and 1.
    confidence
        Chance that the bounds hold, strictly between 0 and 1.
    threshold
        Fixed before any run was looked at. None: the first tenth of the runs chooses it, the others certify.

    Raises
    ------
    UsageError
        For scores that are no list of numbers, fewer than 2 runs a world, delta or confidence out of range.
    """
    for name, value in (("delta", delta), ("confidence", confidence)):
        if not 0 < value < 1:
            raise UsageError(f"{value!r} cannot be", where=name, expected="a number strictly between 0 and 1")
    a, b = _scores(without, "without"), _scores(within, "within")
    if threshold is None:
        cut_a, cut_b = max(1, int(PILOT * len(a))), max(1, int(PILOT * len(b)))
        threshold = _choose(a[:cut_a], b[:cut_b])
        a, b = a[cut_a:], b[cut_b:]
    alpha = (1 - confidence) / 2
    fpr = _upper(int((a >= threshold).sum()), len(a), alpha)
    fnr = _upper(int((b < threshold).sum()), len(b), alpha)
    mu = max(0.0, _quantile(1 - fpr) - _quantile(fnr))
    return Audit(
        epsilon=gaussian_epsilon(mu, delta),
        epsilon_any=max(_any(fpr, fnr, delta), _any(fnr, fpr, delta)),
        mu=mu,
        delta=delta,
        confidence=confidence,
        threshold=float(threshold),
        false_positive=fpr,
        false_negative=fnr,
        runs=min(len(a), len(b)),
    )


def gaussian_epsilon(mu: float, delta: float) -> float:
    """Smallest epsilon at which a mu-GDP mechanism is (epsilon, delta)-DP, by bisection to 1e-10.

    delta(epsilon) = Phi(mu/2 - epsilon/mu) - exp(epsilon) Phi(-mu/2 - epsilon/mu) (Balle, Wang 2018). Written
    here once more, so that an audit does not rest on the accountant that it may be auditing.
    """
    from scipy.special import log_ndtr, ndtr

    if mu <= 0:
        return 0.0

    def excess(epsilon: float) -> float:
        tail = math.exp(min(0.0, epsilon + float(log_ndtr(-mu / 2 - epsilon / mu))))
        return float(ndtr(mu / 2 - epsilon / mu)) - tail - delta

    low, high = 0.0, 1.0
    if excess(0.0) <= 0:
        return 0.0
    while excess(high) > 0:
        high *= 2
    while high - low > 1e-10 * max(1.0, high):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return low


def _scores(values: npt.ArrayLike, where: str) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or len(array) < 2 or np.isnan(array).any():
        raise UsageError(
            "the scores cannot be read", where=where, expected="one number per run, two runs or more, no NaN"
        )
    return array


def _choose(a: FloatArray, b: FloatArray) -> float:
    """Threshold to certify at, from pilot runs: the balanced one, unless another is clearly better.

    The threshold at which both error rates are equal is the best one for Gaussian noise. Looking for the best
    of many on few runs mostly finds luck, so another must gain more than two standard errors of the pilot.
    """
    from scipy.special import ndtri

    both = np.unique(np.concatenate([a, b]))
    steps = both if len(both) <= THRESHOLDS else np.quantile(both, np.linspace(0, 1, THRESHOLDS))
    a, b = np.sort(a), np.sort(b)
    fpr = (len(a) - np.searchsorted(a, steps, "left") + 0.5) / (len(a) + 1)
    fnr = (np.searchsorted(b, steps, "left") + 0.5) / (len(b) + 1)
    gain = ndtri(1 - fpr) - ndtri(fnr)
    error = np.hypot(_error(fpr, len(a)), _error(fnr, len(b)))
    balanced = int(np.argmin(np.abs(fpr - fnr)))
    # What the certifying runs will take off: their own error is a third of the pilot's.
    kept = gain - error * math.sqrt(PILOT / (1 - PILOT)) * 2
    clear = kept - 2 * np.hypot(error, error[balanced]) > kept[balanced]
    best = int(np.argmax(np.where(clear, kept, -np.inf))) if clear.any() else balanced
    return float(steps[best])


def _error(rate: FloatArray, n: int) -> FloatArray:
    """Standard error of the normal quantile of an error rate over `n` runs."""
    from scipy.special import ndtri

    density = np.exp(-(ndtri(rate) ** 2) / 2) / math.sqrt(2 * math.pi)
    return np.asarray(np.sqrt(rate * (1 - rate) / n) / density, dtype=np.float64)


def _upper(errors: int, n: int, alpha: float) -> float:
    """Clopper-Pearson upper bound of a rate, one-sided at level `alpha`."""
    from scipy.special import betaincinv

    return 1.0 if errors >= n else float(betaincinv(errors + 1, n - errors, 1 - alpha))


def _quantile(p: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(p))


def _any(fpr: float, fnr: float, delta: float) -> float:
    gain = 1 - delta - fnr
    return max(0.0, math.log(gain / fpr)) if gain > 0 else 0.0
