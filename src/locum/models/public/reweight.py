"""Weights for known rows, so that their marginals come close to noisy measurements."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray, IntArray

#: Steps of the solver at most, and where its gradient counts as nought (shares).
STEPS, TOLERANCE = 600, 1e-6
#: Least ridge in units of a target's noise. Cells whose noisy share is below zero would otherwise want dual
#: numbers without bound, and much of the noise would be fitted.
EVEN = 0.1
#: Steps after which it takes a new look at the curvature.
STAGE = 30


@dataclass(frozen=True, slots=True)
class NoisyMarginal:
    """One noisy marginal, as the known rows see it.

    Attributes
    ----------
    cells
        Cell of each known row among those that any of them is in, shape (n_rows,).
    shares
        Noisy count / total of those cells; cells that no known row is in are left out.
    noise
        Standard deviation of `shares`.
    """

    cells: IntArray
    shares: FloatArray
    noise: float


def noisy_marginal(cells: IntArray, counts: npt.ArrayLike, sigma: float, total: float) -> NoisyMarginal:
    """A target from flat counts over all cells of a marginal; `cells` is the flat cell of each known row."""
    present, place = np.unique(cells, return_inverse=True)
    shares = np.asarray(counts, dtype=np.float64)[present] / total
    return NoisyMarginal(place.astype(np.int64).reshape(-1), shares, sigma / total)


def reweight(
    prior: FloatArray,
    targets: Sequence[NoisyMarginal],
    trust: float,
    start: FloatArray | None = None,
    *,
    steps: int | None = None,
) -> tuple[FloatArray, FloatArray]:
    """The weights that answer the targets best while staying near `prior`.

    Minimises sum over targets of ||marginal - shares||^2 / (2 noise^2) + trust * KL(weights || prior): the
    multiplicative weights update replayed on all measurements until nothing changes, with the prior counting
    as much as `trust` rows. Solved in its dual (one number per cell, weights = prior * exp(-sum of numbers))
    by L-BFGS, so a solution never leaves the simplex.

    Parameters
    ----------
    prior
        Non-negative, shape (n_rows,), sums to 1.
    targets
        What was measured; none leaves the prior as it is.
    trust
        How many observations the prior is worth, above 0.
    start
        Dual numbers of an earlier call with a leading part of the same targets; saves steps, changes nothing.
    steps
        Solver steps at most; None for as many as it takes.

    Returns
    -------
    tuple
        The weights (sum 1) and the dual numbers. Cost O(steps x rows x targets).
    """
    from scipy.optimize import minimize

    if not targets:
        return prior, np.empty(0)
    sizes = [len(t.shares) for t in targets]
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    wanted = np.concatenate([t.shares for t in targets])
    ridge = np.repeat([max(trust * t.noise**2, EVEN * t.noise) for t in targets], sizes)
    with np.errstate(divide="ignore"):
        log_prior = np.log(prior)

    def weigh(theta: FloatArray) -> tuple[FloatArray, float]:
        log_weight = log_prior.copy()
        for t, at in zip(targets, offsets, strict=False):
            log_weight -= theta[at : at + len(t.shares)][t.cells]
        top = float(log_weight.max())
        weights = np.exp(log_weight - top)
        mass = float(weights.sum())
        return weights / mass, top + math.log(mass)

    theta = np.zeros(offsets[-1])
    if start is not None:
        theta[: len(start)] = start
    for _ in range(max(1, (steps or STEPS) // STAGE)):
        weights, _ = weigh(theta)
        found = np.concatenate([np.bincount(t.cells, weights, len(t.shares)) for t in targets])
        # The diagonal of the Hessian, so that every dual number is curved alike; it changes as weights do.
        scale = 1 / np.sqrt(found + ridge + 1e-9)

        def objective(scaled: FloatArray, scale: FloatArray = scale) -> tuple[float, FloatArray]:
            theta = scaled * scale
            weights, log_mass = weigh(theta)
            found = np.concatenate([np.bincount(t.cells, weights, len(t.shares)) for t in targets])
            value = log_mass + float(theta @ wanted) + 0.5 * float(ridge @ theta**2)
            return value, scale * (wanted - found + ridge * theta)

        done = minimize(
            objective,
            theta / scale,
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": STAGE, "maxfun": 2 * STAGE, "gtol": TOLERANCE, "ftol": 1e-13, "maxcor": 20},
        )
        theta = np.asarray(done.x * scale, dtype=np.float64)
        if done.status == 0:
            break
    return weigh(theta)[0], theta


def sampling_trust(prior: FloatArray, rows: int, targets: Sequence[NoisyMarginal], total: float) -> float:
    """How many observations the prior is worth, from its misfit to first measurements.

    If the known rows were drawn like the private ones, their marginals would differ by sampling alone and the
    prior would be worth 1 / (1/rows + 1/total). Each target tells how much larger the misfit is; the median
    over targets is used, so that one attribute with a bias does not take the trust from all others. Noisy
    measurements only go in, so nothing is paid.
    """
    honest = 1.0 / (1.0 / max(rows, 1) + 1.0 / max(total, 1.0))
    ratios = []
    for t in targets:
        found = np.bincount(t.cells, prior, len(t.shares))
        expected = (1.0 - float((found**2).sum())) / honest
        if expected > 0:
            misfit = float(((t.shares - found) ** 2).sum()) - len(found) * t.noise**2
            ratios.append(misfit / expected)
    excess = max(1.0, float(np.median(ratios))) if ratios else 1.0
    return max(1.0, honest / excess)
