"""Ways to train on real and synthetic rows, and how well each does on test rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.evaluation.learn.boosting import Task, grow
from locum.evaluation.scores import score_of
from locum.models.smote import smote

if TYPE_CHECKING:
    import pyarrow as pa

    from locum.evaluation.learn.features import FeatureView
    from locum.evaluation.target import TargetColumn

#: Synthetic rows per real row, and weights of a synthetic row, that are tried in every combination.
RATIOS, WEIGHTS = (0.5, 1.0, 2.0, 5.0), (0.3, 1.0)
#: Real rows beyond which the largest ratio is left out, so that the cost stays bounded.
SMALL = 5_000
ROUNDS, LEAF = 100, 20
#: Minority rows that SMOTE looks for neighbours among.
MINORITY = 3_000
BINS = 10
#: Name of the rival that keeps the model and moves its threshold.
THRESHOLD = "threshold at the class share"


@dataclass(frozen=True, slots=True)
class Mix:
    """So many synthetic rows per real row, each of that weight."""

    ratio: float
    weight: float

    @property
    def name(self) -> str:
        """What the mix is called."""
        return f"{self.ratio:.3g} x synthetic, weight {self.weight:g}"

    @property
    def share(self) -> float:
        """Share of the training weight that synthetic rows carry."""
        return self.ratio * self.weight / (1 + self.ratio * self.weight)


def mixes(real: int, available: int | None = None) -> tuple[Mix, ...]:
    """The mixes to try beside `real` rows, with no more synthetic rows than are `available`.

    Where a file holds fewer than the smallest ratio wants, all of it is the only amount.
    """
    most = float("inf") if available is None else available / real
    ratios = [r for r in (RATIOS if real <= SMALL else RATIOS[:-1]) if r <= most] or [most]
    return tuple(Mix(r, w) for r in ratios for w in WEIGHTS)


@dataclass(frozen=True, slots=True)
class Block:
    """Rows as features and truth; shapes (n, d) and (n,)."""

    x: FloatArray
    y: FloatArray

    @classmethod
    def of(cls, view: FeatureView, target: TargetColumn, table: pa.Table) -> Block:
        """The rows of a table whose target is known."""
        y = target.values(table)
        known = ~np.isnan(y)
        return cls(view.matrix(table)[known], y[known])

    def take(self, rows: npt.NDArray[np.intp]) -> Block:
        """Some of the rows."""
        return Block(self.x[rows], self.y[rows])

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True, slots=True)
class Goal:
    """What is learned: kind of task, number of classes, and which features are level codes."""

    task: Task
    n_classes: int
    categorical: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Predictions on the test rows and what they score."""

    prediction: FloatArray
    score: float
    calibration: float | None
    balanced: float | None


def train_and_test(
    task: Goal,
    real: Block,
    extra: Block | None,
    weight: float,
    test: Block,
    seed: int,
    *,
    balance: bool = False,
) -> Outcome:
    """Fit boosted trees on real rows and `extra` rows of `weight` each, and score them on test rows.

    With `balance` every class carries the same total weight. Cost: one LightGBM fit.
    """
    x, y, w = real.x, real.y, np.ones(len(real))
    if extra is not None and len(extra):
        x, y = np.vstack([x, extra.x]), np.r_[y, extra.y]
        w = np.r_[w, np.full(len(extra), weight)]
    if balance:
        totals = np.bincount(y.astype(int), weights=w, minlength=task.n_classes)
        w = w * (w.sum() / (np.count_nonzero(totals) * np.maximum(totals, 1e-12)))[y.astype(int)]
    # Rows per leaf go by the real rows, the same for every arm: more rows must not mean finer trees.
    leaf = min(LEAF, max(3, len(real) // 20))
    forest = grow(
        x,
        y,
        task.task,
        categorical=task.categorical,
        seed=seed,
        n_classes=task.n_classes,
        rounds=ROUNDS,
        leaf=leaf,
        weight=w,
    )
    p = forest.predict(test.x)
    score = score_of(task.task, task.n_classes, test.y, p)
    if task.task != "binary":
        return Outcome(p, score, None, None)
    return Outcome(p, score, calibration_error(test.y, p), balanced_accuracy(test.y, p))


def calibration_error(truth: FloatArray, p: FloatArray, bins: int = BINS) -> float:
    """Expected calibration error: mean distance of predicted and true shares over equal-width bins."""
    cell = np.minimum((p * bins).astype(int), bins - 1)
    n = np.bincount(cell, minlength=bins)
    gap = np.abs(np.bincount(cell, p, bins) - np.bincount(cell, truth, bins))
    return float(gap.sum() / max(n.sum(), 1))


def balanced_accuracy(truth: FloatArray, p: FloatArray, threshold: float = 0.5) -> float:
    """Mean of the two classes' shares that are predicted right at a threshold."""
    rates = [float(((p >= threshold) == k)[truth == k].mean()) for k in (0, 1) if (truth == k).any()]
    return float(np.mean(rates)) if rates else 0.5


def at_share(outcome: Outcome, truth: FloatArray, share: float) -> Outcome:
    """The same predictions, called positive from the positive class's share of the learning rows upwards.

    Neither the score nor the calibration changes; balanced accuracy does, as under class weights, at no cost.
    """
    return replace(outcome, balanced=balanced_accuracy(truth, outcome.prediction, share))


def oversample(task: Goal, rows: Block, rng: np.random.Generator) -> Block:
    """Rows of the smaller classes by SMOTE, as many as make all classes equally frequent.

    Numbers are divided by their spread in the class. Neighbours are looked for among at most `MINORITY` rows.
    """
    counts = np.bincount(rows.y.astype(int), minlength=task.n_classes)
    parts = []
    for k in range(task.n_classes):
        missing, members = int(counts.max() - counts[k]), np.flatnonzero(rows.y == k)
        if missing < 1 or len(members) < 2:
            continue
        if len(members) > MINORITY:
            members = rng.choice(members, MINORITY, replace=False)
        x = rows.x[members]
        spread = np.array([np.nanstd(column) if np.isfinite(column).any() else 0.0 for column in x.T])
        scale = np.where(spread > 0, spread, 1.0)
        made = smote(x, missing, rng, categorical=task.categorical, scale=scale)
        parts.append(Block(made, np.full(missing, float(k))))
    if not parts:
        return Block(np.empty((0, rows.x.shape[1])), np.empty(0))
    return Block(np.vstack([p.x for p in parts]), np.concatenate([p.y for p in parts]))
