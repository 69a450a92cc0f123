"""Usefulness: models trained on synthetic rows against models trained on real rows, tested on real rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.evaluation.intervals import bootstrap_statistic, middle
from locum.evaluation.registry import result_of
from locum.evaluation.result import Result, Verdict
from locum.evaluation.scores import floor_of, weighted_score
from locum.evaluation.target import TargetColumn, best_targets, learn, target_of
from locum.evaluation.trial import Trial, thin
from locum.randomness import child_seed, stream
from locum.wording import percent

#: Rows to learn from and to test on at most; fewer to learn from for a target of many classes.
ROWS, TEST_ROWS = 40_000, 15_000
#: On wide tables (`Trial.budget`) no fewer rows to learn from than this.
LEAST_ROWS = 6_000
REPEATS = 100
#: Share of real skill kept: good from here, fair from there, poor below.
GOOD_KEPT, FAIR_KEPT = 0.95, 0.80
#: Skill of the model trained on real rows (0 chance, 1 perfect) below which nothing can be said.
LEAST_SKILL = 0.05


@dataclass(frozen=True, slots=True)
class Transfer:
    """One target predicted from synthetic and from real rows.

    Scores are areas under the ROC curve or R2; intervals are 95 % bootstrap intervals over the test rows,
    paired for loss (real minus synthetic) and kept (share of the skill above chance).
    """

    target: TargetColumn
    synthetic: float
    real: float
    synthetic_interval: tuple[float, float]
    loss_interval: tuple[float, float]
    kept: float
    kept_interval: tuple[float, float]
    rows: int

    @property
    def measure(self) -> str:
        """Name of the score."""
        return "R2" if self.target.task == "regression" else "AUC"

    @property
    def skill(self) -> float:
        """Skill of the model trained on real rows above chance, in score points over what is possible."""
        floor = floor_of(self.target.task)
        return (self.real - floor) / (1 - floor)


def transfer(
    trial: Trial, target: TargetColumn, rows: int = ROWS, test_rows: int = TEST_ROWS
) -> Transfer | None:
    """Train on synthetic and on equally many real rows, test both on the hold-out; None without test rows.

    The same LightGBM settings for both. Real rows are thinned to the number of synthetic ones (and the other
    way round), so that the comparison is of rows, not of numbers of rows. Cost: two fits.
    """
    n = min(trial.learning.num_rows, trial.synthetic.num_rows, trial.budget(rows, LEAST_ROWS))
    test = trial.sample("test", test_rows, "utility")
    truth = target.values(test)
    ok = ~np.isnan(truth)
    if not ok.any():
        return None
    view = trial.features
    x_test = view.matrix(test)[ok]
    predictions = {}
    for part, table in (("learning", trial.learning), ("synthetic", trial.synthetic)):
        some = thin(table, n, stream(trial.seed, "metrics", "utility", part))
        seed = child_seed(trial.seed, "utility", target.column, part)
        predictions[part] = learn(trial, target, view.matrix(some), target.values(some), x_test, seed=seed)
    return _compare(trial, target, truth[ok], predictions["synthetic"], predictions["learning"], n)


def _compare(
    trial: Trial, target: TargetColumn, truth: FloatArray, synthetic: FloatArray, real: FloatArray, rows: int
) -> Transfer:
    of_synthetic = weighted_score(target.task, target.n_classes, truth, synthetic)
    of_real = weighted_score(target.task, target.n_classes, truth, real)
    rng = stream(trial.seed, "metrics", "utility", "bootstrap", target.column)

    def both(weights: FloatArray) -> FloatArray:
        return np.array([of_synthetic(weights), of_real(weights)])

    draws = bootstrap_statistic(len(truth), rng, both, REPEATS)
    (value, best), floor = both(np.ones(len(truth))).tolist(), floor_of(target.task)
    kept = float(_share_kept(value, best, floor))
    return Transfer(
        target=target,
        synthetic=value,
        real=best,
        synthetic_interval=middle(draws[:, 0], value),
        loss_interval=middle(draws[:, 1] - draws[:, 0], best - value),
        kept=kept,
        kept_interval=middle(_share_kept(draws[:, 0], draws[:, 1], floor), kept),
        rows=rows,
    )


def _share_kept(value: npt.ArrayLike, best: npt.ArrayLike, floor: float) -> FloatArray:
    # Skill below chance is no skill; where real rows have next to none the share is left at 0 to 1.5.
    above, possible = np.asarray(value) - floor, np.asarray(best) - floor
    return np.clip(np.maximum(above, 0.0) / np.maximum(possible, 1e-9), 0.0, 1.5)


def utility(
    trial: Trial, *, targets: list[TargetColumn] | None = None, rows: int = ROWS, test_rows: int = TEST_ROWS
) -> list[Result]:
    """Train on synthetic, test on real: ``utility.kept``, and a target's ``utility.tstr``, ``utility.loss``.

    With a named target that one, else up to four columns that real rows predict best (`best_targets`); their
    results carry the column in the name (``utility.tstr.age``). ``utility.tstr`` is the score (area under the
    ROC curve, mean of one-against-rest with more than two classes; R2) of LightGBM trained on synthetic rows;
    reference: trained on equally many real rows; floor: chance. ``utility.loss`` is the difference with a
    paired bootstrap interval over the test rows. ``utility.kept`` is the mean share of real skill kept,
    ``(tstr - chance) / (trtr - chance)``.

    Verdict on the share kept: good from `GOOD_KEPT`, fair from `FAIR_KEPT`, else poor. Unclear when real rows
    predict no better than chance (`LEAST_SKILL`) or the interval spans from good to poor.
    """
    if targets is None:
        targets = chosen_targets(trial)
    found = [t for t in (transfer(trial, target, rows, test_rows) for target in targets) if t is not None]
    if not found:
        return []
    results = [_kept_result(trial, found)]
    for t in found:
        suffix = "" if t.target.column == trial.target else f".{t.target.column}"
        results += _target_results(trial, t, suffix)
    return results


def chosen_targets(trial: Trial) -> list[TargetColumn]:
    """The named target if it can be predicted at all, else the columns that real rows predict best."""
    if len(trial.columns) < 2:
        return []
    if trial.target is not None:
        named = target_of(trial.schema[trial.target], trial.train.column(trial.target))
        return [] if named is None or not varies(trial, named) else [named]
    return [target for target, _ in best_targets(trial)]


def varies(trial: Trial, target: TargetColumn) -> bool:
    """Whether the test rows hold two values of the target, without which no model can be tested."""
    truth = target.values(trial.test)
    return len(np.unique(truth[~np.isnan(truth)])) > 1


def why_not(trial: Trial) -> str:
    """Why nothing can be said of predicting the named target, or any column, without final stop."""
    if trial.target is None:
        return "no column can be predicted from the others"
    if len(trial.columns) < 2:
        return f"there is no other column to predict {trial.target!r} from"
    named = target_of(trial.schema[trial.target], trial.train.column(trial.target))
    if named is None:
        return (
            f"fewer than two values of {trial.target!r} are frequent enough in the real rows to be predicted"
        )
    where = "hold-out rows" if trial.independent_test else "half of the real rows that is left to test on"
    return f"the {where} hold fewer than two values of {trial.target!r} that the real rows hold as well"


def verdict_of(kept: float, interval: tuple[float, float], skill: float) -> Verdict:
    """Verdict on the share of real skill kept; see `utility`."""
    if skill < LEAST_SKILL or (interval[0] < FAIR_KEPT and interval[1] >= GOOD_KEPT):
        return "unclear"
    return "good" if kept >= GOOD_KEPT else "fair" if kept >= FAIR_KEPT else "poor"


def _kept_result(trial: Trial, found: list[Transfer]) -> Result:
    kept = float(np.mean([t.kept for t in found]))
    # Targets share their test rows, so their errors are not independent: intervals are averaged, not pooled.
    low, high = (float(np.mean([t.kept_interval[side] for t in found])) for side in (0, 1))
    skill = float(np.mean([t.skill for t in found]))
    what = repr(found[0].target.column) if len(found) == 1 else f"{len(found)} columns"
    verdict = verdict_of(kept, (low, high), skill)
    if skill < LEAST_SKILL:
        sentence = (
            f"Even real rows predict {what} hardly better than chance, so usefulness cannot be judged there"
        )
    else:
        sentence = (
            f"A model trained on synthetic rows predicts {what} of real rows with {percent(min(kept, 1.0))} "
            "of the skill of one trained on as many real rows"
        )
    return result_of(
        "utility.kept",
        kept,
        sentence + "." + trial.seen_note,
        low=low,
        high=high,
        reference=1.0,
        floor=0.0,
        verdict=verdict,
        detail={"targets": [t.target.column for t in found]},
    )


def _target_results(trial: Trial, t: Transfer, suffix: str) -> list[Result]:
    verdict = verdict_of(t.kept, t.kept_interval, t.skill)
    column, measure = t.target.column, t.measure
    words = {"column": column, "measure": measure}
    detail = {
        "target": column,
        "measure": measure,
        "task": t.target.task,
        "classes": list(t.target.classes),
        "rows": t.rows,
        "kept": t.kept,
    }
    return [
        result_of(
            "utility.tstr" + suffix,
            t.synthetic,
            f"Trained on synthetic rows a model predicts {column!r} of real rows with {measure} "
            f"{t.synthetic:.3f}; trained on as many real rows, with {t.real:.3f} "
            f"(chance: {floor_of(t.target.task):g})." + trial.seen_note,
            words=words,
            low=t.synthetic_interval[0],
            high=t.synthetic_interval[1],
            reference=t.real,
            floor=floor_of(t.target.task),
            verdict=verdict,
            headline=not suffix,
            detail=detail,
        ),
        result_of(
            "utility.loss" + suffix,
            t.real - t.synthetic,
            f"Training on synthetic rows costs {t.real - t.synthetic:.3f} points of {measure} in "
            f"predicting {column!r} (95 % interval {t.loss_interval[0]:.3f} to {t.loss_interval[1]:.3f}).",
            words=words,
            low=t.loss_interval[0],
            high=t.loss_interval[1],
            reference=0.0,
            floor=t.real - floor_of(t.target.task),
            verdict=verdict,
            detail=detail,
        ),
    ]
