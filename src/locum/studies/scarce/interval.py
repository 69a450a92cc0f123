"""A difference of two scores over splits, with an interval that stays inside the range of the measure."""

from __future__ import annotations

import math

import numpy as np

from locum.arrays import FloatArray
from locum.evaluation.learn.boosting import Task
from locum.evaluation.scores import LOWEST_R2
from locum.studies.mix.contrast import corrected_difference
from locum.studies.mix.result import Contrast

#: Fewest splits with both scores from which a difference has an interval.
LEAST_SPLITS = 2


def range_of(task: Task) -> tuple[float, float]:
    """The least and the greatest value of the measure: 0 and 1 of AUC, where it is cut and 1 of R2."""
    return (LOWEST_R2, 1.0) if task == "regression" else (0.0, 1.0)


def bounded_difference(
    one: FloatArray, base: FloatArray, test_share: float, *, level: float, bounds: tuple[float, float]
) -> Contrast:
    """Mean difference of paired scores, with an interval that the measure can reach from the base's mean.

    Scores are turned into angles (the arcsine of the root of their place in the range), whose spread hardly
    depends on where in the range they lie; the corrected resampled t interval of Nadeau and Bengio (2003) is
    laid about the angle of the mean score, cut where angles end, and turned back into scores. With s the
    base's mean score the interval lies within ``bounds[0] - s`` and ``bounds[1] - s`` for any scores, and
    narrows towards the ends of the range.

    Parameters
    ----------
    one, base
        Scores by split, NaN where there is none; shape (k,).
    test_share, level
        As for `locum.studies.mix.contrast.corrected_difference`.
    bounds
        Least and greatest value of the measure.

    Returns
    -------
    Contrast
        `detectable` is infinite where no difference that the range allows would be told from 0 with a chance
        of 80 %, or where fewer than `LEAST_SPLITS` splits have both scores.

    Notes
    -----
    Freeman and Tukey (1950) have the transformation. Where all differences are equal the interval is a point.
    """
    low, high = bounds
    both = ~np.isnan(one) & ~np.isnan(base)
    if both.sum() < LEAST_SPLITS:
        return Contrast(0.0, low - high, high - low, math.inf)
    ours, theirs = (np.clip((s[both] - low) / (high - low), 0.0, 1.0) for s in (one, base))
    found = corrected_difference(_angle(ours) - _angle(theirs), test_share, level=level)
    reach, mean, start = found.high - found.value, float(ours.mean()), float(theirs.mean())
    ends = [_score(math.asin(math.sqrt(mean)) + side) - start for side in (-reach, reach)]
    seen = math.asin(math.sqrt(start)) + found.detectable
    detectable = _score(seen) - start if seen <= math.pi / 2 else math.inf
    # Rounding on the way there and back must not part the ends from the mean.
    gap, width = mean - start, high - low
    return Contrast(width * gap, width * min(ends[0], gap), width * max(ends[1], gap), width * detectable)


def _angle(share: FloatArray) -> FloatArray:
    return np.asarray(np.arcsin(np.sqrt(share)))


def _score(angle: float) -> float:
    return math.sin(min(max(angle, 0.0), math.pi / 2)) ** 2
