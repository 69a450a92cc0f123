"""Single columns: total variation over cells, and the Kolmogorov-Smirnov distance of ordered ones."""

from __future__ import annotations

import numpy as np

from locum.arrays import FloatArray
from locum.evaluation.joints import size_factor, total_variation, worst
from locum.evaluation.learn.cells import numeric
from locum.evaluation.registry import result_of
from locum.evaluation.result import Result
from locum.evaluation.thresholds import root_factor
from locum.evaluation.trial import Trial
from locum.wording import percent


def column_distances(trial: Trial) -> tuple[FloatArray, FloatArray]:
    """Total variation train-synthetic and its reference for each compared column; shapes (n_columns,).

    The reference is what fresh real rows, as many as the synthetic ones, are expected to score: the measured
    distance of the hold-out times `size_factor`.
    """
    singles = [(i,) for i in range(len(trial.columns))]
    value, reference = np.zeros(len(singles)), np.zeros(len(singles))
    for i, subset in enumerate(singles):
        shares = trial.grid.shares(subset)
        value[i] = total_variation(shares["train"], shares["synthetic"])
        reference[i] = total_variation(shares["learning"], shares["test"])
    return value, np.minimum(reference * size_factor(trial.grid, singles), 1.0)


def shapes(trial: Trial) -> list[Result]:
    """How well each column's distribution is kept: ``tv.1way`` and ``ks``.

    ``tv.1way`` is the mean total variation distance between train and synthetic over the cells of
    `Trial.cuts` (0 equal, 1 nothing in common); ``ks`` the mean largest gap of the distribution functions of
    ordered columns, missing values left out. Both references are expected values of a fresh sample as long as
    the synthetic table. There is no floor: independent columns keep their shapes.
    """
    if not trial.columns:
        return []
    names = [c.name for c in trial.columns]
    value, reference = column_distances(trial)
    has_test = trial.test.num_rows > 0
    mean, fresh = float(value.mean()), float(reference.mean()) if has_test else None
    top = worst(names, value - reference, 3)
    results = [
        result_of(
            "tv.1way",
            mean,
            f"On average {percent(mean)} of a column's rows would have to change value for the column to "
            f"look like the real one{trial.versus(fresh)}; furthest off is {top[0][0]!r}.",
            reference=fresh,
            detail={
                "columns": [
                    {"column": n, "tv": float(v), "reference": float(r) if has_test else None}
                    for n, v, r in zip(names, value, reference, strict=True)
                ]
            },
        )
    ]
    return results + _ks(trial)


def _ks(trial: Trial) -> list[Result]:
    ordered = [c.name for c in trial.columns if c.ordered]
    rows = []
    for name in ordered:
        parts = {
            p: _known(numeric(trial.rows(p).column(name))) for p in ("train", "learning", "test", "synthetic")
        }
        if not len(parts["train"]):
            continue
        reference = ks_distance(parts["learning"], parts["test"])
        scale = root_factor(*(len(parts[p]) for p in ("train", "synthetic", "learning", "test")))
        reference = None if reference is None or scale is None else reference * scale
        value = ks_distance(parts["train"], parts["synthetic"])
        # A column with no known value left has lost all of its distribution.
        rows.append({"column": name, "ks": 1.0 if value is None else value, "reference": reference})
    if not rows:
        return []
    mean = float(np.mean([r["ks"] for r in rows]))
    known = [r["reference"] for r in rows if isinstance(r["reference"], float)]
    fresh = float(np.mean(known)) if known else None
    top = max(rows, key=lambda r: float(r["ks"] or 0.0))  # type: ignore[arg-type]
    return [
        result_of(
            "ks",
            mean,
            "The largest gap between the real and the synthetic distribution of a numeric or time column "
            f"is {percent(mean)} on average{trial.versus(fresh)}; it is largest for {top['column']!r}.",
            reference=fresh,
            detail={"columns": rows},
        )
    ]


def ks_distance(a: FloatArray, b: FloatArray) -> float | None:
    """Largest gap between two empirical distribution functions; None when either side is empty."""
    if not len(a) or not len(b):
        return None
    a, b = np.sort(a), np.sort(b)
    at = np.concatenate([a, b])
    gap = np.searchsorted(a, at, "right") / len(a) - np.searchsorted(b, at, "right") / len(b)
    return float(np.abs(gap).max())


def _known(values: FloatArray) -> FloatArray:
    return values[~np.isnan(values)]
