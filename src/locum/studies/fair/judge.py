"""Models trained on rows before and after a repair, tested on the same rows: gaps, their noise, and skill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from locum.arrays import FloatArray, IntArray
from locum.evaluation.intervals import bootstrap_statistic, middle
from locum.evaluation.learn.boosting import grow
from locum.evaluation.learn.features import FeatureView
from locum.evaluation.metrics.fairness.noise import RATES, Beyond, beyond_chance
from locum.evaluation.metrics.fairness.rates import PARITIES, count
from locum.evaluation.scores import weighted_auc
from locum.randomness import child_seed, stream
from locum.studies.fair.setting import Setting

if TYPE_CHECKING:
    import pyarrow as pa

#: Test rows of a group below which it is not judged, and of either outcome in it where nothing else is asked.
LEAST, LEAST_EITHER = 30, 30
#: Rows that models learn from at most.
ROWS = 40_000
#: What is measured of models, in this order.
MEASURES = ("demographic_parity", "equalized_odds", "equal_opportunity", "auc", "accuracy")


@dataclass(frozen=True, slots=True)
class GapEstimate:
    """A number with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """Test rows with what two models say of them; shapes (n,), groups -1 where there is none."""

    truth: FloatArray
    before: FloatArray
    after: FloatArray
    group: IntArray

    @classmethod
    def joined(cls, parts: Sequence[ScoredRows]) -> ScoredRows:
        """Rows of several folds together."""
        return cls(
            *(np.concatenate([getattr(p, f) for p in parts]) for f in ("truth", "before", "after", "group"))
        )


@dataclass(frozen=True, slots=True)
class JudgedGaps:
    """Gaps and skill of both models.

    Attributes
    ----------
    values
        By measure: before, after, change; intervals by bootstrap of the test rows.
    beyond
        By parity: the gap before and after that is not made by the small numbers of test rows.
    rates
        By group: test rows, those of either outcome, and both models' rates. Groups that are not judged too.
    left_out
        Groups with too few test rows.
    """

    values: Mapping[str, tuple[GapEstimate, GapEstimate, GapEstimate]]
    beyond: Mapping[str, tuple[Beyond, Beyond]]
    rates: tuple[Mapping[str, Any], ...]
    left_out: tuple[str, ...]


def score_rows(before: pa.Table, after: pa.Table, test: pa.Table, setting: Setting, seed: int) -> ScoredRows:
    """Train LightGBM with default settings on both tables and score the test rows that have a label."""
    import pyarrow as pa

    columns = setting.features
    names = [c.name for c in columns]
    view = FeatureView.learn(columns, pa.concat_tables([before.select(names), test.select(names)]))
    label, group = setting.label(test), setting.group(test)
    ok = label >= 0
    x = view.matrix(test)[ok]
    scores = []
    for table in (before, after):
        y, rng = setting.label(table), stream(seed, "fair", "learn")
        rows = rng.permutation(np.flatnonzero(y >= 0))[:ROWS]
        forest = grow(
            view.matrix(table.take(pa.array(rows))),
            (y[rows] == setting.positive).astype(np.float64),
            "binary",
            categorical=view.categorical,
            seed=child_seed(seed, "fair", "judge"),
        )
        scores.append(forest.predict(x))
    return ScoredRows((label[ok] == setting.positive).astype(np.float64), scores[0], scores[1], group[ok])


def judge(rows: ScoredRows, names: Sequence[str], least: int, seed: int) -> JudgedGaps:
    """Compare both models on the groups that have enough test rows of either outcome."""
    kept: list[int] = []
    left: list[str] = []
    for g, name in enumerate(names):
        mine = rows.truth[rows.group == g]
        enough = len(mine) >= LEAST and min(mine.sum(), len(mine) - mine.sum()) >= least
        if enough:
            kept.append(g)
        else:
            left.append(name)
    place = np.full(len(names) + 1, len(kept), dtype=np.int64)
    place[kept] = np.arange(len(kept))
    group = place[rows.group].astype(np.int32)
    return JudgedGaps(
        _values(rows, group, len(kept), seed),
        _beyond(rows, group, len(kept), seed),
        _rates(rows, names),
        tuple(left),
    )


def _values(
    rows: ScoredRows, group: Any, n_groups: int, seed: int
) -> dict[str, tuple[GapEstimate, GapEstimate, GapEstimate]]:
    sides = (rows.before, rows.after)
    areas = [weighted_auc(rows.truth == 1, s) for s in sides]
    right = [(s >= 0.5) == (rows.truth == 1) for s in sides]

    def of(weight: FloatArray) -> FloatArray:
        found = []
        for s, area, ok in zip(sides, areas, right, strict=True):
            table = count(group, n_groups, rows.truth, s, weight)
            skill = [area(weight), float(weight[ok].sum() / max(weight.sum(), 1e-12))]
            found.append([*(PARITIES[m](table) for m in RATES), *skill])
        two = np.array(found)
        return np.vstack([two, two[1] - two[0]])

    point = of(np.ones(len(rows.truth)))
    draws = bootstrap_statistic(len(rows.truth), stream(seed, "fair", "test"), of)
    out = {}
    for j, name in enumerate(MEASURES):
        three = [
            GapEstimate(float(point[i, j]), *middle(draws[:, i, j], float(point[i, j]))) for i in range(3)
        ]
        out[name] = (three[0], three[1], three[2])
    return out


def _beyond(rows: ScoredRows, group: Any, n_groups: int, seed: int) -> dict[str, tuple[Beyond, Beyond]]:
    out = {}
    for name in RATES:
        two = [
            beyond_chance(count(group, n_groups, rows.truth, s), name, stream(seed, "fair", "chance", name))
            for s in (rows.before, rows.after)
        ]
        out[name] = (two[0], two[1])
    return out


def _rates(rows: ScoredRows, names: Sequence[str]) -> tuple[dict[str, Any], ...]:
    group = np.where(rows.group < 0, len(names), rows.group).astype(np.int32)
    tables = [count(group, len(names), rows.truth, s) for s in (rows.before, rows.after)]
    out = []
    for g, name in enumerate(names):
        cells = tables[0].cells[g].sum(axis=1)
        entry: dict[str, Any] = {"group": name, "negatives": int(cells[0]), "positives": int(cells[1])}
        for side, t in zip(("before", "after"), tables, strict=True):
            entry[side] = {
                "selection": _or_none(t.selection_rate[g]),
                "true_positive": _or_none(t.true_positive_rate[g]),
                "false_positive": _or_none(t.false_positive_rate[g]),
            }
        out.append(entry)
    return tuple(out)


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
