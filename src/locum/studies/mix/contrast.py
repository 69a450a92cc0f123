"""Differences over repeated splits, with intervals that allow for the splits' overlap."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from locum.studies.mix.result import Contrast


def corrected_difference(differences: npt.ArrayLike, test_share: float, *, level: float = 0.95) -> Contrast:
    """Mean difference with the corrected resampled t interval of Nadeau and Bengio (2003).

    Parameters
    ----------
    differences
        One a split, shape (k,), k >= 2.
    test_share
        Test rows over learning rows of a split: splits share learning rows, so that their differences are
        not independent; the variance of the mean is ``(1/k + test_share)`` times that of a difference.
    level
        Of the interval; with ``1 - 0.05 / m`` m intervals hold together in 95 % of cases (Bonferroni).

    Notes
    -----
    Covers the choice of test rows, of learning rows, and every random step of fitting and drawing. With
    differences that are all equal the interval is a point.
    """
    from scipy.stats import t

    d = np.asarray(differences, dtype=float)
    error = float(np.sqrt((1 / len(d) + test_share) * d.var(ddof=1)))
    reach, power = float(t.ppf((1 + level) / 2, len(d) - 1)), float(t.ppf(0.8, len(d) - 1))
    mean = float(d.mean())
    return Contrast(mean, mean - reach * error, mean + reach * error, (reach + power) * error)
