"""What is to be predicted: a column as labels or numbers, and the choice of columns when none is named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from locum.arrays import FloatArray
from locum.evaluation.learn.boosting import ROUNDS, Task, grow
from locum.evaluation.learn.cells import level_codes, levels_of, numeric, texts
from locum.evaluation.scores import score_of
from locum.evaluation.trial import Trial
from locum.randomness import child_seed, stream
from locum.schema.column import Column

if TYPE_CHECKING:
    import pyarrow as pa


#: Classes kept apart; the rest, and classes of fewer than LEAST train rows, are one class together.
MAX_CLASSES, LEAST = 12, 10
#: Without a named target: columns tried, rows and rounds of a try, and how many are chosen.
TRIED, TRY_ROWS, TRY_ROUNDS, CHOSEN = 24, 3_000, 30, 4
#: Boosting rounds times classes at most, and at least this many rounds.
CLASS_ROUNDS, LEAST_ROUNDS = 400, 40
#: Rounds times classes of a try at most.
TRY_TREES = 90
#: A column this well predicted (1 is perfect) is a function of the others and no test of anything.
TRIVIAL = 0.95
#: Share of the values at either end of a column of numbers whose size does not count.
OUTER = 0.005
#: A column must be predictable at least this well to be chosen.
USABLE = 0.10


@dataclass(frozen=True, slots=True)
class TargetColumn:
    """One column to predict.

    Attributes
    ----------
    column
        Its name.
    task
        ``binary``, ``multiclass`` or ``regression``.
    classes
        Labels (texts) of the classes; rarer ones belong to the class after the last, if ``pooled``.
    ends
        Of a regression: values beyond count as these, lest a single row (a total, say) decide the score.
    """

    column: str
    task: Task
    classes: tuple[str, ...] = ()
    pooled: bool = False
    ends: tuple[float, float] = (-np.inf, np.inf)

    @property
    def n_classes(self) -> int:
        """Number of classes; 0 for a regression."""
        return len(self.classes) + self.pooled

    @property
    def rounds(self) -> int:
        """Boosting rounds to learn it: fewer with many classes, since each round grows a tree a class."""
        if self.task != "multiclass":
            return ROUNDS
        return min(ROUNDS, max(LEAST_ROUNDS, CLASS_ROUNDS // self.n_classes))

    def values(self, table: pa.Table) -> FloatArray:
        """Class numbers or finite values, NaN where there is nothing to learn from; shape (n_rows,)."""
        import pyarrow.compute as pc

        column = table.column(self.column)
        if self.task == "regression":
            numbers = numeric(column)
            return np.where(np.isfinite(numbers), np.clip(numbers, *self.ends), np.nan)
        codes = level_codes(texts(column), self.classes).astype(np.float64)
        if not self.pooled:
            codes[codes == len(self.classes)] = np.nan
        codes[np.asarray(pc.is_null(column).to_numpy(), dtype=bool)] = np.nan
        return codes


def target_of(column: Column, real: pa.ChunkedArray) -> TargetColumn | None:
    """How to predict a column, or None when there is nothing to predict.

    Labels and ordered columns of two values are classified; other ordered columns are regressed. None for
    ids, text and PII, and for columns with fewer than two values that at least `LEAST` rows have (regression:
    fewer than three distinct values).
    """
    if column.regenerated:
        return None
    if column.ordered:
        known = numeric(real)
        distinct = np.unique(known[np.isfinite(known)])
        if len(distinct) > 2:
            return TargetColumn(column.name, "regression", ends=_ends(known))
    levels = levels_of(real)
    import pyarrow.compute as pc

    counts = np.bincount(level_codes(texts(real.drop_null()), levels), minlength=len(levels) + 2)
    kept = tuple(
        level
        for i, level in enumerate(levels[:MAX_CLASSES])
        if counts[i] >= min(LEAST, pc.count(real).as_py() // 4)
    )
    if len(levels) < 2 or not kept:
        return None
    rest = len(levels) - len(kept)
    pooled = rest > 1 or (rest == 1 and len(kept) == 1)
    if rest == 1 and not pooled:
        kept, pooled = levels, False
    n_classes = len(kept) + pooled
    return TargetColumn(column.name, "binary" if n_classes == 2 else "multiclass", kept, pooled)


def _ends(values: FloatArray) -> tuple[float, float]:
    """What all but the `OUTER` share of the values at either end lie between, if these ends differ."""
    low, high = np.quantile(values[np.isfinite(values)], [OUTER, 1 - OUTER], method="closest_observation")
    return (float(low), float(high)) if low < high else (-np.inf, np.inf)


def best_targets(trial: Trial, limit: int = CHOSEN) -> list[tuple[TargetColumn, float]]:
    """The columns that real rows predict best, with their scores (0 chance, 1 perfect); best first.

    Up to `TRIED` columns (fewer on wide tables) are tried with small models on real rows only; columns that
    are functions of others (`TRIVIAL`, or by the schema's dependencies) or hardly predictable (`USABLE`) are
    left out.
    """
    return _tried(trial, USABLE, TRIVIAL)[:limit]


def _tried(trial: Trial, least: float, below: float) -> list[tuple[TargetColumn, float]]:
    """Columns whose skill, with small models of real rows, lies in a range; best first."""
    rng = stream(trial.seed, "metrics", "targets")
    columns = list(trial.columns)
    tried, rows = trial.budget(TRIED, 8), trial.budget(TRY_ROWS, 1_000)
    if len(columns) > tried:
        columns = [columns[i] for i in np.sort(rng.choice(len(columns), size=tried, replace=False))]
    learning, test = trial.sample("learning", rows, "try"), trial.sample("test", rows, "try")
    x_learning, x_test = trial.features.matrix(learning), trial.features.matrix(test)
    bound = {name for d in trial.schema.dependencies for name in (d.determinant, d.dependent)}
    found = []
    for column in columns:
        target = target_of(column, trial.train.column(column.name))
        if target is None or column.name in bound or len(trial.columns) < 2:
            continue
        y, truth = target.values(learning), target.values(test)
        seed = child_seed(trial.seed, "utility", target.column, "try")
        rounds = min(TRY_ROUNDS, max(8, TRY_TREES // max(1, target.n_classes)))
        prediction = learn(trial, target, x_learning, y, x_test, seed=seed, rounds=rounds)
        ok = ~np.isnan(truth)
        score = score_of(target.task, target.n_classes, truth[ok], prediction[ok])
        skill = score if target.task == "regression" else 2 * score - 1
        if least <= skill < below:
            found.append((target, float(skill)))
    return sorted(found, key=lambda pair: -pair[1])


def trivial_targets(trial: Trial, limit: int = CHOSEN) -> list[TargetColumn]:
    """Columns that follow almost exactly from the others, best first; for tables that have no other targets.

    Whether synthetic rows keep such a bond can be tested, though a model of them is no test of anything else.
    """
    return [target for target, _ in _tried(trial, TRIVIAL, 1.0 + 1e-9)][:limit]


def learn(
    trial: Trial,
    target: TargetColumn,
    x: FloatArray,
    y: FloatArray,
    x_test: FloatArray,
    *,
    seed: int,
    rounds: int | None = None,
    leaf: int = 20,
) -> FloatArray:
    """Predictions for `x_test` of trees that learned `target` from `x` without the target's own column."""
    at = trial.features.names.index(target.column)
    keep = [j for j in range(x.shape[1]) if j != at]
    ok = ~np.isnan(y)
    forest = grow(
        x[ok][:, keep],
        y[ok],
        target.task,
        categorical=[keep.index(j) for j in trial.features.categorical if j != at],
        seed=seed,
        n_classes=target.n_classes,
        rounds=target.rounds if rounds is None else rounds,
        leaf=leaf,
    )
    return forest.predict(x_test[:, keep])
