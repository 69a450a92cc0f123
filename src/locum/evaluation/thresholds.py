"""Reading a distance against its reference: scaling to the right number of rows, and limits of verdicts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from locum.evaluation.result import Verdict


@dataclass(frozen=True, slots=True)
class VerdictLimits:
    """Where good and fair end: a multiple of the reference or a value, whichever is larger."""

    good_times: float
    good_value: float
    fair_times: float
    fair_value: float

    def verdict(self, value: float, reference: float | None) -> Verdict:
        """Verdict on a distance; without a reference the fixed values decide."""
        base = reference or 0.0
        if value <= max(self.good_times * base, self.good_value):
            return "good"
        return "fair" if value <= max(self.fair_times * base, self.fair_value) else "poor"


def root_factor(n_train: int, n_synthetic: int, n_learning: int, n_test: int) -> float | None:
    """What turns a distance learning-test into one of train and a fresh table as long as the synthetic one.

    Differences of shares between samples of n and m rows grow with the root of 1/n + 1/m. None when any of
    the tables is empty: there is no reference then.
    """
    if not all((n_train, n_synthetic, n_learning, n_test)):
        return None
    return float(np.sqrt((1 / n_train + 1 / n_synthetic) / (1 / n_learning + 1 / n_test)))
