"""Distance share: how often a synthetic row is nearer to the rows learned from than to rows never seen."""

from __future__ import annotations

import numpy as np

from locum.evaluation.attacks.nearest import nearest
from locum.evaluation.attacks.side_test import lean_error, lean_p
from locum.evaluation.claim import Claim
from locum.evaluation.intervals import Z95, wilson
from locum.evaluation.registry import result_of
from locum.evaluation.result import Result
from locum.evaluation.trial import Trial

#: Synthetic rows asked, and real rows a side that they are compared with.
QUERIES, ROWS = 6_000, 12_000


def distance_share(trial: Trial, *, queries: int = QUERIES, rows: int = ROWS) -> list[Result]:
    """Share of synthetic rows that are nearer to train than to hold-out, ``copying.distance``.

    Train and hold-out are thinned to the same size, so that a generator that copies nothing scores 0.5 (ties
    count half). Reference 0.5. The 95 % interval allows for both sides' chance: a real row that is nearest to
    c synthetic ones is on either side for all of them at once, so the variance of the share is the sum of
    c squared over 4 n squared (Wilson's interval where that is wider). When train is n/k times as
    large as what it was thinned to, only k/n of all copied rows are there to be found: the detail gives the
    excess times n/k, `undiluted`, and twice that, `copied`: the share of rows that plain copying explains.

    Claim: the share of copied rows, by a sign test over real rows (`lean_p`). Empty without a hold-out. Cost:
    see `nearest`.
    """
    if not trial.columns or not trial.independent_test:
        return []
    k = min(trial.train.num_rows, trial.test.num_rows, rows)
    view = trial.ranks
    synthetic = view.ranks(trial.sample("synthetic", trial.budget(queries, 1_000), "distance"))
    to_train, train_row = nearest(synthetic, view.ranks(trial.sample("train", k, "distance")))
    to_test, test_row = nearest(synthetic, view.ranks(trial.sample("test", k, "distance")))
    closer = float((to_train < to_test).sum() + 0.5 * (to_train == to_test).sum())
    n = len(synthetic)
    value = closer / n
    low, high = wilson(closer, n)
    decided = to_train != to_test
    row = np.where(to_train < to_test, train_row, test_row + k)[decided]
    chosen = np.bincount(row, minlength=2 * k)
    seen, unseen = chosen[:k], chosen[k:]
    half = Z95 * lean_error(seen, unseen) / (2 * n)
    low, high = min(low, max(0.0, value - half)), max(high, min(1.0, value + half))
    undiluted = min(0.5, max(-0.5, (value - 0.5) * trial.train.num_rows / k))
    # Twice the excess over one half is the share of copies; a part of train only was there to be copied.
    times = 2 * trial.train.num_rows / k
    claim = Claim(
        "nearer",
        times * (value - 0.5),
        times * (low - 0.5),
        times * (high - 0.5),
        lean_p(seen, unseen),
    )
    return [
        result_of(
            "copying.distance",
            value,
            f"{100 * value:.1f} % of the synthetic rows are nearer to a real row that the generator "
            "learned from than to one that it never saw; without copying it would be 50 %.",
            low=low,
            high=high,
            reference=0.5,
            claims=(claim,),
            detail={
                "queries": n,
                "rows_a_side": k,
                "undiluted": undiluted,
                "copied": max(0.0, 2 * undiluted),
                "median_distance_train": float(np.median(to_train)),
                "median_distance_holdout": float(np.median(to_test)),
            },
        )
    ]
