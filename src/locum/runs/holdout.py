"""Which rows are held out, decided before anything is fitted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from locum.errors import UsageError
from locum.randomness import stream

#: Largest share that may be held out: the generator needs at least half of the rows.
MAX_HOLDOUT = 0.5

Rows = npt.NDArray[np.int64]


def check_share(share: float) -> float:
    """Return a usable hold-out share.

    Raises
    ------
    UsageError
        When it is not a number from 0 to `MAX_HOLDOUT`.
    """
    if not 0.0 <= share <= MAX_HOLDOUT:
        raise UsageError(
            f"a hold-out of {share:g} is not usable",
            where="holdout",
            expected=f"a share from 0 to {MAX_HOLDOUT:g}, for example 0.2",
        )
    return float(share)


def split(n_rows: int, share: float, seed: int) -> tuple[Rows, Rows]:
    """Positions of the training rows and of the hold-out rows, each ascending.

    Every row is in exactly one part. The training part is never empty; the hold-out has
    ``round(share * n_rows)`` rows, so it is empty for a share of 0 and for very few rows.

    Cost: O(n_rows).
    """
    held = min(round(check_share(share) * n_rows), n_rows - 1)
    shuffled = stream(seed, "pipeline", "holdout").permutation(n_rows)
    return np.sort(shuffled[held:]), np.sort(shuffled[:held])
