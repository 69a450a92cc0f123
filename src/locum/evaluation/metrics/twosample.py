"""The two-sample test: whether trees can tell synthetic rows from real ones, and by which columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from locum.arrays import FloatArray
from locum.evaluation.claim import Claim, normal_tail
from locum.evaluation.intervals import Z95, auc_error, auc_interval
from locum.evaluation.learn.boosting import grow
from locum.evaluation.registry import result_of
from locum.evaluation.result import Result
from locum.evaluation.trial import Trial, spread
from locum.randomness import child_seed, stream
from locum.wording import in_hundred

#: Rows a side; on wide tables fewer (`Trial.budget`), but no fewer than LEAST.
ROWS, LEAST = 15_000, 3_000
#: Rows a side with which reference and floor are measured.
ANCHOR_ROWS = 3_000
FOLDS = 3
#: Scores of folds depend on one another (each judge has seen the other folds), so DeLong's interval is too
#: narrow; measured on fresh rows, 100 to 2,500 a side: the area spreads 1.2 to 1.3 times as much as it says.
WIDER = 1.3
#: On fewer rows a side than this the judge gets more of them to learn from: folds and least rows of a leaf.
SMALL, SMALL_FOLDS, SMALL_LEAF, LEAF = 2_000, 5, 10, 20
#: Fewer rows a side than this cannot carry a verdict.
TOO_FEW = 50
#: The way to the floor is used only when it is at least this long and SURE standard errors.
LEAST_WAY, SURE = 0.04, 4.0


@dataclass(frozen=True, slots=True)
class Anchors:
    """What real rows (reference) and shuffled columns (floor) score in the synthetic rows' place.

    Attributes
    ----------
    reference_low, reference_high
        95 % interval of the reference: above one half when train and hold-out are of different populations.
    telling
        Columns by which the judge tells train from hold-out, the most telling first.
    """

    reference: float
    floor: float
    rows: int
    reference_low: float = 0.0
    reference_high: float = 1.0
    telling: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """Outcome of one two-sample test.

    Attributes
    ----------
    area, low, high
        Area under the ROC curve out of fold, with its 95 % interval.
    gains
        Share of the judge's gain that each column brought, shape (n_columns,).
    rows
        Rows a side.
    """

    area: float
    low: float
    high: float
    gains: FloatArray
    rows: int


def judge(trial: Trial, real: FloatArray, synthetic: FloatArray, rows: int, *names: str) -> Judgement:
    """Train boosted trees on `real` against as many `synthetic` rows; 3 folds, scores out of fold.

    At most `rows` rows a side, drawn at random. Below `SMALL` rows 5 folds and smaller leaves, with which
    the judge sees more (Adult, 500 rows a side: shuffled columns score 0.93 instead of 0.91). Fewer than
    `FOLDS` rows a side: area 0.5 with interval (0, 1). Cost on one core: about 0.6 s for 2 x 12,000 rows and
    15 columns.
    """
    rng = stream(trial.seed, "metrics", "c2st", *names)
    n = min(len(real), len(synthetic), rows)
    d = real.shape[1]
    if n < FOLDS:
        return Judgement(0.5, 0.0, 1.0, np.zeros(d), n)
    x = np.concatenate([a[rng.choice(len(a), size=n, replace=False)] for a in (real, synthetic)])
    y = np.repeat([0, 1], n)
    folds, leaf = (FOLDS, LEAF) if n >= SMALL else (min(SMALL_FOLDS, n), SMALL_LEAF)
    fold = np.concatenate([spread(folds, n, rng), spread(folds, n, rng)])
    score, gains = np.zeros(2 * n), np.zeros(d)
    for k in range(folds):
        train = fold != k
        forest = grow(
            x[train],
            y[train],
            "binary",
            categorical=trial.features.categorical,
            seed=child_seed(trial.seed, "c2st", *names, k),
            leaf=leaf,
        )
        score[~train] = forest.predict(x[~train])
        gains += forest.gains(d) / folds
    area, low, high = auc_interval(score[y == 1], score[y == 0])
    low, high = max(0.0, area - WIDER * (area - low)), min(1.0, area + WIDER * (high - area))
    return Judgement(area, low, high, gains, n)


def anchors(trial: Trial, rows: int = ANCHOR_ROWS) -> Anchors | None:
    """Measure reference and floor; None without real test rows to measure them on."""
    if trial.test.num_rows < FOLDS:
        return None
    view, rows = trial.features, trial.budget(rows, rows // 3)
    real, train = view.matrix(trial.test), view.matrix(trial.sample("learning", rows, "anchor"))
    shuffled = train.copy()
    rng = stream(trial.seed, "metrics", "c2st", "shuffle")
    for j in range(shuffled.shape[1]):
        shuffled[:, j] = shuffled[rng.permutation(len(shuffled)), j]
    same = judge(trial, real, train, rows, "reference")
    floor = judge(trial, real, shuffled, rows, "floor")
    names = [c.name for c in trial.columns]
    telling = tuple(names[i] for i in np.argsort(-same.gains, kind="stable")[:3] if same.gains[i] > 0.05)
    return Anchors(same.area, floor.area, same.rows, same.low, same.high, telling)


def c2st(trial: Trial, *, rows: int | None = None, known: Anchors | None = None) -> list[Result]:
    """Classifier two-sample test, ``c2st`` (Lopez-Paz and Oquab, arXiv 1610.06545), with boosted trees.

    LightGBM with default settings learns to tell hold-out rows from equally many synthetic ones; the value is
    the area under the ROC curve over 3 folds out of fold: the chance that it picks the synthetic one out of
    one real and one synthetic row. 0.5 is best. The 95 % interval is DeLong's, made `WIDER`. Reference: the
    same with train rows for synthetic ones; floor: with shuffled train rows; both on `ANCHOR_ROWS` rows a
    side unless `known`.

    Claims: the area against one half (against that of train rows, where hold-out and train are not alike);
    and the share of the way from train rows to shuffled columns, where the floor is clearly above the
    reference (`LEAST_WAY`, `SURE` standard errors). None with fewer than `TOO_FEW` rows a side.
    Cost: see `judge`.
    """
    if not trial.columns:
        return []
    rows = trial.budget(ROWS, LEAST) if rows is None else rows
    known = known or anchors(trial)
    view = trial.features
    found = judge(trial, view.matrix(trial.test), view.matrix(trial.rows("synthetic")), rows, "value")
    names = [c.name for c in trial.columns]
    order = [int(i) for i in np.argsort(-found.gains, kind="stable")]
    sentence = (
        f"Shown one real and one synthetic row, a trained judge picks the synthetic one "
        f"{in_hundred(found.area)} times in 100 (50 is guessing"
    )
    if known is not None:
        sentence += f"; against shuffled columns it scores {in_hundred(max(known.floor, 0.5))}"
    sentence += ")"
    if found.low > 0.5:
        telling = [f"{names[i]!r}" for i in order[:3] if found.gains[i] > 0.02]
        sentence += f"; it goes mostly by {', '.join(telling)}" if telling else ""
    if found.rows < TOO_FEW:
        sentence = f"With {found.rows} rows a side a judge cannot be trained well enough to say anything"
    return [
        result_of(
            "c2st",
            found.area,
            sentence + "." + trial.seen_note,
            low=found.low,
            high=found.high,
            reference=known.reference if known else None,
            floor=known.floor if known else None,
            claims=_claims(found, known),
            detail={
                "rows_a_side": found.rows,
                "giveaways": [{"column": names[i], "gain": float(found.gains[i])} for i in order],
            },
        )
    ]


def _claims(found: Judgement, known: Anchors | None) -> tuple[Claim, ...]:
    if found.rows < TOO_FEW:
        return ()
    chance = max(0.5, known.reference_low) if known is not None else 0.5
    error = max((found.high - found.low) / (2 * Z95), 1e-9)
    p = normal_tail((found.area - chance) / error)
    claims = [Claim("judge", found.area, found.low, found.high, p)]
    if known is not None:
        start = max(known.reference, 0.5)
        way = known.floor - start
        if way >= max(LEAST_WAY, SURE * auc_error(known.floor, known.rows, known.rows)):
            effect, low, high = ((x - start) / way for x in (found.area, found.low, found.high))
            claims.append(Claim("judge's way", effect, low, high, p))
    return tuple(claims)
