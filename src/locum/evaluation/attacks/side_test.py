"""Which side of the hold-out synthetic rows lean to: a sign test over real rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from locum.evaluation.claim import normal_tail

#: Up to so many real rows the law of the sum of signs is worked out, beyond it is taken for normal.
EXACT_ROWS, EXACT_SUM = 60, 20_000


def lean_p(seen: npt.ArrayLike, unseen: npt.ArrayLike) -> float:
    """One-sided p-value that synthetic rows lean to rows learned from.

    `seen` and `unseen` hold, for each real row of either side that some synthetic rows choose, how many
    choose it. If nothing was learned from the one side, a real row is on either side with equal chance,
    whatever the number that choose it: many synthetic rows beside one real row count as one coin.
    """
    weights = np.concatenate([np.asarray(seen), np.asarray(unseen)]).astype(np.int64)
    weights = weights[weights > 0]
    gap = int(np.asarray(seen).sum() - np.asarray(unseen).sum())
    if not len(weights):
        return 1.0
    total = int(weights.sum())
    if len(weights) > EXACT_ROWS or total > EXACT_SUM:
        return normal_tail(gap / lean_error(seen, unseen))
    # Chance of each sum of the weights that fall to the first side.
    law = np.zeros(total + 1)
    law[0] = 1.0
    for w in weights.tolist():
        law = 0.5 * law
        law[w:] += law[: total + 1 - w].copy()
    return float(min(1.0, law[(gap + total + 1) // 2 :].sum()))


def lean_error(seen: npt.ArrayLike, unseen: npt.ArrayLike) -> float:
    """Standard error of the difference of the two sums."""
    weights = np.concatenate([np.asarray(seen), np.asarray(unseen)]).astype(np.float64)
    return float(np.sqrt((weights**2).sum()))
