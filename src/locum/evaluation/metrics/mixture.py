"""Mixing: what synthetic rows do to a model when they are added to the real ones."""

from __future__ import annotations

import numpy as np

from locum.arrays import FloatArray
from locum.evaluation.claim import Claim, normal_tail
from locum.evaluation.intervals import Z95, bootstrap_statistic, middle
from locum.evaluation.metrics.training_draw import training_error
from locum.evaluation.metrics.utility import LEAST_SKILL
from locum.evaluation.registry import result_of
from locum.evaluation.result import Result
from locum.evaluation.scores import floor_of, weighted_score
from locum.evaluation.target import TargetColumn, learn
from locum.evaluation.trial import Trial, thin
from locum.randomness import child_seed, stream

#: Real rows to learn from and to test on at most, and no fewer than the third on wide tables.
ROWS, TEST_ROWS, LEAST_ROWS = 20_000, 15_000, 5_000
LEAF = 20


def mixture(
    trial: Trial, targets: list[TargetColumn], rows: int = ROWS, test_rows: int = TEST_ROWS
) -> list[Result]:
    """Gain of adding as many synthetic rows to the real ones, ``risk.mix``; of the first target only.

    Boosted trees learn the target from real rows, and from the same rows with equally many synthetic ones;
    both predict the hold-out. The value is the difference in score (area under the ROC curve or R2), with a
    paired bootstrap interval over the test rows, widened by the chance in the rows to learn from. A leaf must
    hold the same share of the rows in both, so that a copy of the real rows changes next to nothing. Whether
    another share or weight would help, and how sure that is over new fits and splits, is what `locum mix`
    measures.

    Claim: the loss as a share of the skill that real rows give. None when they have no skill.
    Empty without a target or test rows. Cost: three fits.
    """
    if not targets:
        return []
    target = targets[0]
    test = trial.sample("test", test_rows, "mixture")
    truth = target.values(test)
    ok = ~np.isnan(truth)
    n = min(trial.learning.num_rows, trial.synthetic.num_rows, trial.budget(rows, LEAST_ROWS))
    if not ok.any() or n < 2:
        return []
    tables = [
        thin(table, n, stream(trial.seed, "metrics", "mixture", part))
        for part, table in (("learning", trial.learning), ("synthetic", trial.synthetic))
    ]
    view = trial.features
    x = [view.matrix(table) for table in tables]
    y = [target.values(table) for table in tables]
    at = view.matrix(test)[ok]
    seed = child_seed(trial.seed, "mixture", target.column)
    alone = learn(trial, target, x[0], y[0], at, seed=seed, leaf=LEAF)
    mixed = learn(trial, target, np.vstack(x), np.concatenate(y), at, seed=seed, leaf=2 * LEAF)
    error = training_error(trial, target, x[0], y[0], at, truth[ok])
    return [_result(trial, target, truth[ok], (alone, mixed), n, error)]


def _result(
    trial: Trial,
    target: TargetColumn,
    truth: FloatArray,
    guesses: tuple[FloatArray, FloatArray],
    rows: int,
    error: float,
) -> Result:
    alone, mixed = guesses
    of_alone = weighted_score(target.task, target.n_classes, truth, alone)
    of_mixed = weighted_score(target.task, target.n_classes, truth, mixed)
    rng = stream(trial.seed, "metrics", "mixture", "bootstrap")
    gains = bootstrap_statistic(len(truth), rng, lambda w: np.asarray(of_mixed(w) - of_alone(w)))
    ones = np.ones(len(truth))
    base, gain = of_alone(ones), of_mixed(ones) - of_alone(ones)
    low, high = middle(gains, gain)
    # The mixed model shares its real rows with the other, so this is rather too much.
    low, high = (
        gain - float(np.hypot(gain - low, Z95 * error)),
        gain + float(np.hypot(high - gain, Z95 * error)),
    )
    floor = floor_of(target.task)
    skill = base - floor
    measure = "R2" if target.task == "regression" else "AUC"
    claims: tuple[Claim, ...] = ()
    if skill < LEAST_SKILL * (1 - floor):
        said = (
            f"Even real rows predict {target.column!r} hardly better than chance ({measure} {base:.3f}), so "
            "what synthetic rows add to them cannot be told."
        )
    else:
        said = _sentence(target.column, measure, base, (gain, low, high))
        p = normal_tail(-gain / max((high - low) / (2 * Z95), 1e-9))
        claims = (Claim("mixing", -gain / skill, -high / skill, -low / skill, p),)
    return result_of(
        "risk.mix",
        gain,
        said + trial.seen_note,
        low=low,
        high=high,
        reference=0.0,
        floor=-skill,
        claims=claims,
        detail={"target": target.column, "measure": measure, "real": base, "rows": rows},
    )


def _sentence(column: str, measure: str, base: float, gained: tuple[float, float, float]) -> str:
    gain, low, high = gained
    known = "helps" if low > 0 else "costs something" if high < 0 else "shows neither help nor harm"
    # Without the number of rows: under a guarantee of privacy it may not be told on the screen.
    return (
        f"Adding as many synthetic rows to real ones {known} in predicting {column!r}: "
        f"{measure} {base:.3f} changes by {gain:+.3f} (95 % interval {low:+.3f} to {high:+.3f})."
    )
