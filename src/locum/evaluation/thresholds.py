"""Reading a distance against its reference: scaling to the right number of rows."""

from __future__ import annotations

import numpy as np


def root_factor(n_train: int, n_synthetic: int, n_learning: int, n_test: int) -> float | None:
    """What turns a distance learning-test into one of train and a fresh table as long as the synthetic one.

    Differences of shares between samples of n and m rows grow with the root of 1/n + 1/m. None when any of
    the tables is empty: there is no reference then.
    """
    if not all((n_train, n_synthetic, n_learning, n_test)):
        return None
    return float(np.sqrt((1 / n_train + 1 / n_synthetic) / (1 / n_learning + 1 / n_test)))
