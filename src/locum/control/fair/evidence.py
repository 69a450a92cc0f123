"""Before and after: gaps of labels and of models trained on the rows, and what the repair cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from locum.control.fair.relabel import FloatArray, IntArray
from locum.control.fair.setting import Setting
from locum.evidence.boosting import grow
from locum.evidence.views import FeatureView
from locum.metrics.fairness.rates import PARITIES, count, difference, middle, resampled
from locum.metrics.scores import weighted_auc
from locum.randomness import child_seed, stream

if TYPE_CHECKING:
    import pyarrow as pa

#: Test rows of a group, and of either outcome in it, below which its rates are not compared.
LEAST, LEAST_EITHER = 30, 5
#: Shuffles of groups that show what gaps chance makes.
SHUFFLES = 60
#: Rows that models learn from at most.
ROWS = 40_000
#: What is measured, in this order.
MEASURES = ("label_gap", "demographic_parity", "equalized_odds", "equal_opportunity", "auc")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The same measures before and after.

    Attributes
    ----------
    before, after, change
        By measure. ``label_gap``: largest difference between groups in the share of a class, in the rows.
        The others of LightGBM trained on the rows and tested on rows that it has not seen: differences in
        demographic parity, equalised odds, equal opportunity, and the area under the ROC curve.
        Intervals: bootstrap of the rows (``label_gap``) or test rows (the others, paired in ``change``);
        that a model trained on other rows would differ is not in them.
    groups
        Share of the looked-at class by group, before and after, with the numbers of rows.
    positive
        The class looked at: the rarer of two, the most frequent of more.
    left_out
        Groups with too few test rows for the models' gaps.
    by_chance
        What the models' gaps after the repair would be if groups were treated alike, by the numbers of test
        rows alone: the median over test rows whose groups were shuffled (within each class, for odds).
    """

    before: Mapping[str, Estimate]
    after: Mapping[str, Estimate]
    change: Mapping[str, Estimate]
    groups: tuple[Mapping[str, Any], ...]
    positive: str
    left_out: tuple[str, ...]
    by_chance: Mapping[str, float]


def measure(before: pa.Table, after: pa.Table, test: pa.Table, setting: Setting, seed: int) -> Evidence:
    """Compare two tables by the models they make, on the same test rows.

    Cost: two fits of 100 rounds on at most `ROWS` rows each.
    """
    positive = 1 if len(setting.classes) == 2 else 0
    sides = [_label_gap(t, setting, seed) for t in (before, after)]
    values = {"label_gap": (*sides, Estimate(sides[1].value - sides[0].value, *_apart(*sides)))}
    truth, scores, group, kept, left = _tested(before, after, test, setting, positive, seed)
    values |= _model_gaps(truth, scores, group, len(kept), seed)
    parts = [{k: v[i] for k, v in values.items()} for i in range(3)]
    groups = _groups(before, after, setting, positive)
    chance = _by_chance(truth, scores[1], group, len(kept), seed)
    return Evidence(parts[0], parts[1], parts[2], groups, setting.classes[positive], left, chance)


def _apart(a: Estimate, b: Estimate) -> tuple[float, float]:
    """Interval of the difference of two estimates, as if independent (wider than it need be)."""
    down = ((a.high - a.value) ** 2 + (b.value - b.low) ** 2) ** 0.5
    up = ((a.value - a.low) ** 2 + (b.high - b.value) ** 2) ** 0.5
    return b.value - a.value - down, b.value - a.value + up


def shares(label: IntArray, group: IntArray, n_groups: int, n_classes: int) -> FloatArray:
    """Number of rows by class and group; shape (n_classes, n_groups)."""
    ok = (label >= 0) & (group >= 0)
    flat = np.bincount(label[ok] * n_groups + group[ok], minlength=n_classes * n_groups)
    return np.asarray(flat.reshape(n_classes, n_groups), dtype=np.float64)


def gap_of(counts: FloatArray) -> float:
    """Largest difference between groups in the share of any class; 0 with fewer than two groups."""
    rows = counts.sum(axis=0)
    share = counts[:, rows > 0] / rows[rows > 0]
    return max((difference(s) for s in share), default=0.0) if share.shape[1] > 1 else 0.0


def _label_gap(table: pa.Table, setting: Setting, seed: int) -> Estimate:
    n = len(setting.labels)
    counts = shares(setting.label(table), setting.group(table), n, len(setting.classes))
    total = int(counts.sum())
    draws = stream(seed, "fair", "labels").multinomial(total, counts.reshape(-1) / max(1, total), size=200)
    value = gap_of(counts)
    return Estimate(value, *middle(np.array([gap_of(d.reshape(counts.shape)) for d in draws]), value))


