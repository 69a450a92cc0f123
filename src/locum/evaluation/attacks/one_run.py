"""Audit of a privacy claim by one run: canaries put in or left out by coin, and guessed afterwards.

Steinke, Nasr, Jagielski: Privacy auditing with one (1) training run, NeurIPS 2023. Weaker than many runs, but
the whole chain is audited as it is, fit included, at the price of one fit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from locum.errors import UsageError
from locum.randomness import check_seed, stream

Mask = npt.NDArray[np.bool_]

#: Largest epsilon that is looked for.
MOST = 100.0


@dataclass(frozen=True, slots=True)
class OneRun:
    """What one run with canaries proves.

    Attributes
    ----------
    epsilon
        Lower bound of epsilon at `delta`, for add/remove of one canary; 0 when nothing is proven.
    canaries, guesses, correct
        How many canaries there were, how many were guessed on, how many guesses were right.
    delta, confidence
        The delta that was asked about; the chance that the bound holds is at least `confidence`.
    """

    epsilon: float
    canaries: int
    guesses: int
    correct: int
    delta: float
    confidence: float

    def refutes(self, epsilon: float) -> bool:
        """Whether a claim of (epsilon, delta)-DP cannot be true at this confidence."""
        return self.epsilon > epsilon


def audit_one_run(
    run: Callable[[Mask], npt.ArrayLike],
    canaries: int,
    *,
    seed: int,
    guesses: int | None = None,
    delta: float = 1e-5,
    confidence: float = 0.95,
) -> OneRun:
    """Put each canary in by a fair coin, run once, and bound epsilon from below.

    Parameters
    ----------
    run
        Takes the mask of included canaries, shape (canaries,), fits once on the data with them, and returns
        one score per canary (higher: more likely in). It may use the mask for nothing but the fit.
    canaries
        How many rows (or units) that differ from each other; some hundreds to thousands.
    seed
        Decides the coins; the guarantee that is audited does not depend on it.
    guesses, delta, confidence
        See `audit_guesses`.

    Raises
    ------
    UsageError
        See `audit_guesses`.
    """
    if isinstance(canaries, bool) or not isinstance(canaries, int) or canaries < 1:
        raise UsageError(f"{canaries!r} canaries are of no use", where="canaries", expected="1 or more")
    included = stream(check_seed(seed), "audit", "canaries").random(canaries) < 0.5
    scores = run(included.copy())
    return audit_guesses(scores, included, guesses=guesses, delta=delta, confidence=confidence)


def audit_guesses(
    scores: npt.ArrayLike,
    included: npt.ArrayLike,
    *,
    guesses: int | None = None,
    delta: float = 1e-5,
    confidence: float = 0.95,
) -> OneRun:
    """Bound epsilon from below from one score per canary.

    The `guesses` canaries furthest from the middle of the ranking are guessed on, the upper half as "in", the
    lower half as "out" (ties by position, which is independent of the coins). Under (epsilon, delta)-DP the
    number of right guesses is stochastically below Binomial(guesses, e^epsilon / (1 + e^epsilon)), but for a
    correction of 2 x canaries x delta x max_i P(correct - i <= that binomial < correct) / i.

    Parameters
    ----------
    scores
        Shape (canaries,), higher: more likely in. NaN is refused.
    included
        Shape (canaries,), bool: what the coins said.
    guesses
        How many canaries to guess on, fixed before the run; None: half of them.
    delta
        Delta of the claim, strictly between 0 and 1.
    confidence
        Chance that the bound holds, strictly between 0 and 1.

    Raises
    ------
    UsageError
        When shapes differ, scores are NaN, or a number is out of range.
    """
    values, coins = np.asarray(scores, dtype=np.float64), np.asarray(included, dtype=bool)
    m = len(coins)
    if values.shape != (m,) or m < 1 or np.isnan(values).any():
        raise UsageError(
            "the scores cannot be read", where="scores", expected="one number per canary, no NaN"
        )
    for name, value in (("delta", delta), ("confidence", confidence)):
        if not 0 < value < 1:
            raise UsageError(f"{value!r} cannot be", where=name, expected="a number strictly between 0 and 1")
    r = max(1, m // 2) if guesses is None else guesses
    if not 1 <= r <= m:
        raise UsageError(f"{r} guesses on {m} canaries", where="guesses", expected=f"1 to {m}")
    order = np.argsort(values, kind="stable")
    low, high = order[: r // 2], order[m - (r - r // 2) :]
    correct = int(coins[high].sum() + (~coins[low]).sum())
    return OneRun(_bound(m, r, correct, delta, 1 - confidence), m, r, correct, delta, confidence)


def p_value(canaries: int, guesses: int, correct: int, epsilon: float, delta: float) -> float:
    """Upper bound of the chance of `correct` right guesses or more under (epsilon, delta)-DP."""
    from scipy.stats import binom

    q = 1 / (1 + math.exp(-epsilon))
    tail = float(binom.sf(correct - 1, guesses, q))
    if correct < 1:
        return 1.0
    # Chances of correct-1, correct-2, ... 0 right guesses, summed from the top.
    below = np.cumsum(binom.pmf(np.arange(correct - 1, -1, -1), guesses, q))
    worst = float((below / np.arange(1, correct + 1)).max())
    return min(1.0, tail + 2 * canaries * delta * worst)


def _bound(canaries: int, guesses: int, correct: int, delta: float, level: float) -> float:
    """Largest epsilon that is refuted at `level`, by bisection to 1e-6; the p-value grows with epsilon."""
    low, high = 0.0, MOST
    if p_value(canaries, guesses, correct, 0.0, delta) > level:
        return 0.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        refuted = p_value(canaries, guesses, correct, middle, delta) <= level
        low, high = (middle, high) if refuted else (low, middle)
    return low
