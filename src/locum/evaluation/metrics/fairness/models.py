"""Model parity: how models trained on synthetic and on real rows treat groups of real hold-out rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from locum.arrays import FloatArray, Int32Array
from locum.evaluation.claim import Claim, normal_tail
from locum.evaluation.groups import LEAST, Grouping, groupings
from locum.evaluation.intervals import Z95, bootstrap_statistic, middle
from locum.evaluation.metrics.fairness.data import classes_of, label_of, positive
from locum.evaluation.metrics.fairness.rates import PARITIES, GroupCounts, count
from locum.evaluation.registry import result_of
from locum.evaluation.result import Result
from locum.evaluation.scores import Weighted, weighted_auc
from locum.evaluation.target import TargetColumn, learn
from locum.evaluation.trial import Trial, thin
from locum.randomness import child_seed, stream

if TYPE_CHECKING:
    import pyarrow as pa


#: Rows to learn from and to test on at most.
ROWS, TEST_ROWS = 40_000, 15_000
#: Models trained on rows drawn again, and the 97.5 % point of Student's law with one less degrees of freedom.
AGAIN, STUDENT = 4, 3.182
#: Rows that each of these learns from at most; the spread of its rates is scaled to all rows.
AGAIN_ROWS = 8_000
#: Positives and negatives that a group must have among the test rows for its odds to be measured.
LEAST_EITHER = 5
#: Parities whose change for the worse speaks against a stand-in; the others say the same in other words.
CLAIMED = ("demographic_parity", "equalized_odds")

#: Of each parity its title, and what is compared.
TITLES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "demographic_parity": ("Demographic parity difference", "the share of rows given the label"),
        "demographic_parity_ratio": ("Demographic parity ratio", "the share of rows given the label"),
        "equalized_odds": ("Equalised odds difference", "the share of right or of false alarms"),
        "equal_opportunity": ("Equal opportunity difference", "the share of labelled rows that are found"),
        "calibration": ("Calibration difference", "the distance between predicted chance and frequency"),
    }
)


@dataclass(frozen=True, eq=False)
class ModelPredictions:
    """Predictions of both models for the same test rows.

    Attributes
    ----------
    truth
        1 where the row has the label; shape (n,).
    synthetic, real
        Chance of the label by the model trained on synthetic and on real rows; shape (n,).
    again
        The same by models trained on real rows drawn again, `AGAIN` of them: how much chance in the rows to
        learn from moves a model.
    test
        The rows.
    scale
        What turns the spread of the rates of `again` into that of models of all rows.
    """

    target: TargetColumn
    truth: FloatArray
    synthetic: FloatArray
    real: FloatArray
    again: tuple[FloatArray, ...]
    test: Any
    scale: float = 1.0


def predict_both(trial: Trial, rows: int = ROWS, test_rows: int = TEST_ROWS) -> ModelPredictions | None:
    """Train both models, equally many rows each; None without a target of classes or test rows."""
    target = classes_of(trial)
    if target is None or len(trial.columns) < 2:
        return None
    test = trial.sample("test", test_rows, "fairness")
    y = target.values(test)
    ok = ~np.isnan(y)
    if not ok.any():
        return None
    test, y = test.filter(ok), y[ok]
    n = min(trial.learning.num_rows, trial.synthetic.num_rows, trial.budget(rows, rows // 6))
    x = trial.features.matrix(test)

    def scored(table: pa.Table, name: str) -> FloatArray:
        seed = child_seed(trial.seed, "utility", target.column, f"fair {name}")
        p = learn(trial, target, trial.features.matrix(table), target.values(table), x, seed=seed)
        return np.asarray(p if p.ndim == 1 else p[:, positive(target)], dtype=np.float64)

    parts = {"synthetic": trial.synthetic, "learning": trial.learning}
    rows_of = {k: thin(t, n, stream(trial.seed, "metrics", "fairness", k)) for k, t in parts.items()}
    synthetic, real = (scored(t, k) for k, t in rows_of.items())
    again = []
    size = min(n, AGAIN_ROWS)
    for k in range(AGAIN):
        drawn = stream(trial.seed, "metrics", "fairness", "again", k).integers(n, size=size)
        again.append(scored(rows_of["learning"].take(drawn), f"again {k}"))
    return ModelPredictions(
        target,
        (y == positive(target)).astype(np.float64),
        synthetic,
        real,
        tuple(again),
        test,
        math.sqrt(size / max(1, n)),
    )


def model_parity(trial: Trial, *, known: ModelPredictions | None = None) -> list[Result]:
    """How far models treat groups apart: ``fair.model.<columns>.<parity>`` for each parity, never averaged.

    LightGBM with default settings predicts the target, once from synthetic and once from as many real rows;
    both are tested on the same hold-out rows, a chance of 0.5 up counting as the label. Value: largest
    difference between groups (or smallest ratio), of the model trained on synthetic rows, with a bootstrap
    interval over the test rows; reference: of the model trained on real rows. Parities as in fairlearn:
    demographic parity difference and ratio, equalised odds (worst of true- and false-positive rate), equal
    opportunity, and the difference in calibration error over ten bins. Groups: `groupings`; test groups with
    fewer than `LEAST` rows or `LEAST_EITHER` of either outcome are left out and named.

    Claims: the change for the worse against real rows, not the difference itself, of `CLAIMED` parities, and
    what the worst group loses more than the others. Chance is that of the test rows (paired bootstrap) and
    that of the rows to learn from (spread of `AGAIN` models of bootstrapped real rows, twice, Student's law);
    the interval of the value holds the first only.
    Also given,
    ``fair.amplification.<columns>``: the difference in demographic parity of the predictions less that of the
    labels, and ``fair.utility.<columns>``: the largest loss in area under the ROC curve of any group.
    Cost: six fits, and 200 resamplings a grouping.
    """
    if not (trial.schema.protected and trial.target):
        return []
    found, left = groupings(trial)
    known = known or (predict_both(trial) if found else None)
    if known is None:
        return []
    results: list[Result] = []
    for grouping in found:
        results += _of(trial, known, grouping, left)
    return results


def _of(trial: Trial, known: ModelPredictions, grouping: Grouping, left: list[str]) -> list[Result]:
    group = grouping.codes(known.test)
    labels, group, thin_groups = _enough(group, known.truth, grouping.labels)
    if len(labels) < 2:
        return []
    g, rng = len(labels), stream(trial.seed, "metrics", "fairness", grouping.name)

    def area(scores: FloatArray) -> list[Weighted]:
        return [weighted_auc(known.truth[group == i] == 1, scores[group == i]) for i in range(g)]

    areas = [area(s) for s in (known.synthetic, known.real)]

    def of(scores: FloatArray, area: list[Weighted], weight: FloatArray) -> FloatArray:
        t = count(group, g, known.truth, scores, weight)
        skill = np.array([a(weight[group == i]) for i, a in enumerate(area)])
        parities = np.array([f(t) for f in PARITIES.values()])
        return np.concatenate([parities, *(getattr(t, name) for name in RATE_NAMES), skill, [_gap(t)]])

    def both(weight: FloatArray) -> FloatArray:
        sides = zip((known.synthetic, known.real), areas, strict=True)
        return np.array([of(s, a, weight) for s, a in sides])

    point = both(np.ones(len(group)))
    draws = bootstrap_statistic(len(group), rng, both)
    ones = np.ones(len(group))
    # Two models differ by the chance of both; each has seen rows of its own.
    noise = (
        known.scale
        * STUDENT
        * math.sqrt(2)
        * np.std([of(s, area(s), ones) for s in known.again], axis=0, ddof=1)
    )
    notes = [*left, *thin_groups]
    view = _View(trial, known, grouping, labels, group, point, draws, noise, notes)
    return [*(view.parity(name) for name in PARITIES), view.amplification(), view.utility()]


RATE_NAMES = (
    "base_rate",
    "selection_rate",
    "true_positive_rate",
    "false_positive_rate",
    "accuracy",
    "calibration_error",
)


def _gap(t: GroupCounts) -> float:
    """Demographic parity difference of predictions less that of labels."""
    return PARITIES["demographic_parity"](t) - float(np.ptp(t.base_rate[~np.isnan(t.base_rate)]))


def _enough(
    group: Int32Array, truth: FloatArray, labels: tuple[str, ...]
) -> tuple[tuple[str, ...], Int32Array, list[str]]:
    """Groups with enough test rows, renumbered; the others are named."""
    g = len(labels)
    rows = np.bincount(group, minlength=g + 1)[:g]
    hits = np.bincount(group, weights=truth, minlength=g + 1)[:g]
    ok = (rows >= LEAST) & (np.minimum(hits, rows - hits) >= LEAST_EITHER)
    place = np.full(g + 1, int(ok.sum()), dtype=np.int32)
    place[:g][ok] = np.arange(int(ok.sum()))
    left = [f"{labels[i]!r} has too few test rows of either outcome ({rows[i]})" for i in np.flatnonzero(~ok)]
    return tuple(labels[i] for i in np.flatnonzero(ok)), np.asarray(place[group]), left


@dataclass(frozen=True, eq=False)
class _View:
    """Numbers of one grouping, and the results made of them. `point` and `draws`: side, then statistic."""

    trial: Trial
    known: ModelPredictions
    grouping: Grouping
    labels: tuple[str, ...]
    group: Int32Array
    point: FloatArray
    draws: FloatArray
    noise: FloatArray
    notes: list[str]

    def widened(self, interval: tuple[float, float], value: float, at: int) -> tuple[float, float]:
        """An interval of a change, widened by the chance in the rows to learn from."""
        low, high = interval
        return (
            value - math.hypot(value - low, float(self.noise[at])),
            value + math.hypot(high - value, float(self.noise[at])),
        )

    def parity(self, name: str) -> Result:
        i = list(PARITIES).index(name)
        value, reference = float(self.point[0, i]), float(self.point[1, i])
        low, high = middle(self.draws[:, 0, i], value)
        higher = name.endswith("ratio")
        sign = -1.0 if higher else 1.0
        change = sign * (value - reference)
        ends = self.widened(middle(sign * (self.draws[:, 0, i] - self.draws[:, 1, i]), change), change, i)
        _, what = TITLES[name]
        said = (
            f"Between groups of {self.grouping.name!r} {what} ({self.known.target.column!r} = "
            f"{label_of(self.known.target)!r}) differs by up to {100 * value:.1f} points for a model trained "
            f"on synthetic rows and by {100 * reference:.1f} for one trained on real rows"
        )
        if higher:
            said = (
                f"The group of {self.grouping.name!r} that is given the label least often gets it "
                f"{100 * value:.0f} % as often as the one most often, by a model trained on synthetic rows; "
                f"{100 * reference:.0f} % by one trained on real rows"
            )
        return self._result(
            f"model.{self.grouping.name}.{name}",
            said,
            {
                "change": change,
                "change_low": ends[0],
                "change_high": ends[1],
                "parity": name,
                "groups": self.by_group(),
            },
            value=value,
            low=low,
            high=high,
            reference=reference,
            claims=(_claim(change, ends, self.grouping.name),) if name in CLAIMED else (),
            direction="higher" if higher else "lower",
        )

    def by_group(self) -> list[dict[str, object]]:
        """Every rate of every group with its interval, for both models."""
        g, first = len(self.labels), len(PARITIES)
        rows = np.bincount(self.group, minlength=g + 1)[:g]
        out: list[dict[str, object]] = []
        for i, label in enumerate(self.labels):
            entry: dict[str, object] = {"group": label, "n": int(rows[i])}
            for side, who in enumerate(("synthetic", "real")):
                rates: dict[str, object] = {}
                for k, name in enumerate((*RATE_NAMES, "auc")):
                    at = first + k * g + i
                    value = float(self.point[side, at])
                    low, high = middle(self.draws[:, side, at], value)
                    rates[name] = {"value": value, "low": low, "high": high}
                entry[who] = rates
            out.append(entry)
        return out

    def amplification(self) -> Result:
        value, reference = float(self.point[0, -1]), float(self.point[1, -1])
        low, high = middle(self.draws[:, 0, -1], value)
        change = value - reference
        ends = self.widened(middle(self.draws[:, 0, -1] - self.draws[:, 1, -1], change), change, -1)
        more = "more" if value >= 0 else "less"
        said = (
            f"A model trained on synthetic rows sets groups of {self.grouping.name!r} apart by "
            f"{abs(100 * value):.1f} points {more} than the true labels do; one trained on real rows by "
            f"{100 * reference:+.1f}"
        )
        return self._result(
            f"amplification.{self.grouping.name}",
            said,
            {"change": change, "change_low": ends[0], "change_high": ends[1]},
            value=value,
            low=low,
            high=high,
            reference=reference,
        )

    def utility(self) -> Result:
        g = len(self.labels)
        loss = self.point[1, -1 - g : -1] - self.point[0, -1 - g : -1]
        worst = int(loss.argmax())
        losses = self.draws[:, 1, -1 - g : -1] - self.draws[:, 0, -1 - g : -1]
        value = float(loss[worst])
        ends = [
            self.widened(middle(losses[:, i], float(loss[i])), float(loss[i]), -1 - g + i) for i in range(g)
        ]
        low, high = ends[worst]
        # Against the others: what all groups lose alike is for usefulness to say.
        others = [i for i in range(g) if i != worst]
        gap, gaps = value - float(loss[others].mean()), losses[:, worst] - losses[:, others].mean(axis=1)
        noise = math.hypot(float(self.noise[-1 - g + worst]), float(self.noise[-1 - g + others[0]]))
        least, most = middle(gaps, gap)
        span = (gap - math.hypot(gap - least, noise), gap + math.hypot(most - gap, noise))
        said = (
            f"Training on synthetic rows costs group {self.labels[worst]!r} most: {value:.3f} points of AUC; "
            f"the least affected group {float(loss.min()):.3f}"
        )
        groups = [
            {
                "group": label,
                "n": int((self.group == i).sum()),
                "synthetic": float(self.point[0, -1 - g + i]),
                "real": float(self.point[1, -1 - g + i]),
                "loss": float(loss[i]),
                "loss_low": ends[i][0],
                "loss_high": ends[i][1],
            }
            for i, label in enumerate(self.labels)
        ]
        return self._result(
            f"utility.{self.grouping.name}",
            said,
            {"groups": groups},
            value=value,
            low=low,
            high=high,
            reference=0.0,
            claims=(_claim(gap, span, self.labels[worst], g),),
        )

    def _result(self, name: str, sentence: str, detail: dict[str, object], **measured: Any) -> Result:
        shared = {
            "grouping": list(self.grouping.columns),
            "target": self.known.target.column,
            "label": label_of(self.known.target),
            "left_out": self.notes,
        }
        words = {"groups": self.grouping.name, "parity": TITLES.get(str(detail.get("parity")), ("",))[0]}
        said = sentence + "." + self.trial.seen_note
        return result_of(f"fair.{name}", sentence=said, words=words, detail=shared | detail, **measured)


def _claim(change: float, interval: tuple[float, float], of: str, among: int = 1) -> Claim:
    """A change for the worse; the interval holds the chance of test rows and of rows to learn from."""
    low, high = interval
    p = normal_tail(change / max((high - low) / (2 * Z95), 1e-9))
    return Claim("points", change, low, high, p, of, among)
