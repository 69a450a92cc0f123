"""Before and after: gaps of labels and of models trained on the rows, and what the repair cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from locum.arrays import FloatArray, IntArray
from locum.evaluation.intervals import middle
from locum.evaluation.metrics.fairness.noise import Beyond
from locum.evaluation.metrics.fairness.rates import difference
from locum.randomness import stream
from locum.studies.fair.judge import GapEstimate, JudgedGaps, judge, score_rows
from locum.studies.fair.setting import Setting

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class FairEvidence:
    """The same measures before and after.

    Attributes
    ----------
    before, after, change
        By measure. ``label_gap``: largest difference between groups in the share of a class, in the rows.
        The others of LightGBM trained on the rows and tested on rows that it has not seen: differences in
        demographic parity, equalised odds, equal opportunity, the area under the ROC curve, and accuracy.
        Intervals: bootstrap of the rows (``label_gap``) or test rows (the others, paired in ``change``);
        that a model trained on other rows would differ is not in them.
    beyond_chance
        By parity, before and after: the gap that is left when what small numbers of test rows make is taken
        out, with its interval, and what equal groups would show (`locum.evaluation.metrics.fairness.noise`).
    groups
        Share of the looked-at class by group, before and after, with the numbers of rows.
    rates
        Models' rates on the test rows by group.
    positive
        The class looked at: the rarer of two, the most frequent of more.
    binary
        Whether there are two classes.
    left_out
        Groups with too few test rows for the models' gaps: listed, not judged.
    """

    before: Mapping[str, GapEstimate]
    after: Mapping[str, GapEstimate]
    change: Mapping[str, GapEstimate]
    beyond_chance: Mapping[str, tuple[Beyond, Beyond]]
    groups: tuple[Mapping[str, Any], ...]
    rates: tuple[Mapping[str, Any], ...]
    positive: str
    binary: bool
    left_out: tuple[str, ...]

    def with_labels_of(self, other: FairEvidence) -> FairEvidence:
        """Models' gaps of this one, labels' gap and shares of the other."""

        def side(
            mine: Mapping[str, GapEstimate], theirs: Mapping[str, GapEstimate]
        ) -> Mapping[str, GapEstimate]:
            return {**mine, "label_gap": theirs["label_gap"]}

        return replace(
            self,
            before=side(self.before, other.before),
            after=side(self.after, other.after),
            change=side(self.change, other.change),
            groups=other.groups,
        )

    @property
    def by_chance(self) -> Mapping[str, float]:
        """Models' gaps that equal groups would show after the repair, by the numbers of test rows alone."""
        return {k: b[1].by_chance for k, b in self.beyond_chance.items() if not np.isnan(b[1].by_chance)}

    def to_json(self) -> dict[str, Any]:
        """All of it, JSON-ready."""
        sides = {
            side: {k: {"value": e.value, "low": e.low, "high": e.high} for k, e in part.items()}
            for side, part in [("before", self.before), ("after", self.after), ("change", self.change)]
        }
        beyond = {
            k: {
                side: {"value": b.value, "low": b.low, "high": b.high}
                for side, b in zip(("before", "after"), two, strict=True)
            }
            for k, two in self.beyond_chance.items()
            if k in self.by_chance
        }
        return {
            **sides,
            "beyond_chance": beyond,
            "by_chance": dict(self.by_chance),
            "groups": [dict(g) for g in self.groups],
            "rates": [dict(r) for r in self.rates],
            "label": self.positive,
            "left_out": list(self.left_out),
        }


def measure(
    before: pa.Table, after: pa.Table, test: pa.Table, setting: Setting, least: int, seed: int
) -> FairEvidence:
    """Compare two tables by the models they make, on the same test rows.

    Groups with fewer than `least` test rows of either outcome are listed and not judged. Cost: two fits of
    100 rounds on at most 40,000 rows each.
    """
    judged = judge(score_rows(before, after, test, setting, seed), setting.labels, least, seed)
    return combine([(before, after)], judged, setting, seed)


def combine(
    tables: Sequence[tuple[pa.Table, pa.Table]], judged: JudgedGaps, setting: Setting, seed: int
) -> FairEvidence:
    """FairEvidence of one or more pairs of tables (folds): label gaps are means over them."""
    gaps = [[_label_gap(t, setting, seed) for t in side] for side in zip(*tables, strict=True)]
    sides = [
        GapEstimate(*np.mean([[e.value, e.low, e.high] for e in part], axis=0).tolist()) for part in gaps
    ]
    values = {
        "label_gap": (*sides, GapEstimate(sides[1].value - sides[0].value, *_difference_interval(*sides)))
    }
    values |= judged.values
    parts = [{k: v[i] for k, v in values.items()} for i in range(3)]
    groups = _groups(tables, setting)
    return FairEvidence(
        parts[0],
        parts[1],
        parts[2],
        judged.beyond,
        groups,
        judged.rates,
        setting.classes[setting.positive],
        len(setting.classes) == 2,
        judged.left_out,
    )


def _difference_interval(a: GapEstimate, b: GapEstimate) -> tuple[float, float]:
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


def _label_gap(table: pa.Table, setting: Setting, seed: int) -> GapEstimate:
    counts = _counts(table, setting)
    total = int(counts.sum())
    draws = stream(seed, "fair", "labels").multinomial(total, counts.reshape(-1) / max(1, total), size=200)
    value = gap_of(counts)
    return GapEstimate(value, *middle(np.array([gap_of(d.reshape(counts.shape)) for d in draws]), value))


def _counts(table: pa.Table, setting: Setting) -> FloatArray:
    return shares(setting.label(table), setting.group(table), len(setting.labels), len(setting.classes))


def _groups(tables: Sequence[tuple[pa.Table, pa.Table]], setting: Setting) -> tuple[dict[str, Any], ...]:
    two = [sum((_counts(t, setting) for t in side), np.zeros(())) for side in zip(*tables, strict=True)]
    return tuple(
        {
            "group": name,
            "before": _share(two[0][:, g], setting.positive),
            "after": _share(two[1][:, g], setting.positive),
            "n_before": int(two[0][:, g].sum()),
            "n_after": int(two[1][:, g].sum()),
        }
        for g, name in enumerate(setting.labels)
    )


def _share(counts: FloatArray, positive: int) -> float | None:
    return float(counts[positive] / counts.sum()) if counts.sum() else None
