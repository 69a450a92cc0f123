"""Intervals from several generators: their spread shows what one generator cannot know about its error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from locum.errors import UsageError

Refit = Literal["bootstrap", "seed"]


@dataclass(frozen=True, slots=True)
class Ensemble:
    """One quantity estimated on the rows of several generators.

    Attributes
    ----------
    value, low, high
        Mean over generators and its interval.
    spread
        Standard deviation between generators.
    generators
        How many there were.
    sampling
        Whether the interval counts that the real rows are a sample (generators fitted on bootstraps), or
        only the chance in fitting and drawing (same rows, other seeds).
    """

    value: float
    low: float
    high: float
    spread: float
    generators: int
    sampling: bool


def ensemble(values: npt.ArrayLike, *, refit: Refit = "bootstrap", level: float = 0.95) -> Ensemble:
    """Mean and interval of a quantity measured on the rows of K generators.

    Parameters
    ----------
    values
        The quantity on the rows of each generator, shape (K,): a mean, a coefficient, a model's accuracy.
        Draw many rows from each, so that the chance of drawing does not widen the interval.
    refit
        ``bootstrap`` when every generator learned from its own bootstrap of the real rows, ``seed`` when all
        learned from the same rows and only the seed differs: then the interval leaves out that the real rows
        are a sample, and must not be read as one for the population.
    level
        Nominal coverage.

    Raises
    ------
    UsageError
        With fewer than two generators, or numbers that are not finite.

    Notes
    -----
    After Deep Generative Ensembles (van Breugel, Qian and van der Schaar, ICML 2023), with the t quantile of
    K - 1 degrees of freedom. With b the variance between generators, T = b(1 + 1/K) under ``bootstrap`` (a
    bootstrap moves each value as much as the sample moves all of them, and their mean keeps 1/K of it) and
    b/K under ``seed``. The chance of drawing is in b as well, so with few rows a generator the interval under
    ``bootstrap`` is too wide, never too narrow.
    """
    q = np.asarray(values, dtype=np.float64)
    if q.ndim != 1 or len(q) < 2:
        raise UsageError(
            f"values have shape {q.shape}",
            where="ensemble",
            expected="one number a generator and two generators or more",
        )
    if not np.isfinite(q).all():
        raise UsageError("a value is not a finite number", where="ensemble", do="leave that generator out")
    from scipy.stats import t

    k, b = len(q), float(q.var(ddof=1))
    total = b * (1 + 1 / k) if refit == "bootstrap" else b / k
    half = float(t.ppf((1 + level) / 2, k - 1)) * float(np.sqrt(total))
    middle = float(q.mean())
    return Ensemble(middle, middle - half, middle + half, float(np.sqrt(b)), k, refit == "bootstrap")