def _tested(
    before: pa.Table, after: pa.Table, test: pa.Table, setting: Setting, positive: int, seed: int
) -> tuple[FloatArray, list[FloatArray], IntArray, list[int], tuple[str, ...]]:
    import pyarrow as pa

    columns = [c for c in setting.schema if not c.regenerated and c.name != setting.target]
    names = [c.name for c in columns]
    bound = {d.dependent for d in setting.schema.dependencies if d.determinant == setting.target}
    columns = [c for c in columns if c.name not in bound]
    view = FeatureView.learn(columns, pa.concat_tables([before.select(names), test.select(names)]))
    label, group = setting.label(test), setting.group(test)
    ok = label >= 0
    x, truth, group = view.matrix(test)[ok], (label[ok] == positive).astype(np.float64), group[ok]
    scores = []
    for table in (before, after):
        y, rng = setting.label(table), stream(seed, "fair", "learn")
        rows = rng.permutation(np.flatnonzero(y >= 0))[:ROWS]
        forest = grow(
            view.matrix(table.take(pa.array(rows))), (y[rows] == positive).astype(np.float64), "binary",
            categorical=view.categorical, seed=child_seed(seed, "fair", "judge"),
        )  # fmt: skip
        scores.append(forest.predict(x))
    kept: list[int] = []
    left: list[str] = []
    for g, name in enumerate(setting.labels):
        mine = truth[group == g]
        enough = len(mine) >= LEAST and min(mine.sum(), len(mine) - mine.sum()) >= LEAST_EITHER
        if enough:
            kept.append(g)
        else:
            left.append(name)
    place = np.full(len(setting.labels) + 1, len(kept), dtype=np.int64)
    place[kept] = np.arange(len(kept))
    return truth, scores, place[group], kept, tuple(left)


def _model_gaps(
    truth: FloatArray, scores: list[FloatArray], group: IntArray, n_groups: int, seed: int
) -> dict[str, tuple[Estimate, Estimate, Estimate]]:
    areas = [weighted_auc(truth == 1, s) for s in scores]
    codes = group.astype(np.int32)

    def of(weight: FloatArray) -> FloatArray:
        rows = []
        for s, area in zip(scores, areas, strict=True):
            table = count(codes, n_groups, truth, s, weight)
            rows.append([*(PARITIES[m](table) for m in MEASURES[1:-1]), area(weight)])
        two = np.array(rows)
        return np.vstack([two, two[1] - two[0]])

    point = of(np.ones(len(truth)))
    draws = resampled(len(truth), stream(seed, "fair", "test"), of)
    out = {}
    for j, name in enumerate(MEASURES[1:]):
        three = [Estimate(float(point[i, j]), *middle(draws[:, i, j], float(point[i, j]))) for i in range(3)]
        out[name] = (three[0], three[1], three[2])
    return out


def _by_chance(
    truth: FloatArray, score: FloatArray, group: IntArray, n_groups: int, seed: int
) -> dict[str, float]:
    """Median gaps when groups are shuffled, so that only the numbers of rows make them."""
    if n_groups < 2:
        return {}
    rng = stream(seed, "fair", "shuffle")
    found: dict[str, list[float]] = {name: [] for name in MEASURES[1:-1]}
    for _ in range(SHUFFLES):
        inside, among = group.copy(), rng.permutation(group)
        for y in (0, 1):
            rows = np.flatnonzero(truth == y)
            inside[rows] = rng.permutation(group[rows])
        for name, values in found.items():
            codes = (among if name == "demographic_parity" else inside).astype(np.int32)
            values.append(PARITIES[name](count(codes, n_groups, truth, score)))
    return {name: float(np.median(values)) for name, values in found.items()}


def _groups(before: pa.Table, after: pa.Table, setting: Setting, positive: int) -> tuple[dict[str, Any], ...]:
    n, k = len(setting.labels), len(setting.classes)
    two = [shares(setting.label(t), setting.group(t), n, k) for t in (before, after)]
    return tuple(
        {
            "group": name,
            "before": _share(two[0][:, g], positive),
            "after": _share(two[1][:, g], positive),
            "n_before": int(two[0][:, g].sum()),
            "n_after": int(two[1][:, g].sum()),
        }
        for g, name in enumerate(setting.labels)
    )


def _share(counts: FloatArray, positive: int) -> float | None:
    return float(counts[positive] / counts.sum()) if counts.sum() else None
