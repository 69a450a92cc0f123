"""Data parity: rates of the target per protected group, as they stand in the rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from locum.arrays import FloatArray
from locum.evaluation.claim import Claim, normal_tail
from locum.evaluation.groups import Grouping, groupings
from locum.evaluation.intervals import Z95, middle
from locum.evaluation.metrics.fairness.rates import difference, ratio
from locum.evaluation.registry import result_of
from locum.evaluation.result import Result
from locum.evaluation.target import TargetColumn, target_of
from locum.evaluation.trial import Trial
from locum.randomness import stream

#: Bootstrap repeats, and pseudo-rows of either kind a group for the smoothed differential fairness.
REPEATS, SMOOTH = 200, 1.0


@dataclass(frozen=True, slots=True)
class Rated:
    """Rows with and without the label by group, in one table; shape (2, n_groups)."""

    counts: FloatArray

    @property
    def rates(self) -> FloatArray:
        """Share with the label by group, NaN without rows."""
        rows = self.counts.sum(axis=0)
        out = np.full(len(rows), np.nan)
        return np.asarray(np.divide(self.counts[1], rows, out=out, where=rows > 0))

    @property
    def differential(self) -> float:
        """Largest log ratio of smoothed rates of either outcome between two groups.

        Smoothed empirical differential fairness (Foulds et al., ICDE 2020).
        """
        smoothed = (self.counts + SMOOTH) / (self.counts.sum(axis=0) + 2 * SMOOTH)
        logs = np.log(smoothed)
        return float((logs.max(axis=1) - logs.min(axis=1)).max())


def parity(trial: Trial, protected: tuple[str, ...] | None = None) -> list[Result]:
    """Largest difference between groups in the rate of the target: ``fair.parity.<columns>``.

    Taken in the synthetic rows, with a bootstrap interval; the reference is the difference in the train rows.
    The rate is that of the rarer class of a two-class target, of the most frequent class otherwise. The
    detail holds the ratio, smoothed differential fairness, both tables' rates by group, and what was left
    out. One result for each protected column, each pair of them and all of them (`groupings`). Whether a
    difference is fair is not for a number to say. Claims: that the rate of a group is another than in the
    train rows, group by group, less the change of all rows (two-proportion test). Empty without protected
    columns or a target of classes.
    """
    target = classes_of(trial)
    if target is None:
        return []
    found, left = groupings(trial, protected)
    results = [_gap(trial, target, grouping, left) for grouping in found]
    return [r for r in results if r is not None]


def classes_of(trial: Trial) -> TargetColumn | None:
    """The target if it has classes, else None."""
    if trial.target is None:
        return None
    target = target_of(trial.schema[trial.target], trial.train.column(trial.target))
    return None if target is None or target.task == "regression" else target


def positive(target: TargetColumn) -> int:
    """The class whose rate is looked at: the rarer of two, the most frequent of more.

    Classes are ordered by frequency in train.
    """
    return 1 if target.n_classes == 2 else 0


def label_of(target: TargetColumn) -> str:
    """Name of that class."""
    k = positive(target)
    return target.classes[k] if k < len(target.classes) else "any other"


def _count(trial: Trial, part: str, target: TargetColumn, grouping: Grouping) -> Rated:
    table = getattr(trial, part)
    y, group = target.values(table), grouping.codes(table)
    ok = ~np.isnan(y) & (group < len(grouping.labels))
    hit = (y == positive(target)).astype(np.int64)
    n = len(grouping.labels)
    counts = np.bincount((hit * n + group)[ok], minlength=2 * n).reshape(2, n)
    return Rated(counts.astype(np.float64))


def _gap(trial: Trial, target: TargetColumn, grouping: Grouping, left: list[str]) -> Result | None:
    real, fake = (_count(trial, part, target, grouping) for part in ("train", "synthetic"))
    value, reference = difference(fake.rates), difference(real.rates)
    if np.isnan(value) or np.isnan(reference):
        return None
    rng = stream(trial.seed, "metrics", "parity", grouping.name)
    draws = _redraw(fake.counts, rng)
    low, high = middle(np.array([difference(Rated(c).rates) for c in draws]), value)
    label = label_of(target)
    return result_of(
        f"fair.parity.{grouping.name}",
        value,
        f"The share of rows with {target.column!r} = {label!r} differs between groups of "
        f"{grouping.name!r} by up to {100 * value:.1f} points in the synthetic table and by "
        f"{100 * reference:.1f} in the real one.",
        words={"target": target.column, "label": label, "groups": grouping.name},
        low=low,
        high=high,
        reference=reference,
        claims=_claims(grouping, real, fake),
        detail={
            "grouping": list(grouping.columns),
            "ratio": _or_none(ratio(fake.rates)),
            "ratio_real": _or_none(ratio(real.rates)),
            "differential": fake.differential,
            "differential_real": real.differential,
            "groups": _by_group(grouping, real, fake, draws),
            "left_out": left,
        },
    )


def _claims(grouping: Grouping, real: Rated, fake: Rated) -> tuple[Claim, ...]:
    """For each group how far its rate has moved against that of the other groups, either way."""
    out = []
    sides = [(r.counts[1], r.counts.sum(axis=0)) for r in (real, fake)]
    for i, label in enumerate(grouping.labels):
        moved, variance = 0.0, 0.0
        for (hits, rows), sign in zip(sides, (-1.0, 1.0), strict=True):
            others = rows.sum() - rows[i]
            if not rows[i] or not others:
                break
            for k, n, way in ((hits[i], rows[i], sign), (hits.sum() - hits[i], others, -sign)):
                share = (k + 0.5) / (n + 1)
                moved += way * float(k / n)
                variance += float(share * (1 - share) / n)
        else:
            error = float(np.sqrt(variance))
            p = min(1.0, 2 * normal_tail(abs(moved) / error))
            size = abs(moved)
            out.append(Claim("points", size, size - Z95 * error, size + Z95 * error, p, label))
    return tuple(out)


def _redraw(counts: FloatArray, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Bootstrap of the rows behind the counts: a multinomial draw; shape (repeats, 2, n_groups)."""
    total = counts.sum()
    flat = rng.multinomial(int(total), counts.reshape(-1) / total, size=REPEATS)
    return flat.reshape(REPEATS, *counts.shape)


def _by_group(
    grouping: Grouping, real: Rated, fake: Rated, draws: npt.NDArray[np.int64]
) -> list[dict[str, object]]:
    rates = np.array([Rated(c.astype(np.float64)).rates for c in draws])
    out: list[dict[str, object]] = []
    for i, label in enumerate(grouping.labels):
        value = _or_none(float(fake.rates[i]))
        low, high = (None, None) if value is None else middle(rates[:, i], value)
        out.append(
            {
                "group": label,
                "real": _or_none(float(real.rates[i])),
                "synthetic": value,
                "low": low,
                "high": high,
                "n": int(real.counts[:, i].sum()),
                "n_synthetic": int(fake.counts[:, i].sum()),
            }
        )
    return out


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
