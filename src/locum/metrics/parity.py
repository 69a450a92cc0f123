"""Rates of the target per protected group, as they stand in the rows: a plain number, no judgement."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from locum.evidence.cells import level_codes, levels_of, texts
from locum.evidence.result import Result
from locum.evidence.trial import Part, Trial
from locum.metrics.targets import Target, target_of

FloatArray = npt.NDArray[np.float64]

#: Groups with fewer train rows are left out; at most so many groups are shown.
LEAST, MAX_GROUPS = 30, 12


def parity(trial: Trial, protected: tuple[str, ...] | None = None) -> list[Result]:
    """Largest difference between groups in the rate of the target: ``fair.parity.<column>``.

    Taken in the synthetic rows. The rate is that of the rarer class of a two-class target, of the most
    frequent class otherwise. The reference is the difference in the train rows. No verdict: whether a
    difference is fair is not for a number to say. Empty without a protected column of labels or a target of
    classes. `protected` defaults to the schema's.
    """
    protected = trial.schema.protected if protected is None else protected
    if not protected or trial.target is None:
        return []
    target = target_of(trial.schema[trial.target], trial.train.column(trial.target))
    if target is None or target.task == "regression":
        return []
    results = []
    for name in protected:
        if name == trial.target or trial.schema[name].ordered or trial.schema[name].regenerated:
            continue
        results += _gap(trial, target, name)
    return results


def _gap(trial: Trial, target: Target, name: str) -> list[Result]:
    counts: dict[str, FloatArray] = {}
    levels = levels_of(trial.train.column(name))[:MAX_GROUPS]
    parts: tuple[Part, ...] = ("train", "synthetic")
    for part in parts:
        counts[part] = _counts(trial, part, target, name, levels)
    total = counts["train"].sum(0)
    shown = [i for i in range(len(levels)) if total[i] >= LEAST]
    if len(shown) < 2:
        return []
    rates = {
        part: [float(c[1, i] / c[:, i].sum()) if c[:, i].sum() else None for i in shown]
        for part, c in counts.items()
    }
    real, synthetic = (_width(rates[part]) for part in ("train", "synthetic"))
    label = _label(target)
    return [
        Result(
            name=f"fair.parity.{name}",
            title=f"Rate of {target.column} = {label} by {name}",
            question="fair",
            value=synthetic,
            direction="lower",
            reference=real,
            sentence=(
                f"The share of rows with {target.column!r} = {label!r} differs between groups of {name!r} "
                f"by up to {100 * synthetic:.1f} points in the synthetic table and by {100 * real:.1f} in "
                "the real one."
            ),
            detail={
                "groups": [
                    {
                        "group": levels[i],
                        "real": rates["train"][k],
                        "synthetic": rates["synthetic"][k],
                        "n": int(total[i]),
                    }
                    for k, i in enumerate(shown)
                ]
            },
        )
    ]


def _label(target: Target) -> str:
    # Classes are ordered by frequency in train.
    return target.classes[1] if target.n_classes == 2 and len(target.classes) == 2 else target.classes[0]


def _counts(trial: Trial, part: Part, target: Target, name: str, levels: tuple[str, ...]) -> FloatArray:
    table = trial.rows(part)
    y = target.values(table)
    group = level_codes(texts(table.column(name)), levels)
    hit = y == target.classes.index(_label(target))
    ok = ~np.isnan(y) & (group < len(levels))
    out = np.zeros((2, len(levels)))
    for k in (0, 1):
        out[k] = np.bincount(group[ok & (hit == bool(k))], minlength=len(levels))[: len(levels)]
    return out


def _width(rates: list[float | None]) -> float:
    known = [r for r in rates if r is not None]
    return max(known) - min(known) if known else 0.0
