"""Simulations of the models that the laws are about; small enough to run thousands of times."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def gaussian_loop(
    n: int, rounds: int, runs: int, rng: np.random.Generator,
    *, mode: Literal["replace", "accumulate", "fresh"] = "replace", unbiased: bool = False, real: int = 0,
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """Means and variances of a Gaussian that is refitted to its own draws; shapes (rounds, runs).

    Parameters
    ----------
    n
        Synthetic rows per round.
    rounds, runs
        Refits, and independent loops side by side.
    rng
        Source of the draws.
    mode
        ``replace`` learns from the last round only, ``accumulate`` from all rounds so far, ``fresh`` from the
        last round and `real` new real rows.
    unbiased
        Divide by n - 1 instead of n.
    real
        Fresh real rows per round, for ``fresh``.

    Notes
    -----
    The truth has mean 0 and variance 1. Rows enter through their sums only: the sum and the sum of squared
    deviations of n normal draws are drawn from their own laws (normal and chi-square), which is exact.
    Cost: rounds x runs.
    """
    means, variances = np.zeros((rounds, runs)), np.zeros((rounds, runs))
    mean, variance = np.zeros(runs), np.ones(runs)
    total, first, second = np.zeros(runs), np.zeros(runs), np.zeros(runs)
    for t in range(rounds):
        if mode != "accumulate":
            total[:], first[:], second[:] = 0.0, 0.0, 0.0
        _add(total, first, second, n, mean, variance, rng)
        if mode == "fresh" and real:
            _add(total, first, second, real, np.zeros(runs), np.ones(runs), rng)
        mean = first / total
        variance = np.maximum(second / total - mean**2, 0.0)
        if unbiased:
            variance = variance * total / (total - 1)
        means[t], variances[t] = mean, variance
    return means, variances


def _add(
    total: FloatArray, first: FloatArray, second: FloatArray, n: int,
    mean: FloatArray, variance: FloatArray, rng: np.random.Generator,
) -> None:  # fmt: skip
    """Add the sums of `n` draws of each loop's Gaussian."""
    if n == 0:
        return
    centre = mean + np.sqrt(variance / n) * rng.standard_normal(len(mean))
    spread = variance * rng.chisquare(n - 1, len(mean)) if n > 1 else np.zeros(len(mean))
    total += n
    first += n * centre
    second += spread + n * centre**2


def regression_loop(
    n: int, d: int, rounds: int, runs: int, rng: np.random.Generator, *, accumulate: bool, noise: float = 1.0
) -> FloatArray:
    """Test error of linear regression on labels of its predecessor; shape (runs,).

    Standard normal inputs, the same in every round; true coefficients 0; error is the squared length of the
    coefficients. With `accumulate` every round's labels are kept. Cost: runs x (n d**2 + rounds n d).
    """
    out = np.empty(runs)
    for r in range(runs):
        x = rng.standard_normal((n, d))
        solve = np.linalg.solve(x.T @ x, x.T)
        w, kept = np.zeros(d), np.zeros(n)
        for t in range(rounds):
            y = x @ w + noise * rng.standard_normal(n)
            kept += y
            # The same inputs in every round: least squares on all labels is least squares on their mean.
            w = solve @ (kept / (t + 1) if accumulate else y)
        out[r] = w @ w
    return out


def discrete_loop(shares: FloatArray, n: int, rounds: int, runs: int, rng: np.random.Generator) -> FloatArray:
    """Shares of outcomes that are replaced by those of `n` draws; (rounds + 1, runs, k), the truth first."""
    out = np.empty((rounds + 1, runs, len(shares)))
    out[0] = shares
    for t in range(1, rounds + 1):
        out[t] = rng.multinomial(n, out[t - 1]) / n
    return out


def fixation(shares: FloatArray, n: int, runs: int, rng: np.random.Generator, most: int) -> FloatArray:
    """Rounds until one outcome is left, at most `most`; shape (runs,)."""
    p = np.tile(np.asarray(shares, dtype=float), (runs, 1))
    out = np.full(runs, float(most))
    going = np.arange(runs)
    for t in range(1, most + 1):
        p = rng.multinomial(n, p) / n
        done = p.max(axis=1) == 1.0
        out[going[done]] = t
        going, p = going[~done], p[~done]
        if not len(going):
            break
    return out


def verified_accuracy(
    wrong: float, keeps_right: float, keeps_wrong: float, rng: np.random.Generator,
    *, d: int = 50, n: int = 10_000, tests: int = 2000, runs: int = 8,
) -> FloatArray:  # fmt: skip
    """Test accuracy of a linear classifier whose training labels are wrong with chance `wrong`; (runs,).

    A verifier keeps right labels with chance `keeps_right` and wrong ones with chance `keeps_wrong`. Two
    Gaussian classes, the mean difference direction as classifier (the d / n -> constant setting of Feng et
    al. 2024).
    """
    out = np.empty(runs)
    for r in range(runs):
        centre = np.zeros(d)
        centre[0] = 1.0
        y = rng.choice([-1.0, 1.0], n)
        x = y[:, None] * centre + rng.standard_normal((n, d))
        bad = rng.random(n) < wrong
        kept = rng.random(n) < np.where(bad, keeps_wrong, keeps_right)
        label = np.where(bad, -y, y)
        w = (label[kept, None] * x[kept]).mean(axis=0) if kept.any() else np.zeros(d)
        truth = rng.choice([-1.0, 1.0], tests)
        scores = (truth[:, None] * centre + rng.standard_normal((tests, d))) @ w
        out[r] = float((scores * truth > 0).mean())
    return out


def recursive_mean(
    k: float, w: float, n: int, rounds: int, runs: int, rng: np.random.Generator
) -> FloatArray:
    """C9. Loop of `n` fresh real rows at weight `w` and k n made ones: n times squared drift; (runs,)."""
    mean = np.zeros(runs)
    for _ in range(rounds):
        real = rng.standard_normal(runs) / np.sqrt(n)
        made = mean + rng.standard_normal(runs) / np.sqrt(k * n)
        mean = w * real + (1 - w) * made
    out: FloatArray = n * mean**2
    return out
