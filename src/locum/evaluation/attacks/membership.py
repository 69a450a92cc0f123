"""Membership: telling rows that the generator learned from apart from rows that it never saw."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from locum.errors import DataError
from locum.evaluation.attacks.nearest import nearest
from locum.evaluation.attacks.verdict import area_p, rates, roc_points, top_p
from locum.evaluation.claim import Claim
from locum.evaluation.intervals import auc_interval
from locum.evaluation.registry import find, result_of
from locum.evaluation.result import Result
from locum.evaluation.trial import Trial
from locum.randomness import stream

if TYPE_CHECKING:
    import pyarrow as pa

LogProb = Callable[["pa.Table"], npt.NDArray[np.float64]]

#: Rows a side that are asked, and synthetic rows searched.
MEMBERS, SEARCHED = 5_000, 24_000
#: Rows a side whose probability is asked of the model.
PROBED = 4_000


def nearest_membership(trial: Trial, *, members: int = MEMBERS, searched: int = SEARCHED) -> list[Result]:
    """Membership from the nearest synthetic row: ``copying.membership`` and ``copying.membership.rate``.

    Score of a real row: minus the distance to the nearest synthetic row. ``copying.membership`` is the area
    under the ROC curve of train rows (members) against hold-out rows, equally many, with DeLong's interval;
    0.5 is best. ``copying.membership.rate`` is the share of members found at a false-alarm rate of 1 %, with
    a bootstrap interval; 0.01 is best.

    Claims: the area, by Mann and Whitney's test, and the share found, by Fisher's. Empty without a hold-out.
    Cost: see `nearest`.
    """
    if not trial.columns or not trial.independent_test:
        return []
    view = trial.ranks
    n = min(trial.train.num_rows, trial.test.num_rows, trial.budget(members, 1_000))
    synthetic = view.ranks(trial.sample("synthetic", searched, "membership"))
    near = [-nearest(view.ranks(trial.sample(p, n, "members")), synthetic)[0] for p in ("train", "test")]
    return _results(trial, near[0], near[1], "copying.membership")


def probability_membership(trial: Trial, log_prob: LogProb, *, probed: int = PROBED) -> list[Result]:
    """Membership from the model's probabilities: ``copying.logprob`` and ``copying.logprob.rate``.

    As `nearest_membership`, but the score is the model's own log-probability: what somebody who holds the
    model file can compute. Equally many train and hold-out rows are asked. NaN counts as impossible.

    Raises
    ------
    DataError
        If `log_prob` does not give one number a row.
    """
    if not trial.columns or not trial.independent_test:
        return []
    n = min(trial.train.num_rows, trial.test.num_rows, probed)
    scores = []
    for part in ("train", "test"):
        table = trial.sample(part, n, "probed")
        values = np.asarray(log_prob(table), dtype=np.float64)
        if values.shape != (table.num_rows,):
            raise DataError(
                f"log_prob gave an array of shape {values.shape} for {table.num_rows} rows",
                where="log_prob",
                expected="one number a row",
            )
        scores.append(np.where(np.isnan(values), -np.inf, values))
    return _results(trial, scores[0], scores[1], "copying.logprob")


def _results(trial: Trial, members: npt.ArrayLike, others: npt.ArrayLike, name: str) -> list[Result]:
    inside, outside = np.asarray(members, dtype=np.float64), np.asarray(others, dtype=np.float64)
    value, low, high = auc_interval(inside, outside)
    rng = stream(trial.seed, "attacks", name)
    found = rates(inside, outside, rng)
    rate, rate_low, rate_high = (found[1][key] for key in ("found", "low", "high"))
    detail: dict[str, object] = {
        "rows_a_side": len(inside),
        "found": found,
        "roc": roc_points(inside, outside),
    }
    claims = (
        Claim("area", value, low, high, area_p(value, len(inside), len(outside))),
        Claim("found at 1 %", rate, min(rate_low, rate), max(rate_high, rate), top_p(inside, outside, rng)),
    )
    detail["p"] = {c.scale: c.p for c in claims}
    return [
        result_of(
            name,
            value,
            f"Going by {find(name)[0].goes_by}, one row that the generator learned from and one that it "
            f"never saw are told apart {100 * value:.1f} times in 100 (50 is guessing).",
            low=low,
            high=high,
            reference=0.5,
            claims=claims,
            detail=detail,
        ),
        result_of(
            name + ".rate",
            rate,
            f"With one false alarm in 100, {100 * rate:.1f} % of the rows that the generator learned "
            "from are recognised; guessing finds 1 %.",
            low=min(rate_low, rate),
            high=max(rate_high, rate),
            reference=0.01,
            detail={"rows_a_side": len(inside)},
        ),
    ]
