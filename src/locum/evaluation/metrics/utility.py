"""Usefulness: models trained on synthetic rows against models trained on real rows, tested on real rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.evaluation.claim import Claim, normal_tail
from locum.evaluation.intervals import Z95, bootstrap_statistic, middle
from locum.evaluation.metrics.training_draw import training_error
from locum.evaluation.registry import result_of
from locum.evaluation.result import Result
from locum.evaluation.scores import floor_of, weighted_score
from locum.evaluation.target import TRIVIAL, TargetColumn, best_targets, learn, target_of, trivial_targets
from locum.evaluation.trial import Trial, thin
from locum.randomness import child_seed, stream
from locum.wording import percent

#: Rows to learn from and to test on at most; fewer to learn from for a target of many classes.
ROWS, TEST_ROWS = 40_000, 15_000
#: On wide tables (`Trial.budget`) no fewer rows to learn from than this.
LEAST_ROWS = 6_000
REPEATS = 100
#: Skill of the model trained on real rows (0 chance, 1 perfect) below which nothing can be said.
LEAST_SKILL = 0.05


@dataclass(frozen=True, slots=True)
class Transfer:
    """One target predicted from synthetic and from real rows.

    Scores are areas under the ROC curve or R2; intervals are 95 % bootstrap intervals over the test rows,
    paired for loss (real minus synthetic) and kept (share of the skill above chance). Those of loss and kept
    also hold the chance in the rows to learn from (`training_error`), and so does `skill_low`, the low end
    of the skill that real rows give.
    """

    target: TargetColumn
    synthetic: float
    real: float
    synthetic_interval: tuple[float, float]
    loss_interval: tuple[float, float]
    kept: float
    kept_interval: tuple[float, float]
    rows: int
    skill_low: float = 1.0

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
    predictions, error = {}, 0.0
    for part, table in (("learning", trial.learning), ("synthetic", trial.synthetic)):
        some = thin(table, n, stream(trial.seed, "metrics", "utility", part))
        seed = child_seed(trial.seed, "utility", target.column, part)
        x, y = view.matrix(some), target.values(some)
        predictions[part] = learn(trial, target, x, y, x_test, seed=seed)
        if part == "learning":
            error = training_error(trial, target, x, y, x_test, truth[ok])
    return _compare(trial, target, truth[ok], predictions["synthetic"], predictions["learning"], n, error)


def _compare(
    trial: Trial,
    target: TargetColumn,
    truth: FloatArray,
    synthetic: FloatArray,
    real: FloatArray,
    rows: int,
    error: float,
) -> Transfer:
    of_synthetic = weighted_score(target.task, target.n_classes, truth, synthetic)
    of_real = weighted_score(target.task, target.n_classes, truth, real)
    rng = stream(trial.seed, "metrics", "utility", "bootstrap", target.column)

    def both(weights: FloatArray) -> FloatArray:
        return np.array([of_synthetic(weights), of_real(weights)])

    draws = bootstrap_statistic(len(truth), rng, both, REPEATS)
    (value, best), floor = both(np.ones(len(truth))).tolist(), floor_of(target.task)
    kept = float(_share_kept(value, best, floor))
    # Both models have seen rows of their own.
    room = Z95 * float(np.sqrt(2)) * error
    share = room / max(best - floor, 1e-9)
    least = middle(draws[:, 1], best)[0]
    return Transfer(
        target=target,
        synthetic=value,
        real=best,
        synthetic_interval=middle(draws[:, 0], value),
        loss_interval=_wider(middle(draws[:, 1] - draws[:, 0], best - value), best - value, room),
        kept=kept,
        kept_interval=_wider(middle(_share_kept(draws[:, 0], draws[:, 1], floor), kept), kept, share),
        rows=rows,
        skill_low=(best - float(np.hypot(best - least, Z95 * error)) - floor) / (1 - floor),
    )


def _wider(interval: tuple[float, float], value: float, room: float) -> tuple[float, float]:
    """An interval with more chance, independent of that which it holds."""
    low, high = interval
    return value - float(np.hypot(value - low, room)), value + float(np.hypot(high - value, room))


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

    Claim: the share of the skill lost. None when the interval of what real rows predict reaches down to
    chance (`LEAST_SKILL`): there is nothing to learn then.
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
    return [target for target, _ in best_targets(trial)] or trivial_targets(trial)


def varies(trial: Trial, target: TargetColumn) -> bool:
    """Whether the test rows hold two values of the target, without which no model can be tested."""
    truth = target.values(trial.test)
    return len(np.unique(truth[~np.isnan(truth)])) > 1


def why_not(trial: Trial) -> str:
    """Why nothing can be said of predicting the named target, or any column, without final stop."""
    if trial.target is None and len(trial.columns) < 2:
        return "there are no two columns, one to be predicted and one to predict it from"
    if trial.target is None:
        return "no column that was tried can be predicted from the others"
    if len(trial.columns) < 2:
        return f"there is no other column to predict {trial.target!r} from"
    named = target_of(trial.schema[trial.target], trial.train.column(trial.target))
    if named is None:
        return (
            f"fewer than two values of {trial.target!r} are frequent enough in the real rows to be predicted"
        )
    where = "hold-out rows" if trial.independent_test else "half of the real rows that is left to test on"
    return f"the {where} hold fewer than two values of {trial.target!r} that the real rows hold as well"


def _kept_result(trial: Trial, found: list[Transfer]) -> Result:
    kept = float(np.mean([t.kept for t in found]))
    # Targets share their test rows, so their errors are not independent: intervals are averaged, not pooled.
    low, high = (float(np.mean([t.kept_interval[side] for t in found])) for side in (0, 1))
    able = [t for t in found if t.skill_low >= LEAST_SKILL]
    what = repr(found[0].target.column) if len(found) == 1 else f"{len(found)} columns"
    if len(able) < len(found):
        low, high = 0.0, max(high, kept)
        sentence = (
            f"There is nothing to learn here: even real rows predict {what} hardly better than chance, so "
            "nothing can be lost"
        )
    else:
        sentence = (
            f"A model trained on synthetic rows predicts {what} of real rows with {percent(min(kept, 1.0))} "
            "of the skill of one trained on as many real rows"
        )
        if trial.target is None and all(t.skill >= TRIVIAL for t in found):
            sentence = f"Every column that was tried follows almost exactly from others. {sentence}"
    return result_of(
        "utility.kept",
        kept,
        sentence + "." + trial.seen_note,
        low=low,
        high=high,
        reference=1.0,
        floor=0.0,
        claims=(_claim(kept, low, high),) if len(able) == len(found) else (),
        detail={"targets": [t.target.column for t in found]},
    )


def _claim(kept: float, low: float, high: float) -> Claim:
    error = max((high - low) / (2 * Z95), 1e-9)
    return Claim("skill", 1 - kept, 1 - high, 1 - low, normal_tail((1 - kept) / error))


def _target_results(trial: Trial, t: Transfer, suffix: str) -> list[Result]:
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
            detail=detail,
        ),
    ]
